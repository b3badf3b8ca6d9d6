"""SQL of the event log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

import msgspec

from crossdock.canonical.base import Document
from crossdock.eventlog.model import Cursor, StoredEvent
from crossdock.foundation.db import Asked, Tx, ask, execute, fetch_all, fetch_one, fetch_tuples, fetch_value, post

INSERT: Final[LiteralString] = """
INSERT INTO eventlog.event
       (id, stream, type, schema_version, happened_at, correlation_id, causation_id, source, payload)
SELECT id, stream, type, version, happened_at, correlation_id, causation_id, source, payload::jsonb
  FROM unnest(%(ids)b::uuid[], %(streams)b::text[], %(types)b::text[], %(versions)b::smallint[],
              %(happened)b::timestamptz[], %(correlations)b::uuid[], %(causations)b::uuid[], %(sources)b::text[],
              %(payloads)b::text[])
       WITH ORDINALITY AS new(id, stream, type, version, happened_at, correlation_id, causation_id, source, payload, n)
 ORDER BY n
"""

# The horizon: transactions below xmin have all ended, so nothing can appear behind what is read here.
READ_AFTER: Final[LiteralString] = """
SELECT id, xid::text::bigint AS xid, position, stream, type, schema_version, happened_at, recorded_at,
       correlation_id, causation_id, source, payload
  FROM eventlog.event
 WHERE (xid, position) > (%(xid)s::bigint::text::xid8, %(position)s)
   AND xid < foundation.horizon()
   AND (cardinality(%(types)s::text[]) = 0 OR type = ANY(%(types)s::text[]))
 ORDER BY xid, position
 LIMIT %(limit)s
"""

GET: Final[LiteralString] = """
SELECT id, xid::text::bigint AS xid, position, stream, type, schema_version, happened_at, recorded_at,
       correlation_id, causation_id, source, payload
  FROM eventlog.event
 WHERE id = %(id)s
"""

HORIZON: Final[LiteralString] = "SELECT foundation.horizon()::text::bigint AS place"

OF_STREAM: Final[LiteralString] = """
SELECT id, xid::text::bigint AS xid, position, stream, type, schema_version, happened_at, recorded_at,
       correlation_id, causation_id, source, payload
  FROM eventlog.event
 WHERE stream = %(stream)s
 ORDER BY xid, position
 LIMIT %(limit)s
"""

OF_CORRELATION: Final[LiteralString] = """
SELECT id, xid::text::bigint AS xid, position, stream, type, schema_version, happened_at, recorded_at,
       correlation_id, causation_id, source, payload
  FROM eventlog.event
 WHERE correlation_id = %(correlation_id)s
 ORDER BY xid, position
 LIMIT %(limit)s
"""

LOCK_CURSOR: Final[LiteralString] = """
SELECT xid::text::bigint AS xid, position FROM eventlog.cursor WHERE name = %(name)s FOR UPDATE
"""

# Before a reader's first move there is no row to lock, and two of them would begin together.
LOCK_NAME: Final[LiteralString] = """
SELECT pg_advisory_xact_lock(hashtextextended('eventlog.cursor/' || %(name)s, 0))
"""

MOVE_CURSOR: Final[LiteralString] = """
INSERT INTO eventlog.cursor (name, xid, position)
VALUES (%(name)s, %(xid)s::bigint::text::xid8, %(position)s)
    ON CONFLICT (name) DO UPDATE SET xid = excluded.xid, position = excluded.position, moved_at = clock_timestamp()
"""

# One snapshot for both: what it cannot see now comes above the head that it sees.
MOVE_PAST: Final[LiteralString] = """
UPDATE eventlog.cursor
   SET xid = head.xid, position = head.position, moved_at = clock_timestamp()
  FROM (SELECT xid, position FROM eventlog.event WHERE xid < foundation.horizon()
         ORDER BY xid DESC, position DESC LIMIT 1) AS head
 WHERE name = %(name)s
   AND head.xid::text::bigint - cursor.xid::text::bigint >= %(distance)s
   AND NOT EXISTS (SELECT FROM eventlog.event AS unread
                    WHERE (unread.xid, unread.position) > (cursor.xid, cursor.position)
                      AND (unread.xid, unread.position) <= (head.xid, head.position)
                      AND unread.type = ANY(%(types)b::text[]))
