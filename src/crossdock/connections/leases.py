"""Keep a lease alive beside the work that it protects."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import psycopg
from psycopg_pool import PoolTimeout

from crossdock.connections import service
from crossdock.connections.model import Lease
from crossdock.connections.service import LeaseLostError
from crossdock.foundation.clock import SYSTEM_CLOCK, Clock
from crossdock.foundation.db import Database
from crossdock.foundation.log import logger
from crossdock.foundation.tasks import end

log = logger(__name__)

SPAN: Final = timedelta(seconds=15)
RENEWALS: Final = 3
"""Tries within one span: a single lost one costs nothing."""
DATABASE_GONE: Final = (psycopg.OperationalError, PoolTimeout)
"""Not our fault and not for ever: wait and try again."""


class Held:
    """A lease being kept. `lost` is set when it can no longer be relied on: the work must stop at once."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.lost = asyncio.Event()


@asynccontextmanager
async def hold(
    database: Database, lease: Lease, *, span: timedelta = SPAN, clock: Clock = SYSTEM_CLOCK
) -> AsyncIterator[Held]:
    """Renew while inside, give back when leaving. Counts its span from *before* each renewal was asked for.

    So `lost` is set here before the database lets another holder in, unless this machine's clock runs slower than
    the span allows; the fence in the database stands behind that.
    """
    held = Held(lease)
    keeper = asyncio.create_task(_keep(database, held, span, clock), name=f"lease {lease.name}")
    try:
        yield held
    finally:
        await end([keeper])
        if not held.lost.is_set():
            with contextlib.suppress(*DATABASE_GONE):
                async with database.transaction() as tx:
                    await service.release_lease(tx, lease)


async def _keep(database: Database, held: Held, span: timedelta, clock: Clock) -> None:
    span_s = span.total_seconds()
    good_until_s = clock.monotonic() + span_s
    pause_s = span_s / RENEWALS
    while True:
        await clock.sleep(min(pause_s, max(0.0, good_until_s - clock.monotonic())))
        asked_s = clock.monotonic()
        try:
            async with asyncio.timeout(max(0.01, good_until_s - asked_s)), database.transaction() as tx:
                await service.renew_lease(tx, held.lease, span)
            good_until_s = asked_s + span_s
        except LeaseLostError:
            break
        except Exception as error:  # noqa: BLE001 (whatever it was, the holder must hear when its time is over)
            log.warning("lease_not_renewed", lease=held.lease.name, error=f"{type(error).__name__}: {error}".strip())
            if clock.monotonic() >= good_until_s:
                break
    log.warning("lease_lost", lease=held.lease.name, holder=held.lease.holder)
    held.lost.set()
