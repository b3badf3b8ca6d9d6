"""All figures of the area, one after the other."""

from collections.abc import Sequence

from bench.figures import Figure
from bench.stock import compare, fanout, flash, hot, snapshot, web
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


async def flash_sale() -> Sequence[Figure]:
    """The whole sale."""
    with _shown() as progress:
        return await flash.flash(flash.FULL_S, progress)


async def long_snapshot(seconds: float) -> Sequence[Figure]:
    """Ten minutes of it."""
    with _shown() as progress:
        return await snapshot.snapshots(seconds, progress, held_s=snapshot.FULL_S)


async def stock(rounds: int, seconds: float, *, write: bool) -> Sequence[Figure]:
    """Measure them with progress on the screen."""
    with _shown() as progress:
        return [
            *await hot.reservations(rounds, seconds, progress),
            *await web.over_http(rounds, seconds, progress),
            *await compare.side_by_side(rounds, seconds, progress, write=write),
            *await flash.flash(max(flash.SHORT_S, seconds), progress),
            *await fanout.fanout(seconds, progress),
            *await snapshot.snapshots(seconds, progress, held_s=max(snapshot.HELD_S, seconds * 2 * rounds)),
        ]


def _shown() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    return Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True))
