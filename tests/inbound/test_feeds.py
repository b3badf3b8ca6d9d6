"""Polls and first loads: page and cursor together, resumed after any crash, silence told once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from crossdock.canonical.facts import FeedHeard, FeedSilent
from crossdock.connector_kit.model import Load, Page
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.foundation.db import Database
from crossdock.inbound import service as inbound
from crossdock.inbound.feeds.model import Pulled
from crossdock.inbound.service import LoadProgress, Watch
from inbound.shopfloor import SHOP, Hub, connector, decode_orders, hub_on, order, pull, session


@pytest.fixture
async def hub(database: Database) -> Hub:
    return await hub_on(database)


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


class Shop:
    """Pages of two orders each; may be told to fail before a page."""

    def __init__(self, orders: int) -> None:
        self.orders = orders
        self.asked: list[str] = []
        self.fails_at = ""

    async def fetch(self, _session: Session, cursor: str) -> Page:
        self.asked.append(cursor)
        if cursor and cursor == self.fails_at:
            raise CallFailed(Verdict.NOT_SENT, "the shop is down")
        start = int(cursor or "0")
        numbers = range(start, min(start + 2, self.orders))
        body = f'{{"orders": [{", ".join(order(str(number)) for number in numbers)}]}}'
        return Page(body=body.encode(), cursor=str(start + len(numbers)), more=start + 2 < self.orders)


async def polled(hub: Hub, client: aiohttp.ClientSession, *, pages_max: int = 50) -> Pulled:
    return await inbound.poll(
        hub.database,
        hub.vault,
        hub.made,
        hub.made.pulls[0],
        session(client, hub.clock),
        clock=hub.clock,
        pages_max=pages_max,
    )


def polling(hub: Hub, shop: Shop) -> None:
    hub.made = connector(pulls=[pull(shop.fetch)])


async def test_a_poll_brings_every_page_and_remembers_where_it_stands(hub: Hub, client: aiohttp.ClientSession) -> None:
    shop = Shop(5)
    polling(hub, shop)

    first = await polled(hub, client)
    shop.orders = 7
    second = await polled(hub, client)
    await hub.work()

    assert (first.pages, first.cursor, first.more) == (3, "5", False)
    assert second.cursor == "7"
    assert shop.asked == ["", "2", "4", "5"]
    assert len(await hub.effects()) == 7


async def test_a_poll_that_fails_midway_keeps_what_it_has_and_goes_on_from_there(
    hub: Hub, client: aiohttp.ClientSession
) -> None:
    shop = Shop(6)
    polling(hub, shop)
    shop.fails_at = "4"
    with pytest.raises(CallFailed):
        await polled(hub, client)
    shop.fails_at = ""

    await polled(hub, client)
    await hub.work()

    assert shop.asked == ["", "2", "4", "4"]
    assert len(await hub.effects()) == 6


async def test_a_run_is_bounded_in_pages(hub: Hub, client: aiohttp.ClientSession) -> None:
    polling(hub, Shop(9))

    first = await polled(hub, client, pages_max=2)
    second = await polled(hub, client)

    assert (first.pages, first.more) == (2, True)
    assert (second.pages, second.more) == (3, False)


async def test_an_overlapping_poll_stores_an_unchanged_page_once(hub: Hub, client: aiohttp.ClientSession) -> None:
    async def again(_session: Session, _cursor: str) -> Page:
        return Page(body=f'{{"orders": [{order()}]}}'.encode(), cursor="1", more=False)

    hub.made = connector(pulls=[pull(again)])

    runs = [await polled(hub, client) for _ in range(3)]
    work = await hub.work()

    assert [run.unchanged for run in runs] == [0, 1, 1]
    assert work.messages == 1
    assert await hub.effects() == ["placed"]


async def test_a_cursor_that_does_not_move_is_an_error_not_a_loop(hub: Hub, client: aiohttp.ClientSession) -> None:
    async def stuck(_session: Session, cursor: str) -> Page:
        return Page(body=b'{"orders": []}', cursor=cursor or "1", more=True)

    hub.made = connector(pulls=[pull(stuck)])

    with pytest.raises(CallFailed, match="does not move"):
        await polled(hub, client)


async def test_of_two_workers_that_poll_one_feed_each_page_is_kept_once(
    hub: Hub, client: aiohttp.ClientSession
) -> None:
    shop = Shop(4)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow_at_first(at: Session, cursor: str) -> Page:
        if not reached.is_set():
            reached.set()
            await go_on.wait()
        return await shop.fetch(at, cursor)

    hub.made = connector(pulls=[pull(slow_at_first)])
    slow = asyncio.create_task(polled(hub, client))
    await reached.wait()
    quick = await polled(hub, client)
    go_on.set()

    assert (quick.pages, quick.busy) == (2, False)
    assert (await slow).busy
    assert (await hub.work()).messages == 2


async def test_no_database_connection_is_held_while_a_vendor_takes_its_time(
    hub: Hub, client: aiohttp.ClientSession
) -> None:
    reached = asyncio.Semaphore(0)
    go_on = asyncio.Event()

    async def slow(_session: Session, cursor: str) -> Page:
        reached.release()
        await go_on.wait()
        return Page(body=b'{"orders": []}', cursor=cursor, more=False)

    hub.made = connector(pulls=[pull(slow)])
    polls = [asyncio.create_task(polled(hub, client)) for _ in range(30)]
    for _ in polls:
        await reached.acquire()

    await hub.receive("orders/create", order())
    await hub.work()
    go_on.set()
    await asyncio.gather(*polls)

    assert await hub.effects() == ["placed"]


async def test_a_silent_feed_is_told_once_and_once_more_when_it_speaks(hub: Hub, client: aiohttp.ClientSession) -> None:
    shop = Shop(2)
    polling(hub, shop)
    watch = Watch(connection=SHOP, feed="orders", silent_after=timedelta(hours=1))
    await polled(hub, client)
    await hub.work()
    for _ in range(8):
        await hub.clock.advance(900)
        await polled(hub, client)
        await hub.work()
        async with hub.database.transaction() as tx:
            await inbound.silent_feeds(tx, [watch], now=hub.clock.now())
    assert [type(fact) for fact in await hub.facts()] == [FeedSilent]

    shop.orders = 3
    await polled(hub, client)
    await hub.work()

    assert [type(fact) for fact in await hub.facts()] == [FeedSilent, FeedHeard]


async def test_a_feed_that_never_spoke_is_silent_too(hub: Hub) -> None:
    watch = Watch(connection=SHOP, feed="orders", silent_after=timedelta(hours=1))
    told = []
    for _ in range(3):
        async with hub.database.transaction() as tx:
            told.append(len(await inbound.silent_feeds(tx, [watch], now=hub.clock.now())))
        await hub.clock.advance(3601)

    assert told == [0, 1, 0]


async def test_a_first_load_goes_on_where_it_broke_off_and_may_be_repeated(
    hub: Hub, client: aiohttp.ClientSession
) -> None:
    shop = Shop(6)
    load = Load(name="orders", fetch=shop.fetch, decode=decode_orders)
    hub.made = connector(loads=[load])
    seen: list[LoadProgress] = []

    async def run() -> Pulled:
        return await inbound.load(
            hub.database, hub.vault, hub.made, load, session(client, hub.clock), clock=hub.clock, progress=seen.append
        )

    shop.fails_at = "4"
    with pytest.raises(CallFailed):
        await run()
    shop.fails_at = ""
    await run()
    assert [step.pages for step in seen] == [1, 2, 3]
    await run()
    await hub.work()

    assert shop.asked == ["", "2", "4", "4", "", "2", "4"]
    assert len(await hub.effects()) == 6
