"""SQL of silences and of what usually leaves."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, LiteralString, NamedTuple

from crossdock.canonical.base import LocationCode, Sku
from crossdock.foundation.db import Tx, execute, fetch_one, fetch_tuples

# Insert-only, so that a past moment sees what was known then; at most one row a minute per source.
NOTE_HEARD: Final[LiteralString] = """
INSERT INTO availability.heard (source, heard_at, noted_at)
SELECT new.source, new.heard_at, %(now)s
  FROM unnest(%(sources)b::text[], %(moments)b::timestamptz[]) AS new(source, heard_at)
 WHERE NOT EXISTS (
       SELECT 1
         FROM availability.heard h
        WHERE h.source = new.source
          AND (h.heard_at >= new.heard_at OR h.noted_at > %(now)s::timestamptz - interval '1 minute'))
    ON CONFLICT (source, noted_at) DO NOTHING
"""

HEARD: Final[LiteralString] = """
SELECT s.source, h.heard_at
  FROM unnest(%(sources)b::text[]) AS s(source)
  JOIN LATERAL (
       SELECT heard_at
         FROM availability.heard h
        WHERE h.source = s.source AND h.noted_at <= %(at)s
        ORDER BY h.noted_at DESC
        LIMIT 1) AS h ON true
"""

FORGET_HEARD: Final[LiteralString] = """
DELETE FROM availability.heard
 WHERE noted_at < %(before)s
   AND EXISTS (SELECT 1 FROM availability.heard n WHERE n.source = heard.source AND n.noted_at > heard.noted_at)
"""

BEGIN: Final[LiteralString] = """
INSERT INTO availability.pace_progress (counted_from, counted_until) VALUES (%(start)s, %(start)s)
    ON CONFLICT (single) DO NOTHING
"""

LOCK: Final[LiteralString] = """
SELECT counted_from, counted_until FROM availability.pace_progress FOR UPDATE
"""

PROGRESS: Final[LiteralString] = """
SELECT counted_from, counted_until FROM availability.pace_progress
"""

MOVE: Final[LiteralString] = """
UPDATE availability.pace_progress SET counted_until = %(until)s
"""

ADD: Final[LiteralString] = """
INSERT INTO availability.sold AS s (sku, location, day, units)
SELECT sku, location, %(day)s, units
  FROM unnest(%(skus)b::text[], %(locations)b::text[], %(units)b::numeric[]) AS new(sku, location, units)
    ON CONFLICT (sku, location, day) DO UPDATE SET units = s.units + excluded.units
"""

SOLD: Final[LiteralString] = """
SELECT sku, location, trim_scale(sum(units))
  FROM availability.sold
 WHERE sku = ANY(%(skus)b::text[]) AND day >= %(first)s AND day < %(end)s
 GROUP BY sku, location
"""

FORGET_SOLD: Final[LiteralString] = """
DELETE FROM availability.sold WHERE day < %(before)s
"""


class Progress(NamedTuple):
    """Since when, and up to when, the ledger was counted."""

    counted_from: datetime
    counted_until: datetime


async def note_heard(tx: Tx, heard: Mapping[str, datetime], now: datetime) -> int:
    """Write down who was heard when, where that is news; how many."""
    return await execute(tx, NOTE_HEARD, {"sources": list(heard), "moments": list(heard.values()), "now": now})


async def heard(tx: Tx, sources: Collection[str], at: datetime) -> Mapping[str, datetime]:
    """When each source had last been heard, as was known at a moment."""
    return dict(await fetch_tuples(tx, HEARD, {"sources": list(sources), "at": at}))


async def begin(tx: Tx, start: datetime) -> None:
    """Count from a moment on, unless something was counted already."""
    await execute(tx, BEGIN, {"start": start})


async def lock(tx: Tx) -> Progress:
    """How far the ledger was counted; locked until the transaction ends."""
    found = await fetch_one(tx, LOCK, Progress)
    assert found is not None
    return found


async def progress(tx: Tx) -> Progress | None:
    """How far the ledger was counted; None when nobody has begun."""
    return await fetch_one(tx, PROGRESS, Progress)


async def move(tx: Tx, until: datetime) -> None:
    """Everything before is counted."""
    await execute(tx, MOVE, {"until": until})


async def add(tx: Tx, day: date, sold: Sequence[tuple[Sku, LocationCode, Decimal]]) -> None:
    """Add what left on a day."""
    params = {
        "day": day,
        "skus": [sku for sku, _, _ in sold],
        "locations": [location for _, location, _ in sold],
        "units": [units for _, _, units in sold],
    }
    await execute(tx, ADD, params)


async def sold(tx: Tx, skus: Collection[Sku], first: date, end: date) -> Sequence[tuple[Sku, LocationCode, Decimal]]:
    """What left per item and location from day *first* on, before day *end*."""
    rows = await fetch_tuples(tx, SOLD, {"skus": list(skus), "first": first, "end": end})
    return [(sku, location, units) for sku, location, units in rows]


async def forget(tx: Tx, before: datetime) -> None:
    """What nobody can ask for any more."""
    await execute(tx, FORGET_HEARD, {"before": before})
    await execute(tx, FORGET_SOLD, {"before": before.date()})
