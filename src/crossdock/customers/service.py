"""Remember people sealed, reveal them to those who must send them on, find them, forget them for good."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import msgspec

from crossdock.canonical.base import ConnectionName
from crossdock.canonical.orders import Person
from crossdock.customers import rules, store
from crossdock.customers.model import (
    Contact,
    ContactId,
    Erased,
    Known,
    NewContact,
    Revealed,
    SealedContact,
    Subject,
    SubjectId,
    Unknown,
)
from crossdock.customers.store import Gone
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.foundation.vault import DataKey, Vault

Place: TypeAlias = tuple[str, bytes]
"""Connection and identity: where a person is met."""

PAGE: Final = 1_000
NOTHING: Final = b""
"""What is kept of a contact whose person was erased before it came in."""
_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Contact)


@dataclass(slots=True)
class _Subject:
    id: UUID
    key: DataKey | None
    wrapped: bytes


async def remember_many(tx: Tx, vault: Vault, contacts: Sequence[NewContact]) -> Sequence[SubjectId]:
    """Seal and store *contacts*; the subject of each, in order. A customer who is known stays one subject.

    What somebody did before they were erased, and is told only now, is noted as theirs and not kept.
    """
    if not contacts:
        return ()
    subjects = await _subjects(tx, vault, contacts)
    await store.insert_contacts(
        tx,
        ids=[new.id for new in contacts],
        subjects=[subject.id for subject in subjects],
        sealed=[
            NOTHING if subject.key is None else subject.key.seal(_ENCODER.encode(new.contact), bound_to=new.id.bytes)
            for new, subject in zip(contacts, subjects, strict=True)
        ],
    )
    return [SubjectId(subject.id) for subject in subjects]


async def reveal(tx: Tx, vault: Vault, contact_id: ContactId) -> Revealed:
    """Open one contact. Keep the answer no longer than the call it is needed for."""
    row = await store.contact(tx, contact_id)
    if row is None:
        return Unknown()
    return Erased(row.subject_id) if row.wrapped_key is None else Known(_opened(vault.unwrap(row.wrapped_key), row))


def handle_of(vault: Vault, connection: ConnectionName, person: Person | None) -> bytes | None:
    """What a person is recognised by beside their data: a keyed hash. None for somebody whom nobody can recognise."""
    identity = rules.identity_of(person)
    return None if identity is None else _handle(vault, connection, vault.mark(identity.encode()))


def handle_of_subject(vault: Vault, subject: Subject) -> bytes | None:
    """The same of somebody who is known here."""
    return None if subject.identity is None else _handle(vault, subject.connection, subject.identity)


async def erase(tx: Tx, subject_id: SubjectId, *, now: datetime) -> bool:
    """Delete the person's key, so that no contact of theirs can be read again; False when that was done before."""
    return await store.erase(tx, subject_id, now=now)


async def erase_unmet(tx: Tx, vault: Vault, connection: ConnectionName, person: Person, *, now: datetime) -> None:
    """Somebody of whom no order was told yet: what one tells later of the time before is not kept."""
    identity = rules.identity_of(person)
    if identity is not None:
        await store.erase_unmet(tx, SubjectId(new_id()), connection, vault.mark(identity.encode()), now=now)


async def forget_erasures(tx: Tx, *, before: datetime) -> None:
    """Messages of that time are not kept any more: nobody can come back with one."""
    await store.forget_erasures(tx, before)


async def find(tx: Tx, vault: Vault, connection: ConnectionName, person: Person) -> SubjectId | None:
    """The subject that *person* is on this connection; None when never met (or erased)."""
    identity = rules.identity_of(person)
    if identity is None:
        return None
    return await store.find_subject(tx, connection=connection, identity=vault.mark(identity.encode()))


async def get(tx: Tx, subject_id: SubjectId) -> Subject | None:
    """One person, without what is sealed; None when there is none of that id."""
    return await store.subject(tx, subject_id)


async def subject_of(tx: Tx, contact_id: ContactId) -> SubjectId | None:
    """Whose contact it is."""
    row = await store.contact(tx, contact_id)
    return None if row is None else row.subject_id


async def contact_ids(tx: Tx, subject_id: SubjectId) -> Sequence[ContactId]:
    """Everything that orders said about one person, unread, oldest first."""
    return [row.contact_id for row in await store.contacts_of(tx, subject_id)]


async def contacts_of(tx: Tx, vault: Vault, subject_id: SubjectId) -> Mapping[ContactId, Contact]:
    """Everything that orders said about one person, oldest first; empty when they were erased."""
    rows = await store.contacts_of(tx, subject_id)
    return {row.contact_id: _opened(vault.unwrap(row.wrapped_key), row) for row in rows if row.wrapped_key is not None}


