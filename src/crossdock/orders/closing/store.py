"""SQL of cancellations."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString

from crossdock.canonical.base import OrderId
from crossdock.foundation.db import Tx, execute

SET_CANCELLED: Final[LiteralString] = """
UPDATE orders.header
   SET cancelled_at = new.cancelled_at, cancel_reason = new.reason
  FROM unnest(%(ids)b::uuid[], %(cancelled)b::timestamptz[], %(reasons)b::text[])
       AS new(order_id, cancelled_at, reason)
 WHERE header.order_id = new.order_id
   AND header.cancelled_at IS NULL
"""


async def set_cancelled(tx: Tx, cancelled: Sequence[tuple[OrderId, datetime, str]]) -> None:
    """Remember when and why; the first cancellation counts."""
    await execute(
        tx,
        SET_CANCELLED,
        {
            "ids": [order_id for order_id, _, _ in cancelled],
            "cancelled": [at for _, at, _ in cancelled],
            "reasons": [reason for _, _, reason in cancelled],
        },
    )
