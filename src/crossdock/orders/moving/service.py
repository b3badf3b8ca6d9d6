"""Write what has moved; what waits for a place is told to inventory, which reckons with it. Headers are locked."""

from collections.abc import Sequence

from crossdock.canonical.base import ChannelCode, Sku
from crossdock.foundation.db import Tx
from crossdock.inventory import service as inventory
from crossdock.inventory.unplaced.model import UnplacedLine
from crossdock.orders import store
from crossdock.orders.model import Line, Vector


async def move_units(tx: Tx, moved: Sequence[tuple[Line, Vector]]) -> None:
    """Bring lines to their new vectors."""
    if not moved:
        return
    await store.set_vectors(tx, moved)
    waiting = [(line, vector.unplaced) for line, vector in moved if vector.unplaced != line.vector.unplaced]
    again = {line.order_id for line, units in waiting if units}
    channels = await store.channels_of(tx, again) if again else {}
    await inventory.place_changed(
        tx,
        [
            UnplacedLine(
                line.order_id, line.line_id, Sku(line.sku), channels.get(line.order_id, ChannelCode("")), units
            )
            for line, units in waiting
        ],
    )
