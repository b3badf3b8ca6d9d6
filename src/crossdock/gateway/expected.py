"""/v1/stock/expected: what suppliers will bring, and what has come of it."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, assert_never

import msgspec
from litestar import Request, get, post
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery, JSONBody

from crossdock.canonical.base import (
    Code,
    LocationCode,
    NotNegative,
    Positive,
    Sku,
    Text,
    check_moment,
    check_not_negative,
    check_positive,
)
from crossdock.canonical.stock import Bucket, FloorMovement
from crossdock.catalog import service as catalog
from crossdock.eventlog.service import Origin
from crossdock.gateway.goods import LINES_MAX, GoodsAnswer, Reference, met, mind_clocks, reused
from crossdock.gateway.keys import Scope
from crossdock.gateway.parts import caller_of, check_limit, parts_of, wrong
from crossdock.gateway.problems import Problem
from crossdock.inventory import service as inventory
from crossdock.inventory.expected.model import (
    Announced,
    Closed,
    Expected,
    NothingNew,
    Outdated,
    Purchase,
    PurchaseLine,
    UnknownPurchase,
)
from crossdock.inventory.model import ExpectedLine, KeyReused, MovementKey, NewMovement, Recorded
from crossdock.operations.skew.service import Said

PAGE_MAX: Final = 500


class ExpectedLineBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units of an item that will come: all that was ordered, come or not."""

    sku: Code
    quantity: NotNegative
    due_at: datetime | None = None
    line: Text = ""
    """The sender's own name of the line; absent: the item, which then stands once in the document."""

    def __post_init__(self) -> None:
        check_not_negative(self.quantity, "quantity")
        check_moment(self.due_at, "due_at")


class ExpectedBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A supplier's document as of a moment: what it does not name is not expected any more."""

    reference: Reference
    """The document's number, the same for everybody who speaks of it."""
    location: Code
    revised_at: datetime
    """The newest statement about a document holds."""
    lines: Annotated[list[ExpectedLineBody], msgspec.Meta(max_length=LINES_MAX)]
    supplier: Text = ""

    def __post_init__(self) -> None:
        check_moment(self.revised_at, "revised_at")
        if len({line.line or line.sku for line in self.lines}) != len(self.lines):
            raise ValueError("`lines` names a line twice")


class ExpectedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the statement."""

    reference: str
    outcome: str
    """recorded, repeated (it says what we knew) or outdated (a newer statement came before)"""
    open: Decimal | None = None
    """Units of the document that are expected now."""


class ReceivedLineBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units that came."""

    sku: Code
    quantity: Positive
    line: Text = ""
    to_bucket: Bucket | None = None

    def __post_init__(self) -> None:
        check_positive(self.quantity, "quantity")


class ReceivedBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Goods of a supplier's document have come."""

    arrival: Reference
    """The sender's own name of this arrival: the same one is recorded once."""
    location: Code
    happened_at: datetime
    lines: Annotated[list[ReceivedLineBody], msgspec.Meta(min_length=1, max_length=LINES_MAX)]

    def __post_init__(self) -> None:
        check_moment(self.happened_at, "happened_at")
        if len({(line.line or line.sku, line.to_bucket) for line in self.lines}) != len(self.lines):
            raise ValueError("`lines` names a line twice")


class GivenUpBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing more of a document will come."""

    closed_at: datetime
    reason: Text = ""

    def __post_init__(self) -> None:
        check_moment(self.closed_at, "closed_at")


class ExpectedView(msgspec.Struct, frozen=True, kw_only=True):
    """One line under way."""

    kind: str
    """purchase or transfer"""
    reference: str
    line: str
    sku: str
    location: str
    due_at: datetime | None
    quantity: Decimal
    received: Decimal
    open: Decimal
    closed_at: datetime | None


class ExpectedPage(msgspec.Struct, frozen=True, kw_only=True):
    """Open lines. Ask again with `after=next`; `next` is null on the last page."""

    lines: list[ExpectedView]
    next: str | None


class PurchaseBody(msgspec.Struct, frozen=True, kw_only=True):
    """A supplier's document as it stands, ended lines too."""

    reference: str
    supplier: str
    revised_at: datetime | None
    lines: list[ExpectedView]


