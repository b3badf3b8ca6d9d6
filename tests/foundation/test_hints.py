"""A hint wakes whoever waits, here and in other processes, and is never more than a hint."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psycopg
import pytest

from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.hints import Hints

LONG_S = 60.0
"""A law that is not reached by then fails; none is measured against it."""


async def eventually(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONG_S):
        while not true():
            await SYSTEM_CLOCK.sleep(0.01)


@asynccontextmanager
async def heard(dsn: str) -> AsyncIterator[list[str]]:
    """Notifications on our channel, as another process gets them."""
    found: list[str] = []
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as session:
        await session.execute("LISTEN crossdock_work")

        async def listen() -> None:
            async for each in session.notifies():
                found.insert(len(found), each.payload)

        task = asyncio.create_task(listen())
        yield found
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def sessions(dsn: str, words: str) -> list[int]:
    """Server processes whose last statement begins like this."""
    with psycopg.connect(dsn, autocommit=True) as session:
        rows = session.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND starts_with(query, %s)", [words]
        ).fetchall()
    return [pid for (pid,) in rows]


async def ring_until_woken(ringing: Hints, waiting: Hints) -> None:
    """Hints may be lost while a connection is being made: whoever works rings again."""
    waiter = asyncio.create_task(waiting.wait(LONG_S))
    async with asyncio.timeout(LONG_S):
        while not waiter.done():
            ringing.ring()
            await asyncio.wait([waiter], timeout=0.1)
    assert await waiter


async def test_everybody_who_waits_is_woken_and_those_who_come_later_are_not() -> None:
    hints = Hints()
    waiters = [asyncio.create_task(hints.wait(LONG_S)) for _ in range(3)]
    await SYSTEM_CLOCK.sleep(0)
    hints.ring()

    assert await asyncio.gather(*waiters) == [True, True, True]
    assert await hints.wait(0.001) is False


async def test_a_hint_wakes_another_process(dsn: str) -> None:
    here, there = Hints(), Hints()
    async with here.shared(dsn), there.shared(dsn):
        await ring_until_woken(here, there)
        await ring_until_woken(there, here)


async def test_a_thousand_hints_are_told_to_others_as_a_few(dsn: str) -> None:
    hints = Hints()
    async with heard(dsn) as found, hints.shared(dsn):
        hints.ring()
        await eventually(lambda: bool(found))
        for _ in range(1000):
            hints.ring()
        await eventually(lambda: len(found) > 1)
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as session:
            await session.execute("NOTIFY crossdock_work, 'last'")  # what came before it has been told by now
        await eventually(lambda: "last" in found)

    assert found.index("last") <= 3


@pytest.mark.parametrize("words", ["LISTEN", "SELECT pg_notify"])
async def test_a_lost_connection_is_made_again(dsn: str, words: str) -> None:
    here, there = Hints(), Hints()
    async with here.shared(dsn), there.shared(dsn):
        await ring_until_woken(here, there)
        await ring_until_woken(there, here)
        with psycopg.connect(dsn, autocommit=True) as session:
            for pid in sessions(dsn, words):
                session.execute("SELECT pg_terminate_backend(%s)", [pid])

        assert await asyncio.wait_for(asyncio.gather(_woken_by_itself(here)), LONG_S)
        await ring_until_woken(here, there)


async def _woken_by_itself(hints: Hints) -> bool:
    """Local hints need no connection."""
    waiter = asyncio.create_task(hints.wait(LONG_S))
    await SYSTEM_CLOCK.sleep(0)
    hints.ring()
    return await waiter


async def test_without_a_database_hints_still_work_here() -> None:
    hints = Hints()
    async with hints.shared("host=127.0.0.1 port=1 connect_timeout=1"):
        assert await _woken_by_itself(hints)


async def test_leaving_ends_the_connections(dsn: str) -> None:
    hints = Hints()
    async with hints.shared(dsn):
        await eventually(lambda: bool(sessions(dsn, "LISTEN")))
    await eventually(lambda: not sessions(dsn, "LISTEN"))
