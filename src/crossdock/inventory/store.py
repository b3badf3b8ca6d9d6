"""SQL of positions and their ledger."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, LiteralString, NamedTuple

from crossdock.canonical.base import LocationCode, Sku
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx, execute, fetch_all, fetch_tuples
from crossdock.foundation.ids import new_id
from crossdock.inventory.model import Condition, Position, PositionKey, Posting

# Rows are made in key order, before any is locked: two batches with the same new positions wait, they do not deadlock.
MAKE: Final[LiteralString] = """
INSERT INTO inventory.position (sku, location, condition)
SELECT sku, location, condition
  FROM unnest(%(skus)b::text[], %(locations)b::text[], %(conditions)b::text[]) AS wanted(sku, location, condition)
 ORDER BY sku COLLATE "C", location COLLATE "C", condition COLLATE "C"
    ON CONFLICT (sku, location, condition) DO NOTHING
"""

# The one place where positions are locked, always in key order.
LOCK: Final[LiteralString] = """
SELECT p.sku, p.location, p.condition, trim_scale(on_hand) AS on_hand, trim_scale(damaged) AS damaged,
       trim_scale(quality_hold) AS quality_hold, trim_scale(quarantine) AS quarantine, trim_scale(display) AS display,
       trim_scale(repair) AS repair, trim_scale(return_to_vendor) AS return_to_vendor, trim_scale(held) AS held,
       trim_scale(allocated) AS allocated, trim_scale(in_transit) AS in_transit, trim_scale(on_order) AS on_order,
       trim_scale(dated) AS dated, trim_scale(backordered) AS backordered, version, changed_at, happened_at, counted_at
  FROM inventory.position p
  JOIN unnest(%(skus)b::text[], %(locations)b::text[], %(conditions)b::text[]) AS wanted(sku, location, condition)
       USING (sku, location, condition)
 ORDER BY p.sku COLLATE "C", p.location COLLATE "C", p.condition COLLATE "C"
   FOR NO KEY UPDATE OF p
