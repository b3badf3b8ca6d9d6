"""SQL of what channels are told."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, LiteralString

from crossdock.availability.model import Announcement, Confirmation, Confirmed, NewTarget, Target
from crossdock.canonical.base import ChannelCode, Sku
from crossdock.foundation.db import Tx, execute, fetch_all, fetch_one, fetch_tuples
from crossdock.inventory.model import LedgerCursor

LOCK_PROGRESS: Final[LiteralString] = """
SELECT xid, seq FROM availability.progress FOR UPDATE
"""

MOVE_PROGRESS: Final[LiteralString] = """
UPDATE availability.progress SET xid = %(xid)s, seq = %(seq)s, moved_at = clock_timestamp()
"""

# What is marked again before it was looked at keeps its earliest mark: freshness is counted from there.
MARK: Final[LiteralString] = """
INSERT INTO availability.dirty (sku, marked_at)
SELECT DISTINCT sku, %(now)s::timestamptz FROM unnest(%(skus)b::text[]) AS new(sku)
 ORDER BY 1
    ON CONFLICT (sku) DO NOTHING
"""

MARK_ALL: Final[LiteralString] = """
INSERT INTO availability.dirty (sku, marked_at)
SELECT DISTINCT sku, %(now)s::timestamptz
  FROM availability.target
 WHERE %(channel)s::text IS NULL OR channel = %(channel)s::text
 ORDER BY 1
    ON CONFLICT (sku) DO NOTHING
