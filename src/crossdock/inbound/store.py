"""SQL of messages and records. Feeds and upkeep have stores of their own."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString, NamedTuple

from crossdock.canonical.base import ConnectionName
from crossdock.foundation.db import Tx, execute, fetch_all, fetch_tuples, fetch_value, post
from crossdock.inbound.model import Lane, MessageId, NewRecord, SealedMessage, Settlement, StoredRecord

STORE: Final[LiteralString] = """
WITH new AS (
    SELECT *
      FROM unnest(%(ids)b::uuid[], %(connections)b::text[], %(routes)b::text[], %(feeds)b::text[], %(bodies)b::bytea[],
                  %(sizes)b::int[], %(keys)b::bytea[])
           AS new(id, connection, route, feed, body, size, wrapped_key)
), stored AS (
    INSERT INTO inbound.message (id, connection, route, feed, body, size, received_at)
    SELECT id, connection, route, feed, body, size, %(now)s FROM new
), keyed AS (
    INSERT INTO inbound.message_key (message, wrapped_key)
    SELECT id, wrapped_key FROM new
), bound AS (
    INSERT INTO inbound.binding (handle, message, at)
    SELECT handle, message, at
      FROM unnest(%(handles)b::bytea[], %(messages)b::uuid[], %(ats)b::timestamptz[]) AS bound(handle, message, at)
)
INSERT INTO inbound.inbox (connection, message, size)
SELECT connection, id, size FROM new WHERE %(queued)s::boolean
"""

UNDECODED: Final[LiteralString] = "SELECT DISTINCT connection FROM inbound.inbox ORDER BY connection"

# Session locks hold no transaction open while a decoder thinks, and die with the worker that holds them.
TRY_LOCK: Final[LiteralString] = "SELECT pg_try_advisory_lock(%(space)s::int, hashtext(%(name)s))"

UNLOCK: Final[LiteralString] = "SELECT pg_advisory_unlock(%(space)s::int, hashtext(%(name)s))"

NEXT_MESSAGES: Final[LiteralString] = """
SELECT message.id, message.connection, message.route, message.feed, message.headers, message.body, message.size,
       message.received_at, key.wrapped_key, key.erased_at, key.request
  FROM (SELECT message, sum(size) OVER (ORDER BY message) - size AS bytes_before
          FROM (SELECT message, size
                  FROM inbound.inbox
                 WHERE connection = %(connection)s
                 ORDER BY message
                 LIMIT %(messages)s) AS oldest) AS next
  JOIN inbound.message ON message.id = next.message
  LEFT JOIN inbound.message_key AS key ON key.message = next.message
 WHERE next.bytes_before < %(bytes)s
 ORDER BY message.id
"""

TAKE_OUT: Final[LiteralString] = """
DELETE FROM inbound.inbox WHERE connection = %(connection)s AND message = ANY(%(messages)b::uuid[]) RETURNING message
"""

INSERT_RECORDS: Final[LiteralString] = """
INSERT INTO inbound.record
       (message, number, connection, route, feed, lane, key, event_id, kind, document, waits_for, state, whole, path,
        reason, lacks, raw, trace, received_at, alarmed)
SELECT message, number, connection, route, feed, lane, key, event_id, kind, document, waits_for,
       CASE WHEN document IS NULL THEN 'quarantined' ELSE 'received' END, whole, path, reason, lacks, raw, trace,
       received_at, document IS NULL
  FROM unnest(%(messages)b::uuid[], %(numbers)b::int[], %(connections)b::text[], %(routes)b::text[],
              %(feeds)b::text[], %(lanes)b::smallint[], %(keys)b::text[], %(event_ids)b::text[], %(kinds)b::text[],
              %(documents)b::bytea[], %(waits_for)b::text[], %(whole)b::boolean[], %(paths)b::text[],
              %(reasons)b::text[], %(lacks)b::text[], %(raws)b::bytea[], %(traces)b::uuid[],
              %(received_at)b::timestamptz[])
       AS new(message, number, connection, route, feed, lane, key, event_id, kind, document, waits_for, whole, path,
              reason, lacks, raw, trace, received_at)
