"""One order's story as lines in the order in which they happened, and who waits for whom. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import singledispatch
from typing import Final
from uuid import UUID

from crossdock.canonical import facts
from crossdock.canonical.base import Document
from crossdock.canonical.intents import GoodsLine
from crossdock.canonical.money import money
from crossdock.eventlog.model import Event
from crossdock.inbound.model import RecordShown
from crossdock.inbound.quarantine.model import MessageHead
from crossdock.operations.grouping.rules import parked_key
from crossdock.operations.model import ExceptionState, OpenException
from crossdock.orders.model import Part
from crossdock.orders.service import View
from crossdock.outbound.model import Attempt, Intent, IntentState, Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line: when, which system or part of the hub, what, and ids to follow."""

    at: datetime
    source: str
    what: str
    detail: str
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What has not happened yet, and whose turn it is."""

    whom: str
    what: str
    since: datetime
    exception: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that is known of an order, gathered in one transaction."""

    view: View
    events: Sequence[Event]
    """Of the order's stream and of its fulfilments'."""
    messages: Sequence[MessageHead]
    """Raw messages that facts were caused by."""
    records: Sequence[RecordShown]
    """Everything that came in under the order's business key, repetitions included."""
    intents: Sequence[tuple[Intent, Sequence[Attempt]]]
    exceptions: Sequence[OpenException]


def steps(parts: Parts) -> tuple[Step, ...]:
    """All of it, merged by time; what happened at the same moment keeps its causal order."""
    told_by_records = {record.message for record in parts.records}
    lines: list[Step] = [_message(message) for message in parts.messages if message.id not in told_by_records]
    lines += [_erased(message) for message in parts.messages if message.erased_at is not None]
    lines += [_record(record) for record in parts.records]
    lines += [_event(event) for event in parts.events]
    for intent, attempts in parts.intents:
        lines += _intent(intent, attempts)
    for exception in parts.exceptions:
        lines += _exception(exception)
    return tuple(sorted(lines, key=lambda step: step.at))


# --- messages ------------------------------------------------------------------------------------------------------


def _message(message: MessageHead) -> Step:
    return Step(
        at=message.received_at,
        source=message.connection,
        what="message received",
        detail=f"{message.route} {message.feed}, {message.size} bytes",
        ids=(f"message {message.id}",),
    )


def _erased(message: MessageHead) -> Step:
    assert message.erased_at is not None, message.id
    whom = f"at the request of {message.request}" if message.request else ""
    return Step(
        at=message.erased_at,
        source="inbound",
        what="message erased",
        detail=f"what {message.route} {message.feed} said of a person, {whom}".rstrip(", "),
        ids=(f"message {message.id}",),
    )


def _record(record: RecordShown) -> Step:
    reason = f": {record.path} {record.reason}".rstrip() if record.reason else ""
    return Step(
        at=record.received_at,
        source=record.connection,
        what="message received",
        detail=f"{record.route} {record.feed}, {record.kind or 'unreadable'}, {record.state}{reason}",
        ids=(f"message {record.message}#{record.number}",),
    )


# --- facts ---------------------------------------------------------------------------------------------------------


def _event(event: Event) -> Step:
    ids = (event.stream,) if event.stream.startswith("fulfilment/") else ()
    return Step(at=event.happened_at, source=event.source, what=event.type, detail=told(event.fact), ids=ids)


@singledispatch
def told(_fact: Document) -> str:
    """A fact in a few words; the type alone says it all for facts without a row below."""
    return ""


@told.register
def _accepted(fact: facts.OrderAccepted) -> str:
    units = sum((line.quantity for line in fact.lines if line.sku is not None), Decimal(0))
    return f"{fact.number}: {_plain(units)} units, {money(fact.total, fact.currency)}, {fact.payment_status}"


@told.register
def _placed(fact: facts.OrderPlacedOnStock) -> str:
    placed = [f"{_plain(line.quantity)} x {line.sku} at {line.location}" for line in fact.lines]
    missing = [f"{_plain(line.quantity)} x {line.sku} backordered" for line in fact.backordered]
    named = [f"reservation {each.reservation} {each.outcome.replace('_', ' ')}" for each in fact.reservations]
    return ", ".join([*placed, *missing, *named])


