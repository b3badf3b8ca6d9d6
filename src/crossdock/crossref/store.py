"""SQL of the cross references."""

from collections.abc import Sequence
from typing import Final, LiteralString

import msgspec

from crossdock.crossref.model import LandedDocument, Link, TheirObject
from crossdock.foundation.db import Tx, execute, fetch_all, fetch_tuples, fetch_value

LINK: Final[LiteralString] = """
INSERT INTO crossref.identity (connection, kind, ours, theirs, how)
SELECT %(connection)s, %(kind)s, ours, theirs, how
  FROM unnest(%(ours)b::text[], %(theirs)b::text[], %(how)b::text[]) AS new(ours, theirs, how)
    ON CONFLICT DO NOTHING
RETURNING ours
"""

UNLINK: Final[LiteralString] = """
DELETE FROM crossref.identity WHERE connection = %(connection)s AND kind = %(kind)s AND ours = %(ours)s
"""

THEIRS_OF: Final[LiteralString] = """
SELECT ours, theirs FROM crossref.identity
 WHERE connection = %(connection)s AND kind = %(kind)s AND ours = ANY(%(ours)b::text[])
"""

OURS_OF: Final[LiteralString] = """
SELECT theirs, ours FROM crossref.identity
 WHERE connection = %(connection)s AND kind = %(kind)s AND theirs = ANY(%(theirs)b::text[])
"""

ALL_OF: Final[LiteralString] = """
SELECT ours, theirs FROM crossref.identity WHERE connection = %(connection)s AND kind = %(kind)s ORDER BY ours
"""

REMEMBER_DOCUMENT: Final[LiteralString] = """
INSERT INTO crossref.document (connection, kind, reference, document_id, number, subject, landed_at)
VALUES (%(connection)s, %(kind)s, %(reference)s, %(document_id)s, %(number)s, %(subject)s, %(landed_at)s)
    ON CONFLICT (connection, kind, reference) DO NOTHING
"""

DOCUMENT_ID: Final[LiteralString] = """
SELECT document_id FROM crossref.document
 WHERE connection = %(connection)s AND kind = %(kind)s AND reference = %(reference)s
"""

DOCUMENTS_OF: Final[LiteralString] = """
SELECT connection, kind, reference, document_id, number, subject, landed_at
  FROM crossref.document WHERE subject = %(subject)s ORDER BY landed_at, kind
"""

SUBJECTS_NAMED: Final[LiteralString] = """
SELECT DISTINCT subject FROM crossref.document
 WHERE document_id = %(text)s OR number = %(text)s OR reference = %(text)s
 LIMIT 20
"""

KNOWN_DOCUMENTS: Final[LiteralString] = """
SELECT document_id FROM crossref.document
 WHERE connection = %(connection)s AND document_id = ANY(%(ids)b::text[])
"""

SEE: Final[LiteralString] = """
INSERT INTO crossref.theirs (connection, kind, id, code, name, barcodes)
SELECT %(connection)s, %(kind)s, id, code, name, barcodes
  FROM jsonb_to_recordset(%(things)s::text::jsonb) AS new(id text, code text, name text, barcodes text[])
 ORDER BY id
    ON CONFLICT (connection, kind, id) DO UPDATE
   SET code = excluded.code, name = excluded.name, barcodes = excluded.barcodes, seen_at = clock_timestamp()
"""

FORGET: Final[LiteralString] = """
DELETE FROM crossref.theirs
 WHERE connection = %(connection)s AND kind = %(kind)s AND id <> ALL(%(ids)b::text[])
"""

SEEN: Final[LiteralString] = """
SELECT id, code, name, barcodes::text[] AS barcodes
  FROM crossref.theirs WHERE connection = %(connection)s AND kind = %(kind)s ORDER BY id
"""


async def link(tx: Tx, connection: str, kind: str, pairs: Sequence[Link]) -> set[str]:
    """Store pairs; those of ours that were new."""
    params = {
        "connection": connection,
        "kind": kind,
        "ours": [pair.ours for pair in pairs],
        "theirs": [pair.theirs for pair in pairs],
        "how": [pair.how for pair in pairs],
    }
    return {row[0] for row in await fetch_tuples(tx, LINK, params)}


async def unlink(tx: Tx, connection: str, kind: str, ours: str) -> bool:
    """Forget a pair; whether there was one."""
    return await execute(tx, UNLINK, {"connection": connection, "kind": kind, "ours": ours}) > 0


async def theirs_of(tx: Tx, connection: str, kind: str, ours: Sequence[str]) -> dict[str, str]:
    """Ours → theirs."""
    return dict(await fetch_tuples(tx, THEIRS_OF, {"connection": connection, "kind": kind, "ours": list(ours)}))


async def ours_of(tx: Tx, connection: str, kind: str, theirs: Sequence[str]) -> dict[str, str]:
    """Theirs → ours."""
    return dict(await fetch_tuples(tx, OURS_OF, {"connection": connection, "kind": kind, "theirs": list(theirs)}))


async def all_of(tx: Tx, connection: str, kind: str) -> dict[str, str]:
    """Every pair of a kind, ours → theirs."""
    return dict(await fetch_tuples(tx, ALL_OF, {"connection": connection, "kind": kind}))


async def remember_document(tx: Tx, document: LandedDocument) -> bool:
    """Store it; False when the reference already has a document."""
    params = {name: getattr(document, name) for name in LandedDocument.__slots__}
    return await execute(tx, REMEMBER_DOCUMENT, params) > 0


async def document_id(tx: Tx, connection: str, kind: str, reference: str) -> str | None:
    """Their id for our reference."""
    return await fetch_value(tx, DOCUMENT_ID, str, {"connection": connection, "kind": kind, "reference": reference})


async def documents_of(tx: Tx, subject: str) -> list[LandedDocument]:
    """What a business object has become elsewhere."""
    return await fetch_all(tx, DOCUMENTS_OF, LandedDocument, {"subject": subject})


async def subjects_named(tx: Tx, text: str) -> list[str]:
    """Business objects that some document id, number or reference belongs to."""
    return [row[0] for row in await fetch_tuples(tx, SUBJECTS_NAMED, {"text": text})]


async def known_documents(tx: Tx, connection: str, ids: Sequence[str]) -> set[str]:
    """Those of *ids* that we have landed ourselves."""
    return {row[0] for row in await fetch_tuples(tx, KNOWN_DOCUMENTS, {"connection": connection, "ids": list(ids)})}


async def see(tx: Tx, connection: str, kind: str, things: Sequence[TheirObject]) -> None:
    """Remember their objects, each named once."""
    await execute(tx, SEE, {"connection": connection, "kind": kind, "things": msgspec.json.encode(things).decode()})


async def forget(tx: Tx, connection: str, kind: str, ids: Sequence[str]) -> int:
    """Drop what is not among *ids*."""
    return await execute(tx, FORGET, {"connection": connection, "kind": kind, "ids": ids})


async def seen(tx: Tx, connection: str, kind: str) -> list[TheirObject]:
    """Their objects as last read."""
    rows = await fetch_tuples(tx, SEEN, {"connection": connection, "kind": kind})
    return [TheirObject(id=row[0], code=row[1], name=row[2], barcodes=tuple(row[3])) for row in rows]
