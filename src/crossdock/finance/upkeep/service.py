"""Keep receipts in months, by business day. They are books: nothing of them is ever dropped."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from crossdock.finance.upkeep import store
from crossdock.foundation.db import Database
from crossdock.foundation.months import month_name, months_between, next_month

MONTHS_AHEAD: Final = 2
YEARS: Final = timedelta(days=3660)
"""A till whose calendar is further back, or ahead, gets no months of its own: its receipts lie with the rest."""


async def maintain(database: Database, *, now: datetime) -> tuple[str, ...]:
    """One round; the months that were made. Safe to repeat and to interrupt."""
    ahead = months_between(now, now, MONTHS_AHEAD)
    until = next_month(ahead[-1]).date()
    async with database.transaction() as tx:
        loose = await store.loose_months(tx, (now - YEARS).date(), until)
    made: list[str] = []
    for month in sorted({*ahead, *(_moment(day) for day in loose)}):
        async with database.transaction() as tx:
            await store.be_patient(tx)
            if await store.make_partition(tx, month_name(month), month.date(), next_month(month).date()):
                made.append(month_name(month))
    return tuple(made)


def _moment(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
