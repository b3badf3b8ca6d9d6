"""POST /v1/stock/counts, and what all documents about goods inside the house share."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, assert_never

import msgspec
from litestar import Request, post
from litestar.datastructures import State
from litestar.params import JSONBody

from crossdock.canonical.base import (
    Code,
    LocationCode,
    NotNegative,
    Sku,
    check_day,
    check_moment,
    check_not_negative,
    check_once,
)
from crossdock.catalog import service as catalog
from crossdock.catalog.service import Met
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.gateway.keys import Scope
from crossdock.gateway.parts import Parts, caller_of, parts_of
from crossdock.gateway.problems import FieldProblem, Problem
from crossdock.inventory import service as inventory
from crossdock.inventory.model import (
    AlreadyRecorded,
    BeyondTolerance,
    Counted,
    CountOutcome,
    KeyReused,
    MovementKey,
    OutdatedCount,
    StaleCount,
    StockCount,
    Unchanged,
)
from crossdock.operations.skew import service as skew
from crossdock.operations.skew.service import Said

LINES_MAX: Final = 1000
Reference = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=40,
        pattern=r"^[A-Za-z0-9._:~-]+(?!\n)$",
        extra={"wanted": "letters, digits or . _ : ~ -"},
    ),
]
"""The sender's own number of the document: the same one is recorded once."""


class CountLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units that lie there."""

    sku: Code
    on_hand: NotNegative

    def __post_init__(self) -> None:
        check_not_negative(self.on_hand, "on_hand")


class CountBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """People counted a location: on-hand becomes what they say, whatever the books said."""

    reference: Reference
    location: Code
    counted_on: date
    """The day it counts for in the ERP's books."""
    counted_at: datetime
    """As of when: what moved later stays on top of the count."""
    lines: Annotated[list[CountLine], msgspec.Meta(min_length=1, max_length=LINES_MAX)]

    def __post_init__(self) -> None:
        check_day(self.counted_on, "counted_on")
        check_moment(self.counted_at, "counted_at")
        check_once([line.sku for line in self.lines], "lines[{}].sku")


class GoodsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The document is in the ledger; the ERP is told by the estate's flows."""

    reference: str
    outcome: str
    """recorded, or repeated when the reference came before with the same content"""
    changed: int = 0
    """Positions that a count changed."""


@post(
    "/v1/stock/counts",
    summary="People counted a location",
    opt={"scope": Scope.STOCK_WRITE, "conflicts": True},
    status_code=200,
)
async def record_count(request: "Request[Any, Any, State]", state: State, data: JSONBody[CountBody]) -> GoodsAnswer:
    """On-hand becomes what was counted; promises that lose their goods become short. Safe to repeat."""
    parts = parts_of(state)
    (await parts.retailer.get()).check_location(data.location, "$.location")
    now = parts.hub.clock.now()
    counted = StockCount(
        key=MovementKey(data.reference),
        location=LocationCode(data.location),
        counted_on=data.counted_on,
        as_of=data.counted_at,
        on_hand={Sku(line.sku): line.on_hand for line in data.lines},
    )
    origin = Origin.begin(f"api:{caller_of(request).name}")
    async with parts.hub.database.transaction() as tx:
        outcome = await inventory.count_stock(tx, counted, origin=origin, now=now)
        if not isinstance(outcome, AlreadyRecorded | KeyReused):
            skus = [line.sku for line in data.lines]
            await catalog.tell_unknown(tx, met(f"count/{data.reference}", skus, data.location, origin), now=now)
            times = {"counted_at": data.counted_at, "counted_on": data.counted_on}
            await mind_clocks(tx, parts, Said(subject=f"count/{data.reference}", times=times, origin=origin), now)
    parts.memory.drop(counted.on_hand.keys())
    parts.hub.hints.ring()
    if isinstance(outcome, KeyReused):
        raise reused("$.reference")
    if isinstance(outcome, AlreadyRecorded):
        return GoodsAnswer(reference=data.reference, outcome="repeated")
    return GoodsAnswer(reference=data.reference, outcome="recorded", changed=sum(map(_changed, outcome)))


async def mind_clocks(tx: Tx, parts: Parts, said: Said, now: datetime) -> None:
    """What says that it is of tomorrow asks for a person."""
    await skew.mind(tx, (await parts.retailer.get()).estate, [said], now=now)


def met(what: str, skus: Iterable[str], location: str, origin: Origin) -> Sequence[Met]:
    """Items that turned up with goods."""
    return [Met(sku=Sku(sku), location=LocationCode(location), subject=what, origin=origin) for sku in skus]


def _changed(outcome: CountOutcome) -> bool:
    match outcome:
        case Counted():
            return True
        case Unchanged() | StaleCount() | OutdatedCount() | BeyondTolerance() | AlreadyRecorded() | KeyReused():
            return False
        case _:
            assert_never(outcome)


def reused(path: str) -> Problem:
    """A reference of the sender's that stands for something else already."""
    reason = "stands for another document: use a new one"
    return Problem("reference-reused", errors=(FieldProblem(path=path, reason=reason),))
