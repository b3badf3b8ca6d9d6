"""SQL of cursors and of silence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString

from crossdock.foundation.db import Tx, execute, fetch_all, fetch_one, fetch_tuples
from crossdock.inbound.model import FeedShown, MessageId

OPEN: Final[LiteralString] = """
INSERT INTO inbound.cursor (connection, route, feed, heard_at)
VALUES (%(connection)s, %(route)s, %(feed)s, %(now)s)
    ON CONFLICT (connection, route, feed) DO NOTHING
"""

STANDING: Final[LiteralString] = """
SELECT cursor, pages, page_hash, finished_at
  FROM inbound.cursor
 WHERE connection = %(connection)s AND route = %(route)s AND feed = %(feed)s
"""

LIST: Final[LiteralString] = """
SELECT connection, route, feed, pages, heard_at, silent_since, finished_at
  FROM inbound.cursor
 WHERE %(connection)s = '' OR connection = %(connection)s
 ORDER BY connection, route, feed
"""

# Compare and set: of two that fetched from the same place one moves on, the other's page is dropped.
MOVE: Final[LiteralString] = """
UPDATE inbound.cursor
   SET cursor = %(cursor)s, pages = pages + 1, page_hash = %(page_hash)s, finished_at = %(finished_at)s
 WHERE connection = %(connection)s AND route = %(route)s AND feed = %(feed)s
   AND cursor = %(from_cursor)s AND pages = %(from_pages)s
"""

RESTART: Final[LiteralString] = """
UPDATE inbound.cursor
   SET cursor = '', pages = 0, page_hash = NULL, finished_at = NULL
 WHERE connection = %(connection)s AND route = %(route)s AND feed = %(feed)s
"""

# Row by row only for feeds that are polled: a webhook's hot path writes no counter.
HEARD: Final[LiteralString] = """
UPDATE inbound.cursor AS feed
   SET heard_at = greatest(feed.heard_at, %(now)s), silent_since = NULL
  FROM inbound.cursor AS before
 WHERE feed.connection = %(connection)s AND feed.route = 'poll' AND feed.feed = %(feed)s
   AND before.connection = feed.connection AND before.route = feed.route AND before.feed = feed.feed
RETURNING before.silent_since
"""

FALL_SILENT: Final[LiteralString] = """
UPDATE inbound.cursor
   SET silent_since = heard_at
 WHERE connection = %(connection)s
   AND route = 'poll'
   AND feed = %(feed)s
   AND silent_since IS NULL
   AND heard_at < %(now)s::timestamptz - %(silent_after)s::interval
RETURNING silent_since
"""


CLAIM: Final[LiteralString] = """
INSERT INTO inbound.seen AS seen (connection, event_id, message, number, seen_at)
VALUES (%(connection)s, %(event_id)s, %(message)s, 0, %(now)s)
    ON CONFLICT (connection, event_id) DO UPDATE SET seen_at = seen.seen_at
RETURNING message
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a feed came."""

    cursor: str
    pages: int
    page_hash: bytes | None
    finished_at: datetime | None


async def open_feed(tx: Tx, connection: str, route: str, feed: str, now: datetime) -> None:
    """Make the feed known: from now on its silence counts."""
    await execute(tx, OPEN, {"connection": connection, "route": route, "feed": feed, "now": now})


async def standing(tx: Tx, connection: str, route: str, feed: str) -> Standing | None:
    """Where the feed stands."""
    return await fetch_one(tx, STANDING, Standing, {"connection": connection, "route": route, "feed": feed})


async def move(
    tx: Tx,
    connection: str,
    route: str,
    feed: str,
    *,
    before: Standing,
    cursor: str,
    page_hash: bytes,
    finished_at: datetime | None,
) -> bool:
    """Remember a page, in the transaction that stores it; False when somebody else has moved on from *before*."""
    params = {
        "connection": connection,
        "route": route,
        "feed": feed,
        "from_cursor": before.cursor,
        "from_pages": before.pages,
        "cursor": cursor,
        "page_hash": page_hash,
        "finished_at": finished_at,
    }
    return await execute(tx, MOVE, params) == 1


async def restart(tx: Tx, connection: str, route: str, feed: str) -> None:
    """Begin at the beginning."""
    await execute(tx, RESTART, {"connection": connection, "route": route, "feed": feed})


async def heard(tx: Tx, connection: str, feed: str, now: datetime) -> datetime | None:
    """The feed spoke; since when it had been silent, if it had."""
    rows = await fetch_tuples(tx, HEARD, {"connection": connection, "feed": feed, "now": now})
    return _moment(rows)


async def fall_silent(tx: Tx, connection: str, feed: str, *, silent_after: timedelta, now: datetime) -> datetime | None:
    """Mark the feed silent if it has been for longer than allowed and nobody was told yet; since when."""
    params = {"connection": connection, "feed": feed, "silent_after": silent_after, "now": now}
    return _moment(await fetch_tuples(tx, FALL_SILENT, params))


def _moment(rows: Sequence[tuple[object, ...]]) -> datetime | None:
    value = rows[0][0] if rows else None
    assert value is None or isinstance(value, datetime), value
    return value


async def claim(tx: Tx, connection: str, event_id: str, message: MessageId, now: datetime) -> MessageId:
    """The message that an event belongs to: *message* itself when nobody has claimed the event before."""
    params = {"connection": connection, "event_id": event_id, "message": message, "now": now}
    rows = await fetch_tuples(tx, CLAIM, params)
    return MessageId(rows[0][0])


async def list_feeds(tx: Tx, connection: str) -> Sequence[FeedShown]:
    """Every feed with a cursor; of all connections when none is named."""
    return await fetch_all(tx, LIST, FeedShown, {"connection": connection})
