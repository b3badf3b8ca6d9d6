"""Orders come in: by webhook, redelivery, poll and API, one order each.

Statements per call are constant in the number of orders, so that the gateway can commit hundreds at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from crossdock.canonical.base import ChannelCode, ConnectionName, OrderId, Sku
from crossdock.canonical.facts import OrderAccepted
from crossdock.canonical.intents import SaleLine
from crossdock.canonical.orders import OrderPlaced
from crossdock.customers import service as customers
from crossdock.customers.model import Contact, ContactId, NewContact
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.foundation.vault import Vault
from crossdock.inventory import service as inventory
from crossdock.inventory.unplaced.model import UnplacedLine
from crossdock.orders import rules
from crossdock.orders.holding.service import stream_of
from crossdock.orders.intake import store
from crossdock.orders.model import Accepted, AcceptOutcome, NewOrder, Repeated, Revised
from crossdock.orders.news.service import TakenIn, Told, take_in
from crossdock.orders.news.store import Key, by_key

_ENCODE: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One order as one message brought it."""

    order: OrderPlaced
    connection: ConnectionName
    origin: Origin


async def accept_many(
    tx: Tx, vault: Vault, acceptances: Sequence[Acceptance], *, now: datetime
) -> Sequence[AcceptOutcome]:
    """Take in a batch; one outcome per acceptance, in order. Everything is durable when *tx* commits.

    The unique business key decides which of two concurrent batches accepts an order; the other one finds it known.
    Call it once per transaction: two calls could wait for each other in a circle (the database would end one).
    """
    first = _first_of_each(acceptances)
    new = [_prepared(vault, acceptances[at]) for _, at in sorted(first.items())]
    fresh_ids = await store.insert_headers(tx, new, now=now)
    outcomes: dict[int, AcceptOutcome] = {}
    fresh: list[tuple[NewOrder, Acceptance]] = []
    for entry, (_, at) in zip(new, sorted(first.items()), strict=True):
        if entry.order_id in fresh_ids:
            fresh.append((entry, acceptances[at]))
            outcomes[at] = Accepted(entry.order_id)
    if fresh:
        await customers.remember_many(tx, vault, _contacts(fresh, now))
        await store.insert_lines(tx, [entry for entry, _ in fresh])
        await inventory.wait_for_place(tx, [line for entry, _ in fresh for line in _waiting(entry)])
        await eventlog.append(tx, [_accepted_fact(*pair, now=now) for pair in fresh])
    cancelled_at_once = {at for at, outcome in outcomes.items() if acceptances[at].order.cancelled_at is not None}
    rest = [at for at in range(len(acceptances)) if at not in outcomes or at in cancelled_at_once]
    if rest:
        outcomes |= await _known(tx, vault, acceptances, rest, outcomes, now=now)
    return [outcomes[at] for at in range(len(acceptances))]


async def _known(
    tx: Tx,
    vault: Vault,
    acceptances: Sequence[Acceptance],
    rest: Sequence[int],
    accepted: Mapping[int, AcceptOutcome],
    *,
    now: datetime,
) -> Mapping[int, AcceptOutcome]:
    """Messages about orders that exist: identical ones are absorbed at a glance, the others are read as news.

    An order that arrives cancelled is accepted first, then its own cancellation is news like any other.
    """
    keys = {at: (acceptances[at].connection, acceptances[at].order.channel_order_id) for at in rest}
    known = await by_key(tx, sorted(set(keys.values())))
    outcomes: dict[int, AcceptOutcome] = {}
    told: dict[int, Told] = {}
    for at, key in keys.items():
        order_id, mark = known[key]
        if at not in accepted and mark == content_mark(vault, acceptances[at].order):
            outcomes[at] = Repeated(order_id, identical=True)
        else:
            told[at] = _told(vault, order_id, acceptances[at])
    if told:
        for at, taken in zip(told, await take_in(tx, vault, list(told.values()), now=now), strict=True):
            outcomes[at] = accepted[at] if at in accepted else _outcome(taken)
    return outcomes


