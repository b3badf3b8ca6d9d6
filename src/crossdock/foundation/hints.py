"""Hints that there may be work: local at once, to other processes at most every few milliseconds.

A hint is never the truth: every reader polls as well, so a lost hint costs a moment, not a message. NOTIFY takes a
global lock at commit (60 % of throughput when sent per transaction), so hints travel outside the working
transactions, merged.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import psycopg

from crossdock.foundation.clock import SYSTEM_CLOCK, Clock
from crossdock.foundation.log import logger
from crossdock.foundation.tasks import end

log = logger(__name__)

MERGE_S: Final = 0.02
RECONNECT_S: Final = 1.0


class Hints:
    """A bell with one string: whoever waits is woken, whoever works ignores it."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()
        self._outgoing = asyncio.Event()

    def ring(self) -> None:
        """There may be work. Cheap enough for every commit."""
        self._wake()
        self._outgoing.set()

    def _wake(self) -> None:
        for event in self._waiting:
            event.set()

    async def wait(self, seconds: float) -> bool:
        """Return at the next ring (True), or after *seconds* (False)."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await event.wait()
        finally:
            self._waiting.discard(event)
        return event.is_set()

    @asynccontextmanager
    async def shared(self, dsn: str, clock: Clock = SYSTEM_CLOCK) -> AsyncIterator[None]:
        """Exchange hints with other processes on the same database while inside."""
        tasks = [asyncio.create_task(self._send(dsn, clock)), asyncio.create_task(self._listen(dsn, clock))]
        try:
            yield
        finally:
            await end(tasks)

    async def _send(self, dsn: str, clock: Clock) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
                    while True:
                        await self._outgoing.wait()
                        self._outgoing.clear()
                        await connection.execute("SELECT pg_notify('crossdock_work', '')")
                        await clock.sleep(MERGE_S)
            except psycopg.OperationalError as error:
                log.debug("hints_interrupted", error=str(error))
                await clock.sleep(RECONNECT_S)

    async def _listen(self, dsn: str, clock: Clock) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
                    await connection.execute("LISTEN crossdock_work")
                    async for _ in connection.notifies():
                        self._wake()
            except psycopg.OperationalError as error:
                log.debug("hints_interrupted", error=str(error))
                await clock.sleep(RECONNECT_S)
