"""SQL that finds the row behind a balance."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString

from crossdock.foundation.db import Tx, fetch_all
from crossdock.inventory.causes.model import Balance, SetBy

# Asked only of balances that are not zero: some row has made each of them, so the search backwards ends.
SET_BY: Final[LiteralString] = """
SELECT b.sku, b.location, b.term, m.id AS movement, m.kind, trim_scale(m.quantity) AS quantity, m.key, m.reason, m.source,
       m.happened_at, m.recorded_at
  FROM unnest(%(skus)b::text[], %(locations)b::text[], %(terms)b::text[]) AS b(sku, location, term)
  JOIN LATERAL (
       SELECT *
         FROM inventory.movement l
        WHERE l.sku = b.sku AND l.location = b.location AND l.condition = 'new' AND l.recorded_at <= %(at)s
          AND CASE WHEN b.term = 'on_hand'
                   THEN (l.from_account IN ('outside', 'in_transit', 'on_order', 'dated', 'backordered'))
                     <> (l.to_account IN ('outside', 'in_transit', 'on_order', 'dated', 'backordered'))
                   ELSE b.term IN (l.from_account, l.to_account) END
        ORDER BY l.recorded_at DESC, l.version DESC
        LIMIT 1) AS m ON true
 ORDER BY b.sku, b.location, b.term
"""


async def set_by(tx: Tx, balances: Sequence[Balance], at: datetime) -> Sequence[SetBy]:
    """For each balance the last row that changed it, as was known at a moment."""
    params = {
        "skus": [balance.sku for balance in balances],
        "locations": [balance.location for balance in balances],
        "terms": [balance.term for balance in balances],
        "at": at,
    }
    return await fetch_all(tx, SET_BY, SetBy, params)