"""

INSERT_NOTE: Final[LiteralString] = """
INSERT INTO inbound.record
       (message, number, connection, route, feed, lane, key, event_id, kind, state, whole, path, reason, trace,
        received_at, alarmed, settled_at)
VALUES (%(message)s, 0, %(connection)s, %(route)s, %(feed)s, 0, '', '', '', %(state)s::text, true, '$', %(reason)s,
        %(message)s, %(now)s, %(state)s::text = 'quarantined', %(now)s)
"""

# A skip scan: as many index probes as there are busy lanes, however many records wait in them.
BUSY_LANES: Final[LiteralString] = """
WITH RECURSIVE busy AS (
    (SELECT connection, lane
       FROM inbound.record
      WHERE state = 'received'
      ORDER BY connection, lane
      LIMIT 1)
    UNION ALL
    SELECT next.connection, next.lane
      FROM busy,
           LATERAL (SELECT record.connection, record.lane
                      FROM inbound.record
                     WHERE record.state = 'received'
                       AND (record.connection, record.lane) > (busy.connection, busy.lane)
                     ORDER BY record.connection, record.lane
                     LIMIT 1) AS next
)
SELECT connection, lane FROM busy
"""

TRY_LANE: Final[LiteralString] = """
SELECT pg_try_advisory_xact_lock(%(space)s::int, hashtext(%(connection)s || '/' || %(lane)s::text))
"""

# A record stays behind an earlier one of its key that waits or is set aside; the missing parent itself may pass.
NEXT_RECORDS: Final[LiteralString] = """
SELECT record.message, record.number, record.connection, record.route, record.feed, record.key, record.event_id,
       record.kind, record.document, message_key.wrapped_key, record.waits_for, record.trace, record.received_at,
       record.attempts, record.waiting_since, record.deadline, record.alarmed
  FROM inbound.record
  LEFT JOIN inbound.message_key ON message_key.message = record.message
 WHERE record.state = 'received'
   AND record.connection = %(connection)s
   AND record.lane = %(lane)s
   AND NOT EXISTS (SELECT
                     FROM inbound.record AS earlier
                    WHERE earlier.connection = record.connection
                      AND earlier.key = record.key
                      AND earlier.key <> ''
                      AND earlier.state IN ('waiting', 'quarantined')
                      AND (earlier.message, earlier.number) < (record.message, record.number)
                      AND NOT (earlier.state = 'waiting' AND earlier.waits_for = record.key AND record.waits_for = ''))
 ORDER BY record.message, record.number
 LIMIT %(limit)s
   FOR UPDATE OF record
"""

# The row of the very record that claims again (after waiting, after a release) counts as claimed by it.
CLAIM: Final[LiteralString] = """
INSERT INTO inbound.seen AS seen (connection, event_id, message, number, seen_at)
SELECT connection, event_id, message, number, %(now)s
  FROM unnest(%(connections)b::text[], %(event_ids)b::text[], %(messages)b::uuid[], %(numbers)b::int[])
       AS new(connection, event_id, message, number)
 ORDER BY connection, event_id
    ON CONFLICT (connection, event_id) DO UPDATE SET seen_at = seen.seen_at
          WHERE seen.message = excluded.message AND seen.number = excluded.number
