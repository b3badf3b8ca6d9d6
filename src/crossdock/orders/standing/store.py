"""SQL of orders that wait without goods or a day."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString

from crossdock.canonical.base import OrderId
from crossdock.foundation.db import Tx, fetch_tuples, post
from crossdock.orders.standing.model import Waiting

# Who waits already keeps the moment since when.
KEEP: Final[LiteralString] = """
INSERT INTO orders.waiting (order_id, since, look_at, told_at)
SELECT order_id, since, look_at, told_at
  FROM unnest(%(ids)b::uuid[], %(since)b::timestamptz[], %(looks)b::timestamptz[], %(told)b::timestamptz[])
       AS new(order_id, since, look_at, told_at)
    ON CONFLICT (order_id) DO UPDATE
   SET look_at = excluded.look_at, told_at = coalesce(excluded.told_at, waiting.told_at)
"""

END: Final[LiteralString] = """
DELETE FROM orders.waiting WHERE order_id = ANY(%(ids)b::uuid[]) RETURNING order_id, since, told_at
"""

FIND: Final[LiteralString] = """
SELECT order_id, since, told_at FROM orders.waiting WHERE order_id = ANY(%(ids)b::uuid[])
"""

DUE: Final[LiteralString] = """
SELECT order_id FROM orders.waiting WHERE look_at <= %(now)s ORDER BY look_at LIMIT %(limit)s
"""

PUT_OFF: Final[LiteralString] = """
UPDATE orders.waiting SET look_at = %(look_at)s WHERE order_id = ANY(%(ids)b::uuid[])
"""


async def keep(tx: Tx, waiting: Sequence[tuple[Waiting, datetime]]) -> None:
    """Remember who waits, and when to look again."""
    await post(
        tx,
        KEEP,
        {
            "ids": [each.order_id for each, _ in waiting],
            "since": [each.since for each, _ in waiting],
            "looks": [look_at for _, look_at in waiting],
            "told": [each.told_at for each, _ in waiting],
        },
    )


async def end(tx: Tx, ids: Sequence[OrderId]) -> Sequence[Waiting]:
    """They wait no longer; those that did."""
    return [Waiting(*row) for row in await fetch_tuples(tx, END, {"ids": ids})]


async def find(tx: Tx, ids: Sequence[OrderId]) -> Sequence[Waiting]:
    """Those of some orders that wait."""
    return [Waiting(*row) for row in await fetch_tuples(tx, FIND, {"ids": ids})]


async def due(tx: Tx, now: datetime, *, limit: int) -> Sequence[OrderId]:
    """Those to look at."""
    return [OrderId(row[0]) for row in await fetch_tuples(tx, DUE, {"now": now, "limit": limit})]


async def put_off(tx: Tx, ids: Sequence[OrderId], look_at: datetime) -> None:
    """Look at them later."""
    await post(tx, PUT_OFF, {"ids": ids, "look_at": look_at})
