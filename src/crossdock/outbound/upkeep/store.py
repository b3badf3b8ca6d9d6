"""SQL of upkeep."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from crossdock.foundation.db import Tx, execute, fetch_tuples, fetch_value

PATIENCE: Final[LiteralString] = "SET LOCAL lock_timeout = '3s'"

MAKE_PARTITION: Final[LiteralString] = """
SELECT outbound.make_partition(%(parent)s::text, %(month)s::text, %(low)s::uuid, %(high)s::uuid)
"""

DROP_MONTH: Final[LiteralString] = """
SELECT outbound.drop_month(%(month)s::text)
"""

MONTHS: Final[LiteralString] = """
SELECT right(relname, 7)
  FROM pg_class
 WHERE relnamespace = 'outbound'::regnamespace AND relkind = 'r' AND relname ~ '^attempt_\\d{4}_\\d{2}$'
 ORDER BY relname
"""

# The lowest id outside all partitions: rows that came before their month was made ready.
OLDEST_LOOSE: Final[LiteralString] = """
SELECT id FROM (SELECT id FROM outbound.attempt_default UNION ALL SELECT id FROM outbound.publication_default) AS loose
 ORDER BY id LIMIT 1
"""

FORGET_INTENTS: Final[LiteralString] = """
DELETE FROM outbound.intent
 WHERE ctid = ANY(ARRAY(SELECT ctid FROM outbound.intent
                         WHERE state IN ('landed', 'superseded', 'withdrawn') AND changed_at < %(before)s
                         LIMIT %(limit)s))
"""

# An order with something unsettled keeps its origin: what is still to come of it needs to know where it belongs.
FORGET_ORIGINS: Final[LiteralString] = """
DELETE FROM outbound.order_origin
 WHERE ctid = ANY(ARRAY(SELECT ctid FROM outbound.order_origin AS o
                         WHERE known_since < %(before)s
                           AND NOT EXISTS (SELECT FROM outbound.intent AS i
                                            WHERE i.business_key = 'order/' || o.order_id)
                         LIMIT %(limit)s))
"""


async def be_patient(tx: Tx) -> None:
    """Wait a moment for locks, then give up: upkeep must not queue up traffic behind itself."""
    await execute(tx, PATIENCE)


async def make_partition(tx: Tx, parent: str, month: str, low: UUID, high: UUID) -> bool:
    """Make a month's partition; False when it is there."""
    params = {"parent": parent, "month": month, "low": low, "high": high}
    return bool(await fetch_value(tx, MAKE_PARTITION, bool, params))


async def drop_month(tx: Tx, month: str) -> None:
    """Drop a month of attempts and publications."""
    await execute(tx, DROP_MONTH, {"month": month})


async def made_months(tx: Tx) -> Sequence[str]:
    """Months that have partitions, oldest first, as `2026_11`."""
    return [str(month) for (month,) in await fetch_tuples(tx, MONTHS)]


async def oldest_loose(tx: Tx) -> UUID | None:
    """The oldest row outside the months."""
    return await fetch_value(tx, OLDEST_LOOSE, UUID)


async def forget_intents(tx: Tx, before: datetime, *, limit: int) -> int:
    """Delete intents that were settled before a moment; how many."""
    return await execute(tx, FORGET_INTENTS, {"before": before, "limit": limit})


async def forget_origins(tx: Tx, before: datetime, *, limit: int) -> int:
    """Delete origins of orders that nothing is kept of; how many."""
    return await execute(tx, FORGET_ORIGINS, {"before": before, "limit": limit})
