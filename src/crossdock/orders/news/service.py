"""Take in news about known orders, whichever message brings it and however late."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from crossdock.canonical.base import ConnectionName, OrderId
from crossdock.canonical.facts import OrderEdited, OrderPaymentChanged
from crossdock.canonical.orders import OrderChanged
from crossdock.customers import service as customers
from crossdock.customers.model import Contact, ContactId, NewContact
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.foundation.vault import Vault
from crossdock.orders import rules
from crossdock.orders import store as shared
from crossdock.orders.closing.model import NotOpen
from crossdock.orders.closing.service import Cancellation, cancel_lines, cancel_many
from crossdock.orders.holding.service import Placing, Releasing, place_many, release_many, stream_of
from crossdock.orders.model import (
    RECHECK,
    Applied,
    CancelledByChannel,
    Change,
    ChangeOutcome,
    EditedByChannel,
    Finding,
    Header,
    HoldCode,
    LessByChannel,
    NotFound,
    Order,
    ParentMissing,
    PaymentChanged,
)
from crossdock.orders.news import store
from crossdock.orders.news.rules import read_edit
from crossdock.orders.rules import News, Reading, read_news

CANCELLED_BY_CHANNEL: Final = "cancelled by the channel"
TAKEN_OFF_BY_CHANNEL: Final = "taken off the order by the channel"
AS_ACCEPTED: Final = "the channel's order is as it was accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One message's news about one known order."""

    order_id: OrderId
    news: News
    origin: Origin
    content_mark: bytes | None = None
    """Of the whole document, when the message carried one."""
    contact: Contact | None = None
    """Who and where, when the message said so: the newest known is the one that is used."""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What a message changed. `newer` tells a later revision from a repetition."""

    order_id: OrderId
    newer: bool
    changes: tuple[Change, ...]


@dataclass(slots=True)
class _Effects:
    """What a batch of news comes down to, gathered before anything is written."""

    headers: dict[OrderId, Header] = field(default_factory=dict)
    contacts: list[NewContact] = field(default_factory=list)
    facts: list[NewFact] = field(default_factory=list)
    cancellations: dict[int, Cancellation] = field(default_factory=dict)
    differences: dict[OrderId, tuple[str, Origin]] = field(default_factory=dict)
    fewest: dict[OrderId, dict[str, Decimal]] = field(default_factory=dict)
    """Units per line, where the channel has wanted less than was accepted."""
    less: dict[OrderId, tuple[int, Mapping[str, Decimal], Origin]] = field(default_factory=dict)
    """Units per line that the channel has cancelled in all, as its newest message says, and which message that is."""


async def apply_change(
    tx: Tx, change: OrderChanged, connection: ConnectionName, *, origin: Origin, now: datetime
) -> ChangeOutcome:
    """News that names its order by the channel's id; without the order it has to wait."""
    key = (connection, change.channel_order_id)
    known = await store.by_key(tx, [key])
    if key not in known:
        return ParentMissing(change.channel_order_id)
    order_id, _ = known[key]
    told = Told(order_id=order_id, news=rules.news_of_change(change), origin=origin)
    return Applied(order_id, (await take_in(tx, None, [told], now=now))[0].changes)


async def take_in(tx: Tx, vault: Vault | None, told: Sequence[Told], *, now: datetime) -> Sequence[TakenIn]:
    """Understand a batch in its order, then write it at once. *vault* is needed when a message carries a contact."""
    orders = dict(await shared.lock_orders(tx, [each.order_id for each in told]))
    effects = _Effects(fewest=await store.fewest(tx, list(orders)))
    taken = [_read(at, each, orders, effects) for at, each in enumerate(told)]
    if effects.contacts:
        assert vault is not None, "a message with a contact needs the vault"
        await customers.remember_many(tx, vault, effects.contacts)
    await store.revise(tx, list(effects.headers.values()))
    await store.remember_fewest(tx, effects.fewest)
    await eventlog.append(tx, effects.facts)
    outcomes = await cancel_many(tx, list(effects.cancellations.values()), now=now)
    for at, outcome in zip(effects.cancellations, outcomes, strict=True):
        taken[at] = replace(taken[at], changes=(*taken[at].changes, CancelledByChannel(outcome)))
    for order_id, (at, in_all, origin) in effects.less.items():
        if in_all:
            await _take_off(tx, order_id, in_all, origin, now=now)
            taken[at] = replace(taken[at], changes=(*taken[at].changes, LessByChannel(tuple(in_all))))
    await _judge_edits(tx, orders, effects.differences, now=now)
    return taken


