"""/v1/stock/transfers: goods between own locations, from asked for to arrived."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, assert_never

import msgspec
from litestar import Request, get, post
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery, JSONBody

from crossdock.canonical.base import (
    Code,
    LocationCode,
    Positive,
    Sku,
    Text,
    check_day,
    check_moment,
    check_once,
    check_positive,
)
from crossdock.catalog import service as catalog
from crossdock.eventlog.service import Origin
from crossdock.gateway.goods import LINES_MAX, GoodsAnswer, Reference, met, mind_clocks, reused
from crossdock.gateway.keys import Scope
from crossdock.gateway.parts import Parts, caller_of, check_limit, parts_of, wrong
from crossdock.gateway.problems import Problem
from crossdock.inventory import service as inventory
from crossdock.inventory.model import AlreadyRecorded, KeyReused, Recorded
from crossdock.inventory.transfers.model import (
    Cancel,
    Close,
    MarkReady,
    NewTransfer,
    NotPossible,
    Receive,
    Settle,
    Ship,
    Stage,
    Step,
    Stepped,
    Transfer,
    UnknownTransfer,
)
from crossdock.operations.skew.service import Said

PAGE_MAX: Final = 200


class TransferLineBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units of an item."""

    sku: Code
    quantity: Positive

    def __post_init__(self) -> None:
        check_positive(self.quantity, "quantity")


Lines = Annotated[list[TransferLineBody], msgspec.Meta(min_length=1, max_length=LINES_MAX)]


class TransferBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Goods that shall go, are going, or went from one own location to another."""

    reference: Reference
    from_location: Code
    to_location: Code
    happened_at: datetime
    """When they left or arrived, or when the transfer was asked for."""
    lines: Lines
    stage: Stage = Stage.RECEIVED
    """How far it has come: without it, the goods are there already."""
    due_at: datetime | None = None
    """When they shall be there."""
    transferred_on: date | None = None
    """The day that the arrival counts for in the ERP's books; required when the goods are there already."""

    def __post_init__(self) -> None:
        if self.from_location == self.to_location:
            raise ValueError("`to_location` must differ from `from_location`")
        check_moment(self.happened_at, "happened_at")
        check_moment(self.due_at, "due_at")
        check_day(self.transferred_on, "transferred_on")
        if self.stage is Stage.RECEIVED and self.transferred_on is None:
            raise ValueError("`transferred_on` is required when the goods are there already")
        check_once([line.sku for line in self.lines], "lines[{}].sku")


class LeftBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Goods of a transfer have left."""

    happened_at: datetime
    lines: Lines | None = None
    """What left; absent: what was asked for."""

    def __post_init__(self) -> None:
        check_moment(self.happened_at, "happened_at")
        check_once([line.sku for line in self.lines or ()], "lines[{}].sku")


class ArrivedBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Goods of a transfer have arrived."""

    arrival: Reference
    """The sender's own name of this arrival: the same one is recorded once."""
    happened_at: datetime
    transferred_on: date
    """The day it counts for in the ERP's books."""
    lines: Lines | None = None
    """What arrived; absent: everything that was still under way."""

    def __post_init__(self) -> None:
        check_moment(self.happened_at, "happened_at")
        check_day(self.transferred_on, "transferred_on")
        check_once([line.sku for line in self.lines or ()], "lines[{}].sku")


class ClosedBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing more of a transfer will come."""

    happened_at: datetime
    reason: Text = ""

    def __post_init__(self) -> None:
        check_moment(self.happened_at, "happened_at")


class ReasonBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    reason: Text = ""


class TransferLineView(msgspec.Struct, frozen=True, kw_only=True):
    """One item: asked for, left, arrived, still under way."""

    sku: str
    asked: Decimal
    shipped: Decimal
    received: Decimal
    open: Decimal


class TransferView(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer as it stands."""

    reference: str
    from_location: str
    to_location: str
    state: str
    due_at: datetime | None
    made_at: datetime
    changed_at: datetime
    lines: list[TransferLineView]


class TransferPage(msgspec.Struct, frozen=True, kw_only=True):
    """Transfers that have not ended. Ask again with `after=next`; `next` is null on the last page."""

    transfers: list[TransferView]
    next: str | None


