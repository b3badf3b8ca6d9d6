"""SQL of the log's months."""

from collections.abc import Sequence
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
