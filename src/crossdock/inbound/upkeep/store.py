"""SQL of upkeep."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from crossdock.foundation.db import Tx, execute, fetch_tuples, fetch_value

PATIENCE: Final[LiteralString] = "SET LOCAL lock_timeout = '3s'"

MAKE_PARTITION: Final[LiteralString] = """
SELECT inbound.make_partition(%(parent)s::text, %(month)s::text, %(low)s::uuid, %(high)s::uuid)
"""

DROP_MONTH: Final[LiteralString] = """
SELECT inbound.drop_month(%(month)s::text, %(low)s::uuid, %(high)s::uuid)
"""

MONTHS: Final[LiteralString] = """
SELECT right(relname, 7)
  FROM pg_class
 WHERE relnamespace = 'inbound'::regnamespace AND relkind = 'r' AND relname ~ '^message_\\d{4}_\\d{2}$'
 ORDER BY relname
"""

# The lowest id outside all partitions: rows that came before their month was made ready.
OLDEST_LOOSE: Final[LiteralString] = """
SELECT id FROM inbound.message_default ORDER BY id LIMIT 1
"""

FORGET: Final[LiteralString] = """
DELETE FROM inbound.seen
 WHERE ctid = ANY(ARRAY(SELECT ctid FROM inbound.seen WHERE seen_at < %(before)s LIMIT %(limit)s))
"""


async def be_patient(tx: Tx) -> None:
    """Wait a moment for locks, then give up: upkeep must not queue up traffic behind itself."""
    await execute(tx, PATIENCE)


async def make_partition(tx: Tx, parent: str, month: str, low: UUID, high: UUID) -> bool:
    """Make a month's partition; False when it is there."""
    params = {"parent": parent, "month": month, "low": low, "high": high}
    return bool(await fetch_value(tx, MAKE_PARTITION, bool, params))


async def drop_month(tx: Tx, month: str, low: UUID, high: UUID) -> bool:
    """Drop a month; False when something in it is still open."""
    return bool(await fetch_value(tx, DROP_MONTH, bool, {"month": month, "low": low, "high": high}))


async def made_months(tx: Tx) -> Sequence[str]:
    """Months that have a partition, oldest first, as `2026_11`."""
    return [str(month) for (month,) in await fetch_tuples(tx, MONTHS)]


async def oldest_loose(tx: Tx) -> UUID | None:
    """The oldest message outside the months."""
    return await fetch_value(tx, OLDEST_LOOSE, UUID)


async def forget(tx: Tx, before: datetime, *, limit: int) -> int:
    """Delete event ids seen before a moment; how many."""
    return await execute(tx, FORGET, {"before": before, "limit": limit})
