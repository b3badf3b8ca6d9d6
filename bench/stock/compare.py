"""One hot SKU, side by side with what people would pick: the plain patterns of SQL, and Medusa's inventory module."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from bench.chart import Bar, bars
from bench.cluster import contenders
from bench.figures import Figure
from bench.stock import medusa, patterns, shop
from bench.stock.patterns import PATTERNS, Pattern
from rich.progress import Progress

from crossdock.canonical.base import Sku
from crossdock.foundation.db import Database

FEW: Final = 100
WISHES: Final = 400
PAGE: Final = Path(__file__).parents[2] / "docs" / "explanation" / "side-by-side.md"
CHART: Final = PAGE.with_suffix(".svg")
RARE: Final = Sku("RARE")


@dataclass(slots=True)
class Way:
    """One way to reserve, and what was measured."""

    name: str
    title: str
    rate: Callable[[float], Awaitable[float]]
    sold: Callable[[], Awaitable[int]]
    """How many of few units it sells."""
    rates: list[float] = field(default_factory=list)
    got: int = 0

    @property
    def median(self) -> float:
        """Reservations per second."""
        return median(self.rates)


async def side_by_side(rounds: int, seconds: float, progress: Progress, *, write: bool = False) -> Sequence[Figure]:
    """Reported figures: reservations per second, and how many of few units were sold. *write* writes page and chart."""
    async with AsyncExitStack() as stack:
        ways = await _ways(stack)
        task = progress.add_task("side by side", total=(rounds + 1) * len(ways))
        for number in range(rounds):
            for way in ways if number % 2 == 0 else ways[::-1]:
                way.rates.append(await way.rate(seconds))
                progress.advance(task)
        for way in ways:
            way.got = await way.sold()
            progress.advance(task)
    if write:
        CHART.write_text(
            bars("Reservations of one SKU", "per second", [Bar(w.title, w.median, w is ways[0]) for w in ways])
        )
        PAGE.write_text(_page(ways, rounds, seconds))
    return [_figure(way, ways[0]) for way in ways]


async def _ways(stack: AsyncExitStack) -> list[Way]:
    names = ["ours", *(pattern.name for pattern in PATTERNS)]
    place = medusa.installed()
    if place is not None:
        names.append("medusa")
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="crossdock-bench-")))
    sides = {side.name: side for side in await stack.enter_async_context(contenders(names))}
    ours = shop.Shop(sides["ours"], await stack.enter_async_context(Database(sides["ours"].dsn, size_max=4)))
    await ours.stock([shop.HOT])
    await ours.stock([RARE], Decimal(FEW))
    ways = [
        Way(
            "ours",
            f"Crossdock, in process, {shop.CALLERS} callers",
            lambda seconds: ours.reserve(seconds, shop.hot),
            lambda: ours.drain(RARE, WISHES),
        )
    ]
    for pattern in PATTERNS:
        patterns.set_up(sides[pattern.name].dsn)
        ways.append(_plain(pattern, sides[pattern.name].dsn, folder))
    if place is not None:
        shops = await stack.enter_async_context(medusa.medusa(place, sides["medusa"].dsn))
        hot, rare = await shops.item("HOT", medusa.PLENTY), await shops.item("RARE", FEW)
        title = f"Medusa 2, its HTTP API, {medusa.CLIENTS} clients"
        ways.append(
            Way("medusa", title, lambda seconds: shops.rate(hot, seconds), lambda: shops.sold(rare, WISHES // 2))
        )
    return ways


def _plain(pattern: Pattern, dsn: str, folder: Path) -> Way:
    return Way(
        pattern.name,
        f"{pattern.title}, {patterns.CLIENTS} clients",
        lambda seconds: patterns.rate(dsn, pattern, folder, seconds),
        lambda: patterns.sold(dsn, pattern, folder, FEW),
    )


def _ratio(ours: Way, way: Way) -> float:
    return median(one / other for one, other in zip(ours.rates, way.rates, strict=True))


def _figure(way: Way, ours: Way) -> Figure:
    return Figure(
        id=f"stock.compare.{way.name}",
        ours=round(ours.median, 1),
        against=round(way.median, 1),
        ratio=round(_ratio(ours, way), 1),
        unit="reservations/s",
        note=f"÷ {way.title}; of {FEW} units it sold {way.got}",
    )


def _page(ways: Sequence[Way], rounds: int, seconds: float) -> str:
    rows = [
        f"| {way.title} | {way.median:,.0f} | {_ratio(ways[0], way):,.1f} | {way.got}{' **oversold**' if way.got > FEW else ''} |"
        for way in ways
    ]
    return _PAGE.format(rounds=rounds, seconds=seconds, few=FEW, rows="\n".join(rows))


_PAGE: Final = """# Reserving, side by side

Everybody wants the same SKU. How many reservations a second are durable, and how many of {few} units are sold when far
more people want one? One machine, one PostgreSQL with `fsync` on, a database for each; {rounds} rounds of {seconds:g} s
each in turns, medians; the ratio is the median of the rounds' ratios.

![Reservations of one SKU per second](side-by-side.svg)

| | reservations/s | ours ÷ this | sold of {few} |
|---|---|---|---|
{rows}

What to keep in mind: the SQL patterns write two small rows; ours writes the reservation, its claim, a ledger row and the
balances, and remembers the answer for ever. They are called by `pgbench`, ours by Python callers in one process. Medusa
answers over HTTP, in one process with its default lock; [over HTTP](../../bench/stock/web.py) ours is measured as
`stock.hot_http`. *Sum, then insert* checks and writes without a lock: it is fast because it is wrong, and it becomes
slower with every row that it sums.

Measure it again and write this page: `./crossdock bench stock --write` (Medusa is included when
`CROSSDOCK_BENCH_MEDUSA` names a folder in which it is installed, see `bench/stock/medusa.py`).
"""
