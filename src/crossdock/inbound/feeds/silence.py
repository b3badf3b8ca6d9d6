"""A feed that goes quiet is told once, and once more when it speaks again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from crossdock.canonical.base import ConnectionName
from crossdock.canonical.facts import FeedHeard, FeedSilent
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx
from crossdock.inbound.feeds import store
from crossdock.inbound.model import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A polled feed whose silence matters."""

    connection: ConnectionName
    feed: str
    silent_after: timedelta


async def silent_feeds(tx: Tx, watches: Sequence[Watch], *, now: datetime) -> Sequence[FeedSilent]:
    """Tell of each watched feed that has fallen silent since the last look.

    A feed that was never polled is known from its first look here: a connection that cannot start is silent, too.
    """
    fallen: list[FeedSilent] = []
    for watch in watches:
        await store.open_feed(tx, watch.connection, Route.POLL, watch.feed, now)
        since = await store.fall_silent(tx, watch.connection, watch.feed, silent_after=watch.silent_after, now=now)
        if since is not None:
            fallen.append(FeedSilent(connection=watch.connection, feed=watch.feed, silent_since=since))
    await eventlog.append(tx, [_note(fact, fact.connection, now) for fact in fallen])
    return fallen


async def heard(tx: Tx, connection: ConnectionName, feed: str, *, now: datetime) -> None:
    """The feed brought something readable."""
    since = await store.heard(tx, connection, feed, now)
    if since is not None:
        await eventlog.append(
            tx, [_note(FeedHeard(connection=connection, feed=feed, silent_since=since), connection, now)]
        )


def _note(fact: FeedSilent | FeedHeard, connection: str, now: datetime) -> NewFact:
    return NewFact(stream=f"connection/{connection}", fact=fact, happened_at=now, origin=Origin.begin("inbound"))
