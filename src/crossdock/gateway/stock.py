"""POST /v1/stock/movements, durable before its answer, and GET /v1/stock/positions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, assert_never

import msgspec
from litestar import get
from litestar.datastructures import State
from litestar.params import FromQuery

from crossdock.assembly.hub import Hub
from crossdock.canonical.base import ConnectionName, LocationCode, Sku
from crossdock.canonical.stock import MovementRecorded
from crossdock.catalog import service as catalog
from crossdock.catalog.service import Met
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.foundation.plain import needs_a_look
from crossdock.gateway.asgi import Answer, Request, decode, named
from crossdock.gateway.front import HotRoute
from crossdock.gateway.grouped import Decided, Entry, GroupedWrite, origin_of
from crossdock.gateway.keys import Scope
from crossdock.gateway.memory import Memory
from crossdock.gateway.meters import Meters
from crossdock.gateway.parts import check_limit, parts_of, wrong
from crossdock.gateway.problems import FieldProblem, Problem, ProblemBody
from crossdock.gateway.retailer import Retailer, RetailerView
from crossdock.inbound import service as inbound
from crossdock.inbound.model import MessageId, NewMessage, Route
from crossdock.inventory import service as inventory
from crossdock.inventory.model import (
    AlreadyRecorded,
    KeyReused,
    MovementKey,
    MovementOutcome,
    NewMovement,
    Position,
    Recorded,
)
from crossdock.operations.skew import service as skew
from crossdock.operations.skew.service import Said

BODY_MAX: Final = 2 * 1024 * 1024
BATCH_MAX: Final = 1000
REQUESTS_PER_COMMIT: Final = 64
SOURCE: Final = "api"
SKUS_MAX: Final = 200


class MovementBatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to 1000 facts from the floor. Each is decided on its own."""

    movements: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=BATCH_MAX)]


class MovementItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one movement was answered."""

    index: int
    status: int
    reference: str = ""
    outcome: str = ""
    """recorded, repeated (known already), reference_reused (the reference stands for another movement)"""
    problem: ProblemBody | None = None


class MovementAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One item per movement, in order."""

    items: list[MovementItem]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its sound movements by index, and what is wrong with the others."""

    sound: Mapping[int, MovementRecorded]
    wrong: Mapping[int, tuple[str, Problem]]
    """With the sender's own reference."""
    origin: Origin


_BATCH: Final = msgspec.json.Decoder(MovementBatch)
_MOVEMENT: Final = msgspec.json.Decoder(MovementRecorded)
_ENCODE: Final = msgspec.json.Encoder().encode


class StockIntake:
    """Takes facts from the floor in over the API."""

    def __init__(self, hub: Hub, retailer: RetailerView, meters: Meters, memory: Memory) -> None:
        self._vault = hub.vault
        self._retailer = retailer
        self._meters = meters
        self._writes = GroupedWrite[Asked](
            "movements", hub, meters, memory, self._record, batch_max=REQUESTS_PER_COMMIT
        )

    def routes(self) -> tuple[HotRoute, ...]:
        """What it serves."""
        return (
            HotRoute(
                method="POST",
                path="/v1/stock/movements",
                summary="Record up to 1000 stock movements; each is decided on its own",
                scope=Scope.STOCK_WRITE,
                body_max=BODY_MAX,
                request=MovementBatch,
                answers={207: MovementAnswer},
                handle=self.record,
            ),
        )

    async def close(self) -> None:
        """Finish what is waiting."""
        await self._writes.close()

    async def record(self, request: Request) -> Answer:
        """Movements are facts: none is refused for what our books say, only for what cannot be understood."""
        retailer = await self._retailer.get()
        sound: dict[int, MovementRecorded] = {}
        problems: dict[int, tuple[str, Problem]] = {}
        look = needs_a_look(request.body)  # once for all of them
        for index, raw in enumerate(decode(request.body, _BATCH, look=look).movements):
            try:
                sound[index] = _understood(bytes(raw), retailer, look=look)
            except Problem as problem:
                problems[index] = (named(raw, "reference"), problem)
        return await self._writes.submit(request, Asked(sound, problems, origin_of(request)))

    async def _record(self, tx: Tx, entries: Sequence[Entry[Asked]], now: datetime) -> Decided:
        ids = [MessageId(new_id()) for _ in entries]
        await inbound.put(tx, self._vault, ids, [_raw(entry) for entry in entries], now=now, queued=False)
        told = [(entry, each) for entry in entries for each in entry.asked.sound.values()]
        movements = [_movement(entry, each) for entry, each in told]
        outcomes = await inventory.record(tx, movements, origin=Origin.begin(SOURCE), now=now)
        met = [
            Met(sku=moved.sku, location=moved.location, subject=f"movement/{moved.key}", origin=entry.asked.origin)
            for (entry, _), moved, outcome in zip(told, movements, outcomes, strict=True)
            if isinstance(outcome, Recorded)
        ]
        await catalog.tell_unknown(tx, met, now=now)
        said = [
            Said(subject=f"movement/{moved.key}", times=skew.times_of(each), origin=entry.asked.origin)
            for (entry, each), moved, outcome in zip(told, movements, outcomes, strict=True)
            if isinstance(outcome, Recorded)
        ]
        if doubtful := skew.doubtful(said, now):
            await skew.mind(tx, (await self._retailer.get()).estate, doubtful, now=now)
        for word, count in Counter(_outcome(outcome)[1] for outcome in outcomes).items():
            self._meters.taken("movements", word, count)
        each = iter(outcomes)
        results = [_answer(entry.asked, [next(each) for _ in entry.asked.sound]) for entry in entries]
        return Decided(results, {movement.sku for movement in movements})


