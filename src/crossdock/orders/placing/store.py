"""SQL of placing."""

from collections.abc import Collection, Sequence
from typing import Final, LiteralString

from crossdock.canonical.base import OrderId, Sku
from crossdock.foundation.db import Tx, fetch_tuples

NEXT_PLACEMENTS: Final[LiteralString] = """
UPDATE orders.header
   SET placements = placements + 1
 WHERE order_id = ANY(%(ids)b::uuid[])
RETURNING order_id, placements
"""

HELD_FOR_ITEMS: Final[LiteralString] = """
SELECT DISTINCT hold.order_id
  FROM orders.hold
  JOIN orders.line USING (order_id)
 WHERE hold.hold IN ('unknown_sku', 'fraction')
   AND hold.released_at IS NULL
   AND line.sku = ANY(%(skus)b::text[])
 ORDER BY hold.order_id
"""


async def next_placements(tx: Tx, ids: Sequence[OrderId]) -> dict[OrderId, int]:
    """The number of each order's next claim; the orders are locked."""
    rows = await fetch_tuples(tx, NEXT_PLACEMENTS, {"ids": ids})
    return {OrderId(order_id): number for order_id, number in rows}


async def held_for_items(tx: Tx, skus: Collection[Sku]) -> Sequence[OrderId]:
    """Orders held for an unknown item that have a line of one of these."""
    rows = await fetch_tuples(tx, HELD_FOR_ITEMS, {"skus": sorted(skus)})
    return [OrderId(row[0]) for row in rows]
