"""SQL over stretches of the ledger: its ids are times."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, LiteralString

from crossdock.canonical.base import LocationCode, Sku
from crossdock.foundation.db import Tx, fetch_tuples
from crossdock.foundation.ids import id_floor

LEFT_BETWEEN: Final[LiteralString] = """
SELECT sku, location, sum(quantity)
  FROM inventory.movement
 WHERE id >= %(since)s AND id < %(until)s AND kind IN ('issue', 'consume') AND condition = 'new'
   AND to_account = 'outside'
 GROUP BY sku, location
"""

FLOORS_HEARD: Final[LiteralString] = """
SELECT location, max(recorded_at)
  FROM inventory.movement
 WHERE id >= %(since)s
   AND kind IN ('receive', 'issue', 'adjust', 'count', 'transfer_out', 'transfer_in', 'rebucket', 'return_receive')
 GROUP BY location
"""


async def left_between(tx: Tx, since: datetime, until: datetime) -> Sequence[tuple[Sku, LocationCode, Decimal]]:
    """Units that left for customers, by what was written from *since* on, before *until*."""
    rows = await fetch_tuples(tx, LEFT_BETWEEN, {"since": id_floor(since), "until": id_floor(until)})
    return [(sku, location, units) for sku, location, units in rows]


async def floors_heard(tx: Tx, since: datetime) -> Mapping[LocationCode, datetime]:
    """Locations whose floor told something since a moment, and when it was last."""
    return dict(await fetch_tuples(tx, FLOORS_HEARD, {"since": id_floor(since)}))