async def _take_off(tx: Tx, order_id: OrderId, in_all: Mapping[str, Decimal], origin: Origin, *, now: datetime) -> None:
    """The channel wants less of some lines: as when a person cancels them."""
    reason, cause = TAKEN_OFF_BY_CHANNEL, origin.causation_id
    outcome = await cancel_lines(tx, order_id, in_all, reason, now=now, source=origin.source, causation_id=cause)
    # The locked order had these units open, and no earlier message of the batch cancelled it whole.
    assert not isinstance(outcome, NotFound | NotOpen), (order_id, in_all, outcome)


def _read(at: int, told: Told, orders: dict[OrderId, Order], effects: _Effects) -> TakenIn:
    """One message: move the order on in memory, note what has to be written."""
    order = orders[told.order_id]
    told = replace(told, origin=_origin(order.header, told.origin))
    reading = read_news(order.header, told.news)
    newer = told.news.at > order.header.revised_at
    changes: list[Change] = []
    if reading.payment_status is not None:
        changes.append(PaymentChanged(reading.payment_status))
        fact = OrderPaymentChanged(order_id=str(told.order_id), payment_status=reading.payment_status)
        effects.facts.append(
            NewFact(stream=stream_of(told.order_id), fact=fact, happened_at=told.news.at, origin=told.origin)
        )
    if reading.cancelled_at is not None:
        effects.cancellations[at] = Cancellation(
            order_id=told.order_id,
            reason=CANCELLED_BY_CHANNEL,
            cancelled_at=reading.cancelled_at,
            told=True,
            source=told.origin.source,
            causation_id=told.origin.causation_id,
        )
    # What a cancelled order's lines look like on the channel concerns nobody any more.
    elif reading.tells_content and order.header.cancelled_at is None:
        edit = read_edit(order, told.news, effects.fewest.get(told.order_id, {}))
        # Of two states of one second nobody knows which was first; but less stays less.
        if newer:
            effects.differences[told.order_id] = (edit.difference, told.origin)
        if newer and edit.difference:
            changes.append(EditedByChannel(edit.difference))
        effects.less[told.order_id] = (at, edit.less, told.origin)
        effects.fewest.setdefault(told.order_id, {}).update(edit.wanted)
    header = _revised(order.header, reading, told, effects, newer=newer)
    if reading.cancelled_at is not None:
        header = replace(header, cancelled_at=reading.cancelled_at)
    if header != order.header:
        effects.headers[told.order_id] = header
        orders[told.order_id] = replace(order, header=header)
    return TakenIn(told.order_id, newer, tuple(changes))


def _origin(header: Header, message: Origin) -> Origin:
    """What follows belongs to the order's own trace; the message that told it is the cause."""
    return Origin(
        correlation_id=header.correlation_id,
        source=message.source,
        causation_id=message.causation_id or message.correlation_id,
    )


def _revised(header: Header, reading: Reading, told: Told, effects: _Effects, *, newer: bool) -> Header:
    header = replace(
        header,
        payment_status=reading.payment_status or header.payment_status,
        payment_at=reading.payment_at,
        revised_at=reading.revised_at,
    )
    if not newer or told.content_mark is None or header.forgotten_at is not None:
        return header
    contact_id = header.contact_id
    if told.contact is not None:
        contact_id = new_id()
        connection = ConnectionName(header.connection)
        at = min(header.placed_at, header.accepted_at)
        effects.contacts.append(NewContact(ContactId(contact_id), connection, told.contact, at))
    # The accepted address stays what edits are measured against.
    return replace(header, content_mark=told.content_mark, contact_id=contact_id)


async def _judge_edits(
    tx: Tx, orders: Mapping[OrderId, Order], differences: Mapping[OrderId, tuple[str, Origin]], *, now: datetime
) -> None:
    """An edit holds the order until a person has decided; the same edit is not told twice."""
    edited: list[Placing] = []
    gone: list[Releasing] = []
    for order_id, (difference, origin) in differences.items():
        last = next((hold for hold in reversed(orders[order_id].holds) if hold.hold is HoldCode.EDITED), None)
        if not difference and last is not None and last.stands:
            gone.append(Releasing(order_id, HoldCode.EDITED, RECHECK, AS_ACCEPTED, origin))
        elif difference and (last is None or last.reason != difference):
            edited.append(Placing(order_id, Finding(HoldCode.EDITED, difference), origin))
    await place_many(tx, edited, now=now)
    await release_many(tx, gone, now=now)
    await eventlog.append(
        tx,
        [
            NewFact(
                stream=stream_of(each.order_id),
                fact=OrderEdited(order_id=str(each.order_id), difference=each.finding.reason),
                happened_at=now,
                origin=each.origin,
            )
            for each in edited
        ],
    )
