"""SQL of the log's months."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from crossdock.foundation.db import Tx, execute, fetch_tuples, fetch_value

PATIENCE: Final[LiteralString] = "SET LOCAL lock_timeout = '3s'"

MAKE_PARTITION: Final[LiteralString] = """
SELECT eventlog.make_partition(%(month)s::text, %(low)s::uuid, %(high)s::uuid)
"""

DROP_MONTH: Final[LiteralString] = """
SELECT eventlog.drop_month(%(month)s::text, %(low)s::uuid, %(high)s::uuid)
"""

MONTHS: Final[LiteralString] = """
SELECT right(relname, 7)
  FROM pg_class
 WHERE relnamespace = 'eventlog'::regnamespace AND relkind = 'r' AND relname ~ '^event_\\d{4}_\\d{2}$'
 ORDER BY relname
"""

OLDEST_LOOSE: Final[LiteralString] = """
SELECT id FROM eventlog.event_default ORDER BY id LIMIT 1
"""

READERS: Final[LiteralString] = "SELECT name, moved_at FROM eventlog.cursor ORDER BY name"

# Who has not passed the last fact of a month.
BEHIND: Final[LiteralString] = """
SELECT cursor.name
  FROM eventlog.cursor,
       (SELECT xid, position FROM eventlog.event WHERE id >= %(low)s AND id < %(high)s
         ORDER BY xid DESC, position DESC LIMIT 1) AS last
 WHERE (cursor.xid, cursor.position) < (last.xid, last.position)
"""

FORGET_READER: Final[LiteralString] = "DELETE FROM eventlog.cursor WHERE name = %(name)s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Somebody who reads the log."""

    name: str
    moved_at: datetime
    holds: str
    """The oldest month past its retention that it has not read to the end; empty when it holds none."""


async def be_patient(tx: Tx) -> None:
    """Wait a moment for locks, then give up: upkeep must not queue up traffic behind itself."""
    await execute(tx, PATIENCE)


async def make_partition(tx: Tx, month: str, low: UUID, high: UUID) -> bool:
    """Make a month's partition; False when it is there."""
    return bool(await fetch_value(tx, MAKE_PARTITION, bool, {"month": month, "low": low, "high": high}))


async def drop_month(tx: Tx, month: str, low: UUID, high: UUID) -> bool:
    """Drop a month; False when a reader or the seals have not passed it."""
    return bool(await fetch_value(tx, DROP_MONTH, bool, {"month": month, "low": low, "high": high}))


async def made_months(tx: Tx) -> Sequence[str]:
    """Months that have a partition, oldest first, as `2026_11`."""
    return [str(month) for (month,) in await fetch_tuples(tx, MONTHS)]


async def oldest_loose(tx: Tx) -> UUID | None:
    """The oldest fact outside the months."""
    return await fetch_value(tx, OLDEST_LOOSE, UUID)


async def readers(tx: Tx) -> Sequence[tuple[str, datetime]]:
    """Who reads, and when they moved last."""
    return [(name, moved_at) for name, moved_at in await fetch_tuples(tx, READERS)]


async def behind(tx: Tx, low: UUID, high: UUID) -> Sequence[str]:
    """Readers that have not passed a month."""
    return [str(name) for (name,) in await fetch_tuples(tx, BEHIND, {"low": low, "high": high})]


async def forget_reader(tx: Tx, name: str) -> bool:
    """Remove a reader's place."""
    return await execute(tx, FORGET_READER, {"name": name}) == 1
