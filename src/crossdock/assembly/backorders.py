"""Goods that moved may serve those who wait: read from the ledger of movements, which is its own log."""

from collections.abc import Collection
from typing import Final

from crossdock.assembly.hub import Hub
from crossdock.assembly.reactions import said_of
from crossdock.canonical.base import Sku
from crossdock.catalog import service as catalog
from crossdock.estate.model import Estate
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.model import Cursor
from crossdock.eventlog.service import Origin
from crossdock.foundation.apart import NOT_NOW
from crossdock.foundation.db import Tx
from crossdock.foundation.log import logger
from crossdock.inventory import service as inventory
from crossdock.inventory.model import Changed, LedgerCursor
from crossdock.operations import service as operations
from crossdock.operations.model import Matter
from crossdock.orders import service as orders

log = logger(__name__)

NAME: Final = "backorders"
CURSOR: Final = f"reaction.{NAME}"
KEEP_UP_XIDS: Final = 10_000
"""An idle reader catches up with the log's horizon that seldom: most idle looks write nothing."""
LAST: Final = 2**63 - 1


async def give_to_backorders(hub: Hub) -> bool:
    """One batch of movements; True when there may be more. Items of which one breaks are taken one by one."""
    try:
        async with hub.database.transaction() as tx:
            changed = await _next(tx)
            if changed is None:
                return False
            await _give(hub, tx, await hub.estate.get(tx), changed.skus)
            await _move(tx, changed)
    except NOT_NOW:
        raise
    except Exception:  # the batch is taken apart, so that only the item that is to blame is set aside
        log.exception("reaction_failed", reactor=NAME)
        await _one_by_one(hub)
    return True


async def give(hub: Hub, tx: Tx, sku: Sku) -> None:
    """The same for one item, whenever somebody asks."""
    await _give(hub, tx, await hub.estate.get(tx), [sku])


async def _next(tx: Tx) -> Changed | None:
    """What has moved since; None when nothing has. An idle reader must not keep old months of the log from being dropped."""
    horizon = await eventlog.horizon(tx)  # before the look: what it hides now is above it
    cursor = await eventlog.cursor_of(tx, CURSOR)
    changed = await inventory.changed_after(tx, LedgerCursor(cursor.xid, cursor.position))
    if changed.skus:
        return changed
    if cursor.xid and horizon - cursor.xid > KEEP_UP_XIDS:
        await eventlog.move_cursor(tx, CURSOR, Cursor(horizon - 1, LAST))
    return None


async def _move(tx: Tx, changed: Changed) -> None:
    await eventlog.move_cursor(tx, CURSOR, Cursor(changed.cursor.xid, changed.cursor.seq))


async def _give(hub: Hub, tx: Tx, estate: Estate, skus: Collection[Sku]) -> None:
    await orders.retry_backorders(tx, estate, skus, known=catalog.tracked, now=hub.clock.now())


async def _one_by_one(hub: Hub) -> None:
    """Each item in a savepoint of its own; the cursor's lock keeps other workers out until all have had their turn."""
    async with hub.database.transaction() as tx:
        changed = await _next(tx)
        if changed is None:
            return
        estate = await hub.estate.get(tx)
        for sku in sorted(changed.skus):
            try:
                async with tx.transaction():
                    await _give(hub, tx, estate, [sku])
            except NOT_NOW:
                raise
            except Exception as error:
                log.exception("reaction_set_aside", reactor=NAME, sku=sku)
                await operations.open_exception(
                    tx, estate, _matter(sku, error), origin=Origin.begin("reactions"), now=hub.clock.now()
                )
        await _move(tx, changed)


def _matter(sku: Sku, error: Exception) -> Matter:
    return Matter(
        type="reaction_failed",
        key=f"reaction/{NAME}/{sku}",
        subject=f"item/{sku}",
        path="stock",
        detail=f"{NAME}: {said_of(error)}"[:500],
    )
