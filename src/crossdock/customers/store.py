"""SQL of customers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from crossdock.customers.model import ContactId, SealedContact, SubjectId
from crossdock.foundation.db import Tx, execute, fetch_one, fetch_tuples, post

# In the order of (connection, identity): two batches with the same people wait for each other instead of deadlocking.
INSERT_SUBJECTS: Final[LiteralString] = """
INSERT INTO customers.subject (subject_id, connection, identity, wrapped_key)
SELECT subject_id, connection, identity, wrapped_key
  FROM unnest(%(ids)b::uuid[], %(connections)b::text[], %(identities)b::bytea[], %(keys)b::bytea[])
       WITH ORDINALITY AS new(subject_id, connection, identity, wrapped_key, n)
 ORDER BY n
    ON CONFLICT (connection, identity) DO NOTHING
RETURNING subject_id
"""

SUBJECTS_BY_IDENTITY: Final[LiteralString] = """
SELECT subject.connection, subject.identity, subject.subject_id, subject.wrapped_key
  FROM unnest(%(connections)b::text[], %(identities)b::bytea[]) AS wanted(connection, identity)
  JOIN customers.subject USING (connection, identity)
"""

INSERT_CONTACTS: Final[LiteralString] = """
INSERT INTO customers.contact (contact_id, subject_id, sealed)
SELECT contact_id, subject_id, sealed
  FROM unnest(%(ids)b::uuid[], %(subjects)b::uuid[], %(sealed)b::bytea[]) AS new(contact_id, subject_id, sealed)
"""

CONTACT: Final[LiteralString] = """
SELECT contact.subject_id, contact.sealed, subject.wrapped_key
  FROM customers.contact
  JOIN customers.subject USING (subject_id)
 WHERE contact.contact_id = %(contact_id)s
"""

ERASE: Final[LiteralString] = """
UPDATE customers.subject
   SET wrapped_key = NULL, identity = NULL, erased_at = %(now)s
 WHERE subject_id = %(subject_id)s
   AND erased_at IS NULL
"""

FIND_SUBJECT: Final[LiteralString] = """
SELECT subject_id FROM customers.subject WHERE connection = %(connection)s AND identity = %(identity)s
"""


async def insert_subjects(
    tx: Tx,
    *,
    ids: Sequence[UUID],
    connections: Sequence[str],
    identities: Sequence[bytes | None],
    keys: Sequence[bytes],
) -> set[UUID]:
    """The ids that are new; the others' identities were known already."""
    params = {"ids": ids, "connections": connections, "identities": identities, "keys": keys}
    return {row[0] for row in await fetch_tuples(tx, INSERT_SUBJECTS, params)}


async def subjects_by_identity(
    tx: Tx, *, connections: Sequence[str], identities: Sequence[bytes]
) -> Sequence[tuple[str, bytes, UUID, bytes]]:
    """(connection, identity, subject, wrapped key) of those that exist; identities of erased people never match."""
    params = {"connections": connections, "identities": identities}
    return [
        (connection, bytes(identity), subject, bytes(key))
        for connection, identity, subject, key in await fetch_tuples(tx, SUBJECTS_BY_IDENTITY, params)
    ]


async def insert_contacts(tx: Tx, *, ids: Sequence[UUID], subjects: Sequence[UUID], sealed: Sequence[bytes]) -> None:
    """One row per position of the sequences."""
    await post(tx, INSERT_CONTACTS, {"ids": ids, "subjects": subjects, "sealed": sealed})


async def contact(tx: Tx, contact_id: ContactId) -> SealedContact | None:
    """The contact with its subject's key."""
    return await fetch_one(tx, CONTACT, SealedContact, {"contact_id": contact_id})


async def erase(tx: Tx, subject_id: SubjectId, *, now: datetime) -> bool:
    """Delete the key; False when there is no such subject or it is erased already."""
    return await execute(tx, ERASE, {"subject_id": subject_id, "now": now}) == 1


async def find_subject(tx: Tx, *, connection: str, identity: bytes) -> SubjectId | None:
    """The subject that has this identity on the connection."""
    rows = await fetch_tuples(tx, FIND_SUBJECT, {"connection": connection, "identity": identity})
    return SubjectId(rows[0][0]) if rows else None
