"""SQL of positions: made, locked and read for a decision; keys under which things are done once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, LiteralString, NamedTuple

from crossdock.canonical.base import LocationCode, Sku
from crossdock.foundation.db import Tx, execute, fetch_all, fetch_tuples, post
from crossdock.inventory.model import Condition, Position, PositionKey

# Rows are made in key order, before any is locked: two batches with the same new positions wait, they do not deadlock.
MAKE: Final[LiteralString] = """
INSERT INTO inventory.position (sku, location, condition)
SELECT sku, location, condition
  FROM unnest(%(skus)b::text[], %(locations)b::text[], %(conditions)b::text[]) AS wanted(sku, location, condition)
 ORDER BY sku COLLATE "C", location COLLATE "C", condition COLLATE "C"
    ON CONFLICT (sku, location, condition) DO NOTHING
"""

# The one place where positions are locked, always in key order. What they hold is read afterwards, by a statement of its
# own: who waited for the lock must not see what was there before.
LOCK: Final[LiteralString] = """
SELECT 1
  FROM inventory.position p
  JOIN unnest(%(skus)b::text[], %(locations)b::text[], %(conditions)b::text[]) AS wanted(sku, location, condition)
       USING (sku, location, condition)
 ORDER BY p.sku COLLATE "C", p.location COLLATE "C", p.condition COLLATE "C"
   FOR NO KEY UPDATE OF p
"""

STANDING: Final[LiteralString] = """
SELECT sku, location, condition, trim_scale(on_hand) AS on_hand, trim_scale(damaged) AS damaged,
       trim_scale(quality_hold) AS quality_hold, trim_scale(quarantine) AS quarantine, trim_scale(display) AS display,
       trim_scale(repair) AS repair, trim_scale(return_to_vendor) AS return_to_vendor, trim_scale(held) AS held,
       trim_scale(allocated) AS allocated, trim_scale(in_transit) AS in_transit, trim_scale(on_order) AS on_order,
       trim_scale(dated) AS dated, trim_scale(backordered) AS backordered, version, changed_at, happened_at, counted_at
  FROM inventory.standing
  JOIN unnest(%(skus)b::text[], %(locations)b::text[], %(conditions)b::text[]) AS wanted(sku, location, condition)
       USING (sku, location, condition)
"""

# Busy positions that have become quiet, by rows that have stood for a while.
RESTING: Final[LiteralString] = """
SELECT DISTINCT sku, location, condition
  FROM (SELECT sku, location, condition
          FROM inventory.running
         WHERE changed_at <= %(before)s
         LIMIT %(limit)s) AS old
"""

# Bring the rows of locked positions up to their newest balances.
SETTLE: Final[LiteralString] = """
WITH newest AS (
    SELECT DISTINCT ON (sku, location, condition) r.*
      FROM inventory.running r
      JOIN unnest(%(skus)b::text[], %(locations)b::text[], %(conditions)b::text[]) AS wanted(sku, location, condition)
           USING (sku, location, condition)
     ORDER BY sku, location, condition, version DESC
), written AS (
    UPDATE inventory.position p
       SET on_hand = n.on_hand, damaged = n.damaged, quality_hold = n.quality_hold, quarantine = n.quarantine,
           display = n.display, repair = n.repair, return_to_vendor = n.return_to_vendor, held = n.held,
           allocated = n.allocated, in_transit = n.in_transit, on_order = n.on_order, dated = n.dated,
           backordered = n.backordered, short = n.short, late = n.late, backorder_limit = n.backorder_limit,
           version = n.version, changed_at = n.changed_at, happened_at = n.happened_at, counted_at = n.counted_at
      FROM newest n
     WHERE p.sku = n.sku AND p.location = n.location AND p.condition = n.condition AND p.version < n.version
)
DELETE FROM inventory.running r
 USING newest n
 WHERE r.sku = n.sku AND r.location = n.location AND r.condition = n.condition AND r.version <= n.version
"""

# What moved on-hand after a moment: nothing happens after it is recorded, so the index bounds the search.
MOVED_SINCE: Final[LiteralString] = """
SELECT a.n, coalesce(sum(m.quantity
           * ((m.to_account NOT IN ('outside', 'in_transit', 'on_order', 'dated', 'backordered'))::int
            - (m.from_account NOT IN ('outside', 'in_transit', 'on_order', 'dated', 'backordered'))::int)), 0) AS moved
  FROM unnest(%(skus)b::text[], %(locations)b::text[], %(conditions)b::text[], %(moments)b::timestamptz[])
       WITH ORDINALITY AS a(sku, location, condition, moment, n)
  JOIN inventory.movement m
    ON m.sku = a.sku AND m.location = a.location AND m.condition = a.condition
   AND m.recorded_at > a.moment AND m.happened_at > a.moment
 GROUP BY a.n
