"""`./crossdock bench AREA [--json]` measures against the goals; `./crossdock soak NAME [--cycles N]` runs long, with faults."""

import asyncio
import sys
from enum import StrEnum

from bench.figures import show
from bench.intake import intake
from cyclopts import App

app = App(name="crossdock", help="Measure the hub, side by side and interleaved.")


class Area(StrEnum):
    """What can be measured."""

    INTAKE = "intake"


@app.command(name="bench")
def measure(area: Area, *, rounds: int = 5, seconds: float = 3.0, json: bool = False) -> int:
    """Measure one area; exit code 1 when a goal is missed.

    Args:
        area: What to measure.
        rounds: How often each side is measured.
        seconds: How long each run takes.
        json: Print a list for machines.
    """
    figures = asyncio.run(intake(rounds, seconds))
    show(figures, as_json=json)
    return 0 if all(figure.holds is not False for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(app(result_action="return_value"))
