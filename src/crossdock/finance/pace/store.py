"""SQL of tills' pace: receipts per hour, and when each till was heard last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from crossdock.canonical.base import LocationCode
from crossdock.foundation.db import Tx, execute, fetch_all, fetch_tuples

COUNT: Final[LiteralString] = """
INSERT INTO finance.till_hour (store, till, hour, receipts)
SELECT store, till, date_trunc('hour', at, 'UTC'), count(*)
  FROM unnest(%(stores)b::text[], %(tills)b::text[], %(moments)b::timestamptz[]) AS told(store, till, at)
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3
    ON CONFLICT (store, till, hour) DO UPDATE SET receipts = till_hour.receipts + excluded.receipts
"""

SPEAK: Final[LiteralString] = """
UPDATE finance.till_watch
   SET silent_since = NULL
 WHERE silent_since IS NOT NULL
   AND (store, till) IN (SELECT * FROM unnest(%(stores)b::text[], %(tills)b::text[]))
RETURNING store, till
"""

HEAR: Final[LiteralString] = """
INSERT INTO finance.till_watch (store, till, heard_at)
SELECT store, till, max(at)
  FROM unnest(%(stores)b::text[], %(tills)b::text[], %(moments)b::timestamptz[]) AS told(store, till, at)
 GROUP BY 1, 2
 ORDER BY 1, 2
    ON CONFLICT (store, till) DO UPDATE SET heard_at = greatest(till_watch.heard_at, excluded.heard_at)
"""

QUIET: Final[LiteralString] = """
SELECT store, till, heard_at
  FROM finance.till_watch
 WHERE silent_since IS NULL AND heard_at > %(since)s AND heard_at <= %(until)s
 ORDER BY store, till
   FOR UPDATE
"""

# Hours that lie in the stretch as a whole: what was sent at its edges counts for neither side.
SENT: Final[LiteralString] = """
SELECT coalesce(sum(hour.receipts), 0)::integer
  FROM unnest(%(stores)b::text[], %(tills)b::text[], %(since)b::timestamptz[], %(until)b::timestamptz[])
       WITH ORDINALITY AS stretch(store, till, since, until, n)
  LEFT JOIN finance.till_hour AS hour
    ON hour.store = stretch.store AND hour.till = stretch.till
   AND hour.hour >= stretch.since AND hour.hour <= stretch.until - interval '1 hour'
 GROUP BY stretch.n
 ORDER BY stretch.n
"""

FALL_SILENT: Final[LiteralString] = """
UPDATE finance.till_watch
   SET silent_since = heard_at
 WHERE (store, till) IN (SELECT * FROM unnest(%(stores)b::text[], %(tills)b::text[]))
"""

SILENT: Final[LiteralString] = """
SELECT store, till, silent_since AS heard_at
  FROM finance.till_watch
 WHERE silent_since IS NOT NULL AND store = ANY(%(stores)b::text[])
 ORDER BY store, till
"""

FORGET_HOURS: Final[LiteralString] = "DELETE FROM finance.till_hour WHERE hour < %(before)s"
FORGET_TILLS: Final[LiteralString] = "DELETE FROM finance.till_watch WHERE heard_at < %(before)s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A till, and when it sent something."""

    store: LocationCode
    till: str
    heard_at: datetime


def _arrays(tills: Sequence[Heard]) -> Mapping[str, object]:
    return {
        "stores": [each.store for each in tills],
        "tills": [each.till for each in tills],
        "moments": [each.heard_at for each in tills],
    }


async def count(tx: Tx, receipts: Sequence[Heard]) -> None:
    """Add receipts to their hours."""
    await execute(tx, COUNT, _arrays(receipts))


async def hear(tx: Tx, receipts: Sequence[Heard]) -> set[tuple[str, str]]:
    """Their tills were heard; those (store, till) that were silent."""
    spoke = {(row[0], row[1]) for row in await fetch_tuples(tx, SPEAK, _arrays(receipts))}
    await execute(tx, HEAR, _arrays(receipts))
    return spoke


async def quiet(tx: Tx, since: datetime, until: datetime) -> Sequence[Heard]:
    """Tills that were heard last in that time, and of whose silence nobody was told."""
    return await fetch_all(tx, QUIET, Heard, {"since": since, "until": until})


async def sent(tx: Tx, stretches: Sequence[tuple[Heard, datetime, datetime]]) -> Sequence[int]:
    """How many receipts each till sent between two moments."""
    params = {
        **_arrays([till for till, _, _ in stretches]),
        "since": [since for _, since, _ in stretches],
        "until": [until for _, _, until in stretches],
    }
    return [int(row[0]) for row in await fetch_tuples(tx, SENT, params)]


async def fall_silent(tx: Tx, tills: Sequence[Heard]) -> None:
    """They are told of."""
    await execute(tx, FALL_SILENT, _arrays(tills))


async def silent(tx: Tx, stores: Sequence[str]) -> Sequence[Heard]:
    """All tills of these stores that are silent."""
    return await fetch_all(tx, SILENT, Heard, {"stores": stores})


async def forget(tx: Tx, before: datetime) -> None:
    """What is too old to compare with, and tills that nobody uses any more."""
    await execute(tx, FORGET_HOURS, {"before": before})
    await execute(tx, FORGET_TILLS, {"before": before})
