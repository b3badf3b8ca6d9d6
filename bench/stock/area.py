"""All figures of the area, one after the other."""

from collections.abc import Sequence

from bench.figures import Figure
from bench.stock import hot, web
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


async def stock(rounds: int, seconds: float) -> Sequence[Figure]:
    """Measure them with progress on the screen."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        return [
            *await hot.reservations(rounds, seconds, progress),
            *await web.over_http(rounds, seconds, progress),
        ]