"""

# Floor facts: every account may change and `short` becomes what it is. Counters are derived from the ledger rows of
# the same statement, so that neither can be written without the other. Whoever writes without having locked finds that
# the version has moved on: fewer rows are touched than there are positions, and the transaction fails.
POST_FLOOR: Final[LiteralString] = """
WITH posting AS (
    SELECT *, (target NOT IN ('outside', 'in_transit', 'on_order', 'dated', 'backordered')) AS comes_in,
           (source NOT IN ('outside', 'in_transit', 'on_order', 'dated', 'backordered')) AS goes_out
      FROM unnest(%(ids)b::uuid[], %(slots)b::int[], %(ends)b::boolean[], %(skus)b::text[], %(locations)b::text[],
                  %(conditions)b::text[], %(kinds)b::text[], %(sources)b::text[], %(targets)b::text[],
                  %(quantities)b::numeric[], %(keys)b::text[], %(reasons)b::text[], %(happened)b::timestamptz[],
                  %(correlations)b::uuid[])
           WITH ORDINALITY AS n(id, slot, ends, sku, location, condition, kind, source, target, quantity, key, reason,
                                happened_at, correlation_id, n)
), balance AS (
    SELECT n.id, n.slot, n.ends, n.kind, n.source, n.target, n.quantity, n.key, n.reason, n.happened_at,
           n.correlation_id, p.sku, p.location, p.condition,
           p.version AS version_at_first, p.version + row_number() OVER w AS version,
           greatest(%(now)s, p.changed_at) AS recorded_at,
           greatest(p.happened_at, max(n.happened_at) FILTER (WHERE n.comes_in <> n.goes_out) OVER w)
               AS last_happened_at,
           greatest(p.counted_at, max(n.happened_at) FILTER (WHERE n.kind = 'count') OVER w) AS counted_at,
           p.on_hand + sum(CASE WHEN n.comes_in = n.goes_out THEN 0 WHEN n.comes_in THEN n.quantity
                                ELSE -n.quantity END) OVER w AS on_hand,
           p.damaged + sum(CASE 'damaged' WHEN n.target THEN n.quantity WHEN n.source THEN -n.quantity
                           ELSE 0 END) OVER w AS damaged,
           p.quality_hold + sum(CASE 'quality_hold' WHEN n.target THEN n.quantity WHEN n.source THEN -n.quantity
                                ELSE 0 END) OVER w AS quality_hold,
           p.quarantine + sum(CASE 'quarantine' WHEN n.target THEN n.quantity WHEN n.source THEN -n.quantity
                              ELSE 0 END) OVER w AS quarantine,
           p.display + sum(CASE 'display' WHEN n.target THEN n.quantity WHEN n.source THEN -n.quantity
                           ELSE 0 END) OVER w AS display,
           p.repair + sum(CASE 'repair' WHEN n.target THEN n.quantity WHEN n.source THEN -n.quantity
                          ELSE 0 END) OVER w AS repair,
           p.return_to_vendor + sum(CASE 'return_to_vendor' WHEN n.target THEN n.quantity WHEN n.source THEN -n.quantity
                                    ELSE 0 END) OVER w AS return_to_vendor,
           p.held + sum(CASE 'held' WHEN n.target THEN n.quantity WHEN n.source THEN -n.quantity
                        ELSE 0 END) OVER w AS held,
           p.allocated + sum(CASE 'allocated' WHEN n.target THEN n.quantity WHEN n.source THEN -n.quantity
                             ELSE 0 END) OVER w AS allocated,
           p.in_transit + sum(CASE 'in_transit' WHEN n.target THEN n.quantity WHEN n.source THEN -n.quantity
                              ELSE 0 END) OVER w AS in_transit,
           p.on_order + sum(CASE 'on_order' WHEN n.target THEN n.quantity WHEN n.source THEN -n.quantity
                            ELSE 0 END) OVER w AS on_order,
           p.dated + sum(CASE 'dated' WHEN n.target THEN n.quantity WHEN n.source THEN -n.quantity
                         ELSE 0 END) OVER w AS dated,
           p.backordered + sum(CASE 'backordered' WHEN n.target THEN n.quantity WHEN n.source THEN -n.quantity
                               ELSE 0 END) OVER w AS backordered
      FROM posting n
      JOIN inventory.position p USING (sku, location, condition)
    WINDOW w AS (PARTITION BY n.slot ORDER BY n.n ROWS UNBOUNDED PRECEDING)
), weighed AS (
    SELECT *, held + allocated AS promised,
           CASE WHEN target IN ('held', 'allocated') THEN quantity ELSE 0 END
           - CASE WHEN source IN ('held', 'allocated') THEN quantity ELSE 0 END AS promised_by_it,
           on_hand - damaged - quality_hold - quarantine - display - repair - return_to_vendor AS usable,
           CASE WHEN target IN ('available', 'held', 'allocated') THEN quantity ELSE 0 END
           - CASE WHEN source IN ('available', 'held', 'allocated') THEN quantity ELSE 0 END AS usable_by_it
      FROM balance
), judged AS (
    SELECT *, greatest(0, promised - greatest(0, usable)) AS short FROM weighed
), ledger AS (
    INSERT INTO inventory.movement
           (id, kind, sku, location, condition, version, from_account, to_account, quantity, on_hand, damaged,
            quality_hold, quarantine, display, repair, return_to_vendor, held, allocated, in_transit, on_order, dated,
            backordered, short_before, short, key, reason, happened_at, recorded_at, correlation_id, causation_id,
            source)
    SELECT id, kind, sku, location, condition, version, source, target, quantity, on_hand, damaged,
           quality_hold, quarantine, display, repair, return_to_vendor, held, allocated, in_transit, on_order, dated,
           backordered, greatest(0, promised - promised_by_it - greatest(0, usable - usable_by_it)), short, key, reason,
           happened_at, recorded_at, correlation_id, %(causation)s::uuid, %(source)s
      FROM judged
)
UPDATE inventory.position p
   SET on_hand = r.on_hand, damaged = r.damaged, quality_hold = r.quality_hold, quarantine = r.quarantine,
       display = r.display, repair = r.repair, return_to_vendor = r.return_to_vendor, held = r.held,
       allocated = r.allocated, in_transit = r.in_transit, on_order = r.on_order, dated = r.dated,
       backordered = r.backordered, short = r.short, version = r.version, changed_at = r.recorded_at,
       happened_at = r.last_happened_at, counted_at = r.counted_at
  FROM judged r
 WHERE r.ends AND p.sku = r.sku AND p.location = r.location AND p.condition = r.condition
   AND p.version = r.version_at_first
