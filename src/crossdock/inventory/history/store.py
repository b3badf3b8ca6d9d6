"""SQL that reads positions and the ledger."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, LiteralString

from psycopg.rows import TupleRow

from crossdock.canonical.base import LocationCode, ReservationKey, Sku
from crossdock.canonical.stock import MovementKind
from crossdock.foundation.db import Asked, Tx, ask, fetch_all, fetch_tuples
from crossdock.inventory.model import Account, LedgerCursor, Movement, Position

# A hold lives while now < expires_at: lapsed ones do not count, whether or not anybody has ended them yet. Those that
# lapsed before the position was last written have been (`rules.lapses_ended_until`): looked for by range, they cost
# nothing, however many claims the item has.
POSITIONS: Final[LiteralString] = """
SELECT p.sku, p.location, p.condition, trim_scale(on_hand) AS on_hand, trim_scale(damaged) AS damaged,
       trim_scale(quality_hold) AS quality_hold, trim_scale(quarantine) AS quarantine, trim_scale(display) AS display,
       trim_scale(repair) AS repair, trim_scale(return_to_vendor) AS return_to_vendor,
       trim_scale(p.held - coalesce(dead.held, 0) - coalesce(own.held, 0)) AS held,
       trim_scale(p.allocated) AS allocated, trim_scale(in_transit) AS in_transit, trim_scale(on_order) AS on_order,
       trim_scale(p.dated - coalesce(dead.dated, 0) - coalesce(own.dated, 0)) AS dated,
       trim_scale(p.backordered - coalesce(dead.backordered, 0) - coalesce(own.backordered, 0)) AS backordered,
       version, changed_at, happened_at, counted_at
  FROM inventory.standing p
  LEFT JOIN LATERAL (
       SELECT sum(c.remaining) FILTER (WHERE c.basis = 'goods') AS held,
              sum(c.remaining) FILTER (WHERE c.basis = 'dated') AS dated,
              sum(c.remaining) FILTER (WHERE c.basis = 'backorder') AS backordered
         FROM inventory.claim c
        WHERE (p.held > 0 OR p.dated > 0 OR p.backordered > 0)
          AND c.sku = p.sku AND c.location = p.location AND c.condition = p.condition
          AND c.remaining > 0 AND c.kind = 'hold'
          AND c.expires_at > p.changed_at - interval '1 minute' AND c.expires_at <= %(now)s) AS dead ON true
  LEFT JOIN LATERAL (
       SELECT sum(c.remaining) FILTER (WHERE c.basis = 'goods') AS held,
              sum(c.remaining) FILTER (WHERE c.basis = 'dated') AS dated,
              sum(c.remaining) FILTER (WHERE c.basis = 'backorder') AS backordered
         FROM inventory.claim c
        WHERE c.key = %(without)s::text AND c.sku = p.sku AND c.location = p.location AND c.condition = p.condition
          AND c.remaining > 0 AND c.kind = 'hold' AND c.expires_at > %(now)s) AS own ON true
 WHERE p.sku = ANY(%(skus)b::text[])
   AND (%(locations)b::text[] IS NULL OR p.location = ANY(%(locations)b::text[]))
 ORDER BY p.sku, p.location, p.condition
