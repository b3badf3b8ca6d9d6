"""SQL of looking at messages and of people's steps."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from crossdock.foundation.db import Tx, execute, fetch_all, fetch_one, fetch_value
from crossdock.inbound.model import Draft, Lack, MessageId, QuarantineGroup, RecordShown, SealedMessage, Tally
from crossdock.inbound.quarantine.model import MessageHead
from crossdock.inbound.store import SealedParts

MESSAGE: Final[LiteralString] = """
SELECT message.id, message.connection, message.route, message.feed, message.headers, message.body, message.size,
       message.received_at, key.wrapped_key, key.erased_at, key.request
  FROM inbound.message
  LEFT JOIN inbound.message_key AS key ON key.message = message.id
 WHERE message.id = %(message)s
"""

HEAD: Final[LiteralString] = """
SELECT message.id, message.connection, message.route, message.feed, coalesce(message.size, octet_length(message.body)) AS size,
       message.received_at, key.erased_at, coalesce(key.request, '') AS request
  FROM inbound.message
  LEFT JOIN inbound.message_key AS key ON key.message = message.id
 WHERE message.id = %(message)s
"""

UNDECODED: Final[LiteralString] = """
SELECT EXISTS (SELECT FROM inbound.inbox WHERE connection = %(connection)s AND message = %(message)s)
"""

RECORDS: Final[LiteralString] = """
SELECT message, number, connection, route, feed, key, event_id, kind, waits_for, state, whole, path, reason, raw, trace,
       received_at, deadline, settled_at, settled_by, lacks
  FROM inbound.record
 WHERE message = %(message)s
 ORDER BY number
 LIMIT %(limit)s
"""

RECORD_LOCKED: Final[LiteralString] = """
SELECT message, number, connection, route, feed, key, event_id, kind, waits_for, state, whole, path, reason, raw, trace,
       received_at, deadline, settled_at, settled_by, lacks
  FROM inbound.record
 WHERE message = %(message)s AND number = %(number)s
   FOR UPDATE
"""

OF_KEY: Final[LiteralString] = """
SELECT message, number, connection, route, feed, key, event_id, kind, waits_for, state, whole, path, reason, NULL::bytea AS raw, trace,
       received_at, deadline, settled_at, settled_by, lacks
  FROM inbound.record
 WHERE connection = %(connection)s AND key = %(key)s
 ORDER BY message, number
 LIMIT %(limit)s
"""

# Only what a person may have to look at: states by which the table is indexed come first.
OPEN: Final[LiteralString] = """
SELECT message, number, connection, route, feed, key, event_id, kind, waits_for, state, whole, path, reason, NULL::bytea AS raw, trace,
       received_at, deadline, settled_at, settled_by, lacks
  FROM inbound.record
 WHERE state IN ('waiting', 'quarantined')
   AND (%(connection)s = '' OR connection = %(connection)s)
   AND (message, number) > (%(after_message)s, %(after_number)s)
 ORDER BY message, number
 LIMIT %(limit)s
"""

GROUPS: Final[LiteralString] = """
SELECT connection, feed, reason, count(*) AS count,
       (array_agg(message ORDER BY message, number))[1] AS first,
       (array_agg(number ORDER BY message, number))[1] AS first_number,
       min(received_at) AS since
  FROM inbound.record
 WHERE state = 'quarantined'
 GROUP BY connection, feed, reason
 ORDER BY count(*) DESC, connection, feed, reason
 LIMIT %(limit)s
"""

LACKING: Final[LiteralString] = """
SELECT message, number, connection, route, feed, key, event_id, kind, waits_for, state, whole, path, reason, raw, trace,
       received_at, deadline, settled_at, settled_by, lacks
  FROM inbound.record
 WHERE state = 'quarantined' AND lacks <> '' AND connection = %(connection)s AND lacks = ANY(%(lacks)b::text[])
 ORDER BY message, number
 LIMIT %(limit)s
   FOR UPDATE
"""

LACKS: Final[LiteralString] = """
SELECT connection, lacks, count(*) AS records
  FROM inbound.record
 WHERE state = 'quarantined' AND lacks <> ''
   AND (%(connection)s = '' OR connection = %(connection)s) AND starts_with(lacks, %(prefix)s)
 GROUP BY connection, lacks
 ORDER BY min(received_at), lacks
"""

TALLY: Final[LiteralString] = """
SELECT connection, feed, state, count(*) AS count
  FROM inbound.record
 WHERE message >= %(since)s
 GROUP BY connection, feed, state
UNION ALL
SELECT inbox.connection, message.feed, 'undecoded', count(*)
  FROM inbound.inbox
  JOIN inbound.message ON message.id = inbox.message
 WHERE inbox.message >= %(since)s
 GROUP BY inbox.connection, message.feed
 ORDER BY connection, feed, state
"""

WAKE_ONE: Final[LiteralString] = """
UPDATE inbound.record
   SET state = 'received', retry_at = NULL, attempts = 0, path = '', reason = '', settled_by = %(who)s
 WHERE message = %(message)s AND number = %(number)s
"""

REREAD: Final[LiteralString] = """
UPDATE inbound.record
   SET state = CASE WHEN %(document)s::bytea IS NULL THEN 'quarantined' ELSE 'received' END,
       key = CASE WHEN %(key)s = '' THEN key ELSE %(key)s END,
       lane = %(lane)s,
       event_id = %(event_id)s,
       kind = %(kind)s,
       document = %(document)s::bytea,
       waits_for = %(waits_for)s,
       path = %(path)s,
       reason = %(reason)s,
       lacks = %(lacks)s,
       raw = coalesce(%(raw)s::bytea, raw),
       attempts = 0,
       alarmed = true,
       settled_at = NULL,
       settled_by = %(who)s
 WHERE message = %(message)s AND number = %(number)s