@post(
    "/v1/stock/transfers",
    summary="Goods shall go, or went, from one own location to another",
    opt={"scope": Scope.STOCK_WRITE, "conflicts": True},
    status_code=200,
)
async def record_transfer(
    request: "Request[Any, Any, State]", state: State, data: JSONBody[TransferBody]
) -> GoodsAnswer:
    """A fact where goods have left: the source may become short, and then a person hears of it. Safe to repeat."""
    parts = parts_of(state)
    retailer = await parts.retailer.get()
    retailer.check_location(data.from_location, "$.from_location")
    retailer.check_location(data.to_location, "$.to_location")
    new = NewTransfer(
        reference=data.reference,
        source=LocationCode(data.from_location),
        target=LocationCode(data.to_location),
        quantities=_quantities(data.lines),
        happened_at=data.happened_at,
        stage=data.stage,
        due_at=data.due_at,
        transferred_on=data.transferred_on,
    )
    origin, now = _origin(request), parts.hub.clock.now()
    async with parts.hub.database.transaction() as tx:
        outcome = await inventory.transfer(tx, new, origin=origin, now=now)
        if isinstance(outcome, Recorded):
            skus = [line.sku for line in data.lines]
            await catalog.tell_unknown(tx, met(f"transfer/{data.reference}", skus, data.to_location, origin), now=now)
            times = {"happened_at": data.happened_at, "transferred_on": data.transferred_on}
            await mind_clocks(tx, parts, Said(subject=f"transfer/{data.reference}", times=times, origin=origin), now)
    parts.memory.drop(new.quantities.keys())
    parts.hub.hints.ring()
    match outcome:
        case Recorded():
            return GoodsAnswer(reference=data.reference, outcome="recorded")
        case AlreadyRecorded():
            return GoodsAnswer(reference=data.reference, outcome="repeated")
        case KeyReused():
            raise reused("$.reference")
        case _:
            assert_never(outcome)


@post(
    "/v1/stock/transfers/{reference:str}/ready",
    summary="A transfer's goods stand ready to be taken",
    opt={"scope": Scope.STOCK_WRITE, "conflicts": True},
    status_code=200,
)
async def ready_transfer(request: "Request[Any, Any, State]", state: State, reference: FromPath[str]) -> TransferView:
    """They may still be cancelled."""
    return await _step(parts_of(state), _origin(request), MarkReady(reference=reference))


@post(
    "/v1/stock/transfers/{reference:str}/ship",
    summary="A transfer's goods have left",
    opt={"scope": Scope.STOCK_WRITE, "conflicts": True},
    status_code=200,
)
async def ship_transfer(
    request: "Request[Any, Any, State]", state: State, reference: FromPath[str], data: JSONBody[LeftBody]
) -> TransferView:
    """A fact: never refused; what is told again changes nothing."""
    quantities = None if data.lines is None else _quantities(data.lines)
    wanted = Ship(reference=reference, happened_at=data.happened_at, quantities=quantities)
    return await _step(parts_of(state), _origin(request), wanted)


@post(
    "/v1/stock/transfers/{reference:str}/receive",
    summary="Goods of a transfer have arrived",
    opt={"scope": Scope.STOCK_WRITE, "conflicts": True},
    status_code=200,
)
async def receive_transfer(
    request: "Request[Any, Any, State]", state: State, reference: FromPath[str], data: JSONBody[ArrivedBody]
) -> TransferView:
    """In parts, late, or more than left: what arrived is there. The ERP gets one document per arrival."""
    wanted = Receive(
        reference=reference,
        arrival=data.arrival,
        happened_at=data.happened_at,
        transferred_on=data.transferred_on,
        quantities=None if data.lines is None else _quantities(data.lines),
    )
    return await _step(parts_of(state), _origin(request), wanted)


@post(
    "/v1/stock/transfers/{reference:str}/close",
    summary="Nothing more of a transfer will come",
    opt={"scope": Scope.STOCK_WRITE, "conflicts": True},
    status_code=200,
)
async def close_transfer(
    request: "Request[Any, Any, State]", state: State, reference: FromPath[str], data: JSONBody[ClosedBody]
) -> TransferView:
    """What left and never arrived is a discrepancy, with an exception of its own."""
    wanted = Close(reference=reference, happened_at=data.happened_at, reason=data.reason)
    return await _step(parts_of(state), _origin(request), wanted)