"""

# What was known then: the last row of each position; holds that had lapsed by then but were ended later do not count.
POSITIONS_AS_OF: Final[LiteralString] = """
SELECT m.sku, m.location, m.condition, trim_scale(m.on_hand) AS on_hand, trim_scale(m.damaged) AS damaged,
       trim_scale(m.quality_hold) AS quality_hold, trim_scale(m.quarantine) AS quarantine,
       trim_scale(m.display) AS display, trim_scale(m.repair) AS repair,
       trim_scale(m.return_to_vendor) AS return_to_vendor,
       trim_scale(m.held - coalesce(later.held, 0) - coalesce(open.held, 0)) AS held,
       trim_scale(m.allocated) AS allocated, trim_scale(m.in_transit) AS in_transit,
       trim_scale(m.on_order) AS on_order,
       trim_scale(m.dated - coalesce(later.dated, 0) - coalesce(open.dated, 0)) AS dated,
       trim_scale(m.backordered - coalesce(later.backordered, 0) - coalesce(open.backordered, 0)) AS backordered,
       m.version, m.recorded_at AS changed_at, m.happened_at
  FROM inventory.position p
  JOIN LATERAL (
       SELECT *
         FROM inventory.movement l
        WHERE l.sku = p.sku AND l.location = p.location AND l.condition = p.condition
          AND l.recorded_at <= %(as_of)s AND l.on_hand IS NOT NULL
        ORDER BY l.recorded_at DESC, l.version DESC
        LIMIT 1) AS m ON true
  LEFT JOIN LATERAL (
       SELECT sum(l.quantity) FILTER (WHERE l.from_account = 'held') AS held,
              sum(l.quantity) FILTER (WHERE l.from_account = 'dated') AS dated,
              sum(l.quantity) FILTER (WHERE l.from_account = 'backordered') AS backordered
         FROM inventory.movement l
        WHERE l.sku = p.sku AND l.location = p.location AND l.condition = p.condition
          AND l.recorded_at > %(as_of)s AND l.happened_at <= %(as_of)s
          AND l.kind = 'hold_release' AND l.reason = 'expired') AS later ON true
  LEFT JOIN LATERAL (
       SELECT sum(c.remaining) FILTER (WHERE c.basis = 'goods') AS held,
              sum(c.remaining) FILTER (WHERE c.basis = 'dated') AS dated,
              sum(c.remaining) FILTER (WHERE c.basis = 'backorder') AS backordered
         FROM inventory.claim c
        WHERE c.sku = p.sku AND c.location = p.location AND c.condition = p.condition
          AND c.remaining > 0 AND c.kind = 'hold' AND c.expires_at <= %(as_of)s) AS open ON true
 WHERE p.sku = ANY(%(skus)b::text[])
 ORDER BY m.sku, m.location, m.condition
"""

# Balances stand on the last row of each batch. Those of the rows before it are reckoned back from it, so a page ends
# with whole batches: what lies after the page in the same batch is read, too.
HISTORY: Final[LiteralString] = """
WITH entry AS (
    SELECT m.*, c.version - m.version AS behind, c.on_hand AS on_hand_then, c.held AS held_then,
           c.allocated AS allocated_then,
           c.damaged + c.quality_hold + c.quarantine + c.display + c.repair + c.return_to_vendor AS unavailable_then
      FROM inventory.movement m
      JOIN LATERAL (
           SELECT *
             FROM inventory.movement l
            WHERE l.sku = m.sku AND l.location = m.location AND l.condition = m.condition
              AND l.recorded_at = m.recorded_at AND l.version >= m.version AND l.on_hand IS NOT NULL
            ORDER BY l.version
            LIMIT 1) AS c ON true
     WHERE m.sku = %(sku)s
       AND (%(location)s::text IS NULL OR m.location = %(location)s::text)
       AND (%(since)s::timestamptz IS NULL OR m.recorded_at >= %(since)s::timestamptz)
       AND (%(until)s::timestamptz IS NULL OR m.recorded_at < %(until)s::timestamptz)
     ORDER BY m.recorded_at DESC, m.location, m.version DESC
     LIMIT %(limit)s
)
SELECT id, kind, sku, location, condition, version, from_account, to_account, trim_scale(quantity),
       trim_scale(on_hand_then - later.on_hand), trim_scale(held_then - later.held),
       trim_scale(allocated_then - later.allocated),
       trim_scale(on_hand_then - unavailable_then - held_then - allocated_then - later.available),
       trim_scale(short), key, reason, happened_at, recorded_at, correlation_id, source
  FROM entry e
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(l.quantity * (
                  (l.to_account NOT IN ('outside', 'in_transit', 'on_order', 'dated', 'backordered'))::int
                - (l.from_account NOT IN ('outside', 'in_transit', 'on_order', 'dated', 'backordered'))::int)), 0)
                  AS on_hand,
              coalesce(sum(l.quantity * ((l.to_account = 'held')::int - (l.from_account = 'held')::int)), 0) AS held,
              coalesce(sum(l.quantity * ((l.to_account = 'allocated')::int - (l.from_account = 'allocated')::int)), 0)
                  AS allocated,
              coalesce(sum(l.quantity * ((l.to_account = 'available')::int - (l.from_account = 'available')::int)), 0)
                  AS available
         FROM inventory.movement l
        WHERE l.sku = e.sku AND l.location = e.location AND l.condition = e.condition
          AND l.recorded_at = e.recorded_at AND l.version > e.version AND l.version <= e.version + e.behind) AS later
 ORDER BY recorded_at DESC, location, version DESC
