"""SQL of cursors, of silence, and of files that were taken."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString

from crossdock.canonical.base import ConnectionName
from crossdock.foundation.db import Tx, execute, fetch_all, fetch_one, fetch_tuples
from crossdock.foundation.ids import id_floor
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

SPOKEN_SINCE: Final[LiteralString] = """
SELECT connection, max(received_at) FROM inbound.message WHERE id >= %(since)s GROUP BY connection
"""

CLAIM: Final[LiteralString] = """
INSERT INTO inbound.seen AS seen (connection, event_id, message, number, seen_at)
VALUES (%(connection)s, %(event_id)s, %(message)s, 0, %(now)s)
    ON CONFLICT (connection, event_id) DO UPDATE SET seen_at = seen.seen_at
RETURNING message
"""

WATCH: Final[LiteralString] = """
INSERT INTO inbound.taken (connection, feed, place, name, mark, version, message, watched_until)
VALUES (%(connection)s, %(feed)s, %(place)s, %(name)s, %(mark)s, %(version)s, %(message)s, %(watched_until)s)
    ON CONFLICT (connection, feed, place)
    DO UPDATE SET mark = excluded.mark, version = excluded.version, message = excluded.message,
                  watched_until = excluded.watched_until
"""

WATCHED: Final[LiteralString] = """
SELECT place, name, mark, version, message, watched_until
  FROM inbound.taken
 WHERE connection = %(connection)s AND feed = %(feed)s
 ORDER BY watched_until DESC
 LIMIT %(limit)s
"""

# With them goes what connections have left behind that are gone from the estate.
FORGET: Final[LiteralString] = """
DELETE FROM inbound.taken
 WHERE (connection = %(connection)s AND feed = %(feed)s AND place = ANY(%(places)s))
    OR watched_until < %(long_ago)s
"""

WATCHED_MAX: Final = 20_000
LEFT_BEHIND: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenFile:
    """A file of a drop folder that was taken lately."""

    connection: ConnectionName
    feed: str
    place: str
    """Below the drop folder."""
    name: str
    """What its sender called it, as text."""
    mark: str
    """As it was when it was taken last."""
    version: int
    message: MessageId
    """What was taken last."""
    watched_until: datetime


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


async def watch(tx: Tx, file: TakenFile) -> None:
    """Look at a taken file for a while; one that is watched already is from now on as it is told here."""
    params = {
        "connection": file.connection,
        "feed": file.feed,
        "place": os.fsencode(file.place),
        "name": file.name,
        "mark": file.mark,
        "version": file.version,
        "message": file.message,
        "watched_until": file.watched_until,
    }
    await execute(tx, WATCH, params)


async def watched(tx: Tx, connection: ConnectionName, feed: str) -> Sequence[TakenFile]:
    """The files of a drop that are looked at still."""
    rows = await fetch_tuples(tx, WATCHED, {"connection": connection, "feed": feed, "limit": WATCHED_MAX})
    return [
        TakenFile(
            connection=connection,
            feed=feed,
            place=os.fsdecode(place),
            name=name,
            mark=mark,
            version=version,
            message=MessageId(message),
            watched_until=watched_until,
        )
        for place, name, mark, version, message, watched_until in rows
    ]


async def forget(tx: Tx, connection: str, feed: str, places: Sequence[str], now: datetime) -> None:
    """Look at these files no longer."""
    params = {
        "connection": connection,
        "feed": feed,
        "places": [os.fsencode(place) for place in places],
        "long_ago": now - LEFT_BEHIND,
    }
    await execute(tx, FORGET, params)


async def spoken_since(tx: Tx, since: datetime) -> Mapping[str, datetime]:
    """Connections that brought a message since a moment, by whatever route, and when the last one came."""
    return dict(await fetch_tuples(tx, SPOKEN_SINCE, {"since": id_floor(since)}))


async def list_feeds(tx: Tx, connection: str) -> Sequence[FeedShown]:
    """Every feed with a cursor; of all connections when none is named."""
    return await fetch_all(tx, LIST, FeedShown, {"connection": connection})