"""

# Keys are written in order, so two batches that share keys wait for each other instead of deadlocking.
BEGIN_OPERATIONS: Final[LiteralString] = """
INSERT INTO inventory.operation (key, fingerprint, recorded_at)
SELECT key, fingerprint, %(now)s
  FROM unnest(%(keys)b::text[], %(fingerprints)b::bytea[]) AS new(key, fingerprint)
 ORDER BY key COLLATE "C"
    ON CONFLICT (key) DO NOTHING
RETURNING key
"""

OPERATIONS: Final[LiteralString] = """
SELECT key, fingerprint FROM inventory.operation WHERE key = ANY(%(keys)b::text[])
"""

FORGET_OPERATIONS: Final[LiteralString] = """
DELETE FROM inventory.operation WHERE key = ANY(%(keys)b::text[])
"""


class Places(NamedTuple):
    """Positions as three arrays, sorted and without repetition."""

    skus: list[Sku]
    locations: list[LocationCode]
    conditions: list[Condition]

    @classmethod
    def of(cls, keys: set[PositionKey]) -> "Places":
        """Sorted as they are locked."""
        ordered = sorted(keys)
        return cls([k.sku for k in ordered], [k.location for k in ordered], [k.condition for k in ordered])

    @property
    def params(self) -> dict[str, object]:
        """As statements bind them."""
        return {"skus": self.skus, "locations": self.locations, "conditions": self.conditions}


async def make(tx: Tx, keys: set[PositionKey]) -> None:
    """Make the positions of *keys* that are missing, before any is locked."""
    await post(tx, MAKE, Places.of(keys).params)


async def lock(tx: Tx, keys: set[PositionKey], *, make: bool) -> list[Position]:
    """The positions of *keys* that exist, locked until the transaction ends; *make* makes the missing ones."""
    places = Places.of(keys)
    if make:
        await post(tx, MAKE, places.params)
    await post(tx, LOCK, places.params)
    return await at(tx, keys)


async def at(tx: Tx, keys: set[PositionKey]) -> list[Position]:
    """The positions of *keys* that exist, as they stand in the books: lapsed holds are still in them."""
    return await fetch_all(tx, STANDING, Position, Places.of(keys).params)


async def resting(tx: Tx, *, before: datetime, limit: int) -> set[PositionKey]:
    """Positions that were busy and have been quiet since *before*."""
    return set(await fetch_all(tx, RESTING, PositionKey, {"before": before, "limit": limit}))


async def settle(tx: Tx, positions: set[PositionKey]) -> None:
    """Write their rows."""
    params = Places.of(positions).params
    await post(tx, LOCK, params)
    await post(tx, SETTLE, params)


async def moved_since(tx: Tx, moments: Sequence[tuple[PositionKey, datetime]]) -> Sequence[Decimal]:
    """For each position, by how much on-hand moved after a moment of its own."""
    found = await fetch_tuples(
        tx,
        MOVED_SINCE,
        {
            "skus": [key.sku for key, _ in moments],
            "locations": [key.location for key, _ in moments],
            "conditions": [key.condition for key, _ in moments],
            "moments": [moment for _, moment in moments],
        },
    )
    moved: dict[int, Decimal] = dict(found)
    return [moved.get(n, Decimal(0)) for n in range(1, len(moments) + 1)]


async def begin_operations(tx: Tx, fingerprints: Mapping[str, bytes], now: datetime) -> Mapping[str, bytes]:
    """Take the keys for this transaction; those that were taken before come back with what they stand for."""
    params = {"keys": list(fingerprints), "fingerprints": list(fingerprints.values()), "now": now}
    fresh = {key for (key,) in await fetch_tuples(tx, BEGIN_OPERATIONS, params)}
    known = [key for key in fingerprints if key not in fresh]
    if not known:
        return {}
    return {key: bytes(value) for key, value in await fetch_tuples(tx, OPERATIONS, {"keys": known})}


async def forget_operations(tx: Tx, keys: Sequence[str]) -> None:
    """Give back keys under which nothing was done."""
    await execute(tx, FORGET_OPERATIONS, {"keys": keys})