"""

REMOVE_WHOLE: Final[LiteralString] = """
DELETE FROM inbound.record WHERE message = %(message)s AND whole
"""

DISMISS: Final[LiteralString] = """
UPDATE inbound.record
   SET state = 'dismissed', document = NULL, reason = %(reason)s, settled_by = %(who)s, settled_at = %(now)s
 WHERE message = %(message)s AND number = %(number)s
"""

SEEN: Final[LiteralString] = """
INSERT INTO inbound.seen (connection, event_id, message, number, seen_at)
VALUES (%(connection)s, %(event_id)s, %(message)s, %(number)s, %(now)s)
    ON CONFLICT (connection, event_id) DO NOTHING
"""

OVERDUE: Final[LiteralString] = """
UPDATE inbound.record
   SET alarmed = true, deadline = NULL
 WHERE state = 'waiting' AND deadline <= %(now)s
RETURNING message, number, connection, route, feed, key, event_id, kind, waits_for, state, whole, path, reason,
          NULL::bytea AS raw, trace, received_at, deadline, settled_at, settled_by, lacks
"""


async def message(tx: Tx, message_id: MessageId) -> SealedMessage | None:
    """A raw message, as it lies."""
    return await fetch_one(tx, MESSAGE, SealedMessage, {"message": message_id})


async def head(tx: Tx, message_id: MessageId) -> MessageHead | None:
    """A message without what it says."""
    return await fetch_one(tx, HEAD, MessageHead, {"message": message_id})


async def is_undecoded(tx: Tx, connection: str, message_id: MessageId) -> bool:
    """Does it still wait for a decoder?"""
    return bool(await fetch_value(tx, UNDECODED, bool, {"connection": connection, "message": message_id}))


async def records(tx: Tx, message_id: MessageId, *, limit: int) -> Sequence[RecordShown]:
    """A message's records, each with its raw part sealed."""
    return await fetch_all(tx, RECORDS, RecordShown, {"message": message_id, "limit": limit})


async def record_locked(tx: Tx, message_id: MessageId, number: int) -> RecordShown | None:
    """One record, locked until the transaction ends."""
    return await fetch_one(tx, RECORD_LOCKED, RecordShown, {"message": message_id, "number": number})


async def of_key(tx: Tx, connection: str, key: str, *, limit: int) -> Sequence[RecordShown]:
    """Everything that came in about one business key."""
    return await fetch_all(tx, OF_KEY, RecordShown, {"connection": connection, "key": key, "limit": limit})


async def open_records(
    tx: Tx, connection: str, after: tuple[MessageId | UUID, int], *, limit: int
) -> Sequence[RecordShown]:
    """Records that wait or are set aside."""
    params = {"connection": connection, "after_message": after[0], "after_number": after[1], "limit": limit}
    return await fetch_all(tx, OPEN, RecordShown, params)


async def groups(tx: Tx, *, limit: int) -> Sequence[QuarantineGroup]:
    """Quarantined records by reason."""
    return await fetch_all(tx, GROUPS, QuarantineGroup, {"limit": limit})


async def lacking(tx: Tx, connection: str, lacks: Sequence[str], *, limit: int) -> Sequence[RecordShown]:
    """Quarantined records that lack one of these, locked."""
    return await fetch_all(tx, LACKING, RecordShown, {"connection": connection, "lacks": lacks, "limit": limit})


async def lacks(tx: Tx, prefix: str, connection: str) -> Sequence[Lack]:
    """What quarantined records lack, the oldest first."""
    return await fetch_all(tx, LACKS, Lack, {"prefix": prefix, "connection": connection})


async def tally(tx: Tx, since: UUID) -> Sequence[Tally]:
    """How many records are in which state, of messages from *since* on."""
    return await fetch_all(tx, TALLY, Tally, {"since": since})


async def wake_one(tx: Tx, message_id: MessageId, number: int, who: str) -> None:
    """Let one waiting record try again."""
    await execute(tx, WAKE_ONE, {"message": message_id, "number": number, "who": who})


async def reread(tx: Tx, record: RecordShown, draft: Draft, sealed: SealedParts, *, lane: int, who: str) -> None:
    """Put what a new decoding says into a record; a raw of None leaves the one that is there."""
    params = {
        "message": record.message,
        "number": record.number,
        "key": draft.key,
        "lane": lane,
        "event_id": draft.event_id,
        "kind": draft.kind,
        "document": sealed.document,
        "waits_for": draft.waits_for,
        "path": draft.path,
        "reason": draft.reason,
        "lacks": draft.lacks,
        "raw": sealed.raw,
        "who": who,
    }
    await execute(tx, REREAD, params)


async def remove_whole(tx: Tx, message_id: MessageId) -> None:
    """Remove the record that stood for an unreadable message, before its real ones are stored."""
    await execute(tx, REMOVE_WHOLE, {"message": message_id})


async def dismiss(tx: Tx, record: RecordShown, *, reason: str, who: str, now: datetime) -> None:
    """Mark a record as not wanted."""
    params = {"message": record.message, "number": record.number, "reason": reason, "who": who, "now": now}
    await execute(tx, DISMISS, params)


async def mark_seen(tx: Tx, record: RecordShown, now: datetime) -> None:
    """A dismissed event stays dismissed when it is delivered again."""
    params = {
        "connection": record.connection,
        "event_id": record.event_id,
        "message": record.message,
        "number": record.number,
        "now": now,
    }
    await execute(tx, SEEN, params)


async def overdue(tx: Tx, now: datetime) -> Sequence[RecordShown]:
    """Waiting records whose clock has run out; each is returned once."""
    return await fetch_all(tx, OVERDUE, RecordShown, {"now": now})
