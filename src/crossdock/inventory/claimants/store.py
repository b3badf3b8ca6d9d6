"""SQL of claims by the channel that asked for them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString

from crossdock.canonical.base import ReservationKey, Sku
from crossdock.foundation.db import Tx, fetch_all
from crossdock.inventory.claimants.model import ClaimedUnits, DatedUnits

# On goods and on receipts: what waits for nothing yet takes nothing of a pool. A hold lives while now < expires_at,
# whether or not anybody has ended it yet.
CLAIMED: Final[LiteralString] = """
SELECT c.sku, c.location, r.channel, trim_scale(sum(c.remaining)) AS units
  FROM inventory.claim c
  JOIN inventory.reservation r USING (key)
 WHERE c.sku = ANY(%(skus)b::text[]) AND c.condition = 'new' AND c.remaining > 0
   AND c.kind IN ('hold', 'allocation') AND c.basis <> 'backorder'
   AND (c.expires_at IS NULL OR c.expires_at > %(now)s)
   AND (%(without)s::text IS NULL OR c.key <> %(without)s::text)
   AND r.channel IS NOT NULL
 GROUP BY c.sku, c.location, r.channel
"""

# From the ledger: what entered a claim minus what left it, and without holds that had lapsed by then.
CLAIMED_AS_OF: Final[LiteralString] = """
SELECT sku, location, channel, trim_scale(sum(units)) AS units
  FROM (SELECT m.sku, m.location, r.channel,
               m.quantity * ((m.to_account IN ('held', 'allocated', 'dated'))::int
                           - (m.from_account IN ('held', 'allocated', 'dated'))::int) AS units
          FROM inventory.movement m
          JOIN inventory.reservation r USING (key)
         WHERE m.sku = ANY(%(skus)b::text[]) AND m.condition = 'new' AND m.recorded_at <= %(as_of)s
           AND r.channel IS NOT NULL
         UNION ALL
        SELECT m.sku, m.location, r.channel, -m.quantity
          FROM inventory.movement m
          JOIN inventory.reservation r USING (key)
         WHERE m.sku = ANY(%(skus)b::text[]) AND m.condition = 'new' AND m.recorded_at > %(as_of)s
           AND m.happened_at <= %(as_of)s AND m.kind = 'hold_release' AND m.reason = 'expired'
           AND m.from_account <> 'backordered' AND r.channel IS NOT NULL
         UNION ALL
        SELECT c.sku, c.location, r.channel, -c.remaining
          FROM inventory.claim c
          JOIN inventory.reservation r USING (key)
         WHERE c.sku = ANY(%(skus)b::text[]) AND c.condition = 'new' AND c.remaining > 0 AND c.kind = 'hold'
           AND c.basis <> 'backorder' AND c.expires_at <= %(as_of)s AND r.channel IS NOT NULL) AS part
 GROUP BY sku, location, channel
HAVING sum(units) <> 0
"""


DATED: Final[LiteralString] = """
SELECT sku, location, due_by, trim_scale(sum(remaining)) AS units
  FROM inventory.claim
 WHERE sku = ANY(%(skus)b::text[]) AND condition = 'new' AND remaining > 0 AND basis = 'dated'
   AND (expires_at IS NULL OR expires_at > %(now)s)
   AND (%(without)s::text IS NULL OR key <> %(without)s::text)
 GROUP BY sku, location, due_by
 ORDER BY sku, due_by, location
"""

# What entered such claims minus what left them, less holds that had lapsed by then. The ledger does not say for which day:
# the claim does, as it was known last.
DATED_AS_OF: Final[LiteralString] = """
SELECT sku, location, due_by, trim_scale(sum(units)) AS units
  FROM (SELECT m.sku, m.location, c.due_by,
               m.quantity * ((m.to_account = 'dated')::int - (m.from_account = 'dated')::int) AS units
          FROM inventory.movement m
          JOIN inventory.claim c USING (key, sku, location, condition)
         WHERE m.sku = ANY(%(skus)b::text[]) AND m.condition = 'new' AND m.recorded_at <= %(as_of)s
           AND 'dated' IN (m.to_account, m.from_account) AND c.basis = 'dated'
           AND (c.kind <> 'hold' OR c.expires_at > %(as_of)s)) AS part
 GROUP BY sku, location, due_by
HAVING sum(units) > 0
 ORDER BY sku, due_by, location
"""


async def claimed(
    tx: Tx, skus: Sequence[Sku], *, now: datetime, without: ReservationKey | None
) -> Sequence[ClaimedUnits]:
    """Open claims as they are at *now*, without one hold if so wanted."""
    return await fetch_all(tx, CLAIMED, ClaimedUnits, {"skus": skus, "now": now, "without": without})


async def claimed_as_of(tx: Tx, skus: Sequence[Sku], as_of: datetime) -> Sequence[ClaimedUnits]:
    """Open claims as they were known at a past moment."""
    return await fetch_all(tx, CLAIMED_AS_OF, ClaimedUnits, {"skus": skus, "as_of": as_of})


async def dated(tx: Tx, skus: Sequence[Sku], *, now: datetime, without: ReservationKey | None) -> Sequence[DatedUnits]:
    """Open claims on receipts at *now*, without one hold if so wanted."""
    return await fetch_all(tx, DATED, DatedUnits, {"skus": skus, "now": now, "without": without})


async def dated_as_of(tx: Tx, skus: Sequence[Sku], as_of: datetime) -> Sequence[DatedUnits]:
    """Open claims on receipts as they were known at a past moment."""
    return await fetch_all(tx, DATED_AS_OF, DatedUnits, {"skus": skus, "as_of": as_of})
