"""SQL of holds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString

from crossdock.canonical.base import OrderId
from crossdock.foundation.db import Tx, fetch_tuples
from crossdock.foundation.ids import new_id
from crossdock.orders.model import Finding, HoldCode

# A hold that stands for another reason takes the new one and is told again; for the same reason nothing happens.
PLACE: Final[LiteralString] = """
INSERT INTO orders.hold (hold_id, order_id, hold, reason, path, placed_at)
SELECT hold_id, order_id, hold::orders.hold_code, reason, path, %(now)s
  FROM unnest(%(ids)b::uuid[], %(orders)b::uuid[], %(holds)b::text[], %(reasons)b::text[], %(paths)b::text[])
       AS new(hold_id, order_id, hold, reason, path)
    ON CONFLICT (order_id, hold) WHERE released_at IS NULL
    DO UPDATE SET reason = excluded.reason, path = excluded.path
 WHERE (hold.reason, hold.path) IS DISTINCT FROM (excluded.reason, excluded.path)
RETURNING order_id, hold::text
"""

RELEASE: Final[LiteralString] = """
UPDATE orders.hold
   SET released_at = %(now)s, released_by = gone.released_by, released_reason = gone.reason
  FROM unnest(%(orders)b::uuid[], %(holds)b::text[], %(people)b::text[], %(reasons)b::text[])
       AS gone(order_id, hold, released_by, reason)
 WHERE hold.order_id = gone.order_id
   AND hold.hold = gone.hold::orders.hold_code
   AND hold.released_at IS NULL
RETURNING hold.order_id, hold.hold::text
"""


async def place(tx: Tx, placed: Sequence[tuple[OrderId, Finding]], *, now: datetime) -> set[tuple[OrderId, HoldCode]]:
    """Those that are news: not there before, or there for another reason."""
    rows = await fetch_tuples(
        tx,
        PLACE,
        {
            "ids": [new_id() for _ in placed],
            "orders": [order_id for order_id, _ in placed],
            "holds": [finding.hold.value for _, finding in placed],
            "reasons": [finding.reason for _, finding in placed],
            "paths": [finding.path for _, finding in placed],
            "now": now,
        },
    )
    return {(OrderId(order_id), HoldCode(hold)) for order_id, hold in rows}


async def release(
    tx: Tx, gone: Sequence[tuple[OrderId, HoldCode, str, str]], *, now: datetime
) -> set[tuple[OrderId, HoldCode]]:
    """Those that stood; each of *gone* is (order, hold, who, why)."""
    rows = await fetch_tuples(
        tx,
        RELEASE,
        {
            "orders": [order_id for order_id, _, _, _ in gone],
            "holds": [hold.value for _, hold, _, _ in gone],
            "people": [who for _, _, who, _ in gone],
            "reasons": [why for _, _, _, why in gone],
            "now": now,
        },
    )
    return {(OrderId(order_id), HoldCode(hold)) for order_id, hold in rows}
