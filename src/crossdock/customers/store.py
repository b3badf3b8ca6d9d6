"""SQL of customers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from crossdock.customers.model import ContactId, SealedContact, Subject, SubjectId
from crossdock.foundation.db import Tx, execute, fetch_all, fetch_one, fetch_tuples, post

# In the order of (connection, identity): two batches with the same people wait for each other instead of deadlocking.
# Who was erased after the latest thing that this batch tells about them is not made anew.
INSERT_SUBJECTS: Final[LiteralString] = """
WITH new AS (
    SELECT *
      FROM unnest(%(ids)b::uuid[], %(connections)b::text[], %(identities)b::bytea[], %(keys)b::bytea[],
                  %(latest)b::timestamptz[])
           WITH ORDINALITY AS new(subject_id, connection, identity, wrapped_key, latest, n)
), gone AS (
    SELECT new.n, new.latest, erasure.connection, erasure.identity, erasure.subject_id, erasure.erased_at
      FROM new
      JOIN customers.erasure USING (connection, identity)
), made AS (
    INSERT INTO customers.subject (subject_id, connection, identity, wrapped_key)
    SELECT subject_id, connection, identity, wrapped_key
      FROM new
     WHERE NOT EXISTS (SELECT FROM gone WHERE gone.n = new.n AND gone.erased_at >= new.latest)
     ORDER BY n
        ON CONFLICT (connection, identity) DO NOTHING
    RETURNING subject_id
)
SELECT subject_id, NULL AS connection, NULL AS identity, NULL AS erased_at FROM made
 UNION ALL
SELECT subject_id, connection, identity, erased_at FROM gone
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
SELECT contact.contact_id, contact.subject_id, contact.sealed, subject.wrapped_key
  FROM customers.contact
  JOIN customers.subject USING (subject_id)
 WHERE contact.contact_id = %(contact_id)s
"""

CONTACTS_OF: Final[LiteralString] = """
SELECT contact.contact_id, contact.subject_id, contact.sealed, subject.wrapped_key
  FROM customers.contact
  JOIN customers.subject USING (subject_id)
 WHERE contact.subject_id = %(subject_id)s
 ORDER BY contact.contact_id
"""

# Page by page through everybody who can be read, newest first.
READABLE: Final[LiteralString] = """
SELECT contact.contact_id, contact.subject_id, contact.sealed, subject.wrapped_key
  FROM customers.contact
  JOIN customers.subject USING (subject_id)
 WHERE subject.wrapped_key IS NOT NULL
   AND (%(before)s::uuid IS NULL OR contact.contact_id < %(before)s::uuid)
 ORDER BY contact.contact_id DESC
 LIMIT %(limit)s
"""

COUNT_CONTACTS: Final[LiteralString] = "SELECT count(*) FROM customers.contact"

SUBJECT: Final[LiteralString] = """
SELECT subject_id, connection, identity, created_at, erased_at FROM customers.subject WHERE subject_id = %(subject_id)s
"""

ERASE: Final[LiteralString] = """
WITH gone AS (
    SELECT subject_id, connection, identity
      FROM customers.subject
     WHERE subject_id = %(subject_id)s
       AND erased_at IS NULL
       FOR UPDATE
), noted AS (
    INSERT INTO customers.erasure (connection, identity, subject_id, erased_at)
    SELECT connection, identity, subject_id, %(now)s FROM gone WHERE identity IS NOT NULL
        ON CONFLICT (connection, identity) DO UPDATE SET subject_id = excluded.subject_id, erased_at = excluded.erased_at
)
UPDATE customers.subject
   SET wrapped_key = NULL, identity = NULL, erased_at = %(now)s
  FROM gone
 WHERE subject.subject_id = gone.subject_id
"""

# Somebody who may be told of for the first time after they were erased: contacts of theirs need somebody to belong to.
ERASE_UNMET: Final[LiteralString] = """
WITH nobody AS (
    INSERT INTO customers.subject (subject_id, connection, erased_at) VALUES (%(subject_id)s, %(connection)s, %(now)s)
    RETURNING subject_id
)
INSERT INTO customers.erasure (connection, identity, subject_id, erased_at)
SELECT %(connection)s, %(identity)s, subject_id, %(now)s FROM nobody
    ON CONFLICT (connection, identity) DO UPDATE SET subject_id = excluded.subject_id, erased_at = excluded.erased_at
"""

FIND_SUBJECT: Final[LiteralString] = """
SELECT subject_id FROM customers.subject WHERE connection = %(connection)s AND identity = %(identity)s
"""

FORGET_ERASURES: Final[LiteralString] = "DELETE FROM customers.erasure WHERE erased_at < %(before)s"


@dataclass(frozen=True, slots=True)
class Gone:
    """Somebody who was erased, met again."""

    subject_id: UUID
    erased_at: datetime


async def insert_subjects(
    tx: Tx,
    *,
    ids: Sequence[UUID],
    connections: Sequence[str],
    identities: Sequence[bytes | None],
    keys: Sequence[bytes],
    latest: Sequence[datetime],
) -> tuple[set[UUID], dict[tuple[str, bytes], Gone]]:
    """The ids that are new, the others' identities being known; and who of them was erased before, and when."""
    params = {"ids": ids, "connections": connections, "identities": identities, "keys": keys, "latest": latest}
    made: set[UUID] = set()
    gone: dict[tuple[str, bytes], Gone] = {}
    for subject, connection, identity, erased_at in await fetch_tuples(tx, INSERT_SUBJECTS, params):
        if connection is None:
            made.add(subject)
        else:
            gone[connection, bytes(identity)] = Gone(subject, erased_at)
    return made, gone


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


async def contacts_of(tx: Tx, subject_id: SubjectId) -> Sequence[SealedContact]:
    """Everything that orders said about one person, oldest first."""
    return await fetch_all(tx, CONTACTS_OF, SealedContact, {"subject_id": subject_id})


async def readable(tx: Tx, *, before: ContactId | None, limit: int) -> Sequence[SealedContact]:
    """A page of contacts whose people were not erased, newest first."""
    return await fetch_all(tx, READABLE, SealedContact, {"before": before, "limit": limit})


async def count_contacts(tx: Tx) -> int:
    """How many there are."""
    rows = await fetch_tuples(tx, COUNT_CONTACTS)
    return int(rows[0][0])


async def subject(tx: Tx, subject_id: SubjectId) -> Subject | None:
    """One person, as far as the table shows them."""
    return await fetch_one(tx, SUBJECT, Subject, {"subject_id": subject_id})


async def erase(tx: Tx, subject_id: SubjectId, *, now: datetime) -> bool:
    """Delete the key; False when there is no such subject or it is erased already."""
    return await execute(tx, ERASE, {"subject_id": subject_id, "now": now}) == 1


async def erase_unmet(tx: Tx, subject_id: SubjectId, connection: str, identity: bytes, *, now: datetime) -> None:
    """Note that somebody was erased of whom nothing is kept."""
    params = {"subject_id": subject_id, "connection": connection, "identity": identity, "now": now}
    await execute(tx, ERASE_UNMET, params)


async def find_subject(tx: Tx, *, connection: str, identity: bytes) -> SubjectId | None:
    """The subject that has this identity on the connection."""
    rows = await fetch_tuples(tx, FIND_SUBJECT, {"connection": connection, "identity": identity})
    return SubjectId(rows[0][0]) if rows else None


async def forget_erasures(tx: Tx, before: datetime) -> None:
    """Nothing that old can come in any more."""
    await post(tx, FORGET_ERASURES, {"before": before})