"""

HEAD: Final[LiteralString] = """
SELECT xid::text::bigint AS xid, position
  FROM eventlog.event
 WHERE xid < foundation.horizon()
 ORDER BY xid DESC, position DESC
 LIMIT 1
"""

HIDDEN_SINCE: Final[LiteralString] = """
SELECT min(recorded_at) FROM eventlog.event WHERE xid >= foundation.horizon()
"""


async def insert(
    tx: Tx,
    *,
    ids: Sequence[UUID],
    streams: Sequence[str],
    types: Sequence[str],
    versions: Sequence[int],
    happened: Sequence[datetime],
    correlations: Sequence[UUID],
    causations: Sequence[UUID | None],
    sources: Sequence[str],
    payloads: Sequence[Document],
) -> None:
    """Append one row per position of the sequences, in their order."""
    await post(
        tx,
        INSERT,
        {
            "ids": ids,
            "streams": streams,
            "types": types,
            "versions": versions,
            "happened": happened,
            "correlations": correlations,
            "causations": causations,
            "sources": sources,
            "payloads": [msgspec.json.encode(payload).decode() for payload in payloads],
        },
    )


async def read_after(tx: Tx, cursor: Cursor, *, limit: int, types: list[str]) -> list[StoredEvent]:
    """Rows after the cursor and below the horizon."""
    params = {"xid": cursor.xid, "position": cursor.position, "limit": limit, "types": types}
    return await fetch_all(tx, READ_AFTER, StoredEvent, params)


async def get(tx: Tx, fact_id: UUID) -> StoredEvent | None:
    """One row."""
    return await fetch_one(tx, GET, StoredEvent, {"id": fact_id})


class Horizon(NamedTuple):
    """Every transaction below this place has ended."""

    place: int


async def horizon(tx: Tx) -> int:
    """Every transaction below it has ended."""
    (found,) = await (await ask_horizon(tx)).rows()
    return found.place


async def ask_horizon(tx: Tx) -> Asked[Horizon]:
    """The same, answered later."""
    return await ask(tx, HORIZON, Horizon)


async def of_stream(tx: Tx, stream: str, *, limit: int) -> list[StoredEvent]:
    """Rows of one stream."""
    return await fetch_all(tx, OF_STREAM, StoredEvent, {"stream": stream, "limit": limit})


async def of_correlation(tx: Tx, correlation_id: UUID, *, limit: int) -> list[StoredEvent]:
    """Rows of one trace."""
    return await fetch_all(tx, OF_CORRELATION, StoredEvent, {"correlation_id": correlation_id, "limit": limit})


async def lock_cursor(tx: Tx, name: str) -> Cursor | None:
    """The reader's place, locked; None when it never moved."""
    place = await fetch_one(tx, LOCK_CURSOR, Cursor, {"name": name})
    if place is not None:
        return place
    await fetch_tuples(tx, LOCK_NAME, {"name": name})
    return await fetch_one(tx, LOCK_CURSOR, Cursor, {"name": name})


async def move_past(tx: Tx, name: str, types: list[str], *, distance: int) -> bool:
    """Move the reader to the head if nothing of *types* lies between; False when it stays."""
    return await execute(tx, MOVE_PAST, {"name": name, "types": types, "distance": distance}) > 0


async def move_cursor(tx: Tx, name: str, cursor: Cursor) -> None:
    """Store the reader's place."""
    await execute(tx, MOVE_CURSOR, {"name": name, "xid": cursor.xid, "position": cursor.position})


async def head(tx: Tx) -> Cursor | None:
    """The newest readable place; None when the log is empty."""
    return await fetch_one(tx, HEAD, Cursor)


async def hidden_since(tx: Tx) -> datetime | None:
    """When the oldest row at or above the horizon was recorded."""
    return await fetch_value(tx, HIDDEN_SINCE, datetime)
