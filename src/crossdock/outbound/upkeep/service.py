"""Keep the tables small: months ahead, months gone, what was settled long ago."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from crossdock.foundation.db import Database
from crossdock.foundation.ids import id_floor, id_moment
from crossdock.foundation.months import month_name, month_named, months_between, next_month
from crossdock.outbound.upkeep import store

MONTHS_AHEAD: Final = 2
FORGET_MAX: Final = 5_000
PARENTS: Final = ("attempt", "publication")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """What one round did."""

    made: tuple[str, ...]
    dropped: tuple[str, ...]
    forgotten: int
    """Intents that were settled before the retention."""


async def maintain(database: Database, *, now: datetime, retention: timedelta) -> Upkeep:
    """One round; safe to repeat and to interrupt. What is not settled stays, whatever its age."""
    before = now - retention
    made = await _make_ahead(database, now)
    dropped = await _drop_old(database, before)
    forgotten = await _forget_intents(database, before)
    await _forget_origins(database, before)
    return Upkeep(made=made, dropped=dropped, forgotten=forgotten)


async def _make_ahead(database: Database, now: datetime) -> tuple[str, ...]:
    async with database.transaction() as tx:
        loose = await store.oldest_loose(tx)
    made: list[str] = []
    for month in months_between(id_moment(loose) if loose is not None else now, now, MONTHS_AHEAD):
        name, low, high = month_name(month), id_floor(month), id_floor(next_month(month))
        async with database.transaction() as tx:
            await store.be_patient(tx)
            new = [await store.make_partition(tx, parent, name, low, high) for parent in PARENTS]
        if any(new):
            made.append(name)
    return tuple(made)


async def _drop_old(database: Database, before: datetime) -> tuple[str, ...]:
    async with database.transaction() as tx:
        existing = await store.made_months(tx)
    dropped = [name for name in existing if next_month(month_named(name)) <= before]
    for name in dropped:
        async with database.transaction() as tx:
            await store.be_patient(tx)
            await store.drop_month(tx, name)
    return tuple(dropped)


async def _forget_intents(database: Database, before: datetime) -> int:
    forgotten = 0
    while True:
        async with database.transaction() as tx:
            count = await store.forget_intents(tx, before, limit=FORGET_MAX)
        forgotten += count
        if count < FORGET_MAX:
            return forgotten


async def _forget_origins(database: Database, before: datetime) -> None:
    while True:
        async with database.transaction() as tx:
            if await store.forget_origins(tx, before, limit=FORGET_MAX) < FORGET_MAX:
                return
