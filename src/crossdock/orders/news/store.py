"""SQL of news: which orders it is about, and what it changes on them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
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


FEWEST: Final[LiteralString] = """
SELECT order_id, line_id, wanted FROM orders.told_less WHERE order_id = ANY(%(ids)b::uuid[])
"""

REMEMBER_FEWEST: Final[LiteralString] = """
INSERT INTO orders.told_less AS known (order_id, line_id, wanted)
SELECT order_id, line_id, wanted::numeric
  FROM unnest(%(ids)b::uuid[], %(lines)b::text[], %(wanted)b::text[]) AS new(order_id, line_id, wanted)
    ON CONFLICT (order_id, line_id) DO UPDATE SET wanted = least(known.wanted, excluded.wanted)
"""


async def fewest(tx: Tx, ids: Sequence[OrderId]) -> dict[OrderId, dict[str, Decimal]]:
    """Units per line, where the channel has wanted less than was accepted."""
    known: dict[OrderId, dict[str, Decimal]] = {}
    for order_id, line_id, wanted in await fetch_tuples(tx, FEWEST, {"ids": ids}):
        known.setdefault(OrderId(order_id), {})[line_id] = wanted
    return known


async def remember_fewest(tx: Tx, wanted: Mapping[OrderId, Mapping[str, Decimal]]) -> None:
    """Keep the lowest figure of each line; its order is locked."""
    rows = [(order_id, line_id, units) for order_id, lines in wanted.items() for line_id, units in lines.items()]
    if rows:
        params = {
            "ids": [row[0] for row in rows],
            "lines": [row[1] for row in rows],
            "wanted": [str(row[2]) for row in rows],
        }
        await execute(tx, REMEMBER_FEWEST, params)


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
