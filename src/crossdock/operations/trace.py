"""Gather one order's story from every part of the hub that knows something of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crossdock.canonical.base import OrderId
from crossdock.crossref import service as crossref
from crossdock.crossref.model import LandedDocument
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.model import Event
from crossdock.foundation.db import Tx
from crossdock.inbound import service as inbound
from crossdock.inbound.model import MessageId, RecordShown
from crossdock.inbound.quarantine.model import Glance
from crossdock.operations import service as operations
from crossdock.operations.grouping.rules import parked_key
from crossdock.operations.model import OpenException
from crossdock.operations.rules import order_of
from crossdock.operations.timeline import Parts, Step, Waiting, steps, waits
from crossdock.orders import service as orders
from crossdock.orders.service import View
from crossdock.outbound import service as outbound
from crossdock.outbound.model import Attempt, Intent
from crossdock.outbound.service import Filter

MESSAGES_MAX: Final = 50
"""Distinct raw messages looked up for one order."""
INTENTS_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """An order and everything that happened to it, everywhere. No names and addresses: those stay with the order."""

    view: View
    steps: tuple[Step, ...]
    waits: tuple[Waiting, ...]
    """Empty when the order is finished."""
    documents: tuple[LandedDocument, ...]
    """What it has become in other systems."""


async def find(tx: Tx, text: str) -> Sequence[OrderId]:
    """Orders by any name: our id, the channel's id or number, a fulfilment, a parcel, another system's document."""
    named = [order_of(subject) for subject in await crossref.subjects_named(tx, text)]
    found = {*await orders.find(tx, text), *(order_id for order_id in named if order_id is not None)}
    direct = order_of(text)
    if direct is not None and await orders.get(tx, direct) is not None:
        found.add(direct)
    return sorted(found, reverse=True)


async def trace_order(tx: Tx, order_id: OrderId) -> Trace | None:
    """The whole story; None when there is no such order. Wants a snapshot: its many questions must see one moment."""
    view = await orders.get(tx, order_id)
    if view is None:
        return None
    subject = f"order/{order_id}"
    events = list(await eventlog.of_stream(tx, subject))
    for work in view.fulfilments:
        events += await eventlog.of_stream(tx, f"fulfilment/{work.fulfilment_id}")
    shown = await _messages(tx, events)
    intents = await _intents(tx, subject)
    parts = Parts(
        view=view,
        events=events,
        messages=[each.head for each in shown],
        records=await _records(tx, shown, {event.correlation_id for event in events}),
        intents=intents,
        exceptions=await _exceptions(tx, subject, [intent for intent, _ in intents]),
    )
    documents = tuple(await crossref.documents_of(tx, subject))
    return Trace(view=view, steps=steps(parts), waits=waits(parts), documents=documents)


async def _messages(tx: Tx, events: Sequence[Event]) -> Sequence[Glance]:
    """Raw messages among what the facts name as their cause."""
    causes = dict.fromkeys(event.causation_id for event in events if event.causation_id is not None)
    found = [await inbound.glance(tx, MessageId(cause)) for cause in list(causes)[:MESSAGES_MAX]]
    return [each for each in found if each is not None]


async def _records(tx: Tx, shown: Sequence[Glance], traces: set[UUID]) -> Sequence[RecordShown]:
    """Everything that came under the order's business keys: redeliveries and polls of the same order too."""
    own = [record for each in shown for record in each.records if record.trace in traces]
    found = {(record.message, record.number): record for record in own}
    for connection, key in dict.fromkeys((record.connection, record.key) for record in own if record.key):
        for record in await inbound.of_key(tx, connection, key):
            found[record.message, record.number] = record
    return list(found.values())


async def _intents(tx: Tx, subject: str) -> Sequence[tuple[Intent, Sequence[Attempt]]]:
    """Oldest first, each with its tries."""
    found = await outbound.list_intents(tx, Filter(subject=subject), limit=INTENTS_MAX)
    return [(intent, await outbound.attempts_of(tx, intent.id)) for intent in reversed(found)]


async def _exceptions(tx: Tx, subject: str, intents: Sequence[Intent]) -> Sequence[OpenException]:
    """About the order itself, and those under whose cause its intents are parked together with others'."""
    own = await operations.list_exceptions(tx, subject=subject, closed_too=True)
    keys = {parked_key(intent.connection, intent.cause) for intent in intents if intent.cause}
    return [*own, *await operations.by_keys(tx, keys - {exception.key for exception in own})]