@post(
    "/v1/stock/expected",
    summary="What a supplier will bring: announce, change or cancel",
    opt={"scope": Scope.STOCK_WRITE},
    status_code=200,
)
async def announce_receipt(
    request: "Request[Any, Any, State]", state: State, data: JSONBody[ExpectedBody]
) -> ExpectedAnswer:
    """Says the whole document, so it may come again and in any order. Without lines it is cancelled."""
    parts = parts_of(state)
    (await parts.retailer.get()).check_location(data.location, "$.location")
    purchase = Purchase(
        reference=data.reference,
        location=LocationCode(data.location),
        revised_at=data.revised_at,
        supplier=data.supplier,
        lines=[
            PurchaseLine(sku=Sku(line.sku), quantity=line.quantity, due_at=line.due_at, line=line.line)
            for line in data.lines
        ],
    )
    origin, now = _origin(request), parts.hub.clock.now()
    async with parts.hub.database.transaction() as tx:
        (outcome,) = await inventory.announce(tx, [purchase], origin=origin, now=now)
        if isinstance(outcome, Announced):
            times = {"revised_at": data.revised_at}
            await mind_clocks(
                tx, parts, Said(subject=f"expected_receipt/{data.reference}", times=times, origin=origin), now
            )
    parts.memory.drop({line.sku for line in purchase.lines})
    parts.hub.hints.ring()
    match outcome:
        case Announced():
            return ExpectedAnswer(reference=data.reference, outcome="recorded", open=outcome.open)
        case NothingNew():
            return ExpectedAnswer(reference=data.reference, outcome="repeated")
        case Outdated():
            return ExpectedAnswer(reference=data.reference, outcome="outdated")
        case _:
            assert_never(outcome)


@post(
    "/v1/stock/expected/{reference:str}/receive",
    summary="Goods of a supplier's document have come",
    opt={"scope": Scope.STOCK_WRITE, "conflicts": True},
    status_code=200,
)
async def receive_expected(
    request: "Request[Any, Any, State]", state: State, reference: FromPath[str], data: JSONBody[ReceivedBody]
) -> GoodsAnswer:
    """Movements of kind `receive` that name their document. In parts, late, unannounced or too many: they are there."""
    parts = parts_of(state)
    (await parts.retailer.get()).check_location(data.location, "$.location")
    caller = caller_of(request).name
    movements = [
        NewMovement(
            key=MovementKey(f"api.{caller}/{reference}/{data.arrival}/{line.line or line.sku}/{line.to_bucket or ''}"),
            kind=FloorMovement.RECEIVE,
            sku=Sku(line.sku),
            location=LocationCode(data.location),
            quantity=line.quantity,
            happened_at=data.happened_at,
            to_bucket=line.to_bucket,
            expects=ExpectedLine(_usable(reference), line.line),
        )
        for line in data.lines
    ]
    origin, now = _origin(request), parts.hub.clock.now()
    async with parts.hub.database.transaction() as tx:
        outcomes = await inventory.record(tx, movements, origin=origin, now=now)
        skus = [line.sku for line in data.lines]
        await catalog.tell_unknown(
            tx, met(f"expected/{reference}/{data.arrival}", skus, data.location, origin), now=now
        )
        if any(isinstance(outcome, KeyReused) for outcome in outcomes):
            raise reused("$.arrival")  # undoes the lines beside it
        if any(isinstance(outcome, Recorded) for outcome in outcomes):
            times = {"happened_at": data.happened_at}
            await mind_clocks(tx, parts, Said(subject=f"expected_receipt/{reference}", times=times, origin=origin), now)
    parts.memory.drop({movement.sku for movement in movements})
    parts.hub.hints.ring()
    fresh = sum(isinstance(outcome, Recorded) for outcome in outcomes)
    return GoodsAnswer(reference=reference, outcome="recorded" if fresh else "repeated", changed=fresh)