@told.register
def _repromised(fact: facts.OrderRepromised) -> str:
    lines = [
        f"{_plain(line.quantity)} x {line.sku} gone at {line.location}, "
        + ("waits" if line.now_at is None else f"now from {line.now_at}")
        for line in fact.lines
    ]
    return ", ".join([*lines, fact.cause])


@told.register
def _gone(fact: facts.OrderGoodsGone) -> str:
    return f"{_plain(fact.quantity)} x {fact.sku} gone at {fact.location}, which was told to ship them: {fact.cause}"


@told.register
def _backordered(fact: facts.OrderBackordered) -> str:
    return f"{_goods(fact.lines)} without goods: {fact.reason}"


@told.register
def _held(fact: facts.OrderHeld) -> str:
    return f"{fact.hold}: {fact.reason}"


@told.register
def _hold_released(fact: facts.OrderHoldReleased) -> str:
    return f"{fact.hold}: {fact.reason}".rstrip(": ")


@told.register
def _customer_erased(fact: facts.CustomerErased) -> str:
    return f"who bought is not kept any more: {fact.request}, by {fact.who}"


@told.register
def _payment(fact: facts.OrderPaymentChanged) -> str:
    return fact.payment_status


@told.register
def _cancelled(fact: facts.OrderCancelled) -> str:
    return fact.reason


@told.register
def _lines_cancelled(fact: facts.OrderLinesCancelled) -> str:
    return f"{_goods(fact.lines)}: {fact.reason}"


@told.register
def _reduced(fact: facts.FulfilmentReduced) -> str:
    return f"less at {fact.location}: {_goods(fact.lines)}"


@told.register
def _edited(fact: facts.OrderEdited) -> str:
    return fact.difference


@told.register
def _released(fact: facts.FulfilmentReleased) -> str:
    return f"{fact.mode} from {fact.location}: {_goods(fact.lines)}"


@told.register
def _shipped(fact: facts.FulfilmentShipped) -> str:
    parcel = " ".join([fact.carrier, *fact.tracking]).strip()
    return f"from {fact.location}: {_goods(fact.lines)}{', ' if parcel else ''}{parcel}"


@told.register
def _fulfilment_cancelled(fact: facts.FulfilmentCancelled) -> str:
    return fact.reason


@told.register
def _landed(fact: facts.IntentLanded) -> str:
    number = f" ({fact.number})" if fact.number else ""
    return f"{fact.kind} is {fact.document_id}{number} in {fact.connection}"


@told.register
def _refused(fact: facts.IntentRefused) -> str:
    return f"{fact.connection} refused {fact.kind}: {fact.path} {fact.reason}"


@told.register
def _parked(fact: facts.IntentParked) -> str:
    return f"{fact.kind} through {fact.connection} waits for {fact.cause}: {fact.reason}"


def _goods(lines: Iterable[GoodsLine]) -> str:
    return ", ".join(f"{_plain(line.quantity)} x {line.sku}" for line in lines)


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}" if value else "0"


# --- intents -------------------------------------------------------------------------------------------------------

DONE: Final[Mapping[Purpose, str]] = {
    Purpose.SEND: "sent",
    Purpose.PROBE: "looked for",
    Purpose.HAND: "decided by hand",
}


def _intent(intent: Intent, attempts: Sequence[Attempt]) -> Iterable[Step]:
    ids = (f"intent {intent.id}",)
    detail = f"{intent.kind} {intent.reference}"
    yield Step(
        at=intent.created_at, source="outbound", what="intent made", detail=f"{detail} to {intent.connection}", ids=ids
    )
    for attempt in attempts:
        took = (attempt.ended_at - attempt.started_at) / timedelta(milliseconds=1)
        reason = f": {attempt.reason}" if attempt.reason else ""
        yield Step(
            at=attempt.started_at,
            source=intent.connection,
            what=f"{DONE[attempt.purpose]}, {attempt.verdict}",
            detail=f"{detail}, try {attempt.number}, {took:.0f} ms{reason}",
            ids=ids,
        )
    if intent.state in {IntentState.SUPERSEDED, IntentState.WITHDRAWN}:
        what = f"intent {intent.state}"
        yield Step(
            at=intent.changed_at, source="outbound", what=what, detail=f"{detail} {intent.reason}".strip(), ids=ids
        )


