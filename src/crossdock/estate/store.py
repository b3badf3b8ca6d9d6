"""SQL of the estate's versions."""

from collections.abc import Mapping, Sequence
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

AS_OF: Final[LiteralString] = """
SELECT number, document FROM estate.version WHERE applied_at <= %(at)s ORDER BY number DESC LIMIT 1
"""

PLACES: Final[LiteralString] = "SELECT places FROM estate.version WHERE number = %(number)s"

# The same rules on other lines: no new version, and the old lines would lead astray.
MOVE: Final[LiteralString] = "UPDATE estate.version SET places = %(places)s::text::jsonb WHERE number = %(number)s"

VERSIONS: Final[LiteralString] = """
SELECT number, digest, note, applied_at FROM estate.version ORDER BY number DESC LIMIT %(limit)s
"""

INSERT: Final[LiteralString] = """
INSERT INTO estate.version (number, digest, document, note, applied_at, places)
SELECT coalesce(max(number), 0) + 1, %(digest)s, %(document)s::text::jsonb, %(note)s, %(now)s, %(places)s::text::jsonb
  FROM estate.version
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


async def as_of(tx: Tx, at: datetime) -> Stored | None:
    """The version that was in force at a moment."""
    return _stored(await fetch_tuples(tx, AS_OF, {"at": at}))


async def places(tx: Tx, number: int) -> Mapping[str, str]:
    """Where the rules of a version stand."""
    rows = await fetch_tuples(tx, PLACES, {"number": number})
    return msgspec.convert(rows[0][0], dict[str, str]) if rows else {}


async def move(tx: Tx, number: int, places: Mapping[str, str]) -> None:
    """The rules of a version stand elsewhere now."""
    await execute(tx, MOVE, {"number": number, "places": msgspec.json.encode(places).decode()})


async def insert(tx: Tx, digest: str, estate: Estate, *, note: str, now: datetime, places: Mapping[str, str]) -> int:
    """Store the next version; its number."""
    params = {
        "digest": digest,
        "document": msgspec.json.encode(estate).decode(),
        "note": note,
        "now": now,
        "places": msgspec.json.encode(places).decode(),
    }
    number = await fetch_value(tx, INSERT, int, params)
    assert number is not None
    return number
