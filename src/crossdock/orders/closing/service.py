"""Cancel orders and let their goods leave. Each call locks its orders in key order, then does a batch in one go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, assert_never
from uuid import UUID

from crossdock.canonical.base import OrderId
from crossdock.canonical.facts import OrderCancelled, OrderCompleted, OrderLinesCancelled
from crossdock.canonical.intents import GoodsLine
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.fulfilment import service as fulfilments
from crossdock.fulfilment.model import AlreadyShipped, Exceeds, ShipOutcome, Shipped, Shipping, Unexpected, Unknown
from crossdock.orders import store as shared
from crossdock.orders.closing import rules, store
from crossdock.orders.closing.model import LinesCancelled, LinesOutcome, NotOpen
from crossdock.orders.holding.service import Placing, Releasing, place_many, release_many, stream_of
from crossdock.orders.model import (
    RECHECK,
    SOURCE,
    ZERO,
    AlreadyCancelled,
    Cancelled,
    CancelOutcome,
    Finding,
    HoldCode,
    Line,
    NotFound,
    Order,
    RestCancelled,
    TooLate,
    Vector,
)
from crossdock.orders.moving.service import move_units
from crossdock.orders.rules import plain
from crossdock.orders.standing import service as standing
from crossdock.orders.standing.model import Case

FREED: Final = "the order is cancelled"
LEFT_ELSEWHERE: Final = "it has left from another location"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """Somebody wants nothing more of an order to be shipped."""

    order_id: OrderId
    reason: str
    cancelled_at: datetime
    told: bool = False
    """The channel says that it *is* cancelled: when goods have left already, a person must hear of it."""
    source: str = SOURCE
    causation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class _Cancelling:
    asked: Cancellation
    outcome: CancelOutcome
    order: Order
    moved: rules.Moved | None
    """None when there is nothing left to move."""
    origin: Origin


async def cancel_many(tx: Tx, asked: Sequence[Cancellation], *, now: datetime) -> Sequence[CancelOutcome]:
    """Stop what can be stopped: claims are released once, open work is taken back. What has left comes as a return."""
    orders = await shared.lock_orders(tx, [each.order_id for each in asked])
    outcomes: dict[int, CancelOutcome] = {}
    cancelling: list[_Cancelling] = []
    for at, each in enumerate(asked):
        order = orders.get(each.order_id)
        if order is None:
            outcomes[at] = NotFound(each.order_id)
        elif order.header.cancelled_at is not None or each.order_id in {one.asked.order_id for one in cancelling}:
            outcomes[at] = AlreadyCancelled(each.order_id)
        else:
            one = _decided(order, each)
            outcomes[at] = one.outcome
            if one.moved is not None or each.told:
                cancelling.append(one)
    if cancelling:
        await _write_cancelled(tx, cancelling, now=now)
    return [outcomes[at] for at in range(len(asked))]


async def cancel(
    tx: Tx, order_id: OrderId, reason: str, *, now: datetime, source: str = SOURCE, causation_id: UUID | None = None
) -> CancelOutcome:
    """One order, by a person or an API caller."""
    asked = Cancellation(order_id=order_id, reason=reason, cancelled_at=now, source=source, causation_id=causation_id)
    return (await cancel_many(tx, [asked], now=now))[0]


def _decided(order: Order, asked: Cancellation) -> _Cancelling:
    units = order.units
    origin = Origin(correlation_id=order.header.correlation_id, source=asked.source, causation_id=asked.causation_id)
    if not units.open:
        return _Cancelling(asked, TooLate(asked.order_id), order, None, origin)
    outcome = RestCancelled(asked.order_id, units.out) if units.out else Cancelled(asked.order_id)
    return _Cancelling(asked, outcome, order, rules.cancelled(order), origin)


async def _write_cancelled(tx: Tx, cancelling: Sequence[_Cancelling], *, now: datetime) -> None:
    await store.set_cancelled(
        tx, [(each.asked.order_id, each.asked.cancelled_at, each.asked.reason) for each in cancelling]
    )
    moved = {each.asked.order_id: each for each in cancelling if each.moved is not None}
    work = await fulfilments.lock_of_orders(tx, moved.keys())
    await fulfilments.cancel_many(
        tx,
        [
            fulfilments.Cancellation(each, moved[each.order_id].asked.reason, moved[each.order_id].origin.causation_id)
            for each in work
            if each.open
        ],
        now=now,
    )
    await standing.free(tx, [each.order for each in moved.values()], FREED, now=now)
    await standing.forget(tx, [Case(each.order, each.origin) for each in moved.values()], now=now)
    await move_units(tx, [line for each in moved.values() if each.moved for line in each.moved.lines])
    await shared.set_completed(tx, sorted(moved), now=now)
    await eventlog.append(tx, [fact for each in moved.values() for fact in _closed_facts(each, now=now)])
    await release_many(
        tx,
        [
            Releasing(each.asked.order_id, hold.hold, RECHECK, FREED, each.origin)
            for each in cancelling
            if isinstance(each.outcome, Cancelled)
            for hold in each.order.standing
        ],
        now=now,
    )
    await place_many(
        tx,
        [
            Placing(each.asked.order_id, Finding(HoldCode.CANCELLED_LATE, _late(each)), each.origin)
            for each in cancelling
            if not isinstance(each.outcome, Cancelled)
        ],
        now=now,
    )


def _closed_facts(each: _Cancelling, *, now: datetime) -> Sequence[NewFact]:
    """Part shipped and the rest cancelled is complete, and to be invoiced; otherwise the order is cancelled."""
    assert each.moved is not None, each.asked
    order_id, asked = str(each.asked.order_id), each.asked
    facts: Sequence[OrderLinesCancelled | OrderCompleted | OrderCancelled] = (
        (_lines_cancelled(each.asked, each.moved), OrderCompleted(order_id=order_id))
        if isinstance(each.outcome, RestCancelled)
        else (OrderCancelled(order_id=order_id, reason=asked.reason, cancelled_at=asked.cancelled_at),)
    )
    stream = stream_of(asked.order_id)
    return [NewFact(stream=stream, fact=fact, happened_at=now, origin=each.origin) for fact in facts]


def _lines_cancelled(asked: Cancellation, moved: rules.Moved) -> OrderLinesCancelled:
    return OrderLinesCancelled(
        order_id=str(asked.order_id),
        lines=tuple(
            GoodsLine(sku=line.sku, quantity=vector.cancelled - line.vector.cancelled, line_id=line.line_id)
            for line, vector in moved.lines
            if vector.cancelled > line.vector.cancelled
        ),
        reason=asked.reason,
        cancelled_at=asked.cancelled_at,
    )


async def cancel_lines(
    tx: Tx,
    order_id: OrderId,
    in_all: Mapping[str, Decimal],
    reason: str,
    *,
    now: datetime,
    source: str = SOURCE,
    causation_id: UUID | None = None,
) -> LinesOutcome:
    """Let so many units per line id be cancelled *in_all*: claims are released once, work is taken back, all or nothing.

    Said twice it changes nothing. With the last open unit the whole order is cancelled, as `cancel` does it.
    """
    order = (await shared.lock_orders(tx, [order_id])).get(order_id)
    refused = NotFound(order_id) if order is None else _not_less(order, in_all)
    if order is None or refused is not None:
        assert refused is not None
        return refused
    units = rules.still_to_cancel(order, in_all)
    if sum(units.values(), ZERO) == order.units.open:
        return await cancel(tx, order_id, reason, now=now, source=source, causation_id=causation_id)
    asked = Cancellation(order_id=order_id, reason=reason, cancelled_at=now, source=source, causation_id=causation_id)
    await _lessen(tx, order, units, asked, now=now)
    return LinesCancelled(order_id, sum(units.values(), ZERO))


def _not_less(order: Order, in_all: Mapping[str, Decimal]) -> AlreadyCancelled | TooLate | NotOpen | None:
    """Why no unit of the order can be cancelled as asked; None when some can."""
    order_id = order.header.order_id
    missing = rules.beyond(order, in_all)
    if order.header.cancelled_at is not None:
        return AlreadyCancelled(order_id)
    if not order.open:
        return TooLate(order_id)
    if missing:
        return NotOpen(order_id, missing)
    return None if rules.still_to_cancel(order, in_all) else AlreadyCancelled(order_id)


async def _lessen(tx: Tx, order: Order, units: Mapping[str, Decimal], asked: Cancellation, *, now: datetime) -> None:
    """Less for the locations to do. What nobody counts and has no goods left beside it looks for a place again."""
    work = [each for each in await fulfilments.lock_of_orders(tx, [asked.order_id]) if each.open]
    less = rules.lessened(order, units, work)
    back = [(each, taken, fulfilments.stranded(each, taken)) for each, taken in less.work]
    stranded: dict[str, Decimal] = {}
    for _, _, alone in back:
        for line_id, amount in alone.items():
            stranded[line_id] = stranded.get(line_id, ZERO) + amount
    moved = rules.taken_back(less.moved.order, stranded)
    vectors = {line.line_id: vector for line, vector in [*less.moved.lines, *moved.lines]}
    await move_units(tx, [(line, vectors[line.line_id]) for line in order.lines if line.line_id in vectors])
    await fulfilments.reduce_many(
        tx,
        [
            fulfilments.Reduction(each, {**alone, **taken}, asked.reason, f"less/{new_id()}", asked.causation_id)
            for each, taken, alone in back
        ],
        now=now,
    )
    origin = Origin(correlation_id=order.header.correlation_id, source=asked.source, causation_id=asked.causation_id)
    await standing.shed(tx, less.moved.order, asked.reason, now=now)
    if not less.moved.order.units.backordered:
        await standing.forget(tx, [Case(order, origin)], now=now)
    fact = _lines_cancelled(asked, less.moved)
    await eventlog.append(tx, [NewFact(stream=stream_of(asked.order_id), fact=fact, happened_at=now, origin=origin)])


def _late(each: _Cancelling) -> str:
    if isinstance(each.outcome, RestCancelled):
        return f"cancelled ({each.asked.reason}) after {plain(each.outcome.shipped)} units had left"
    return f"cancelled ({each.asked.reason}) after everything had left"


async def ship_many(tx: Tx, shippings: Sequence[Shipping], *, now: datetime) -> Sequence[ShipOutcome]:
    """Goods have left. A fact: what had been cancelled and left all the same is recorded, and a person hears of it."""
    whose = await fulfilments.orders_of(tx, {shipping.fulfilment_id for shipping in shippings})
    orders = dict(await shared.lock_orders(tx, whose.values()))
    work = {each.fulfilment_id: each for each in await fulfilments.lock_of_orders(tx, orders.keys())}
    outcomes = await fulfilments.ship_many(tx, shippings, work, now=now)
    moves: dict[tuple[OrderId, str], tuple[Line, Vector]] = {}
    ended: dict[OrderId, Origin] = {}
    late: list[Placing] = []
    revived: dict[OrderId, UUID | None] = {}
    twice: list[fulfilments.Reduction] = []
    for shipping, outcome in zip(shippings, outcomes, strict=True):
        match outcome:
            case Shipped():
                order = orders[outcome.order_id]
                moved = rules.left(order, outcome.mode, outcome.open, outcome.revived)
                orders[outcome.order_id] = moved.order
                moves |= {(line.order_id, line.line_id): (line, vector) for line, vector in moved.lines}
                if outcome.revived:
                    revived[outcome.order_id] = shipping.causation_id
                    others = [each for each in work.values() if each.fulfilment_id != shipping.fulfilment_id]
                    twice += [
                        fulfilments.Reduction(each, units, LEFT_ELSEWHERE, f"left/{new_id()}", shipping.causation_id)
                        for each, units in rules.relieved(order, moved, outcome.open, others)
                    ]
                origin = Origin(
                    correlation_id=order.header.correlation_id,
                    source=shipping.source,
                    causation_id=shipping.causation_id,
                )
                if not moved.order.open:
                    ended[outcome.order_id] = origin
                if outcome.revived:
                    reason = f"parcel {shipping.reference} left although it was taken back"
                    late.append(Placing(outcome.order_id, Finding(HoldCode.SHIPPED_AFTER_CANCEL, reason), origin))
            case AlreadyShipped() | Exceeds() | Unexpected() | Unknown():
                pass
            case _:
                assert_never(outcome)
    await move_units(tx, list(moves.values()))
    await fulfilments.reduce_many(tx, twice, now=now)
    over = [
        Case.of(orders[each], cause) for each, cause in sorted(revived.items()) if not orders[each].units.backordered
    ]
    await standing.forget(tx, over, now=now)
    await _complete(tx, ended, now=now)
    await place_many(tx, late, now=now)
    return outcomes


async def ship(tx: Tx, shipping: Shipping, *, now: datetime) -> ShipOutcome:
    """One parcel."""
    return (await ship_many(tx, [shipping], now=now))[0]


async def _complete(tx: Tx, ended: dict[OrderId, Origin], *, now: datetime) -> None:
    """Orders of which no unit is open any more; told once."""
    fresh = await shared.set_completed(tx, sorted(ended), now=now)
    await eventlog.append(
        tx,
        [
            NewFact(
                stream=stream_of(order_id),
                fact=OrderCompleted(order_id=str(order_id)),
                happened_at=now,
                # Our own conclusion, whoever shipped the last parcel: the shipper may be the one to be told.
                origin=replace(ended[order_id], source=SOURCE),
            )
            for order_id in sorted(fresh)
        ],
    )