RETURNING message, number
"""

SETTLE: Final[LiteralString] = """
UPDATE inbound.record
   SET state = new.state,
       path = new.path,
       reason = new.reason,
       waits_for = CASE WHEN new.waits_for = '' THEN record.waits_for ELSE new.waits_for END,
       waiting_since = new.waiting_since,
       retry_at = new.retry_at,
       deadline = new.deadline,
       attempts = new.attempts,
       alarmed = new.alarmed,
       document = CASE WHEN new.state IN ('received', 'waiting', 'quarantined') THEN record.document END,
       settled_at = CASE WHEN new.state IN ('received', 'waiting', 'quarantined') THEN NULL ELSE %(now)s::timestamptz END
  FROM unnest(%(messages)b::uuid[], %(numbers)b::int[], %(states)b::text[], %(paths)b::text[], %(reasons)b::text[],
              %(waits_for)b::text[], %(waiting_since)b::timestamptz[], %(retry_at)b::timestamptz[],
              %(deadlines)b::timestamptz[], %(attempts)b::smallint[], %(alarmed)b::boolean[])
       AS new(message, number, state, path, reason, waits_for, waiting_since, retry_at, deadline, attempts, alarmed)
 WHERE record.message = new.message AND record.number = new.number
"""

WAKE: Final[LiteralString] = """
UPDATE inbound.record
   SET state = 'received', retry_at = NULL
 WHERE state = 'waiting' AND waits_for = ANY(%(keys)b::text[])
RETURNING connection, key
"""

WAKE_DUE: Final[LiteralString] = """
UPDATE inbound.record SET state = 'received', retry_at = NULL WHERE state = 'waiting' AND retry_at <= %(now)s
"""


class SealedParts(NamedTuple):
    """What of a record lies sealed."""

    document: bytes | None
    raw: bytes | None


async def store(
    tx: Tx,
    *,
    ids: Sequence[MessageId],
    connections: Sequence[str],
    routes: Sequence[str],
    feeds: Sequence[str],
    bodies: Sequence[bytes],
    sizes: Sequence[int],
    keys: Sequence[bytes],
    bound: Sequence[tuple[bytes, MessageId, datetime]],
    queued: bool,
    now: datetime,
) -> None:
    """Store sealed messages, their keys, and whom they are about; when *queued*, they wait for a decoder."""
    params = {
        "ids": ids,
        "connections": connections,
        "routes": routes,
        "feeds": feeds,
        "bodies": bodies,
        "sizes": sizes,
        "keys": keys,
        "handles": [handle for handle, _, _ in bound],
        "messages": [message for _, message, _ in bound],
        "ats": [at for _, _, at in bound],
        "queued": queued,
        "now": now,
    }
    await post(tx, STORE, params)


async def undecoded(tx: Tx) -> Sequence[ConnectionName]:
    """Connections that have messages waiting for a decoder."""
    return [ConnectionName(connection) for (connection,) in await fetch_tuples(tx, UNDECODED)]


async def try_lock(tx: Tx, space: int, name: str) -> bool:
    """Take a lock for as long as this session wants it; False when another session has it."""
    return bool(await fetch_value(tx, TRY_LOCK, bool, {"space": space, "name": name}))


async def unlock(tx: Tx, space: int, name: str) -> None:
    """Give it back."""
    await fetch_tuples(tx, UNLOCK, {"space": space, "name": name})


async def next_messages(tx: Tx, connection: str, *, messages: int, size: int) -> Sequence[SealedMessage]:
    """The oldest undecoded messages of a connection, at least one, as long as they fit into *size* bytes."""
    params = {"connection": connection, "messages": messages, "bytes": size}
    return await fetch_all(tx, NEXT_MESSAGES, SealedMessage, params)


async def take_out(tx: Tx, connection: str, messages: Sequence[MessageId]) -> set[MessageId]:
    """Remove messages from the inbox; those that nobody else has removed before."""
    rows = await fetch_tuples(tx, TAKE_OUT, {"connection": connection, "messages": messages})
    return {MessageId(message) for (message,) in rows}


async def insert_records(tx: Tx, records: Sequence[NewRecord], sealed: Sequence[SealedParts]) -> None:
    """Store what decoding made of messages: readable records are received, damaged ones quarantined."""
    drafts = [record.draft for record in records]
    params = {
        "messages": [record.message.id for record in records],
        "numbers": [draft.number for draft in drafts],
        "connections": [record.message.connection for record in records],
        "routes": [record.message.route for record in records],
        "feeds": [record.message.feed for record in records],
        "lanes": [record.lane for record in records],
        "keys": [draft.key for draft in drafts],
        "event_ids": [draft.event_id for draft in drafts],
        "kinds": [draft.kind for draft in drafts],
        "documents": [parts.document for parts in sealed],
        "waits_for": [draft.waits_for for draft in drafts],
        "whole": [draft.whole for draft in drafts],
        "paths": [draft.path for draft in drafts],
        "reasons": [draft.reason for draft in drafts],
        "lacks": [draft.lacks for draft in drafts],
        "raws": [parts.raw for parts in sealed],
        "traces": [record.trace for record in records],
        "received_at": [record.message.received_at for record in records],
    }
    await execute(tx, INSERT_RECORDS, params)


async def insert_note(
    tx: Tx,
    message: MessageId,
    *,
    connection: str,
    route: str,
    feed: str,
    state: str,
    reason: str,
    now: datetime,
) -> None:
    """Store the one record of a message that nobody decodes."""
    params = {
        "message": message,
        "connection": connection,
        "route": route,
        "feed": feed,
        "state": state,
        "reason": reason,
        "now": now,
    }
    await execute(tx, INSERT_NOTE, params)


async def busy_lanes(tx: Tx) -> Sequence[Lane]:
    """Lanes with records that may be applied."""
    return [Lane(ConnectionName(connection), int(lane)) for connection, lane in await fetch_tuples(tx, BUSY_LANES)]


async def try_lane(tx: Tx, space: int, lane: Lane) -> bool:
    """Own a lane until the transaction ends; False when another worker does."""
    params = {"space": space, "connection": lane.connection, "lane": lane.number}
    return bool(await fetch_value(tx, TRY_LANE, bool, params))


async def next_records(tx: Tx, lane: Lane, *, limit: int) -> Sequence[StoredRecord]:
    """The oldest records of a lane that nothing holds back, locked."""
    params = {"connection": lane.connection, "lane": lane.number, "limit": limit}
    return await fetch_all(tx, NEXT_RECORDS, StoredRecord, params)


async def claim(tx: Tx, records: Sequence[StoredRecord], now: datetime) -> set[tuple[MessageId, int]]:
    """Claim the records' events, which must differ; those claimed. The others were taken in before."""
    params = {
        "connections": [record.connection for record in records],
        "event_ids": [record.event_id for record in records],
        "messages": [record.message for record in records],
        "numbers": [record.number for record in records],
        "now": now,
    }
    return {(MessageId(message), int(number)) for message, number in await fetch_tuples(tx, CLAIM, params)}


