"""SQL of keys, of whom messages are about, and of who was erased."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from crossdock.foundation.db import Tx, execute, fetch_all, fetch_tuples, post
from crossdock.inbound.model import MessageId, SealedMessage

BIND: Final[LiteralString] = """
INSERT INTO inbound.binding (handle, message, at)
SELECT handle, message, at
  FROM unnest(%(handles)b::bytea[], %(messages)b::uuid[], %(ats)b::timestamptz[]) AS new(handle, message, at)
    ON CONFLICT (handle, message) DO NOTHING
"""

NOTE: Final[LiteralString] = """
INSERT INTO inbound.erasure (handle, at, request)
SELECT handle, %(at)s, %(request)s FROM unnest(%(handles)b::bytea[]) AS new(handle)
    ON CONFLICT (handle) DO UPDATE SET at = greatest(erasure.at, excluded.at), request = excluded.request
"""

# A message that still has something to do keeps its key until it has done it: nothing acknowledged is lost.
ERASE: Final[LiteralString] = """
UPDATE inbound.message_key AS key
   SET wrapped_key = NULL, erased_at = %(now)s, request = bound.request
  FROM (SELECT DISTINCT ON (binding.message) binding.message, erasure.request
          FROM inbound.erasure
          JOIN inbound.binding ON binding.handle = erasure.handle AND binding.at <= erasure.at
         WHERE %(handles)b::bytea[] IS NULL OR erasure.handle = ANY(%(handles)b::bytea[])
         ORDER BY binding.message, erasure.at) AS bound
 WHERE key.message = bound.message
   AND key.wrapped_key IS NOT NULL
   AND NOT EXISTS (SELECT
                     FROM inbound.record
                    WHERE record.message = key.message
                      AND record.state IN ('received', 'waiting', 'quarantined'))
RETURNING key.message
"""

STILL_OPEN: Final[LiteralString] = """
SELECT DISTINCT record.message, record.number, record.state
  FROM inbound.binding
  JOIN inbound.record USING (message)
 WHERE binding.handle = ANY(%(handles)b::bytea[])
   AND record.state IN ('received', 'waiting', 'quarantined')
 ORDER BY record.message, record.number
 LIMIT %(limit)s
"""

MESSAGES_ABOUT: Final[LiteralString] = """
SELECT message.id, message.connection, message.route, message.feed, message.headers, message.body, message.size,
       message.received_at, key.wrapped_key, key.erased_at, key.request
  FROM (SELECT DISTINCT message FROM inbound.binding WHERE handle = ANY(%(handles)b::bytea[])) AS bound
  JOIN inbound.message ON message.id = bound.message
  LEFT JOIN inbound.message_key AS key ON key.message = message.id
 ORDER BY message.id
 LIMIT %(limit)s
"""

# Messages that speak of somebody else, too: they are not one person's to be handed out.
SHARED: Final[LiteralString] = """
SELECT message
  FROM inbound.binding
 WHERE message = ANY(%(messages)b::uuid[])
   AND NOT handle = ANY(%(handles)b::bytea[])
"""

# Messages of which something could never be read: nobody knows whom they are about.
UNREAD: Final[LiteralString] = """
SELECT message.id, message.connection, message.route, message.feed, message.headers, message.body, message.size,
       message.received_at, key.wrapped_key, key.erased_at, key.request
  FROM (SELECT DISTINCT message
          FROM inbound.record
         WHERE kind = ''
           AND state IN ('quarantined', 'rejected', 'dismissed')
           AND message > %(after)s
         ORDER BY message
         LIMIT %(limit)s) AS unread
  JOIN inbound.message ON message.id = unread.message
  LEFT JOIN inbound.message_key AS key ON key.message = message.id
 ORDER BY message.id
"""

FORGET: Final[LiteralString] = "DELETE FROM inbound.erasure WHERE at < %(before)s"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRecord:
    """A record that is not done with its work."""

    message: MessageId
    number: int
    state: str


async def bind(tx: Tx, bindings: Sequence[tuple[bytes, MessageId, datetime]]) -> None:
    """Note whom messages are about: handle, message, when."""
    params = {
        "handles": [handle for handle, _, _ in bindings],
        "messages": [message for _, message, _ in bindings],
        "ats": [at for _, _, at in bindings],
    }
    await post(tx, BIND, params)


async def note(tx: Tx, handles: Sequence[bytes], request: str, at: datetime) -> None:
    """Remember who was erased."""
    await execute(tx, NOTE, {"handles": list(handles), "request": request, "at": at})


async def erase(tx: Tx, handles: Sequence[bytes] | None, now: datetime) -> int:
    """Delete the keys of messages about these people, or about anybody who was erased; how many."""
    params = {"handles": None if handles is None else list(handles), "now": now}
    return len(await fetch_tuples(tx, ERASE, params))


async def still_open(tx: Tx, handles: Sequence[bytes], *, limit: int) -> Sequence[OpenRecord]:
    """Records of messages about these people that still have something to do."""
    return await fetch_all(tx, STILL_OPEN, OpenRecord, {"handles": list(handles), "limit": limit})


async def messages_about(tx: Tx, handles: Sequence[bytes], *, limit: int) -> Sequence[SealedMessage]:
    """What came in about these people, oldest first."""
    return await fetch_all(tx, MESSAGES_ABOUT, SealedMessage, {"handles": list(handles), "limit": limit})


async def shared(tx: Tx, messages: Sequence[MessageId], handles: Sequence[bytes]) -> set[MessageId]:
    """Which of them are about other people, too."""
    rows = await fetch_tuples(tx, SHARED, {"messages": list(messages), "handles": list(handles)})
    return {MessageId(message) for (message,) in rows}


async def unread(tx: Tx, after: UUID, *, limit: int) -> Sequence[SealedMessage]:
    """A page of messages that could not be read in whole."""
    return await fetch_all(tx, UNREAD, SealedMessage, {"after": after, "limit": limit})


async def forget(tx: Tx, before: datetime) -> int:
    """Messages of that time are gone: nothing that is erased can come in with one."""
    return await execute(tx, FORGET, {"before": before})
