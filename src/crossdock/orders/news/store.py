"""SQL of news: which orders it is about, and what it changes on them."""

from collections.abc import Mapping, Sequence
from typing import Final, LiteralString, TypeAlias

from crossdock.canonical.base import OrderId
from crossdock.foundation.db import Tx, execute, fetch_tuples
from crossdock.orders.model import Header

Key: TypeAlias = tuple[str, str]
"""Connection and channel order id: the business key."""

BY_KEY: Final[LiteralString] = """
SELECT header.connection, header.channel_order_id, header.order_id, header.content_mark
  FROM unnest(%(connections)b::text[], %(channel_orders)b::text[]) AS wanted(connection, channel_order_id)
  JOIN orders.header USING (connection, channel_order_id)
"""

REVISE: Final[LiteralString] = """
UPDATE orders.header
   SET payment_status = new.payment_status::orders.payment_status, payment_at = new.payment_at,
       revised_at = new.revised_at, content_mark = new.content_mark, contact_id = new.contact_id
  FROM unnest(%(ids)b::uuid[], %(statuses)b::text[], %(payment_ats)b::timestamptz[], %(revised)b::timestamptz[],
              %(content_marks)b::bytea[], %(contacts)b::uuid[])
       AS new(order_id, payment_status, payment_at, revised_at, content_mark, contact_id)
 WHERE header.order_id = new.order_id
"""


async def by_key(tx: Tx, keys: Sequence[Key]) -> Mapping[Key, tuple[OrderId, bytes]]:
    """Order id and content mark of the keys that are known."""
    rows = await fetch_tuples(
        tx,
        BY_KEY,
        {
            "connections": [connection for connection, _ in keys],
            "channel_orders": [channel_order_id for _, channel_order_id in keys],
        },
    )
    return {
        (connection, channel_order_id): (OrderId(order_id), bytes(mark))
        for connection, channel_order_id, order_id, mark in rows
    }


async def revise(tx: Tx, headers: Sequence[Header]) -> None:
    """Write what news changes on headers that are locked."""
    if not headers:
        return
    await execute(
        tx,
        REVISE,
        {
            "ids": [header.order_id for header in headers],
            "statuses": [header.payment_status.value for header in headers],
            "payment_ats": [header.payment_at for header in headers],
            "revised": [header.revised_at for header in headers],
            "content_marks": [header.content_mark for header in headers],
            "contacts": [header.contact_id for header in headers],
        },
    )
