"""SQL of forgetting people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString

from crossdock.canonical.base import OrderId
from crossdock.customers.model import ContactId
from crossdock.foundation.db import Tx, execute, fetch_tuples

OF_CONTACTS: Final[LiteralString] = """
SELECT header.order_id
  FROM unnest(%(contacts)b::uuid[]) AS wanted(contact_id)
  JOIN orders.header USING (contact_id)
 ORDER BY header.order_id
"""

# The marks are keyed hashes of what the person said: whoever has the master key could try guesses on them.
FORGET: Final[LiteralString] = """
UPDATE orders.header
   SET address_mark = NULL, content_mark = %(noise)s, forgotten_at = coalesce(forgotten_at, %(now)s)
 WHERE order_id = ANY(%(orders)b::uuid[])
"""


async def of_contacts(tx: Tx, contacts: Sequence[ContactId]) -> Sequence[OrderId]:
    """Orders that lead to one of the contacts, oldest first."""
    return [OrderId(row[0]) for row in await fetch_tuples(tx, OF_CONTACTS, {"contacts": list(contacts)})]


async def forget(tx: Tx, orders: Sequence[OrderId], noise: bytes, now: datetime) -> None:
    """Remove what is left of the person on their orders."""
    await execute(tx, FORGET, {"orders": list(orders), "noise": noise, "now": now})
