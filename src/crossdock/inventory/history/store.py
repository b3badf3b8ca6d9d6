"""SQL that reads positions and the ledger."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, LiteralString

from psycopg.rows import TupleRow

from crossdock.canonical.base import LocationCode, ReservationKey, Sku
from crossdock.canonical.stock import MovementKind
from crossdock.foundation.db import Tx, fetch_all, fetch_tuples
from crossdock.inventory.model import Account, LedgerCursor, Movement, Position, PositionKey
from crossdock.inventory.store import Places

# A hold lives while now < expires_at: lapsed ones do not count, whether or not anybody has ended them yet.
POSITIONS: Final[LiteralString] = """
SELECT p.sku, p.location, p.condition, trim_scale(on_hand) AS on_hand, trim_scale(damaged) AS damaged,
       trim_scale(quality_hold) AS quality_hold, trim_scale(quarantine) AS quarantine, trim_scale(display) AS display,
       trim_scale(repair) AS repair, trim_scale(return_to_vendor) AS return_to_vendor,
       trim_scale(p.held - coalesce(dead.units, 0)) AS held,
       trim_scale(p.allocated) AS allocated, trim_scale(in_transit) AS in_transit, trim_scale(on_order) AS on_order,
       trim_scale(dated) AS dated, trim_scale(backordered) AS backordered, version, changed_at, happened_at, counted_at
  FROM inventory.position p
  LEFT JOIN LATERAL (
       SELECT sum(c.remaining) AS units
         FROM inventory.claim c
        WHERE p.held > 0 AND c.sku = p.sku AND c.location = p.location AND c.condition = p.condition
          AND c.remaining > 0 AND c.kind = 'hold'
          AND (c.expires_at <= %(now)s OR c.key = %(without)s::text)) AS dead ON true
 WHERE p.sku = ANY(%(skus)b::text[])
   AND (%(locations)b::text[] IS NULL OR p.location = ANY(%(locations)b::text[]))
 ORDER BY p.sku, p.location, p.condition
"""

AT: Final[LiteralString] = """
SELECT sku, location, condition, on_hand, damaged, quality_hold, quarantine, display, repair, return_to_vendor, held,
       allocated, in_transit, on_order, dated, backordered, version, changed_at, happened_at, counted_at
  FROM inventory.position
  JOIN unnest(%(skus)b::text[], %(locations)b::text[], %(conditions)b::text[]) AS at(sku, location, condition)
       USING (sku, location, condition)
"""

# What was known then: the last row of each position; holds that had lapsed by then but were ended later do not count.
POSITIONS_AS_OF: Final[LiteralString] = """
SELECT m.sku, m.location, m.condition, trim_scale(m.on_hand) AS on_hand, trim_scale(m.damaged) AS damaged,
       trim_scale(m.quality_hold) AS quality_hold, trim_scale(m.quarantine) AS quarantine,
       trim_scale(m.display) AS display, trim_scale(m.repair) AS repair,
       trim_scale(m.return_to_vendor) AS return_to_vendor,
       trim_scale(m.held - coalesce(later.units, 0) - coalesce(open.units, 0)) AS held,
       trim_scale(m.allocated) AS allocated, trim_scale(m.in_transit) AS in_transit,
       trim_scale(m.on_order) AS on_order, trim_scale(m.dated) AS dated, trim_scale(m.backordered) AS backordered,
       m.version, m.recorded_at AS changed_at, m.happened_at
  FROM inventory.position p
  JOIN LATERAL (
       SELECT *
         FROM inventory.movement l
        WHERE l.sku = p.sku AND l.location = p.location AND l.condition = p.condition
          AND l.recorded_at <= %(as_of)s
        ORDER BY l.recorded_at DESC, l.version DESC
        LIMIT 1) AS m ON true
  LEFT JOIN LATERAL (
       SELECT sum(l.quantity) AS units
         FROM inventory.movement l
        WHERE l.sku = p.sku AND l.location = p.location AND l.condition = p.condition
          AND l.recorded_at > %(as_of)s AND l.happened_at <= %(as_of)s
          AND l.kind = 'hold_release' AND l.reason = 'expired') AS later ON true
  LEFT JOIN LATERAL (
       SELECT sum(c.remaining) AS units
         FROM inventory.claim c
        WHERE c.sku = p.sku AND c.location = p.location AND c.condition = p.condition
          AND c.remaining > 0 AND c.kind = 'hold' AND c.expires_at <= %(as_of)s) AS open ON true
 WHERE p.sku = ANY(%(skus)b::text[])
 ORDER BY m.sku, m.location, m.condition
"""

HISTORY: Final[LiteralString] = """
SELECT id, kind, sku, location, condition, version, from_account, to_account, trim_scale(quantity),
       trim_scale(on_hand), trim_scale(held), trim_scale(allocated),
       trim_scale(on_hand - damaged - quality_hold - quarantine - display - repair - return_to_vendor
                  - held - allocated),
       trim_scale(short), key, reason, happened_at, recorded_at, correlation_id, source
  FROM inventory.movement
 WHERE sku = %(sku)s
   AND (%(location)s::text IS NULL OR location = %(location)s::text)
   AND (%(since)s::timestamptz IS NULL OR recorded_at >= %(since)s::timestamptz)
   AND (%(until)s::timestamptz IS NULL OR recorded_at < %(until)s::timestamptz)
 ORDER BY recorded_at DESC, location, version DESC
 LIMIT %(limit)s
"""

# The horizon: transactions below xmin have all ended, so nothing can appear behind what is read here.
CHANGED_AFTER: Final[LiteralString] = """
SELECT sku, happened_at, xid::text::bigint, seq
  FROM inventory.movement
 WHERE (xid, seq) > (%(xid)s::bigint::text::xid8, %(seq)s)
   AND xid < pg_snapshot_xmin(pg_current_snapshot())
 ORDER BY xid, seq
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
) -> Sequence[Position]:
    """Positions as they are at *now*, without one hold if so wanted."""
    params = {"skus": skus, "locations": locations, "now": now, "without": without}
    return await fetch_all(tx, POSITIONS, Position, params)


async def at(tx: Tx, keys: set[PositionKey]) -> Mapping[PositionKey, Position]:
    """Positions by their keys, as their rows are: unlocked, lapsed holds still in them."""
    return {row.key: row for row in await fetch_all(tx, AT, Position, Places.of(keys).params)}


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


async def skus_after(tx: Tx, sku: Sku, *, limit: int) -> Sequence[Sku]:
    """SKUs that have positions, in order, from behind *sku* on."""
    return [found for (found,) in await fetch_tuples(tx, SKUS_AFTER, {"sku": sku, "limit": limit})]
