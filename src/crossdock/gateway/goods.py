"""POST /v1/stock/transfers and /v1/stock/counts: what people do with goods inside the house."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, assert_never

import msgspec
from litestar import Request, post
from litestar.datastructures import State
from litestar.params import JSONBody

from crossdock.canonical.base import (
    Code,
    LocationCode,
    Sku,
    check_day,
    check_moment,
    check_not_negative,
    check_positive,
)
from crossdock.catalog import service as catalog
from crossdock.catalog.service import Met
from crossdock.eventlog.service import Origin
from crossdock.gateway.keys import Scope
from crossdock.gateway.parts import caller_of, parts_of
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
    Recorded,
    StaleCount,
    StockCount,
    Transfer,
    Unchanged,
)

LINES_MAX: Final = 1000
Reference = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9._:~-]+$")]
"""The sender's own number of the document: the same one is recorded once."""


class TransferLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units that went."""

    sku: Code
    quantity: Decimal

    def __post_init__(self) -> None:
        check_positive(self.quantity, "quantity")


class TransferBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Goods went from one own location to another."""

    reference: Reference
    from_location: Code
    to_location: Code
    transferred_on: date
    """The day it counts for in the ERP's books."""
    happened_at: datetime
    lines: Annotated[list[TransferLine], msgspec.Meta(min_length=1, max_length=LINES_MAX)]

    def __post_init__(self) -> None:
        if self.from_location == self.to_location:
            raise ValueError("`to_location` must differ from `from_location`")
        check_day(self.transferred_on, "transferred_on")
        check_moment(self.happened_at, "happened_at")
        check_once([line.sku for line in self.lines])


class CountLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units that lie there."""

    sku: Code
    on_hand: Decimal

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
        check_once([line.sku for line in self.lines])


class GoodsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The document is in the ledger; the ERP is told by the estate's flows."""

    reference: str
    outcome: str
    """recorded, or repeated when the reference came before with the same content"""
    changed: int = 0
    """Positions that a count changed."""


def check_once(skus: list[str]) -> None:
    """Each item once: two lines of one item could contradict each other."""
    if len(set(skus)) != len(skus):
        raise ValueError("`lines` names an item twice")


@post(
    "/v1/stock/transfers",
    summary="Goods went from one own location to another",
    opt={"scope": Scope.STOCK_WRITE, "conflicts": True},
    status_code=200,
)
async def record_transfer(
    request: "Request[Any, Any, State]", state: State, data: JSONBody[TransferBody]
) -> GoodsAnswer:
    """A fact: the source may become short, and then a person hears of it. Safe to repeat under the same reference."""
    parts = parts_of(state)
    retailer = await parts.retailer.get()
    retailer.check_location(data.from_location, "$.from_location")
    retailer.check_location(data.to_location, "$.to_location")
    now = parts.hub.clock.now()
    moved = Transfer(
        key=MovementKey(data.reference),
        source=LocationCode(data.from_location),
        target=LocationCode(data.to_location),
        transferred_on=data.transferred_on,
        happened_at=data.happened_at,
        quantities={Sku(line.sku): line.quantity for line in data.lines},
    )
    origin = Origin.begin(f"api:{caller_of(request).name}")
    async with parts.hub.database.transaction() as tx:
        outcome = await inventory.transfer(tx, moved, origin=origin, now=now)
        if isinstance(outcome, Recorded):
            await catalog.tell_unknown(tx, _met("transfer", data, moved.target, origin), now=now)
    parts.memory.drop(moved.quantities.keys())
    parts.hub.hints.ring()
    match outcome:
        case Recorded():
            return GoodsAnswer(reference=data.reference, outcome="recorded")
        case AlreadyRecorded():
            return GoodsAnswer(reference=data.reference, outcome="repeated")
        case KeyReused():
            raise _reused()
        case _:
            assert_never(outcome)


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
            await catalog.tell_unknown(tx, _met("count", data, counted.location, origin), now=now)
    parts.memory.drop(counted.on_hand.keys())
    parts.hub.hints.ring()
    if isinstance(outcome, KeyReused):
        raise _reused()
    if isinstance(outcome, AlreadyRecorded):
        return GoodsAnswer(reference=data.reference, outcome="repeated")
    return GoodsAnswer(reference=data.reference, outcome="recorded", changed=sum(map(_changed, outcome)))


def _met(what: str, told: TransferBody | CountBody, location: LocationCode, origin: Origin) -> Sequence[Met]:
    subject = f"{what}/{told.reference}"
    return [Met(sku=Sku(line.sku), location=location, subject=subject, origin=origin) for line in told.lines]


def _changed(outcome: CountOutcome) -> bool:
    match outcome:
        case Counted():
            return True
        case Unchanged() | StaleCount() | OutdatedCount() | BeyondTolerance() | AlreadyRecorded() | KeyReused():
            return False
        case _:
            assert_never(outcome)


def _reused() -> Problem:
    reason = "stands for another document: use a new one"
    return Problem("conflict", errors=(FieldProblem(path="$.reference", reason=reason),))
