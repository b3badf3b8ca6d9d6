"""SQL that writes ledger rows and the balances they leave behind, in one statement: neither without the other."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, LiteralString

from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx, fetch_value
from crossdock.foundation.ids import new_ids
from crossdock.inventory.arrays import Numbered, columns
from crossdock.inventory.model import PositionKey, Posting

# Balances are those that the database holds plus what the entries move, never numbers that a program hands in. A facts
# batch leaves `short` and `late` as they are then; any other may lower them but never raise them, so a promise beyond the
# goods, or beyond what is under way, fails at the CHECK of the table that takes the balances, whatever the program
# believed. So does a backorder beyond the limit that its statement was given, or was given before.
#
# The position's own row is written unless that was done a moment ago; then the balances become a row of `running`. Who
# writes without having locked finds that the version has moved on, or meets it in `running`'s key: fewer balances are
# written than there are positions, and the transaction fails.
POST: Final[LiteralString] = """
WITH way AS MATERIALIZED (
    SELECT *, (target IN ('held', 'allocated'))::int - (source IN ('held', 'allocated'))::int AS promises,
           (target IN ('available', 'held', 'allocated'))::int
           - (source IN ('available', 'held', 'allocated'))::int AS brings_usable,
           (target NOT IN ('outside', 'in_transit', 'on_order', 'dated', 'backordered'))::int
           - (source NOT IN ('outside', 'in_transit', 'on_order', 'dated', 'backordered'))::int AS brings
      FROM unnest(%(kinds)b::text[], %(sources)b::text[], %(targets)b::text[], %(reasons)b::text[],
                  %(happened)b::timestamptz[]) WITH ORDINALITY AS w(kind, source, target, reason, happened_at, way)
), place AS MATERIALIZED (
    SELECT s.slot, s.stamp, p.*, greatest(%(now)s, p.changed_at) AS recorded_at,
           on_hand - damaged - quality_hold - quarantine - display - repair - return_to_vendor AS usable
      FROM unnest(%(skus)b::text[], %(locations)b::text[], %(conditions)b::text[], %(limits)b::numeric[])
           WITH ORDINALITY AS s(sku, location, condition, stamp, slot)
      JOIN inventory.standing p USING (sku, location, condition)
), entry AS MATERIALIZED (
    SELECT e.*, w.kind, w.source, w.target, w.reason, w.happened_at,
           CASE w.promises WHEN 1 THEN e.quantity WHEN -1 THEN -e.quantity ELSE 0 END AS promised,
           CASE w.brings_usable WHEN 1 THEN e.quantity WHEN -1 THEN -e.quantity ELSE 0 END AS usable
      FROM unnest(%(ids)b::uuid[], %(slots)b::int[], %(ways)b::int[], %(quantities)b::numeric[], %(keys)b::text[],
                  %(correlations)b::uuid[]) WITH ORDINALITY AS e(id, slot, way, quantity, key, correlation_id, n)
      JOIN way w USING (way)
), moved AS (
    SELECT slot, way, sum(quantity) AS units, count(*) AS entries FROM entry GROUP BY slot, way
), total AS (
    SELECT m.slot, sum(m.entries) AS entries, min(w.happened_at) AS earliest,
           max(w.happened_at) FILTER (WHERE w.brings <> 0) AS happened_at,
           max(w.happened_at) FILTER (WHERE w.kind = 'count') AS counted_at,
           sum(m.units * w.brings) AS on_hand,
           sum(CASE 'damaged' WHEN target THEN units WHEN source THEN -units ELSE 0 END) AS damaged,
           sum(CASE 'quality_hold' WHEN target THEN units WHEN source THEN -units ELSE 0 END) AS quality_hold,
           sum(CASE 'quarantine' WHEN target THEN units WHEN source THEN -units ELSE 0 END) AS quarantine,
           sum(CASE 'display' WHEN target THEN units WHEN source THEN -units ELSE 0 END) AS display,
           sum(CASE 'repair' WHEN target THEN units WHEN source THEN -units ELSE 0 END) AS repair,
           sum(CASE 'return_to_vendor' WHEN target THEN units WHEN source THEN -units ELSE 0 END) AS return_to_vendor,
           sum(CASE 'held' WHEN target THEN units WHEN source THEN -units ELSE 0 END) AS held,
           sum(CASE 'allocated' WHEN target THEN units WHEN source THEN -units ELSE 0 END) AS allocated,
           sum(CASE 'in_transit' WHEN target THEN units WHEN source THEN -units ELSE 0 END) AS in_transit,
           sum(CASE 'on_order' WHEN target THEN units WHEN source THEN -units ELSE 0 END) AS on_order,
           sum(CASE 'dated' WHEN target THEN units WHEN source THEN -units ELSE 0 END) AS dated,
           sum(CASE 'backordered' WHEN target THEN units WHEN source THEN -units ELSE 0 END) AS backordered
      FROM moved m
      JOIN way w USING (way)
     GROUP BY m.slot
), balance AS (
    SELECT slot, p.sku, p.location, p.condition, p.row_version, p.recorded_at, t.earliest,
           p.row_written_at > %(now)s - interval '250 ms' AS busy, p.short AS short_before, p.late AS late_before,
           p.backorder_limit, p.stamp, p.backordered AS backordered_before,
           p.version + t.entries AS version, greatest(p.happened_at, t.happened_at) AS happened_at,
           greatest(p.counted_at, t.counted_at) AS counted_at, p.on_hand + t.on_hand AS on_hand,
           p.damaged + t.damaged AS damaged, p.quality_hold + t.quality_hold AS quality_hold,
           p.quarantine + t.quarantine AS quarantine, p.display + t.display AS display, p.repair + t.repair AS repair,
           p.return_to_vendor + t.return_to_vendor AS return_to_vendor, p.held + t.held AS held,
           p.allocated + t.allocated AS allocated, p.in_transit + t.in_transit AS in_transit,
           p.on_order + t.on_order AS on_order, p.dated + t.dated AS dated,
           p.backordered + t.backordered AS backordered
      FROM total t
      JOIN place p USING (slot)
), closing AS MATERIALIZED (
    SELECT *, greatest(0, held + allocated - greatest(0, on_hand - damaged - quality_hold - quarantine - display
                                                         - repair - return_to_vendor)) AS short,
           greatest(0, dated - on_order - in_transit) AS late,
           CASE WHEN %(facts)s THEN greatest(backorder_limit, backordered)
                WHEN stamp IS NOT NULL THEN greatest(stamp, backordered_before)
                ELSE backorder_limit END AS limit_after
      FROM balance
), running_entry AS (
    SELECT e.*, p.sku, p.location, p.condition, p.recorded_at, p.version + row_number() OVER w AS version,
           p.held + p.allocated + sum(e.promised) OVER w AS promised_after,
           p.usable + sum(e.usable) OVER w AS usable_after
      FROM entry e
      JOIN place p USING (slot)
    WINDOW w AS (PARTITION BY e.slot ORDER BY e.n ROWS UNBOUNDED PRECEDING)
), ledger AS (
    INSERT INTO inventory.movement
           (id, kind, sku, location, condition, version, from_account, to_account, quantity, short_before, short, key,
            reason, happened_at, recorded_at, correlation_id, causation_id, source, earliest, on_hand, damaged,
            quality_hold, quarantine, display, repair, return_to_vendor, held, allocated, in_transit, on_order, dated,
            backordered)
    SELECT e.id, e.kind, e.sku, e.location, e.condition, e.version, e.source, e.target, e.quantity,
           greatest(0, e.promised_after - e.promised - greatest(0, e.usable_after - e.usable)),
           greatest(0, e.promised_after - greatest(0, e.usable_after)), e.key,
           e.reason, e.happened_at, e.recorded_at, e.correlation_id, %(causation)s::uuid, %(source)s, c.earliest,
           c.on_hand, c.damaged, c.quality_hold, c.quarantine, c.display, c.repair, c.return_to_vendor, c.held,
           c.allocated, c.in_transit, c.on_order, c.dated, c.backordered
      FROM running_entry e
      LEFT JOIN closing c ON c.slot = e.slot AND c.version = e.version
), written AS (
    UPDATE inventory.position p
       SET on_hand = c.on_hand, damaged = c.damaged, quality_hold = c.quality_hold, quarantine = c.quarantine,
           display = c.display, repair = c.repair, return_to_vendor = c.return_to_vendor, held = c.held,
           allocated = c.allocated, in_transit = c.in_transit, on_order = c.on_order, dated = c.dated,
           backordered = c.backordered,
           short = CASE WHEN %(facts)s THEN c.short ELSE least(c.short_before, c.short) END,
           late = CASE WHEN %(facts)s THEN c.late ELSE least(c.late_before, c.late) END,
           backorder_limit = c.limit_after,
           version = c.version, changed_at = c.recorded_at, happened_at = c.happened_at, counted_at = c.counted_at
      FROM closing c
     WHERE NOT c.busy AND p.sku = c.sku AND p.location = c.location AND p.condition = c.condition
       AND p.version = c.row_version
    RETURNING p.sku, p.location, p.condition, p.version, c.row_version
), run AS (
    INSERT INTO inventory.running
           (sku, location, condition, version, on_hand, damaged, quality_hold, quarantine, display, repair,
            return_to_vendor, held, allocated, in_transit, on_order, dated, backordered, short, late, backorder_limit,
            changed_at, happened_at, counted_at)
    SELECT sku, location, condition, version, on_hand, damaged, quality_hold, quarantine, display, repair,
           return_to_vendor, held, allocated, in_transit, on_order, dated, backordered,
           CASE WHEN %(facts)s THEN short ELSE least(short_before, short) END,
           CASE WHEN %(facts)s THEN late ELSE least(late_before, late) END, limit_after, recorded_at, happened_at,
           counted_at
      FROM closing
     WHERE busy
    RETURNING version
), superseded AS (
    DELETE FROM inventory.running r
     USING written w
     WHERE r.sku = w.sku AND r.location = w.location AND r.condition = w.condition
       AND r.version > w.row_version AND r.version < w.version
)
SELECT (SELECT count(*) FROM written) + (SELECT count(*) FROM run)
"""


NO_LIMITS: Final[Mapping[PositionKey, Decimal]] = {}


async def write(
    tx: Tx,
    postings: Sequence[Posting],
    *,
    origin: Origin,
    now: datetime,
    facts: bool,
    limits: Mapping[PositionKey, Decimal] = NO_LIMITS,
) -> None:
    """Write entries of locked positions; only *facts* from the floor may leave promises without goods.

    *limits*: how many units may wait at a position, where these entries let some wait.
    """
    places = Numbered[PositionKey]()
    ways = Numbered[tuple[str, str, str, str, datetime]]()
    slots = [places.of(posting.position) for posting in postings]
    numbers = [ways.of(_way(posting, now)) for posting in postings]
    touched = await fetch_value(
        tx,
        POST,
        int,
        {
            **columns(("skus", "locations", "conditions"), places.numbers),
            **columns(("kinds", "sources", "targets", "reasons", "happened"), ways.numbers),
            "limits": [limits.get(place) for place in places.numbers],
            "ids": new_ids(len(postings)),
            "slots": slots,
            "ways": numbers,
            "quantities": [posting.quantity for posting in postings],
            "keys": [posting.key for posting in postings],
            "correlations": [posting.correlation_id or origin.correlation_id for posting in postings],
            "causation": origin.causation_id,
            "source": origin.source,
            "facts": facts,
            "now": now,
        },
    )
    assert touched == len(places.numbers), f"{touched} of {len(places.numbers)} positions were locked and present"


def _way(posting: Posting, now: datetime) -> tuple[str, str, str, str, datetime]:
    happened_at = min(posting.happened_at, now)
    return posting.kind.value, posting.source.value, posting.target.value, posting.reason, happened_at
