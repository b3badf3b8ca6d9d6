"""SQL of the auditor: every truth is computed anew, by statements that share nothing with those that write."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, LiteralString, TypeAlias

from crossdock.canonical.base import LocationCode, Sku
from crossdock.foundation.db import Tx, fetch_tuples
from crossdock.inventory.model import Condition

Finding: TypeAlias = tuple[Sku, LocationCode, Condition, str, Decimal, Decimal]

# Every counter against the sum of its ledger rows.
COUNTERS: Final[LiteralString] = """
WITH entry AS (
    SELECT sku, location, condition, to_account AS account, quantity FROM inventory.movement
     UNION ALL
    SELECT sku, location, condition, from_account, -quantity FROM inventory.movement
), total AS (
    SELECT sku, location, condition, account, sum(quantity) AS units
      FROM entry
     WHERE account <> 'outside'
     GROUP BY sku, location, condition, account
     UNION ALL
    SELECT sku, location, condition, 'on_hand', sum(quantity)
      FROM entry
     WHERE account IN ('available', 'held', 'allocated', 'damaged', 'quality_hold', 'quarantine', 'display', 'repair',
                       'return_to_vendor')
     GROUP BY sku, location, condition
), counter AS (
    SELECT sku, location, condition, v.account, v.units
      FROM inventory.standing
     CROSS JOIN LATERAL (VALUES
           ('on_hand', on_hand), ('held', held), ('allocated', allocated), ('damaged', damaged),
           ('quality_hold', quality_hold), ('quarantine', quarantine), ('display', display), ('repair', repair),
           ('return_to_vendor', return_to_vendor), ('in_transit', in_transit), ('on_order', on_order),
           ('dated', dated), ('backordered', backordered)) AS v(account, units)
)
SELECT sku, location, condition, account, coalesce(total.units, 0), coalesce(counter.units, 0)
  FROM total
  FULL JOIN counter USING (sku, location, condition, account)
 WHERE account <> 'available' AND coalesce(total.units, 0) <> coalesce(counter.units, 0)
 ORDER BY sku, location, condition, account
 LIMIT %(limit)s
"""

# Held, allocated, dated and backordered against what is still open of the claims.
CLAIMED: Final[LiteralString] = """
WITH open AS (
    SELECT sku, location, condition,
           sum(remaining) FILTER (WHERE basis = 'goods' AND kind = 'hold') AS held,
           sum(remaining) FILTER (WHERE basis = 'goods' AND kind = 'allocation') AS allocated,
           sum(remaining) FILTER (WHERE basis = 'dated') AS dated,
           sum(remaining) FILTER (WHERE basis = 'backorder') AS backordered
      FROM inventory.claim
     GROUP BY sku, location, condition
)
SELECT sku, location, condition, v.account, v.claimed, v.counted
  FROM open
  FULL JOIN inventory.standing p USING (sku, location, condition)
 CROSS JOIN LATERAL (VALUES ('held', coalesce(open.held, 0), coalesce(p.held, 0)),
                            ('allocated', coalesce(open.allocated, 0), coalesce(p.allocated, 0)),
                            ('dated', coalesce(open.dated, 0), coalesce(p.dated, 0)),
                            ('backordered', coalesce(open.backordered, 0), coalesce(p.backordered, 0)))
       AS v(account, claimed, counted)
 WHERE v.claimed <> v.counted
 ORDER BY sku, location, condition, v.account
 LIMIT %(limit)s
"""

# What is on order and in transit against the open lines of what is under way.
EXPECTED: Final[LiteralString] = """
WITH open AS (
    SELECT sku, location, condition,
           sum(greatest(0, quantity - received)) FILTER (WHERE kind = 'purchase' AND closed_at IS NULL) AS on_order,
           sum(greatest(0, quantity - received)) FILTER (WHERE kind = 'transfer' AND closed_at IS NULL) AS in_transit
      FROM inventory.expected
     GROUP BY sku, location, condition
)
SELECT sku, location, condition, v.account, v.expected, v.counted
  FROM open
  FULL JOIN inventory.standing p USING (sku, location, condition)
 CROSS JOIN LATERAL (VALUES ('on_order', coalesce(open.on_order, 0), coalesce(p.on_order, 0)),
                            ('in_transit', coalesce(open.in_transit, 0), coalesce(p.in_transit, 0)))
       AS v(account, expected, counted)
 WHERE v.expected <> v.counted
 ORDER BY sku, location, condition, v.account
 LIMIT %(limit)s
"""

# The claim's own ledger rows against what it says became of its units.
CLAIM_ENDS: Final[LiteralString] = """
WITH side AS (
    SELECT key, sku, location, condition, quantity,
           CASE WHEN to_account IN ('held', 'allocated') THEN 'goods' WHEN to_account = 'dated' THEN 'dated'
                WHEN to_account = 'backordered' THEN 'backorder' END AS came_to,
           CASE WHEN from_account IN ('held', 'allocated') THEN 'goods' WHEN from_account = 'dated' THEN 'dated'
                WHEN from_account = 'backordered' THEN 'backorder' END AS left_from
      FROM inventory.movement
     WHERE kind IN ('hold', 'hold_release', 'allocate', 'release', 'consume')
), entry AS (
    SELECT key, sku, location, condition, basis, sum(arrived) AS arrived, sum(ended) AS ended
      FROM (SELECT key, sku, location, condition, came_to AS basis, quantity AS arrived, 0 AS ended
              FROM side
             WHERE came_to IS DISTINCT FROM left_from AND came_to IS NOT NULL
             UNION ALL
            SELECT key, sku, location, condition, left_from, 0, quantity
              FROM side
             WHERE came_to IS DISTINCT FROM left_from AND left_from IS NOT NULL) AS moved
     GROUP BY key, sku, location, condition, basis
)
SELECT sku, location, condition, key || ' on ' || basis, coalesce(e.arrived, 0) - coalesce(e.ended, 0),
       coalesce(c.remaining, 0)
  FROM entry e
  FULL JOIN inventory.claim c USING (key, sku, location, condition, basis)
 WHERE coalesce(e.arrived, 0) - coalesce(e.ended, 0) <> coalesce(c.remaining, 0)
    OR coalesce(e.arrived, 0) <> coalesce(c.arrived, 0)
 ORDER BY sku, location, condition, key, basis
 LIMIT %(limit)s
