"""Seal what was written; find out whether it still is what was written."""

from typing import Final

from crossdock.eventlog.sealing import store
from crossdock.eventlog.sealing.model import Broken, Seal
from crossdock.eventlog.sealing.rules import BEGINNING, seal_hash
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


async def verify(database: Database) -> Broken | int:
    """Recompute every seal over what the log holds: how many facts are as they were written, or the first broken seal.

    Facts of months that retention has dropped are gone, so their seals read as broken: keep a copy of the last hash.
    """
    before = BEGINNING
    facts = 0
    while True:
        async with database.transaction() as tx:
            page = await store.seals(tx, before.number, SEALS_PAGE)
            for each in page:
                # One more than was sealed: a row slipped in at the very place of the last one shows as well.
                rows = await store.unsealed(tx, before.xid, before.position, each.events + 1)
                within = [row for xid, position, row in rows if (xid, position) <= (each.xid, each.position)]
                if each.number != before.number + 1:
                    return Broken(number=each.number, reason=f"seal {before.number + 1} is missing")
                if len(within) > each.events:
                    return Broken(number=each.number, reason=f"there are more than its {each.events} facts")
                if len(within) < each.events:
                    missing = each.events - len(within)
                    return Broken(number=each.number, reason=f"{missing} of its {each.events} facts are not there")
                if seal_hash(before.hash, within) != bytes(each.hash):
                    return Broken(number=each.number, reason="a fact in it is not what was written")
                facts += each.events
                before = each
        if len(page) < SEALS_PAGE:
            return facts