@post(
    "/v1/stock/expected/{reference:str}/close",
    summary="Nothing more of a supplier's document will come",
    opt={"scope": Scope.STOCK_WRITE},
    status_code=200,
)
async def close_expected(
    request: "Request[Any, Any, State]", state: State, reference: FromPath[str], data: JSONBody[GivenUpBody]
) -> ExpectedAnswer:
    """Closed short when part has come, cancelled when nothing has. What comes later is taken in all the same."""
    parts = parts_of(state)
    async with parts.hub.database.transaction() as tx:
        outcome = await inventory.close_purchase(
            tx,
            _usable(reference),
            reason=data.reason,
            at=data.closed_at,
            origin=_origin(request),
            now=parts.hub.clock.now(),
        )
    parts.hub.hints.ring()
    match outcome:
        case Closed():
            word = "recorded" if outcome.given_up else "repeated"
            return ExpectedAnswer(reference=reference, outcome=word, open=Decimal(0))
        case UnknownPurchase():
            raise _unknown(reference)
        case _:
            assert_never(outcome)


@get("/v1/stock/expected/{reference:str}", summary="One supplier's document", opt={"scope": Scope.STOCK_READ})
async def get_expected(state: State, reference: FromPath[str]) -> PurchaseBody:
    """What was announced and what has come, line by line."""
    async with parts_of(state).reads.transaction() as tx:
        found = await inventory.purchase(tx, _usable(reference))
    if found is None:
        raise _unknown(reference)
    return PurchaseBody(
        reference=found.reference,
        supplier=found.supplier,
        revised_at=found.revised_at,
        lines=[_view(line) for line in found.lines],
    )


@get(
    "/v1/stock/expected",
    summary="What is under way: open lines of purchases and transfers",
    opt={"scope": Scope.STOCK_READ},
)
async def list_expected(
    state: State,
    after: FromQuery[str] = "",
    sku: FromQuery[str] = "",
    location: FromQuery[str] = "",
    limit: FromQuery[int] = 100,
) -> ExpectedPage:
    """By kind, document and line, page by page; `sku` and `location` narrow it down."""
    check_limit(limit, PAGE_MAX)
    place = _place(after)
    if "\x00" in after + sku + location:
        raise wrong("after", "must not hold the character U+0000")
    async with parts_of(state).reads.transaction() as tx:
        found = await inventory.expected_page(
            tx,
            sku=Sku(sku) if sku else None,
            location=LocationCode(location) if location else None,
            after=place,
            limit=limit,
        )
    last = msgspec.json.encode(found[-1].ref).decode() if len(found) == limit else None
    return ExpectedPage(lines=[_view(line) for line in found], next=last)


def _place(after: str) -> tuple[str, str, str]:
    if not after:
        return ("", "", "")
    try:
        return msgspec.json.decode(after, type=tuple[str, str, str])
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise wrong("after", "must be the `next` of a page") from None


def _usable(reference: str) -> str:
    if "\x00" in reference:
        raise _unknown(reference)
    return reference


def _unknown(reference: str) -> Problem:
    return Problem("not-found", f'nobody has told of a document "{reference}"'.replace("\x00", "?"))


def _origin(request: "Request[Any, Any, State]") -> Origin:
    return Origin.begin(f"api:{caller_of(request).name}")


def _view(line: Expected) -> ExpectedView:
    return ExpectedView(
        kind=line.kind.value,
        reference=line.reference,
        line=line.line,
        sku=line.sku,
        location=line.location,
        due_at=line.due_at,
        quantity=line.quantity,
        received=line.received,
        open=line.open,
        closed_at=line.closed_at,
    )
