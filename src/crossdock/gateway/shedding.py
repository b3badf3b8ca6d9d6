"""Under too much load reads give way to orders: few reads at once, few waiting, none while orders queue up."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from crossdock.foundation.db import Database, Tx
from crossdock.gateway.patience import PATIENCE_S
from crossdock.gateway.problems import Problem

AT_ONCE: Final = 4
"""Reads that use the database at the same time: the pool's other connections belong to writes and workers."""
WAITING_MAX: Final = 60
ORDERS_WAITING_MAX: Final = 1024
"""With more writes than this waiting for their commit, no read is begun."""


class Reads:
    """The only way of reading routes to the database."""

    def __init__(self, database: Database, orders_waiting: Callable[[], int]) -> None:
        self._database = database
        self._orders_waiting = orders_waiting
        self._places = asyncio.Semaphore(AT_ONCE)
        self._inside = 0
        self.shed = 0
        """Reads turned away so far."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """Wait for a place and read, all questions at one moment; Problem with Retry-After when no place is in sight."""
        async with self._place(), self._database.snapshot(patience_s=PATIENCE_S) as tx:
            yield tx

    @asynccontextmanager
    async def quick(self) -> AsyncIterator[Tx]:
        """The same with fewer round trips; a later question may see more than an earlier one."""
        async with self._place(), self._database.pipelined(patience_s=PATIENCE_S) as tx:
            yield tx

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self._inside >= AT_ONCE + WAITING_MAX or self._orders_waiting() > ORDERS_WAITING_MAX:
            self.shed += 1
            raise Problem("overloaded", "reads give way to orders", headers=_LATER)
        self._inside += 1
        try:
            async with self._places:
                yield
        finally:
            self._inside -= 1


# draft-ietf-httpapi-ratelimit-headers-10: how many at once, none left, when to look again.
_LATER: Final = {
    "Retry-After": "1",
    "RateLimit-Policy": f'"reads";q={AT_ONCE + WAITING_MAX};qu="concurrent-requests"',
    "RateLimit": '"reads";r=0;t=1',
}