def _outcome(taken: TakenIn) -> AcceptOutcome:
    if taken.newer or taken.changes:
        return Revised(taken.order_id, taken.changes)
    return Repeated(taken.order_id, identical=False)


def _told(vault: Vault, order_id: OrderId, acceptance: Acceptance) -> Told:
    order = acceptance.order
    return Told(
        order_id=order_id,
        news=rules.news_of(order, address_mark(vault, order)),
        origin=acceptance.origin,
        content_mark=content_mark(vault, order),
        contact=_contact(order) if _personal(order) else None,
    )


def content_mark(vault: Vault, order: OrderPlaced) -> bytes:
    """Equal for equal documents; tells nothing about what is in them."""
    return vault.mark(_ENCODE(order))


def address_mark(vault: Vault, order: OrderPlaced) -> bytes | None:
    """The same for the address alone."""
    return None if order.ship_to is None else vault.mark(_ENCODE(order.ship_to))


def _personal(order: OrderPlaced) -> bool:
    return order.customer is not None or order.ship_to is not None or bool(order.note)


def _contact(order: OrderPlaced) -> Contact:
    return Contact(person=order.customer, ship_to=order.ship_to, note=order.note)


def _waiting(new: NewOrder) -> Iterator[UnplacedLine]:
    """Nothing of a new order stands anywhere yet."""
    for line in new.order.lines:
        yield UnplacedLine(new.order_id, line.line_id, Sku(line.sku), ChannelCode(new.order.channel), line.quantity)


def _first_of_each(acceptances: Sequence[Acceptance]) -> dict[Key, int]:
    """Where each business key stands first in the batch."""
    first: dict[Key, int] = {}
    for at, acceptance in enumerate(acceptances):
        first.setdefault((acceptance.connection, acceptance.order.channel_order_id), at)
    return first


def _prepared(vault: Vault, acceptance: Acceptance) -> NewOrder:
    order = acceptance.order
    return NewOrder(
        OrderId(new_id()),
        acceptance.connection,
        order,
        new_id() if _personal(order) else None,
        address_mark(vault, order),
        content_mark(vault, order),
        rules.revision_of(order),
        acceptance.origin.correlation_id,
    )


def _contacts(fresh: Sequence[tuple[NewOrder, Acceptance]], now: datetime) -> Sequence[NewContact]:
    return [
        NewContact(
            ContactId(entry.contact_id),
            acceptance.connection,
            _contact(acceptance.order),
            min(acceptance.order.placed_at, now),
        )
        for entry, acceptance in fresh
        if entry.contact_id is not None
    ]


def _accepted_fact(entry: NewOrder, acceptance: Acceptance, *, now: datetime) -> NewFact:
    order = acceptance.order
    fact = OrderAccepted(
        order_id=str(entry.order_id),
        connection=entry.connection,
        channel=order.channel,
        channel_order_id=order.channel_order_id,
        number=order.number or order.channel_order_id,
        placed_at=order.placed_at,
        currency=order.currency,
        prices_include_tax=order.prices_include_tax,
        lines=_sale_lines(order),
        total=order.total,
        mode=order.mode,
        payment_status=order.payment_status,
        payments=order.payments,
        pickup_location=order.pickup_location,
    )
    return NewFact(stream=stream_of(entry.order_id), fact=fact, happened_at=now, origin=acceptance.origin)


def _sale_lines(order: OrderPlaced) -> tuple[SaleLine, ...]:
    goods = [
        SaleLine(
            line_id=line.line_id,
            quantity=line.quantity,
            unit_price=line.unit_price,
            sku=line.sku,
            discount=line.discount,
            taxes=line.taxes,
            name=line.name,
        )
        for line in order.lines
    ]
    return (*goods, *rules.charge_lines(order.charges))
