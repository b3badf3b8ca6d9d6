"""The log's months: made ahead of time, dropped when all of a month is older than the retention."""

from datetime import datetime, timedelta
from typing import Final

from crossdock.eventlog.upkeep import store
from crossdock.foundation.db import Database
from crossdock.foundation.ids import id_floor, id_moment
from crossdock.foundation.months import month_name, month_named, months_between, next_month

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
    for name in existing:
        month = month_named(name)
        if next_month(month) > now - retention:
            break
        async with database.transaction() as tx:
            await store.be_patient(tx)
            await store.drop_month(tx, name, id_floor(month), id_floor(next_month(month)))