async def settle(tx: Tx, settlements: Sequence[Settlement], now: datetime) -> None:
    """Write what records have become."""
    params = {
        "messages": [each.message for each in settlements],
        "numbers": [each.number for each in settlements],
        "states": [each.state.value for each in settlements],
        "paths": [each.path for each in settlements],
        "reasons": [each.reason for each in settlements],
        "waits_for": [each.waits_for for each in settlements],
        "waiting_since": [each.waiting_since for each in settlements],
        "retry_at": [each.retry_at for each in settlements],
        "deadlines": [each.deadline for each in settlements],
        "attempts": [each.attempts for each in settlements],
        "alarmed": [each.alarmed for each in settlements],
        "now": now,
    }
    await execute(tx, SETTLE, params)


async def wake(tx: Tx, keys: Sequence[str]) -> Sequence[tuple[str, str]]:
    """Let records that wait for *keys* try again; their places."""
    return [(connection, key) for connection, key in await fetch_tuples(tx, WAKE, {"keys": list(keys)})]


async def wake_children(tx: Tx, keys: Sequence[str]) -> None:
    """The same, when nobody asks which they were."""
    await post(tx, WAKE, {"keys": list(keys)})


async def wake_due(tx: Tx, now: datetime) -> int:
    """Let waiting records try again whose time to look has come."""
    return await execute(tx, WAKE_DUE, {"now": now})