"""

# The horizon: transactions below xmin have all ended, so nothing can appear behind what is read here.
CHANGED_AFTER: Final[LiteralString] = """
SELECT sku, coalesce(earliest, happened_at), xid::text::bigint, seq
  FROM inventory.movement
 WHERE on_hand IS NOT NULL AND (xid, seq) > (%(xid)s::bigint::text::xid8, %(seq)s)
   AND xid < foundation.horizon()
 ORDER BY xid, seq
 LIMIT %(limit)s
"""

# A row that a look could not see yet stands at its horizon or above (0008), however long its transaction was under way.
CHANGED_SINCE: Final[LiteralString] = """
SELECT sku, max(xid)::text::bigint
  FROM inventory.movement
 WHERE on_hand IS NOT NULL AND xid >= %(horizon)s::bigint::text::xid8
 GROUP BY sku
 LIMIT %(limit)s
"""

SKUS_AFTER: Final[LiteralString] = """
SELECT DISTINCT sku FROM inventory.position WHERE sku > %(sku)s ORDER BY sku LIMIT %(limit)s
"""


async def positions(
    tx: Tx,
    skus: Sequence[Sku],
    locations: Sequence[LocationCode] | None,
    *,
    now: datetime,
    without: ReservationKey | None,
) -> Asked[Position]:
    """Positions as they are at *now*, without one hold if so wanted."""
    params = {"skus": skus, "locations": locations, "now": now, "without": without}
    return await ask(tx, POSITIONS, Position, params)


async def positions_as_of(tx: Tx, skus: Sequence[Sku], as_of: datetime) -> Sequence[Position]:
    """Positions as they were known at a past moment, from the ledger."""
    return await fetch_all(tx, POSITIONS_AS_OF, Position, {"skus": skus, "as_of": as_of})


async def history(
    tx: Tx,
    sku: Sku,
    location: LocationCode | None,
    *,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> Sequence[Movement]:
    """Ledger rows, newest first."""
    params = {"sku": sku, "location": location, "since": since, "until": until, "limit": limit}
    return [_movement(row) for row in await fetch_tuples(tx, HISTORY, params)]


def _movement(row: TupleRow) -> Movement:
    (
        movement_id,
        kind,
        sku,
        location,
        condition,
        version,
        from_account,
        to_account,
        quantity,
        on_hand,
        held,
        allocated,
        available,
        short,
        key,
        reason,
        happened_at,
        recorded_at,
        correlation_id,
        source,
    ) = row
    return Movement(
        id=movement_id,
        kind=MovementKind(kind),
        sku=sku,
        location=location,
        condition=condition,
        version=version,
        from_account=Account(from_account),
        to_account=Account(to_account),
        quantity=quantity,
        on_hand=on_hand,
        held=held,
        allocated=allocated,
        available=available,
        short=short,
        key=key,
        reason=reason,
        happened_at=happened_at,
        recorded_at=recorded_at,
        correlation_id=correlation_id,
        source=source,
    )


async def changed_after(tx: Tx, cursor: LedgerCursor, *, limit: int) -> Sequence[tuple[Sku, datetime, LedgerCursor]]:
    """Which SKUs moved after the cursor, row by row in commit order."""
    rows = await fetch_tuples(tx, CHANGED_AFTER, {"xid": cursor.xid, "seq": cursor.seq, "limit": limit})
    return [(sku, happened_at, LedgerCursor(xid, seq)) for sku, happened_at, xid, seq in rows]


async def changed_since(tx: Tx, horizon: int, *, limit: int) -> Mapping[Sku, int]:
    """Which SKUs have rows at or above a horizon, with the place of the last one."""
    return dict(await fetch_tuples(tx, CHANGED_SINCE, {"horizon": horizon, "limit": limit}))


async def skus_after(tx: Tx, sku: Sku, *, limit: int) -> Sequence[Sku]:
    """SKUs that have positions, in order, from behind *sku* on."""
    return [found for (found,) in await fetch_tuples(tx, SKUS_AFTER, {"sku": sku, "limit": limit})]
