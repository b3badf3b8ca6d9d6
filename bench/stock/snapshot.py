"""One hot SKU while another session holds a snapshot open, as a report or a backup does.

What a snapshot may still see is kept for its own database only, so that two databases of one server can be measured in
turns: the one with the snapshot ages, the other does not.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from statistics import median
from typing import Final, NamedTuple

from bench.figures import Figure, compared
from bench.stock import shop
from bench.stock.shop import Shop
from rich.progress import Progress

HELD_S: Final = 60.0
"""How long the snapshot is held when nobody asks for longer."""
FULL_S: Final = 600.0
LAST: Final = 3
"""What ages shows at the end: the last third of the rounds is compared."""


class Case(NamedTuple):
    """What is done to the hot item."""

    name: str
    what: str
    work: shop.Work


CASES: Final = (
    Case("stock.snapshot", "allocations", shop.allocate),
    Case("stock.snapshot_holds", "holds, half of them lapse, half are committed", shop.hold),
)


async def snapshots(seconds: float, progress: Progress, *, held_s: float = HELD_S) -> Sequence[Figure]:
    """`stock.snapshot` for allocations, and for holds that lapse or are committed."""
    return [await figure(case, seconds, progress, held_s) for case in CASES]


async def figure(case: Case, seconds: float, progress: Progress, held_s: float) -> Figure:
    """One of them."""
    name, what, work = case
    rounds = max(LAST, round(held_s / (2 * seconds)))
    task = progress.add_task(f"{what} under a snapshot", total=2 * rounds)
    rates: dict[str, list[float]] = {"held": [], "free": []}
    async with shop.shops("held", "free") as shops:
        sides = dict(zip(rates, shops, strict=True))
        for each in shops:
            await work(each, 1.0)
        async with _held_open(sides["held"]):
            for number in range(rounds):
                for side in ("held", "free") if number % 2 == 0 else ("free", "held"):
                    rates[side].append(await work(sides[side], seconds))
                    progress.advance(task)
    last = -(-rounds // LAST)
    first = median(one / other for one, other in zip(rates["held"][:last], rates["free"][:last], strict=True))
    return compared(
        name,
        rates["held"][-last:],
        rates["free"][-last:],
        goal=0.90,
        unit="reservations/s",
        note=f"{what}; the last third of {held_s:.0f} s under a snapshot ÷ without one (the first third: {first:.2f})",
    )


@asynccontextmanager
async def _held_open(side: Shop) -> AsyncIterator[None]:
    """Somebody looks at everything as it was at one moment, and takes a long time over it."""
    async with side.database.snapshot() as tx:
        await tx.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        await tx.execute("SELECT count(*) FROM inventory.position")
        yield
