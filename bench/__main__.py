"""`./crossdock bench AREA [--json]` measures against the goals; `./crossdock soak NAME [--cycles N]` runs long, with faults."""

import asyncio
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, assert_never

from bench import idle, intake, soak
from bench.figures import Figure, show
from bench.stock.area import flash_sale, long_snapshot, stock
from cyclopts import App

PHASE_S: Final = 5.0
"""How long one side is measured before the other has its turn."""
app = App(name="crossdock", help="Measure the hub, side by side and interleaved; run it long, with faults.")


class Area(StrEnum):
    """What can be measured."""

    INTAKE = "intake"
    IDLE = "idle"
    STOCK = "stock"


class Ordeal(StrEnum):
    """What can be run long."""

    CRASH = "crash"
    FLASH = "flash"
    SNAPSHOT = "snapshot"


@app.command(name="bench")
def measure(area: Area, *, rounds: int = 5, seconds: float = 3.0, json: bool = False, write: bool = False) -> int:
    """Measure one area; exit code 1 when a goal is missed.

    Args:
        area: What to measure.
        rounds: How often each side is measured; medians are shown.
        seconds: How long each run takes.
        json: Print a list for machines.
        write: Write the page and the chart that compare (stock) into docs/explanation.
    """
    match area:
        case Area.INTAKE:
            figures = asyncio.run(intake.intake(rounds, seconds))
        case Area.IDLE:
            figures = asyncio.run(idle.idle(rounds, seconds * 10))
        case Area.STOCK:
            figures = asyncio.run(stock(rounds, seconds, write=write))
        case _:
            assert_never(area)
    show(figures, as_json=json)
    return _code(figures)


@app.command(name="soak")
def run_long(name: Ordeal, *, cycles: int = 20, seed: int = 1, json: bool = False) -> int:
    """Run with faults; exit code 1 when a promise was broken.

    Args:
        name: Which faults.
        cycles: How many of them (crash).
        seed: Which moments and victims chance chooses (crash).
        json: Print a list for machines.
    """
    match name:
        case Ordeal.CRASH:
            figures = asyncio.run(soak.crash(cycles, seed))
        case Ordeal.FLASH:
            figures = asyncio.run(flash_sale())
        case Ordeal.SNAPSHOT:
            figures = asyncio.run(long_snapshot(PHASE_S))
        case _:
            assert_never(name)
    show(figures, as_json=json)
    return _code(figures)


def _code(figures: Sequence[Figure]) -> int:
    return 1 if any(figure.holds is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(app(result_action="return_value"))
