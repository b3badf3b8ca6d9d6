"""Ask the database about itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from crossdock.connector_kit.model import Finding
from crossdock.eventlog.upkeep import service as log_upkeep
from crossdock.foundation.db import Tx
from crossdock.operations import service as operations
from crossdock.operations.health import store
from crossdock.operations.health.rules import (
    exception_findings,
    horizon_finding,
    reader_findings,
    room_finding,
    server_findings,
    work_findings,
)
from crossdock.operations.stuck import service as stuck_work

__all__ = ["books", "room_finding", "server"]


async def server(tx: Tx, *, now: datetime) -> Sequence[Finding]:
    """The server: version, durability, sessions, clock, horizon. Works on any schema."""
    about = await store.server(tx)
    return [*server_findings(about, now), horizon_finding(await store.snapshots(tx), about.now)]


async def books(tx: Tx, *, now: datetime, retention: timedelta) -> Sequence[Finding]:
    """What waits for people beyond its clock, which work does not get on, and what the log keeps beyond its retention."""
    readers = await log_upkeep.readers(tx, now=now, retention=retention)
    return [
        *exception_findings(await operations.counts(tx, now=now)),
        *work_findings(await stuck_work.stuck(tx), now),
        *reader_findings(readers),
    ]
