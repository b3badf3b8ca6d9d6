"""The pump of one connection: under a lease it claims, calls and records until it is stopped or loses the lease."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from random import Random
from typing import Final

from crossdock.connections import leases
from crossdock.connections import service as connections
from crossdock.connections.line import Line
from crossdock.connections.model import Lease
from crossdock.connections.service import SENDING, LeaseLostError
from crossdock.estate.model import Estate
from crossdock.foundation.clock import SYSTEM_CLOCK, Clock
from crossdock.foundation.db import Database
from crossdock.foundation.hints import Hints
from crossdock.foundation.ids import new_id, randomness
from crossdock.foundation.log import logger
from crossdock.foundation.trouble import Tell, Trouble, tell_nobody
from crossdock.outbound.ports import ApplyNews, Builder, StateSource
from crossdock.outbound.pump import ledger
from crossdock.outbound.pump.desk import Desk, flows_of
from crossdock.outbound.pump.shift import Shift

log = logger(__name__)

STANDBY_S: Final = 2.0
FAILED_FIRST_S: Final = 0.2
FAILED_MAX_S: Final = 15.0
GRACE_S: Final = 10.0
"""For calls in flight at a clean stop; what is not answered then stays `sending` and is looked for later."""


class Pump:
    """Sends everything that one connection is to be told. Any number may be started: one of them has the lease."""

    def __init__(
        self,
        database: Database,
        line: Line,
        estate: Estate,
        *,
        builders: Mapping[str, Builder],
        sources: Mapping[str, StateSource],
        apply_news: ApplyNews,
        hints: Hints,
        clock: Clock = SYSTEM_CLOCK,
        chance: Random | None = None,
        lease_span: timedelta = leases.SPAN,
        standby_s: float = STANDBY_S,
        grace_s: float = GRACE_S,
        tell: Tell = tell_nobody,
    ) -> None:
        self._database = database
        self._hints = hints
        self._clock = clock
        self._holder = f"pump {new_id()}"
        self._lease_span = lease_span
        self._standby_s = standby_s
        self._grace_s = grace_s
        self._trouble = Trouble(f"pump {line.name}", tell)
        self._desk = Desk(
            line=line,
            flows=flows_of(estate.flows, line.name),
            builders=builders,
            sources=sources,
            apply_news=apply_news,
            chance=chance or randomness(),
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Until *stop* is set. Nothing that happens to one connection ends it: it tries again, with growing waits."""
        failed_s = FAILED_FIRST_S
        while not stop.is_set():
            try:
                served = await self._serve(stop)
                failed_s = FAILED_FIRST_S
                if not served:
                    await self._wait(stop, self._standby_s)
            except LeaseLostError:
                log.warning("pump_lost_lease", connection=self._desk.connection)
            except leases.DATABASE_GONE as error:
                log.warning("pump_lost_database", connection=self._desk.connection, error=str(error).strip())
                await self._trouble.failed(error)
                await self._wait(stop, failed_s)
                failed_s = min(failed_s * 2, FAILED_MAX_S)
            except Exception as error:  # the edge of this connection: its bugs must not stop the other connections
                log.exception("pump_failed", connection=self._desk.connection)
                await self._trouble.failed(error)
                await self._wait(stop, failed_s)
                failed_s = min(failed_s * 2, FAILED_MAX_S)

    async def _serve(self, stop: asyncio.Event) -> bool:
        """One term of office; False when another pump holds it."""
        lease = await self._take()
        if lease is None:
            return False
        async with leases.hold(self._database, lease, span=self._lease_span, clock=self._clock) as held:
            async with self._database.transaction() as tx:
                await connections.hold_lease(tx, lease)
                await connections.ensure(tx, [self._desk.connection])
                left = await ledger.recover(tx, self._desk, lease, self._clock.now(), own=())
                await ledger.release_known(tx, self._desk, self._clock.now())
            log.info("pump_started", connection=self._desk.connection, fence=lease.token, left_in_doubt=left)
            shift = Shift(self._database, self._desk, held, self._hints, self._clock, trouble=self._trouble)
            await shift.work(stop, self._grace_s)
        return True

    async def _take(self) -> Lease | None:
        async with self._database.transaction() as tx:
            return await connections.take_lease(tx, f"{SENDING}{self._desk.connection}", self._holder, self._lease_span)

    async def _wait(self, stop: asyncio.Event, seconds: float) -> None:
        waiter = asyncio.create_task(stop.wait())
        timer = asyncio.ensure_future(self._clock.sleep(seconds))
        await asyncio.wait({waiter, timer}, return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()
        timer.cancel()
