"""SQL of the estate's versions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString

import msgspec

from crossdock.estate.model import Estate, Stored, Version
from crossdock.foundation.db import Tx, execute, fetch_all, fetch_tuples, fetch_value

# One apply at a time: version numbers have no gaps and digests are compared with the newest.
LOCK: Final[LiteralString] = "LOCK TABLE estate.version IN SHARE ROW EXCLUSIVE MODE"

CURRENT: Final[LiteralString] = "SELECT number, document FROM estate.version ORDER BY number DESC LIMIT 1"

CURRENT_NUMBER: Final[LiteralString] = "SELECT max(number) FROM estate.version"

VERSION: Final[LiteralString] = "SELECT number, document FROM estate.version WHERE number = %(number)s"

VERSIONS: Final[LiteralString] = """
SELECT number, digest, note, applied_at FROM estate.version ORDER BY number DESC LIMIT %(limit)s
"""

INSERT: Final[LiteralString] = """
INSERT INTO estate.version (number, digest, document, note, applied_at)
SELECT coalesce(max(number), 0) + 1, %(digest)s, %(document)s::text::jsonb, %(note)s, %(now)s FROM estate.version
RETURNING number
"""


async def lock(tx: Tx) -> None:
    """Wait for other applies."""
    await execute(tx, LOCK)


async def current(tx: Tx) -> Stored | None:
    """The version in force."""
    return _stored(await fetch_tuples(tx, CURRENT))


async def current_number(tx: Tx) -> int | None:
    """Its number alone."""
    return await fetch_value(tx, CURRENT_NUMBER, int)


async def version(tx: Tx, number: int) -> Stored | None:
    """An old version."""
    return _stored(await fetch_tuples(tx, VERSION, {"number": number}))


def _stored(rows: Sequence[tuple[object, ...]]) -> Stored | None:
    if not rows:
        return None
    number, document = rows[0]
    assert isinstance(number, int), number
    return Stored(number=number, document=document)


async def versions(tx: Tx, limit: int) -> list[Version]:
    """Newest first."""
    return await fetch_all(tx, VERSIONS, Version, {"limit": limit})


async def insert(tx: Tx, digest: str, estate: Estate, note: str, now: datetime) -> int:
    """Store the next version; its number."""
    text = msgspec.json.encode(estate).decode()
    number = await fetch_value(tx, INSERT, int, {"digest": digest, "document": text, "note": note, "now": now})
    assert number is not None
    return number
