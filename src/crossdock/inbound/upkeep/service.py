"""Keep the tables small: months ahead, months gone, event ids of long ago."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from crossdock.foundation.db import Database
from crossdock.foundation.ids import id_floor, id_moment
from crossdock.foundation.months import month_name, month_named, months_between, next_month
from crossdock.inbound.seals import store as seals
from crossdock.inbound.seals.service import forget_late
from crossdock.inbound.upkeep import store

MONTHS_AHEAD: Final = 2
FORGET_MAX: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """What one round did. *kept* are months past their time in which something is still open."""

    made: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    forgotten: int = 0
    erased: int = 0
    """Messages about people who were erased, that could not be erased with them."""


async def maintain(database: Database, *, now: datetime, retention: timedelta) -> Upkeep:
    """One round; safe to repeat and to interrupt. A month goes when all of it is older than *retention*.

    Months with open records stay, whatever their age: nothing acknowledged is lost.
    """
    made = await _make_ahead(database, now)
    dropped, kept = await _drop_old(database, now - retention)
    async with database.transaction() as tx:
        erased = await forget_late(tx, now=now)
        await seals.forget(tx, now - retention)
    return Upkeep(
        made=made, dropped=dropped, kept=kept, forgotten=await _forget(database, now - retention), erased=erased
    )


async def _make_ahead(database: Database, now: datetime) -> tuple[str, ...]:
    async with database.transaction() as tx:
        loose = await store.oldest_loose(tx)
    made: list[str] = []
    for month in months_between(id_moment(loose) if loose is not None else now, now, MONTHS_AHEAD):
        low, high = id_floor(month), id_floor(next_month(month))
        async with database.transaction() as tx:
            await store.be_patient(tx)
            if await store.make_partition(tx, "message", month_name(month), low, high):
                made.append(month_name(month))
            for parent in ("record", "message_key", "binding"):
                await store.make_partition(tx, parent, month_name(month), low, high)
    return tuple(made)


async def _drop_old(database: Database, before: datetime) -> tuple[tuple[str, ...], tuple[str, ...]]:
    async with database.transaction() as tx:
        existing = [month_named(name) for name in await store.made_months(tx)]
    dropped: list[str] = []
    kept: list[str] = []
    for month in existing:
        end = next_month(month)
        if end > before:
            break
        async with database.transaction() as tx:
            await store.be_patient(tx)
            gone = await store.drop_month(tx, month_name(month), id_floor(month), id_floor(end))
        (dropped if gone else kept).append(month_name(month))
    return tuple(dropped), tuple(kept)


async def _forget(database: Database, before: datetime) -> int:
    forgotten = 0
    while True:
        async with database.transaction() as tx:
            count = await store.forget(tx, before, limit=FORGET_MAX)
        forgotten += count
        if count < FORGET_MAX:
            return forgotten