# --- exceptions ----------------------------------------------------------------------------------------------------


def _exception(exception: OpenException) -> Iterable[Step]:
    ids = (f"exception {exception.id}",)
    detail = f"{exception.type} for {exception.owner}"
    yield Step(at=exception.opened_at, source="operations", what="exception opened", detail=detail, ids=ids)
    if exception.closed_at is not None:
        what = "exception closed"
        detail = f"{exception.type}: {exception.resolution}"
        yield Step(at=exception.closed_at, source="operations", what=what, detail=detail, ids=ids)


# --- who waits for whom --------------------------------------------------------------------------------------------

OPEN_INTENTS: Final[Mapping[IntentState, str]] = {
    IntentState.PENDING: "waits to be sent",
    IntentState.SENDING: "is being sent",
    IntentState.IN_DOUBT: "may have arrived: the hub looks",
    IntentState.PARKED: "is parked",
    IntentState.REFUSED: "was refused",
}


def waits(parts: Parts) -> tuple[Waiting, ...]:
    """Everything of the order that is not finished, and whose turn it is."""
    open_exceptions = [each for each in parts.exceptions if each.state is ExceptionState.OPEN]
    found = [*_stock_waits(parts.view, open_exceptions), *_work_waits(parts.view)]
    found += _intent_waits([intent for intent, _ in parts.intents], open_exceptions)
    return tuple(sorted(found, key=lambda waiting: waiting.since))


def _stock_waits(view: View, exceptions: Sequence[OpenException]) -> Iterable[Waiting]:
    header = view.order.header
    for hold in view.order.standing:
        exception = _of_key(exceptions, f"order/{header.order_id}/{hold.hold}")
        yield Waiting(
            whom=exception.owner if exception is not None else "operations",
            what=f"hold {hold.hold}: {hold.reason}",
            since=hold.placed_at,
            exception=None if exception is None else exception.id,
        )
    if view.order.units.of(Part.UNPLACED) and not view.order.standing:
        units = _plain(view.order.units.of(Part.UNPLACED))
        yield Waiting(whom="crossdock", what=f"{units} units to be placed", since=header.accepted_at)
    told_of = _of_key(exceptions, f"backordered/{header.order_id}")
    for line in view.order.lines:
        if line.vector.backordered:
            yield Waiting(
                whom="goods" if told_of is None else told_of.owner,
                what=f"{_plain(line.vector.backordered)} x {line.sku} to come in",
                since=header.accepted_at,
                exception=None if told_of is None else told_of.id,
            )


def _work_waits(view: View) -> Iterable[Waiting]:
    for work in view.fulfilments:
        units = sum((line.open for line in work.lines), Decimal(0))
        if work.ended_at is None and units:
            yield Waiting(
                whom=work.location,
                what=f"{work.mode} of {_plain(units)} units ({work.state})",
                since=work.released_at,
            )


def _intent_waits(intents: Sequence[Intent], exceptions: Sequence[OpenException]) -> Iterable[Waiting]:
    for intent in intents:
        state = OPEN_INTENTS.get(intent.state)
        if state is None:
            continue
        keys = (f"intent/{intent.id}", parked_key(intent.connection, intent.cause))
        exception = next((each for each in exceptions if each.key in keys), None)
        why = f": {intent.reason}" if intent.reason else ""
        yield Waiting(
            whom=intent.connection if exception is None else exception.owner,
            what=f"{intent.kind} {state}{why}",
            since=intent.created_at,
            exception=None if exception is None else exception.id,
        )


def _of_key(exceptions: Sequence[OpenException], key: str) -> OpenException | None:
    return next((each for each in exceptions if each.key == key), None)
