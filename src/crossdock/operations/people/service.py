"""Find a person, show everything that is kept about them, forget them everywhere at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from crossdock.canonical.base import ConnectionName, OrderId
from crossdock.canonical.facts import CustomerErased
from crossdock.canonical.orders import Person
from crossdock.customers import service as customers
from crossdock.customers.model import Contact, ContactId, SubjectId
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx
from crossdock.foundation.vault import Vault
from crossdock.inbound import service as inbound
from crossdock.operations.people.model import (
    Entry,
    Forgetting,
    Forgotten,
    ForgottenBefore,
    Holdings,
    StillNeeded,
    Whom,
)
from crossdock.orders import service as orders
from crossdock.orders.service import View

SOURCE: Final = "operations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Why somebody is forgotten, and by whom."""

    reference: str
    """Where the retailer keeps the request; never the person's name."""
    who: str
    now: datetime


async def of_order(tx: Tx, order_id: OrderId) -> SubjectId | None:
    """Whose order it is; None when nobody told us."""
    view = await orders.get(tx, order_id)
    if view is None or view.order.header.contact_id is None:
        return None
    return await customers.subject_of(tx, ContactId(view.order.header.contact_id))


async def whom(tx: Tx, vault: Vault, subject_id: SubjectId) -> Whom | None:
    """Somebody who ordered; None when there is none of that id."""
    subject = await customers.get(tx, subject_id)
    if subject is None:
        return None
    handle = customers.handle_of_subject(vault, subject)
    return Whom(connection=subject.connection, subject=subject, handle=handle)


async def known_as(tx: Tx, vault: Vault, connection: ConnectionName, name: str) -> Whom:
    """Whoever has this mail address, or else this id, on a connection, whether or not they ever ordered."""
    person = Person(email=name) if "@" in name else Person(channel_customer_id=name)
    subject_id = await customers.find(tx, vault, connection, person)
    subject = None if subject_id is None else await customers.get(tx, subject_id)
    handle = customers.handle_of(vault, connection, person)
    return Whom(connection=connection, subject=subject, handle=handle, person=person)


async def holdings(tx: Tx, vault: Vault, who: Whom) -> Holdings:
    """Everything that is kept about a person."""
    contacts = {} if who.subject is None else await customers.contacts_of(tx, vault, who.subject.subject_id)
    theirs = await _orders(tx, who)
    messages = await inbound.about(tx, vault, _handles(vault, who, theirs))
    return Holdings(whom=who, contacts=contacts, orders=theirs, messages=messages)


async def forget(tx: Tx, vault: Vault, who: Whom, request: Request, *, anyway: bool = False) -> Forgetting:
    """Delete every key that opens something about them: what orders said, what messages said. Facts about goods stay.

    With open orders nothing is done, unless *anyway*: what is sent from then on has no name and no address.
    """
    if who.subject is not None and who.subject.erased_at is not None:
        return ForgottenBefore(at=who.subject.erased_at)
    theirs = await _orders(tx, who)
    still_open = [OrderId(view.order.header.order_id) for view in theirs if view.order.header.completed_at is None]
    if still_open and not anyway:
        return StillNeeded(orders=still_open)
    handles = _handles(vault, who, theirs)
    contacts: Mapping[ContactId, Contact] = {}
    if who.subject is not None:
        contacts = await customers.contacts_of(tx, vault, who.subject.subject_id)
    for handle in handles[:1]:
        await inbound.bind_unread(tx, vault, handle, set(_names(list(contacts.values()), who.person)))
    if who.subject is not None:
        if not await customers.erase(tx, who.subject.subject_id, now=request.now):
            return ForgottenBefore(at=request.now)
        await orders.forget(tx, [view.order.header.order_id for view in theirs], now=request.now)
        await _tell(tx, who.subject.subject_id, theirs, request)
    elif who.person is not None:
        await customers.erase_unmet(tx, vault, who.connection, who.person, now=request.now)
    messages = await inbound.forget(tx, handles, request=request.reference, now=request.now)
    return Forgotten(
        contacts=len(contacts),
        orders=len(theirs),
        messages=messages.erased,
        waiting=messages.open,
        entry=Entry(
            at=request.now,
            request=request.reference,
            subject=None if who.subject is None else who.subject.subject_id,
            orders=tuple(view.order.header.order_id for view in theirs),
            handles=tuple(handles),
        ),
    )


async def forget_again(tx: Tx, entry: Entry) -> bool:
    """Repeat an erasure on a database of the time before it; False when it was done there already."""
    if entry.subject is not None and not await customers.erase(tx, SubjectId(entry.subject), now=entry.at):
        return False
    await orders.forget(tx, [OrderId(order_id) for order_id in entry.orders], now=entry.at)
    forgotten = await inbound.forget(tx, entry.handles, request=entry.request, now=entry.at)
    return entry.subject is not None or forgotten.erased > 0


async def _orders(tx: Tx, who: Whom) -> Sequence[View]:
    if who.subject is None:
        return ()
    return await orders.of_contacts(tx, await customers.contact_ids(tx, who.subject.subject_id))


def _names(contacts: Sequence[Contact], asked_for: Person | None) -> Iterator[str]:
    """What tells one person from all others."""
    for person in (asked_for, *(contact.person for contact in contacts)):
        if person is not None:
            yield from (person.email, person.phone.lstrip("+"), person.name, person.channel_customer_id)
    for contact in contacts:
        if contact.ship_to is not None:
            yield from (contact.ship_to.phone.lstrip("+"), contact.ship_to.name)


def _handles(vault: Vault, who: Whom, theirs: Sequence[View]) -> Sequence[bytes]:
    headers = [view.order.header for view in theirs]
    by_order = [
        inbound.handle_of_order(vault, ConnectionName(header.connection), header.channel_order_id) for header in headers
    ]
    return by_order if who.handle is None else [who.handle, *by_order]


async def _tell(tx: Tx, subject_id: UUID, theirs: Sequence[View], request: Request) -> None:
    """In the books of the person and of each order: that, when, why and by whom; not who it was."""
    fact = CustomerErased(subject_id=str(subject_id), request=request.reference, who=request.who)
    origin = Origin.begin(SOURCE)
    facts = [NewFact(stream=f"customer/{subject_id}", fact=fact, happened_at=request.now, origin=origin)]
    for view in theirs:
        header = view.order.header
        own = Origin(correlation_id=header.correlation_id, source=SOURCE)
        facts.append(NewFact(stream=f"order/{header.order_id}", fact=fact, happened_at=request.now, origin=own))
    await eventlog.append(tx, facts)
