"""Fetch pages, store each with its cursor in one transaction, decode later. A crash fetches again, loses nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from crossdock.connector_kit.model import Connector, Load, Page, Pull
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.foundation.clock import Clock
from crossdock.foundation.db import Database
from crossdock.foundation.vault import Vault
from crossdock.inbound.feeds import store
from crossdock.inbound.feeds.model import Pulled
from crossdock.inbound.feeds.store import Standing
from crossdock.inbound.model import NewMessage, Route
from crossdock.inbound.storing import receive

PAGES_MAX: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadProgress:
    """After a page of a first load."""

    name: str
    pages: int
    """Since the load began, earlier runs included."""
    bytes: int
    """Of this run."""


def no_progress(_: LoadProgress) -> None:
    """For callers that do not show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Feed:
    """What polls and loads have in common."""

    vault: Vault
    session: Session
    route: Route
    name: str
    fetch: Callable[[Session, str], Awaitable[Page]]

    @property
    def key(self) -> tuple[str, Route, str]:
        return (self.session.connection, self.route, self.name)


async def poll(
    database: Database,
    vault: Vault,
    connector: Connector,
    pull: Pull,
    session: Session,
    *,
    clock: Clock,
    pages_max: int = PAGES_MAX,
) -> Pulled:
    """One run of a poll. Raises CallFailed as `fetch` did, after what was fetched before it is stored.

    How far a run reaches back behind its cursor is the connector's (`Pull.overlap`); what comes twice is recognised.
    """
    assert pull in connector.pulls, pull.name
    feed = _Feed(vault=vault, session=session, route=Route.POLL, name=pull.name, fetch=pull.fetch)
    return await _run(database, feed, clock, pages_max, no_progress)


async def load(
    database: Database,
    vault: Vault,
    connector: Connector,
    load: Load,
    session: Session,
    *,
    clock: Clock,
    progress: Callable[[LoadProgress], None] = no_progress,
    pages_max: int = PAGES_MAX,
) -> Pulled:
    """One run of a first load: goes on where the last one stopped; one that was finished begins anew.

    Loading again changes only what has changed: records are recognised by their event ids.
    """
    assert load in connector.loads, load.name
    feed = _Feed(vault=vault, session=session, route=Route.LOAD, name=load.name, fetch=load.fetch)
    return await _run(database, feed, clock, pages_max, progress)


async def _run(
    database: Database, feed: _Feed, clock: Clock, pages_max: int, progress: Callable[[LoadProgress], None]
) -> Pulled:
    """No database connection is held while a vendor takes its time."""
    standing = await _begin(database, feed, clock)
    pages = unchanged = size = 0
    more = True
    while more and pages < pages_max:
        page = await feed.fetch(feed.session, standing.cursor)
        if page.more and page.cursor == standing.cursor:
            raise CallFailed(Verdict.REFUSED, f'feed "{feed.name}" has more pages but its cursor does not move')
        after = Standing(
            cursor=page.cursor,
            pages=standing.pages + 1,
            page_hash=feed.vault.mark(page.body),
            finished_at=None if page.more else clock.now(),
        )
        if not await _keep(database, feed, page, before=standing, after=after, now=clock.now()):
            return Pulled(pages=pages, unchanged=unchanged, cursor=standing.cursor, busy=True)
        pages += 1
        size += len(page.body)
        unchanged += after.page_hash == standing.page_hash
        standing, more = after, page.more
        progress(LoadProgress(name=feed.name, pages=standing.pages, bytes=size))
    return Pulled(pages=pages, unchanged=unchanged, cursor=standing.cursor, more=more)


async def _begin(database: Database, feed: _Feed, clock: Clock) -> Standing:
    async with database.transaction() as tx:
        await store.open_feed(tx, *feed.key, now=clock.now())
        standing = await store.standing(tx, *feed.key)
        assert standing is not None, feed.key
        if feed.route is Route.LOAD and standing.finished_at is not None:
            await store.restart(tx, *feed.key)
            return Standing(cursor="", pages=0, page_hash=None, finished_at=None)
        return standing


async def _keep(
    database: Database, feed: _Feed, page: Page, *, before: Standing, after: Standing, now: datetime
) -> bool:
    """Page and cursor together; False when another worker has moved the cursor in the meantime, and nothing is kept.

    A page that equals the one before it byte for byte is not stored a second time.
    """
    assert after.page_hash is not None, feed.key
    async with database.transaction() as tx:
        moved = await store.move(
            tx,
            *feed.key,
            before=before,
            cursor=after.cursor,
            page_hash=after.page_hash,
            finished_at=after.finished_at,
        )
        if moved and after.page_hash != before.page_hash:
            message = NewMessage(
                connection=feed.session.connection, route=feed.route, feed=feed.name, body=page.body, headers={}
            )
            await receive(tx, feed.vault, [message], now=now)
    return moved
