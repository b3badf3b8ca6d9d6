"""Drop a month of the log so that what is left can still be proved.

A seal may hold facts of two months, and a seal whose facts are gone can be computed by nobody. So whoever drops a month
first checks its seals, then writes down what is left of each; that record is chained to the one of the month dropped
before, and a fact tells of it, which the next seal covers. A month whose seals do not hold is evidence and stays.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from crossdock.canonical.facts import LogMonthDropped
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.sealing import store
from crossdock.eventlog.sealing.model import Broken, Kept, Leaving, Seal
from crossdock.eventlog.sealing.rules import BEGINNING, FIRST, dropped_hash, fault, seal_hash, seals_hash
from crossdock.eventlog.service import NewFact, Origin
from crossdock.eventlog.upkeep import store as months
from crossdock.foundation.db import Database, Tx

SEALS_PAGE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """The month is gone; so many facts went with it."""

    facts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """The month stays: somebody has not read it, or it is not sealed."""


Dropping: TypeAlias = Dropped | Needed | Broken


async def drop_month(database: Database, month: str, low: UUID, high: UUID, *, now: datetime) -> Dropping:
    """Drop a month of the log; what kept it, if anything did. Safe to repeat, to interrupt, and to do twice at once."""
    async with database.transaction() as tx:
        found = await store.span(tx, low, high)
    if found is None:
        return await _drop(database, month, (low, high), None, now)
    first, last = found
    if last is None:
        return Needed()
    leaving = await _leaving(database, month, (low, high), (first, last))
    if isinstance(leaving, Broken):
        return leaving
    return await _drop(database, month, (low, high), leaving, now)


async def _drop(
    database: Database, month: str, ids: tuple[UUID, UUID], leaving: Leaving | None, now: datetime
) -> Dropping:
    """*leaving* is None for a month in which nothing happened."""
    async with database.transaction() as tx:
        await months.be_patient(tx)
        await store.lock_dropped(tx)
        if month not in await months.made_months(tx):
            return Dropped(facts=0)  # somebody else has dropped it meanwhile
        if not await months.drop_month(tx, month, *ids):
            return Needed()
        if leaving is not None:
            await _write_down(tx, leaving, now)
    return Dropped(facts=0 if leaving is None else leaving.facts)


async def _leaving(database: Database, month: str, ids: tuple[UUID, UUID], seals: tuple[int, int]) -> Leaving | Broken:
    """Check the month's seals page by page, and note what will be left of each."""
    facts = 0
    kept: list[Kept] = []
    passed: list[Seal] = []
    before: Seal = BEGINNING
    async with database.transaction() as tx:
        for seal in await store.seals_between(tx, seals[0] - 1, seals[0] - 1):
            before = seal
    while before.number < seals[1]:
        async with database.transaction() as tx:
            page = await store.standings(tx, before.number, SEALS_PAGE)
            for each in [seal for seal in page if seal.number <= seals[1]]:
                rows = await store.of_seal(tx, before, each)
                reason = fault(each, before.hash, rows)
                if reason:
                    return Broken(number=each.number, reason=reason)
                staying = [row for row in rows if not ids[0] <= UUID(row.id) < ids[1]]
                if staying:
                    kept.append(Kept(seal=each.number, facts=len(staying), hash=seal_hash(before.hash, staying)))
                facts += len(rows) - len(staying)
                passed.append(each)
                before = each
    return Leaving(
        month=month, facts=facts, first_seal=seals[0], last_seal=seals[1], seals=seals_hash(passed), kept=kept
    )


async def _write_down(tx: Tx, leaving: Leaving, now: datetime) -> None:
    earlier = await store.dropped_months(tx)
    before = earlier[-1].hash if earlier else FIRST
    hashed = dropped_hash(before, leaving)
    await store.add_dropped(tx, earlier[-1].number + 1 if earlier else 1, leaving, hashed)
    fact = LogMonthDropped(month=leaving.month, facts=leaving.facts, hash=hashed.hex())
    note = NewFact(stream=store.DROPPED_STREAM, fact=fact, happened_at=now, origin=Origin.begin("eventlog"))
    await eventlog.append(tx, [note])