@post(
    "/v1/stock/transfers/{reference:str}/settle",
    summary="A transfer's discrepancy is explained",
    opt={"scope": Scope.STOCK_WRITE, "conflicts": True},
    status_code=200,
)
async def settle_transfer(
    request: "Request[Any, Any, State]", state: State, reference: FromPath[str], data: JSONBody[ReasonBody]
) -> TransferView:
    """Closes its exception. It moves no goods: correct the books by a count where they lie."""
    return await _step(parts_of(state), _origin(request), Settle(reference=reference, reason=data.reason))


@post(
    "/v1/stock/transfers/{reference:str}/cancel",
    summary="A transfer shall not take place",
    opt={"scope": Scope.STOCK_WRITE, "conflicts": True},
    status_code=200,
)
async def cancel_transfer(
    request: "Request[Any, Any, State]", state: State, reference: FromPath[str], data: JSONBody[ReasonBody]
) -> TransferView:
    """Only while its goods have not left."""
    return await _step(parts_of(state), _origin(request), Cancel(reference=reference, reason=data.reason))


@get("/v1/stock/transfers/{reference:str}", summary="One transfer", opt={"scope": Scope.STOCK_READ})
async def get_transfer(state: State, reference: FromPath[str]) -> TransferView:
    """What was asked for, what left, what arrived."""
    async with parts_of(state).reads.transaction() as tx:
        found = await inventory.find_transfer(tx, _usable(reference))
    if found is None:
        raise _unknown(reference)
    return _view(found)


@get("/v1/stock/transfers", summary="Transfers that have not ended", opt={"scope": Scope.STOCK_READ})
async def list_transfers(
    state: State, after: FromQuery[str] = "", location: FromQuery[str] = "", limit: FromQuery[int] = 100
) -> TransferPage:
    """By reference, page by page; `location` narrows it down to those from or to it."""
    check_limit(limit, PAGE_MAX)
    if "\x00" in after + location:
        raise wrong("after", "must not hold the character U+0000")
    place = LocationCode(location) if location else None
    async with parts_of(state).reads.transaction() as tx:
        found = await inventory.open_transfers(tx, location=place, after=after, limit=limit)
    last = found[-1].header.reference if len(found) == limit else None
    return TransferPage(transfers=[_view(each) for each in found], next=last)


async def _step(parts: Parts, origin: Origin, wanted: Step) -> TransferView:
    _usable(wanted.reference)
    now = parts.hub.clock.now()
    async with parts.hub.database.transaction() as tx:
        outcome = await inventory.step(tx, wanted, origin=origin, now=now)
        if isinstance(outcome, Stepped) and isinstance(wanted, Ship | Receive | Close):
            times = {"happened_at": wanted.happened_at}
            await mind_clocks(tx, parts, Said(subject=f"transfer/{wanted.reference}", times=times, origin=origin), now)
        found = await inventory.find_transfer(tx, wanted.reference)
    parts.memory.drop([] if found is None else [line.sku for line in found.lines])
    parts.hub.hints.ring()
    match outcome:
        case Stepped() | AlreadyRecorded():
            assert found is not None, wanted
            return _view(found)
        case KeyReused():
            raise reused("$.arrival")
        case NotPossible():
            raise Problem(
                "conflict", f"the transfer is {outcome.state.value}: that cannot happen to it any more, or yet"
            )
        case UnknownTransfer():
            raise _unknown(wanted.reference)
        case _:
            assert_never(outcome)


def _usable(reference: str) -> str:
    if "\x00" in reference:
        raise _unknown(reference)
    return reference


def _unknown(reference: str) -> Problem:
    return Problem("not-found", f'there is no transfer "{reference}"'.replace("\x00", "?"))


def _quantities(lines: list[TransferLineBody]) -> dict[Sku, Decimal]:
    return {Sku(line.sku): line.quantity for line in lines}


def _origin(request: "Request[Any, Any, State]") -> Origin:
    return Origin.begin(f"api:{caller_of(request).name}")


def _view(transfer: Transfer) -> TransferView:
    header = transfer.header
    return TransferView(
        reference=header.reference,
        from_location=header.source,
        to_location=header.target,
        state=header.state.value,
        due_at=header.due_at,
        made_at=header.made_at,
        changed_at=header.changed_at,
        lines=[
            TransferLineView(
                sku=line.sku, asked=line.asked, shipped=line.shipped, received=line.received, open=line.open
            )
            for line in transfer.lines
        ],
    )
