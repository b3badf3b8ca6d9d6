"""Remember people sealed, reveal them to those who must send them on, forget them for good."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import msgspec

from crossdock.canonical.base import ConnectionName
from crossdock.canonical.orders import Person
from crossdock.customers import rules, store
from crossdock.customers.model import Contact, ContactId, Erased, Known, NewContact, Revealed, SubjectId, Unknown
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.foundation.vault import DataKey, Vault

Place: TypeAlias = tuple[str, bytes]
"""Connection and identity: where a person is met."""

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Contact)


@dataclass(slots=True)
class _Subject:
    id: UUID
    key: DataKey
    wrapped: bytes


async def remember_many(tx: Tx, vault: Vault, contacts: Sequence[NewContact]) -> Sequence[SubjectId]:
    """Seal and store *contacts*; the subject of each, in order. A customer who is known stays one subject."""
    if not contacts:
        return ()
    subjects = await _subjects(tx, vault, contacts)
    await store.insert_contacts(
        tx,
        ids=[new.id for new in contacts],
        subjects=[subject.id for subject in subjects],
        sealed=[
            subject.key.seal(_ENCODER.encode(new.contact), bound_to=new.id.bytes)
            for new, subject in zip(contacts, subjects, strict=True)
        ],
    )
    return [SubjectId(subject.id) for subject in subjects]


async def reveal(tx: Tx, vault: Vault, contact_id: ContactId) -> Revealed:
    """Open one contact. Keep the answer no longer than the call it is needed for."""
    row = await store.contact(tx, contact_id)
    if row is None:
        return Unknown()
    if row.wrapped_key is None:
        return Erased(row.subject_id)
    plain = vault.unwrap(row.wrapped_key).open(row.sealed, bound_to=contact_id.bytes)
    return Known(_DECODER.decode(plain))


async def erase(tx: Tx, subject_id: SubjectId, *, now: datetime) -> bool:
    """Delete the person's key, so that no contact of theirs can be read again; False when that was done before."""
    return await store.erase(tx, subject_id, now=now)


async def find(tx: Tx, vault: Vault, connection: ConnectionName, person: Person) -> SubjectId | None:
    """The subject that *person* is on this connection; None when never met (or erased)."""
    identity = rules.identity_of(person)
    if identity is None:
        return None
    return await store.find_subject(tx, connection=connection, identity=vault.mark(identity.encode()))


async def _subjects(tx: Tx, vault: Vault, contacts: Sequence[NewContact]) -> Sequence[_Subject]:
    """One subject per contact: the known one of its identity, else a new one; nobody recognisable is always new."""
    strangers: list[tuple[str, _Subject]] = []
    by_place: dict[Place, _Subject] = {}
    answer: list[Place | _Subject] = []
    for new in contacts:
        identity = rules.identity_of(new.contact.person)
        if identity is None:
            stranger = _new_subject(vault)
            strangers.append((new.connection, stranger))
            answer.append(stranger)
        else:
            place = (new.connection, vault.mark(identity.encode()))
            by_place.setdefault(place, _new_subject(vault))
            answer.append(place)
    if strangers:
        await _insert(tx, [(connection, None) for connection, _ in strangers], [subject for _, subject in strangers])
    pending = sorted(by_place)
    while pending:  # a second round only if somebody was erased between our two statements
        fresh = await _insert(tx, pending, [by_place[place] for place in pending])
        met = await _recall(tx, vault, [place for place in pending if by_place[place].id not in fresh])
        pending = [place for place in pending if by_place[place].id not in fresh and place not in met]
        by_place.update(met)
    return [by_place[entry] if isinstance(entry, tuple) else entry for entry in answer]


async def _insert(tx: Tx, places: Sequence[tuple[str, bytes | None]], subjects: Sequence[_Subject]) -> set[UUID]:
    return await store.insert_subjects(
        tx,
        ids=[subject.id for subject in subjects],
        connections=[connection for connection, _ in places],
        identities=[identity for _, identity in places],
        keys=[subject.wrapped for subject in subjects],
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