async def count(tx: Tx) -> int:
    """How many contacts there are: what a search has to look through."""
    return await store.count_contacts(tx)


async def search(
    tx: Tx, vault: Vault, text: str, *, before: ContactId | None = None
) -> tuple[Sequence[SubjectId], ContactId | None]:
    """Who is called, writes from or is called at *text*, among a page of contacts; and where the next page begins.

    Nothing readable is kept to search in: every contact is opened and looked at, tens of thousands in a second.
    """
    rows = await store.readable(tx, before=before, limit=PAGE)
    keys: dict[SubjectId, DataKey] = {}
    found: list[SubjectId] = []
    for row in rows:
        assert row.wrapped_key is not None, row.contact_id
        key = keys.get(row.subject_id) or keys.setdefault(row.subject_id, vault.unwrap(row.wrapped_key))
        if rules.is_about(_opened(key, row), text):
            found.append(row.subject_id)
    return found, rows[-1].contact_id if len(rows) == PAGE else None


def _opened(key: DataKey, row: SealedContact) -> Contact:
    return _DECODER.decode(key.open(row.sealed, bound_to=row.contact_id.bytes))


def _handle(vault: Vault, connection: str, identity: bytes) -> bytes:
    return vault.mark(connection.encode() + b"\0" + identity)


async def _subjects(tx: Tx, vault: Vault, contacts: Sequence[NewContact]) -> Sequence[_Subject]:
    """One subject per contact: the known one of its identity, else a new one; nobody recognisable is always new."""
    strangers: list[tuple[NewContact, _Subject]] = []
    by_place: dict[Place, _Subject] = {}
    latest: dict[Place, datetime] = {}
    answer: list[Place | _Subject] = []
    for new in contacts:
        identity = rules.identity_of(new.contact.person)
        if identity is None:
            stranger = _new_subject(vault)
            strangers.append((new, stranger))
            answer.append(stranger)
        else:
            place = (new.connection, vault.mark(identity.encode()))
            by_place.setdefault(place, _new_subject(vault))
            latest[place] = max(latest.get(place, new.at), new.at)
            answer.append(place)
    if strangers:
        places: list[tuple[str, bytes | None]] = [(new.connection, None) for new, _ in strangers]
        await _insert(tx, places, [subject for _, subject in strangers], [new.at for new, _ in strangers])
    gone: dict[Place, Gone] = {}
    pending = sorted(by_place)
    while pending:  # a second round only if somebody was erased between our two statements
        fresh, erased = await _insert(
            tx, pending, [by_place[place] for place in pending], [latest[place] for place in pending]
        )
        gone |= erased
        dead = {place for place, entry in erased.items() if entry.erased_at >= latest[place]}
        rest = [place for place in pending if by_place[place].id not in fresh and place not in dead]
        met = await _recall(tx, vault, rest)
        pending = [place for place in rest if place not in met]
        by_place.update(met)
    return [_settled(entry, new, by_place, gone) for entry, new in zip(answer, contacts, strict=True)]


def _settled(
    entry: Place | _Subject, new: NewContact, by_place: Mapping[Place, _Subject], gone: Mapping[Place, Gone]
) -> _Subject:
    if isinstance(entry, _Subject):
        return entry
    erased = gone.get(entry)
    if erased is not None and erased.erased_at >= new.at:
        return _Subject(erased.subject_id, None, NOTHING)
    return by_place[entry]


async def _insert(
    tx: Tx, places: Sequence[tuple[str, bytes | None]], subjects: Sequence[_Subject], latest: Sequence[datetime]
) -> tuple[set[UUID], Mapping[Place, Gone]]:
    return await store.insert_subjects(
        tx,
        ids=[subject.id for subject in subjects],
        connections=[connection for connection, _ in places],
        identities=[identity for _, identity in places],
        keys=[subject.wrapped for subject in subjects],
        latest=latest,
    )


async def _recall(tx: Tx, vault: Vault, places: Sequence[Place]) -> Mapping[Place, _Subject]:
    """The subjects of people we know, with their own keys instead of our fresh ones."""
    if not places:
        return {}
    rows = await store.subjects_by_identity(
        tx, connections=[connection for connection, _ in places], identities=[identity for _, identity in places]
    )
    return {
        (connection, identity): _Subject(subject_id, vault.unwrap(wrapped), wrapped)
        for connection, identity, subject_id, wrapped in rows
    }


def _new_subject(vault: Vault) -> _Subject:
    key, wrapped = vault.new_key()
    return _Subject(new_id(), key, wrapped)
