"""The log's months: made ahead of time, dropped when all of a month is older than the retention."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from crossdock.eventlog.sealing.dropping import drop_month
from crossdock.eventlog.sealing.model import Broken
from crossdock.eventlog.upkeep import store
from crossdock.eventlog.upkeep.store import Reader
from crossdock.foundation.db import Database, Tx
from crossdock.foundation.ids import id_floor, id_moment
from crossdock.foundation.log import logger
from crossdock.foundation.months import month_name, month_named, months_between, next_month

log = logger(__name__)

MONTHS_AHEAD: Final = 2


async def maintain(database: Database, *, now: datetime, retention: timedelta) -> None:
    """One round; safe to repeat and to interrupt. A month that a reader has not passed stays, whatever its age."""
    async with database.transaction() as tx:
        loose = await store.oldest_loose(tx)
        existing = await store.made_months(tx)
    for month in months_between(id_moment(loose) if loose is not None else now, now, MONTHS_AHEAD):
        async with database.transaction() as tx:
            await store.be_patient(tx)
            await store.make_partition(tx, month_name(month), id_floor(month), id_floor(next_month(month)))
    for name in _past(existing, now - retention):
        month = month_named(name)
        outcome = await drop_month(database, name, id_floor(month), id_floor(next_month(month)), now=now)
        if isinstance(outcome, Broken):
            log.error("month_kept_as_evidence", month=name, seal=outcome.number, reason=outcome.reason)


async def readers(tx: Tx, *, now: datetime, retention: timedelta) -> Sequence[Reader]:
    """Everyone who reads the log, with the first month that stays only because of them."""
    past = _past(await store.made_months(tx), now - retention)
    holding: dict[str, str] = {}
    for name in past:
        month = month_named(name)
        for reader in await store.behind(tx, id_floor(month), id_floor(next_month(month))):
            holding.setdefault(reader, name)
    return [
        Reader(name=name, moved_at=moved_at, holds=holding.get(name, "")) for name, moved_at in await store.readers(tx)
    ]


async def forget_reader(tx: Tx, name: str) -> bool:
    """A reader that nobody is any more keeps no month; False when there is none of that name."""
    return await store.forget_reader(tx, name)


def _past(months: Sequence[str], before: datetime) -> Sequence[str]:
    """Months that are older than the retention as a whole, oldest first."""
    return [name for name in months if next_month(month_named(name)) <= before]