"""

# Promises: only available, held and allocated change, and `short` may fall but never rise. A promise beyond the goods
# therefore fails at the table's CHECK, whatever the program believed.
POST_PROMISES: Final[LiteralString] = """
WITH balance AS (
    SELECT n.id, n.slot, n.ends, n.kind, n.source, n.target, n.quantity, n.key, n.reason, n.happened_at,
           n.correlation_id, p.sku, p.location, p.condition, p.on_hand, p.damaged, p.quality_hold, p.quarantine,
           p.display, p.repair, p.return_to_vendor, p.in_transit, p.on_order, p.dated, p.backordered,
           p.version AS version_at_first, p.version + row_number() OVER w AS version,
           greatest(%(now)s, p.changed_at) AS recorded_at,
           p.held + sum(CASE 'held' WHEN n.target THEN n.quantity WHEN n.source THEN -n.quantity
                        ELSE 0 END) OVER w AS held,
           p.allocated + sum(CASE 'allocated' WHEN n.target THEN n.quantity WHEN n.source THEN -n.quantity
                             ELSE 0 END) OVER w AS allocated
      FROM unnest(%(ids)b::uuid[], %(slots)b::int[], %(ends)b::boolean[], %(skus)b::text[], %(locations)b::text[],
                  %(conditions)b::text[], %(kinds)b::text[], %(sources)b::text[], %(targets)b::text[],
                  %(quantities)b::numeric[], %(keys)b::text[], %(reasons)b::text[], %(happened)b::timestamptz[],
                  %(correlations)b::uuid[])
           WITH ORDINALITY AS n(id, slot, ends, sku, location, condition, kind, source, target, quantity, key, reason,
                                happened_at, correlation_id, n)
      JOIN inventory.position p USING (sku, location, condition)
    WINDOW w AS (PARTITION BY n.slot ORDER BY n.n ROWS UNBOUNDED PRECEDING)
), weighed AS (
    SELECT *, held + allocated AS promised,
           CASE WHEN target IN ('held', 'allocated') THEN quantity ELSE 0 END
           - CASE WHEN source IN ('held', 'allocated') THEN quantity ELSE 0 END AS promised_by_it,
           on_hand - damaged - quality_hold - quarantine - display - repair - return_to_vendor AS usable,
           0 AS usable_by_it
      FROM balance
), judged AS (
    SELECT *, greatest(0, promised - greatest(0, usable)) AS short FROM weighed
), ledger AS (
    INSERT INTO inventory.movement
           (id, kind, sku, location, condition, version, from_account, to_account, quantity, on_hand, damaged,
            quality_hold, quarantine, display, repair, return_to_vendor, held, allocated, in_transit, on_order, dated,
            backordered, short_before, short, key, reason, happened_at, recorded_at, correlation_id, causation_id,
            source)
    SELECT id, kind, sku, location, condition, version, source, target, quantity, on_hand, damaged,
           quality_hold, quarantine, display, repair, return_to_vendor, held, allocated, in_transit, on_order, dated,
           backordered, greatest(0, promised - promised_by_it - greatest(0, usable - usable_by_it)), short, key, reason,
           happened_at, recorded_at, correlation_id, %(causation)s::uuid, %(source)s
      FROM judged
)
UPDATE inventory.position p
   SET held = r.held, allocated = r.allocated, short = least(p.short, r.short), version = r.version,
       changed_at = r.recorded_at
  FROM judged r
 WHERE r.ends AND p.sku = r.sku AND p.location = r.location AND p.condition = r.condition
   AND p.version = r.version_at_first
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


async def lock(tx: Tx, keys: set[PositionKey], *, make: bool) -> list[Position]:
    """The positions of *keys* that exist, locked until the transaction ends; *make* makes the missing ones."""
    places = Places.of(keys)
    if make:
        await execute(tx, MAKE, places.params)
    return await fetch_all(tx, LOCK, Position, places.params)


async def post_floor(tx: Tx, postings: Sequence[Posting], *, origin: Origin, now: datetime) -> None:
    """Write ledger rows of any kind and move their positions' counters."""
    slots, params = _rows(postings, origin, now)
    touched = await execute(tx, POST_FLOOR, params)
    assert touched == slots, f"{touched} of {slots} positions were locked and present"


async def post_promises(tx: Tx, postings: Sequence[Posting], *, origin: Origin, now: datetime) -> None:
    """Write ledger rows between available, held and allocated and move their positions' counters."""
    slots, params = _rows(postings, origin, now)
    touched = await execute(tx, POST_PROMISES, params)
    assert touched == slots, f"{touched} of {slots} positions were locked and present"


def _rows(postings: Sequence[Posting], origin: Origin, now: datetime) -> tuple[int, dict[str, object]]:
    last = {posting.position: n for n, posting in enumerate(postings)}
    slots = {key: n for n, key in enumerate(last)}
    return len(slots), {
        "ids": [new_id() for _ in postings],
        "slots": [slots[posting.position] for posting in postings],
        "ends": [last[posting.position] == n for n, posting in enumerate(postings)],
        "skus": [posting.position.sku for posting in postings],
        "locations": [posting.position.location for posting in postings],
        "conditions": [posting.position.condition for posting in postings],
        "kinds": [posting.kind.value for posting in postings],
        "sources": [posting.source.value for posting in postings],
        "targets": [posting.target.value for posting in postings],
        "quantities": [posting.quantity for posting in postings],
        "keys": [posting.key for posting in postings],
        "reasons": [posting.reason for posting in postings],
        "happened": [min(posting.happened_at, now) for posting in postings],
        "correlations": [posting.correlation_id or origin.correlation_id for posting in postings],
        "causation": origin.causation_id,
        "source": origin.source,
        "now": now,
    }


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