def _understood(body: bytes, retailer: Retailer, *, look: bool) -> MovementRecorded:
    told = decode(body, _MOVEMENT, look=look)
    retailer.check_location(told.location, "$.location")
    return told


def _movement(entry: Entry[Asked], told: MovementRecorded) -> NewMovement:
    """A reference is the sender's own: other senders may use the same one."""
    key = MovementKey(f"api.{entry.request.caller.name}/{told.reference}")
    return replace(NewMovement.of(told, key), correlation_id=entry.asked.origin.correlation_id)


def _raw(entry: Entry[Asked]) -> NewMessage:
    return NewMessage(
        connection=ConnectionName(f"api.{entry.request.caller.name}"),
        route=Route.UPLOAD,
        feed=entry.request.path,
        body=entry.request.body,
    )


def _outcome(outcome: MovementOutcome) -> tuple[int, str]:
    match outcome:
        case Recorded():
            return 202, "recorded"
        case AlreadyRecorded():
            return 200, "repeated"
        case KeyReused():
            return 409, "reference_reused"
        case _:
            assert_never(outcome)


def _answer(asked: Asked, outcomes: Sequence[MovementOutcome]) -> Answer:
    items = []
    for (index, told), outcome in zip(asked.sound.items(), outcomes, strict=True):
        status, word = _outcome(outcome)
        again = _reused(index).document() if isinstance(outcome, KeyReused) else None
        items.append(MovementItem(index=index, status=status, reference=told.reference, outcome=word, problem=again))
    items += [_wrong(index, reference, problem) for index, (reference, problem) in asked.wrong.items()]
    items.sort(key=lambda item: item.index)
    nothing = None if asked.sound else next((problem for _, problem in asked.wrong.values()), None)
    return Answer(status=207, body=_ENCODE(MovementAnswer(items=items)), refused=nothing)


def _wrong(index: int, reference: str, problem: Problem) -> MovementItem:
    moved = problem.below(f"$.movements[{index}]")
    return MovementItem(index=index, status=moved.status, reference=reference, problem=moved.document())


def _reused(index: int) -> Problem:
    reason = "stands for another movement: nothing was recorded; use a new one"
    return Problem("reference-reused", errors=(FieldProblem(path=f"$.movements[{index}].reference", reason=reason),))


# ------------------------------------------------------------------------------------------------------------ looking


class PositionView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One SKU at one location, term by term: `available = on_hand - Σ unavailable - allocated - held` (signed)."""

    sku: str
    location: str
    condition: str
    on_hand: Decimal
    available: Decimal
    held: Decimal
    allocated: Decimal
    short: Decimal
    unavailable: dict[str, Decimal]
    """By bucket; empty ones are left out."""
    in_transit: Decimal
    on_order: Decimal
    dated: Decimal
    backordered: Decimal
    version: int
    changed_at: datetime
    counted_at: datetime | None


class PositionPage(msgspec.Struct, frozen=True, kw_only=True):
    """Positions by SKU. Ask again with `after=next`; `next` is null on the last page."""

    positions: list[PositionView]
    next: str | None


@get("/v1/stock/positions", summary="Stock positions, by SKU", opt={"scope": Scope.STOCK_READ})
async def list_positions(
    state: State,
    after: FromQuery[str] = "",
    sku: FromQuery[str] = "",
    location: FromQuery[str] = "",
    limit: FromQuery[int] = 100,
) -> PositionPage:
    """Pages of up to `limit` SKUs with all their locations; `sku` (comma-separated) and `location` narrow it down."""
    check_limit(limit, SKUS_MAX)
    if "\x00" in after + sku + location:
        raise wrong("after", "must not hold the character U+0000")
    parts = parts_of(state)
    named = [Sku(one.strip()) for one in sku.split(",") if one.strip()]
    if len(named) > SKUS_MAX:
        raise wrong("sku", f"at most {SKUS_MAX} at a time")
    places = [LocationCode(location)] if location else None
    async with parts.reads.transaction() as tx:
        skus = named or await inventory.skus_after(tx, Sku(after), limit=limit)
        found = await inventory.positions(tx, skus, now=parts.hub.clock.now(), locations=places) if skus else ()
    last = skus[-1] if not named and len(skus) == limit else None
    return PositionPage(positions=[_position(position) for position in found], next=last)


def _position(position: Position) -> PositionView:
    buckets = ("damaged", "quality_hold", "quarantine", "display", "repair", "return_to_vendor")
    units: dict[str, Decimal] = {name: getattr(position, name) for name in buckets}
    return PositionView(
        sku=position.sku,
        location=position.location,
        condition=position.condition,
        on_hand=position.on_hand,
        available=position.available,
        held=position.held,
        allocated=position.allocated,
        short=position.short,
        unavailable={name: quantity for name, quantity in units.items() if quantity},
        in_transit=position.in_transit,
        on_order=position.on_order,
        dated=position.dated,
        backordered=position.backordered,
        version=position.version,
        changed_at=position.changed_at,
        counted_at=position.counted_at,
    )