"""

# Promises against goods; a position may be short only if the floor took the goods away.
PROMISES: Final[LiteralString] = """
WITH judged AS (
    SELECT p.*, allocated + held
                - greatest(0, on_hand - (damaged + quality_hold + quarantine + display + repair + return_to_vendor))
                AS excess
      FROM inventory.standing p
)
SELECT sku, location, condition, 'short', greatest(0, excess), short
  FROM judged
 WHERE short <> greatest(0, excess)
 ORDER BY sku, location, condition
 LIMIT %(limit)s
"""

# Days against what is under way, and who waits against how many may.
WAITING: Final[LiteralString] = """
SELECT sku, location, condition, v.term, v.truth, v.found
  FROM inventory.standing
 CROSS JOIN LATERAL (VALUES ('late', greatest(0, dated - on_order - in_transit), late),
                            ('backordered', least(backordered, backorder_limit), backordered)) AS v(term, truth, found)
 WHERE v.truth <> v.found
 ORDER BY sku, location, condition, v.term
 LIMIT %(limit)s
"""

OVERSOLD: Final[LiteralString] = """
SELECT sku, location, condition, kind || ' ' || key, short_before, short
  FROM inventory.movement
 WHERE short > short_before
   AND kind IN ('hold', 'hold_release', 'allocate', 'release', 'consume')
 ORDER BY sku, location, condition
 LIMIT %(limit)s
"""

# Versions run without a gap, and each closing balance is the one before it plus what was entered between them.
CHAIN: Final[LiteralString] = """
WITH entry AS (
    SELECT sku, location, condition, version, kind, key,
           on_hand + held * 3 + allocated * 7 + in_transit * 11 + on_order * 13 + dated * 17 + backordered * 19 AS mark,
           quantity * ((to_account NOT IN ('outside', 'in_transit', 'on_order', 'dated', 'backordered'))::int
                     - (from_account NOT IN ('outside', 'in_transit', 'on_order', 'dated', 'backordered'))::int)
           + 3 * quantity * ((to_account = 'held')::int - (from_account = 'held')::int)
           + 7 * quantity * ((to_account = 'allocated')::int - (from_account = 'allocated')::int)
           + 11 * quantity * ((to_account = 'in_transit')::int - (from_account = 'in_transit')::int)
           + 13 * quantity * ((to_account = 'on_order')::int - (from_account = 'on_order')::int)
           + 17 * quantity * ((to_account = 'dated')::int - (from_account = 'dated')::int)
           + 19 * quantity * ((to_account = 'backordered')::int - (from_account = 'backordered')::int) AS step
      FROM inventory.movement
), link AS (
    SELECT *, lag(version, 1, 0::bigint) OVER w AS version_before, sum(step) OVER w AS reckoned,
           lead(version) OVER w IS NULL AND mark IS NULL AS left_open
      FROM entry
    WINDOW w AS (PARTITION BY sku, location, condition ORDER BY version)
)
SELECT sku, location, condition, 'version ' || version || ' ' || kind || ' ' || key, reckoned, coalesce(mark, 0)
  FROM link
 WHERE version <> version_before + 1 OR mark <> reckoned OR left_open
 ORDER BY sku, location, condition, version
 LIMIT %(limit)s
"""


async def counters(tx: Tx, *, limit: int) -> Sequence[Finding]:
    """Counters that are not the sum of their ledger rows."""
    return await _findings(tx, COUNTERS, limit)


async def claimed(tx: Tx, *, limit: int) -> Sequence[Finding]:
    """Claimed units that are not the sum of open claims."""
    return await _findings(tx, CLAIMED, limit)


async def expected(tx: Tx, *, limit: int) -> Sequence[Finding]:
    """On order and in transit that are not the sum of open lines."""
    return await _findings(tx, EXPECTED, limit)


async def claim_ends(tx: Tx, *, limit: int) -> Sequence[Finding]:
    """Claims that disagree with their own ledger rows."""
    return await _findings(tx, CLAIM_ENDS, limit)


async def promises(tx: Tx, *, limit: int) -> Sequence[Finding]:
    """Positions whose `short` is not what their counters say."""
    return await _findings(tx, PROMISES, limit)


async def waiting(tx: Tx, *, limit: int) -> Sequence[Finding]:
    """Positions whose dated claims or backorders are more than they may be."""
    return await _findings(tx, WAITING, limit)


async def oversold(tx: Tx, *, limit: int) -> Sequence[Finding]:
    """Promises that were made without goods."""
    return await _findings(tx, OVERSOLD, limit)


async def chain(tx: Tx, *, limit: int) -> Sequence[Finding]:
    """Ledger rows that do not follow from the row before."""
    return await _findings(tx, CHAIN, limit)


async def _findings(tx: Tx, sql: LiteralString, limit: int) -> Sequence[Finding]:
    return [
        (sku, location, condition, subject, expected, found)
        for sku, location, condition, subject, expected, found in await fetch_tuples(tx, sql, {"limit": limit})
    ]
