"""SQL of questions about orders."""

from collections.abc import Mapping, Sequence
from typing import Final, LiteralString
from uuid import UUID

from crossdock.canonical.base import OrderId
from crossdock.foundation.db import Tx, fetch_tuples

NEWEST: Final[LiteralString] = """
SELECT order_id
  FROM orders.header
 WHERE order_id < %(before)s
   AND (%(channel)s::text IS NULL OR channel = %(channel)s)
 ORDER BY order_id DESC
 LIMIT %(limit)s
"""

OPEN: Final[LiteralString] = """
SELECT order_id
  FROM orders.header
 WHERE completed_at IS NULL
   AND order_id > %(after)s
 ORDER BY order_id
 LIMIT %(limit)s
"""

BY_NAME: Final[LiteralString] = """
SELECT order_id FROM orders.header WHERE order_id = %(uuid)s
 UNION
SELECT order_id FROM orders.header WHERE channel_order_id = %(text)s
 UNION
SELECT order_id FROM orders.header WHERE number = %(text)s AND number <> channel_order_id
 ORDER BY order_id DESC
 LIMIT %(limit)s
"""

CALLED: Final[LiteralString] = """
SELECT order_id, number || ' of ' || channel
  FROM orders.header
 WHERE order_id = ANY(%(orders)b::uuid[])
"""

LAST: Final = UUID(int=(1 << 128) - 1)
FIRST: Final = UUID(int=0)


async def newest(tx: Tx, *, before: OrderId | None, channel: str | None, limit: int) -> Sequence[OrderId]:
    """Orders from the newest on, beginning behind *before*."""
    params = {"before": before or LAST, "channel": channel, "limit": limit}
    return [OrderId(row[0]) for row in await fetch_tuples(tx, NEWEST, params)]


async def open_after(tx: Tx, *, after: OrderId | None, limit: int) -> Sequence[OrderId]:
    """Orders that have open units, from the oldest on, beginning behind *after*."""
    rows = await fetch_tuples(tx, OPEN, {"after": after or FIRST, "limit": limit})
    return [OrderId(row[0]) for row in rows]


async def called(tx: Tx, ids: Sequence[OrderId]) -> Mapping[OrderId, str]:
    """What people call orders: `#1042 of web`."""
    return {OrderId(row[0]): row[1] for row in await fetch_tuples(tx, CALLED, {"orders": ids})}


async def by_name(tx: Tx, text: str, uuid: UUID | None, *, limit: int) -> Sequence[OrderId]:
    """Orders with this id, channel order id or number, the newest first."""
    rows = await fetch_tuples(tx, BY_NAME, {"uuid": uuid, "text": text, "limit": limit})
    return [OrderId(row[0]) for row in rows]
