"""Keep what waits for a place. Callers open the transaction in which the order changes."""

from collections.abc import Collection, Mapping, Sequence

from crossdock.canonical.base import Sku
from crossdock.foundation.db import Asked, Tx
from crossdock.inventory.unplaced import store
from crossdock.inventory.unplaced.model import UnplacedLine, UnplacedUnits


async def wait_for_place(tx: Tx, lines: Sequence[UnplacedLine]) -> None:
    """New orders' lines: promised from this commit on, placed soon."""
    if lines:
        await store.insert(tx, lines)


async def place_changed(tx: Tx, lines: Sequence[UnplacedLine]) -> None:
    """How many units of some lines wait now."""
    if lines:
        await store.change(tx, lines)


async def ask_unplaced(tx: Tx, skus: Collection[Sku]) -> Asked[UnplacedUnits]:
    """Units of accepted orders that stand on no location yet, by item and channel; answered later."""
    return await store.units(tx, sorted(skus))


async def unplaced_since(tx: Tx, horizon: int, *, limit: int) -> Mapping[Sku, int]:
    """Items that a look with this *horizon* may not have seen waiting."""
    return await store.since(tx, horizon, limit=limit)
