"""A flash sale: the load jumps, nearly all of it wants one SKU, and there is far too little of it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, LiteralString

from bench.figures import Figure
from bench.hosting import served
from bench.load import Result, Shot, Step
from bench.stock import shop
from bench.stock.shop import Shop
from bench.stock.web import Served
from rich.progress import Progress

from crossdock.canonical.base import Sku
from crossdock.foundation.db import fetch_tuples

HEADROOM: Final = 18
"""The load before is this part of what the server can do, so that nothing need be shed."""
STEPS: Final = (12, 18)
"""How many times the load before: what is promised, and all that there is."""
STOCK: Final = 0.3
"""Of what is asked for."""
OTHERS: Final = 1.5
NORMAL_S: Final = 5
SHORT_S: Final = 15.0
FULL_S: Final = 60.0
BEFORE_S: Final = 0.5
"""The load before and after is measured for this part of the sale's time, at least."""
AFTER: Final = 2
"""The third step."""
SERVER_ERROR: Final = "5"
_LINE: Final = '{"key":"sale-{n}","channel":"web","lines":[{"sku":"%s","quantity":"1"}]}'
SOLD: Final[LiteralString] = """
SELECT coalesce(sum(granted), 0), (SELECT coalesce(max(short), 0) FROM inventory.standing)
  FROM inventory.claim WHERE sku = %(sku)s
"""


async def flash(seconds: float, progress: Progress) -> Sequence[Figure]:
    """`stock.flash`, at what is promised and at the limit."""
    task = progress.add_task("flash sale", total=1 + len(STEPS))
    figures: list[Figure] = []
    async with shop.shops("ours") as (ours,), served("ours", ours.side) as port:
        server = Served(ours.side, port)
        await ours.stock([_sku(0)])
        capacity = (await server.press(Step(max(2.0, seconds / 4)), shots=_shots(0))).per_second
        progress.advance(task)
        for times in STEPS:
            figures += await _sale(ours, server, capacity / HEADROOM, times, seconds)
            progress.advance(task)
    return figures


def _sku(times: int) -> Sku:
    return Sku(f"FLASH-{times}")


def _shots(times: int) -> tuple[Shot, ...]:
    """Nine of ten want the one."""
    return (
        Shot(name="flash", path="/v1/reservations", body=_LINE % _sku(times), weight=9),
        Shot(name="other", path="/v1/reservations", body=_LINE % "SKU-{k}", weight=1),
    )


async def _sale(ours: Shop, server: Served, base: float, times: int, seconds: float) -> Sequence[Figure]:
    demand = base * times * seconds * 0.9
    stock = max(1, int(demand * STOCK))
    await ours.stock([_sku(times)], Decimal(stock))
    around = max(2.0 * NORMAL_S, seconds * BEFORE_S)
    steps = (Step(around, base, "other"), Step(seconds, base * times), Step(around, base, "other"))
    result = await server.press(*steps, shots=_shots(times))
    async with ours.database.transaction() as tx:
        ((sold, short),) = await fetch_tuples(tx, SOLD, {"sku": _sku(times)})
    errors = sum(count for status, count in result.statuses.items() if status.startswith(SERVER_ERROR))
    before, during = result.step("other", 0), result.step("other", 1)
    name = "stock.flash" if times == STEPS[0] else f"stock.flash.x{times}"
    note = f"{times} times {base:,.0f}/s for {seconds:.0f} s, 90 % on one SKU, {stock:,} units for {demand:,.0f} wishes"
    late = _seconds_until_normal(result, before.p99_ms, around + seconds)
    promised = times == STEPS[0]
    return [
        _none(f"{name}.oversold", float(max(sold - stock, short)), "units", note),
        _none(f"{name}.errors", errors, "answers", "answers of the server's own fault (5xx)"),
        Figure(
            id=f"{name}.others",
            ours=round(during.p99_ms, 1),
            against=round(before.p99_ms, 1),
            ratio=round(during.p99_ms / before.p99_ms, 2),
            goal=f"<= {OTHERS:g}" if promised else "",
            holds=during.p99_ms <= OTHERS * before.p99_ms if promised else None,
            unit="ms",
            note=f"p99 of other SKUs during the sale ÷ before (p50 {during.p50_ms:.1f} ÷ {before.p50_ms:.1f})",
        ),
        Figure(
            id=f"{name}.normal",
            ours=float(late),
            goal=f"<= {NORMAL_S}" if promised else "",
            holds=late <= NORMAL_S if promised else None,
            unit="s",
            note="until a second's p99 of other SKUs is as before (at most half as much again)",
        ),
    ]


def _none(name: str, found: float, unit: str, note: str) -> Figure:
    return Figure(id=name, ours=found, goal="= 0", holds=found == 0, unit=unit, note=note)


def _seconds_until_normal(result: Result, usual_ms: float, ended: float) -> int:
    """After the sale has ended; as many as were measured when it never was."""
    after = [each for each in result.slices if each.step == AFTER and each.second >= ended]
    normal = (n for n, each in enumerate(after) if each.p99_ms <= OTHERS * usual_ms)
    return next(normal, len(after))
