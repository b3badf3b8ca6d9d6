"""SQL of units that stand on no location yet. Rows come with their order and go when it is placed: there are few."""

from collections.abc import Sequence
from typing import Final, LiteralString

from crossdock.canonical.base import Sku
from crossdock.foundation.db import Asked, Tx, ask, fetch_tuples, post
from crossdock.inventory.unplaced.model import UnplacedLine, UnplacedUnits

INSERT: Final[LiteralString] = """
INSERT INTO inventory.unplaced (order_id, line_id, sku, channel, quantity)
SELECT order_id, line_id, sku, channel, quantity::numeric
  FROM unnest(%(orders)b::uuid[], %(lines)b::text[], %(skus)b::text[], %(channels)b::text[], %(quantities)b::text[])
       AS new(order_id, line_id, sku, channel, quantity)
"""

# A line may wait again after its goods were gone, and may have waited from before there were rows.
CHANGE: Final[LiteralString] = """
WITH new AS (
    SELECT order_id, line_id, sku, channel, quantity::numeric
      FROM unnest(%(orders)b::uuid[], %(lines)b::text[], %(skus)b::text[], %(channels)b::text[], %(quantities)b::text[])
           AS told(order_id, line_id, sku, channel, quantity)
), gone AS (
    DELETE FROM inventory.unplaced u
     USING new
     WHERE u.order_id = new.order_id AND u.line_id = new.line_id AND new.quantity = 0
)
INSERT INTO inventory.unplaced AS u (order_id, line_id, sku, channel, quantity)
SELECT order_id, line_id, sku, channel, quantity FROM new WHERE quantity > 0
    ON CONFLICT (order_id, line_id) DO UPDATE SET quantity = excluded.quantity, xid = foundation.place()
 WHERE u.quantity <> excluded.quantity
"""

UNITS: Final[LiteralString] = """
SELECT sku, channel, trim_scale(sum(quantity)) AS units
  FROM inventory.unplaced
 WHERE sku = ANY(%(skus)b::text[])
 GROUP BY sku, channel
 ORDER BY sku, channel
"""

SINCE: Final[LiteralString] = """
SELECT sku, max(xid)::text::bigint
  FROM inventory.unplaced
 WHERE xid >= %(horizon)s::bigint::text::xid8
 GROUP BY sku
 LIMIT %(limit)s
"""


async def insert(tx: Tx, new: Sequence[UnplacedLine]) -> None:
    """Lines of orders that nobody knew before."""
    await post(tx, INSERT, _columns(new))


async def change(tx: Tx, lines: Sequence[UnplacedLine]) -> None:
    """Lines as they wait now; those with nothing left are gone."""
    await post(tx, CHANGE, _columns(lines))


async def units(tx: Tx, skus: Sequence[Sku]) -> Asked[UnplacedUnits]:
    """What waits for a place, by item and channel."""
    return await ask(tx, UNITS, UnplacedUnits, {"skus": skus})


async def since(tx: Tx, horizon: int, *, limit: int) -> dict[Sku, int]:
    """Items of lines that began to wait at or above a horizon, with the place of the last one."""
    return dict(await fetch_tuples(tx, SINCE, {"horizon": horizon, "limit": limit}))


def _columns(lines: Sequence[UnplacedLine]) -> dict[str, Sequence[object]]:
    return {
        "orders": [line.order_id for line in lines],
        "lines": [line.line_id for line in lines],
        "skus": [line.sku for line in lines],
        "channels": [line.channel for line in lines],
        "quantities": [str(line.quantity) for line in lines],
    }
