"""Seal what was written; find out whether it still is what was written."""

from typing import Final

from crossdock.eventlog.sealing import store
from crossdock.eventlog.sealing.model import Broken, DroppedMonth, Leaving, Seal, Verified
from crossdock.eventlog.sealing.rules import BEGINNING, FIRST, dropped_hash, fault, seal_hash, seals_hash
from crossdock.foundation.db import Database, Tx

SEAL_MAX: Final = 1000
SEALS_PAGE: Final = 200


async def seal(tx: Tx) -> int:
    """Hash the next run of facts, chained to the seal before; how many were sealed.

    Done in the background: chaining inside a request would make requests wait for each other.
    """
    before = await store.last(tx) or BEGINNING
    rows = await store.unsealed(tx, before.xid, before.position, SEAL_MAX)
    if not rows:
        return 0
    sealed = Seal(
        number=before.number + 1,
        xid=rows[-1][0],
        position=rows[-1][1],
        events=len(rows),
        hash=seal_hash(before.hash, [row for _, _, row in rows]),
    )
    return len(rows) if await store.insert(tx, sealed) else 0


async def verify(database: Database) -> Broken | Verified:
    """Recompute every seal over what the log holds; the first that is broken, or how many facts are as they were written.

    Months that retention dropped have left what their seals need (see `dropping`); a month that is simply not there has
    not. Whoever may write to the whole database may make a chain anew: a copy of the last hash kept elsewhere tells.
    """
    months = await _dropped(database)
    if isinstance(months, Broken):
        return months
    before: Seal = BEGINNING
    facts = dropped = 0
    while True:
        async with database.transaction() as tx:
            page = await store.standings(tx, before.number, SEALS_PAGE)
            for each in page:
                if each.number != before.number + 1:
                    return Broken(number=each.number, reason=f"seal {before.number + 1} is missing")
                rows = await store.of_seal(tx, before, each)
                reason = fault(each, before.hash, rows)
                if reason:
                    return Broken(number=each.number, reason=reason)
                facts += len(rows)
                dropped += each.events - len(rows)
                before = each
        if len(page) < SEALS_PAGE:
            return Verified(facts=facts, dropped=dropped, months=months)


async def _dropped(database: Database) -> Broken | int:
    """Check the chain of dropped months; how many there are. The newest is told in the log, and so under its seals."""
    before = FIRST
    async with database.transaction() as tx:
        months = await store.dropped_months(tx)
        for each in months:
            if dropped_hash(before, await _as_left(tx, each)) != bytes(each.hash):
                return Broken(
                    number=each.first_seal, reason=f"what is written of the dropped month {each.month} is forged"
                )
            before = each.hash
        told = await store.told_dropped(tx)
    if months and told != before.hex():
        return Broken(
            number=months[-1].first_seal, reason=f"no fact tells that the month {months[-1].month} was dropped"
        )
    return len(months)


async def _as_left(tx: Tx, dropped: DroppedMonth) -> Leaving:
    """The month again as it was when it left, from what stands there now."""
    seals = await store.seals_between(tx, dropped.first_seal, dropped.last_seal)
    return Leaving(
        month=dropped.month,
        facts=dropped.facts,
        first_seal=dropped.first_seal,
        last_seal=dropped.last_seal,
        seals=seals_hash(seals),
        kept=await store.kept(tx, dropped.number),
    )