"""

TAKE_MARKED: Final[LiteralString] = """
DELETE FROM availability.dirty
 WHERE sku IN (SELECT sku FROM availability.dirty ORDER BY marked_at, sku LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING sku, marked_at
"""

CURRENT: Final[LiteralString] = """
SELECT channel, sku, quantity FROM availability.target WHERE sku = ANY(%(skus)b::text[])
"""

# While older news is unconfirmed, the age of the oldest counts: freshness is from the fact to the confirmation.
SET_TARGETS: Final[LiteralString] = """
WITH set AS (
    INSERT INTO availability.target AS t (channel, sku, quantity, version, urgent, happened_at, decided_at)
    SELECT channel, sku, quantity, 1, urgent, happened_at, %(now)s
      FROM unnest(%(channels)b::text[], %(skus)b::text[], %(quantities)b::numeric[], %(urgent)b::boolean[],
                  %(happened)b::timestamptz[]) AS new(channel, sku, quantity, urgent, happened_at)
        ON CONFLICT (channel, sku) DO UPDATE
       SET quantity = excluded.quantity, version = t.version + 1,
           urgent = excluded.urgent OR (t.urgent AND t.confirmed_version < t.version),
           happened_at = CASE WHEN t.confirmed_version < t.version THEN least(t.happened_at, excluded.happened_at)
                              ELSE excluded.happened_at END,
           decided_at = excluded.decided_at
    RETURNING channel, sku, version, quantity, happened_at, decided_at
)
INSERT INTO availability.announcement (channel, sku, version, quantity, happened_at, decided_at)
SELECT channel, sku, version, quantity, happened_at, decided_at FROM set
"""

PENDING: Final[LiteralString] = """
SELECT channel, sku, trim_scale(quantity) AS quantity, version, urgent, happened_at, decided_at, confirmed_version,
       trim_scale(confirmed_quantity) AS confirmed_quantity, confirmed_at
  FROM availability.target
 WHERE channel = %(channel)s AND confirmed_version < version
 ORDER BY urgent DESC, happened_at
 LIMIT %(limit)s
"""

TARGETS: Final[LiteralString] = """
SELECT channel, sku, trim_scale(quantity) AS quantity, version, urgent, happened_at, decided_at, confirmed_version,
       trim_scale(confirmed_quantity) AS confirmed_quantity, confirmed_at
  FROM availability.target
 WHERE channel = %(channel)s AND sku > %(after)s
 ORDER BY sku
 LIMIT %(limit)s
"""

# History first; the target takes a confirmation only forward, late ones change nothing.
CONFIRM: Final[LiteralString] = """
WITH said AS (
    SELECT sku, version, quantity
      FROM unnest(%(skus)b::text[], %(versions)b::bigint[], %(quantities)b::numeric[]) AS s(sku, version, quantity)
), kept AS (
    INSERT INTO availability.confirmation (channel, sku, version, quantity, confirmed_at)
    SELECT %(channel)s, sku, version, quantity, %(now)s FROM said
)
UPDATE availability.target t
   SET confirmed_version = newest.version, confirmed_quantity = newest.quantity, confirmed_at = %(now)s
  FROM (SELECT DISTINCT ON (sku) sku, version, quantity FROM said ORDER BY sku, version DESC) AS newest
 WHERE t.channel = %(channel)s AND t.sku = newest.sku AND newest.version > t.confirmed_version
"""

# What a channel holds although we did not tell it (it sold some itself) is the base of the next telling; when it is
# what it shall hold, there is nothing to tell.
FOUND: Final[LiteralString] = """
UPDATE availability.target
   SET confirmed_quantity = %(quantity)s, confirmed_at = %(now)s,
       confirmed_version = CASE WHEN quantity = %(quantity)s THEN version ELSE confirmed_version END
 WHERE channel = %(channel)s AND sku = %(sku)s
"""

ANNOUNCED: Final[LiteralString] = """
SELECT version, trim_scale(quantity) AS quantity, happened_at, decided_at
  FROM availability.announcement
 WHERE channel = %(channel)s AND sku = %(sku)s AND decided_at <= %(at)s
 ORDER BY version DESC
 LIMIT 1
"""

# The answer to what was said at a moment may have come later.
ANSWERED: Final[LiteralString] = """
SELECT version, trim_scale(quantity) AS quantity, confirmed_at
  FROM availability.confirmation
 WHERE channel = %(channel)s AND sku = %(sku)s AND version >= %(version)s
 ORDER BY confirmed_at, position
 LIMIT 1
"""

CONFIRMED: Final[LiteralString] = """
SELECT version, trim_scale(quantity) AS quantity, confirmed_at
  FROM availability.confirmation
 WHERE channel = %(channel)s AND sku = %(sku)s AND confirmed_at <= %(at)s
 ORDER BY confirmed_at DESC, position DESC
 LIMIT 1
"""


async def lock_progress(tx: Tx) -> LedgerCursor:
    """How far the ledger was read; locked until the transaction ends."""
    found = await fetch_one(tx, LOCK_PROGRESS, LedgerCursor)
    assert found is not None, "availability.progress lost its row"
    return found


async def move_progress(tx: Tx, cursor: LedgerCursor) -> None:
    """Remember how far the ledger was read."""
    await execute(tx, MOVE_PROGRESS, cursor._asdict())


async def mark(tx: Tx, skus: Collection[Sku], now: datetime) -> None:
    """These must be computed anew."""
    await execute(tx, MARK, {"skus": list(skus), "now": now})


async def mark_all(tx: Tx, channel: ChannelCode | None, now: datetime) -> None:
    """Everything that the channel (or any) shows must be computed anew."""
    await execute(tx, MARK_ALL, {"channel": channel, "now": now})


async def take_marked(tx: Tx, limit: int) -> Mapping[Sku, datetime]:
    """The longest marked items, marked no longer."""
    return dict(await fetch_tuples(tx, TAKE_MARKED, {"limit": limit}))


async def current(tx: Tx, skus: Collection[Sku]) -> Mapping[tuple[ChannelCode, Sku], Decimal]:
    """The numbers that channels shall show so far."""
    rows = await fetch_tuples(tx, CURRENT, {"skus": list(skus)})
    return {(channel, sku): quantity for channel, sku, quantity in rows}


async def set_targets(tx: Tx, targets: Sequence[NewTarget], happened: Mapping[Sku, datetime], now: datetime) -> None:
    """Write new numbers; each raises its version."""
    await execute(
        tx,
        SET_TARGETS,
        {
            "channels": [target.channel for target in targets],
            "skus": [target.sku for target in targets],
            "quantities": [target.quantity for target in targets],
            "urgent": [target.urgent for target in targets],
            "happened": [happened.get(target.sku, now) for target in targets],
            "now": now,
        },
    )


async def pending(tx: Tx, channel: ChannelCode, *, limit: int) -> Sequence[Target]:
    """Numbers the channel has not confirmed, urgent ones first, then the longest waiting."""
    return await fetch_all(tx, PENDING, Target, {"channel": channel, "limit": limit})


async def targets(tx: Tx, channel: ChannelCode, *, after: Sku, limit: int) -> Sequence[Target]:
    """Every number of a channel, by SKU."""
    return await fetch_all(tx, TARGETS, Target, {"channel": channel, "after": after, "limit": limit})


async def confirm(tx: Tx, channel: ChannelCode, confirmed: Sequence[Confirmed], now: datetime) -> None:
    """Keep what the channel confirmed."""
    await execute(
        tx,
        CONFIRM,
        {
            "channel": channel,
            "skus": [said.sku for said in confirmed],
            "versions": [said.version for said in confirmed],
            "quantities": [said.quantity for said in confirmed],
            "now": now,
        },
    )


async def found(tx: Tx, channel: ChannelCode, sku: Sku, quantity: Decimal, now: datetime) -> None:
    """The channel was seen to hold a number."""
    await execute(tx, FOUND, {"channel": channel, "sku": sku, "quantity": quantity, "now": now})


async def announced(tx: Tx, channel: ChannelCode, sku: Sku, at: datetime) -> Announcement | None:
    """The number that the channel was to show at a moment."""
    return await fetch_one(tx, ANNOUNCED, Announcement, {"channel": channel, "sku": sku, "at": at})


async def last_confirmed(tx: Tx, channel: ChannelCode, sku: Sku, at: datetime) -> Confirmation | None:
    """The last confirmation by a moment."""
    return await fetch_one(tx, CONFIRMED, Confirmation, {"channel": channel, "sku": sku, "at": at})


async def answered(tx: Tx, channel: ChannelCode, sku: Sku, version: int) -> Confirmation | None:
    """The first confirmation of that version, or of a newer one."""
    return await fetch_one(tx, ANSWERED, Confirmation, {"channel": channel, "sku": sku, "version": version})
