"""SQL of the months of receipts."""

from collections.abc import Sequence
from datetime import date
from typing import Final, LiteralString

from crossdock.foundation.db import Tx, execute, fetch_tuples, fetch_value

PATIENCE: Final[LiteralString] = "SET LOCAL lock_timeout = '3s'"

MAKE_PARTITION: Final[LiteralString] = """
SELECT finance.make_partition(%(month)s::text, %(low)s::date, %(high)s::date)
"""

# Months of receipts that came before their month was made ready, within the years in which receipts may come at all.
LOOSE_MONTHS: Final[LiteralString] = """
SELECT DISTINCT date_trunc('month', business_day)::date AS month
  FROM finance.receipt_default
 WHERE business_day >= %(since)s AND business_day < %(until)s
 ORDER BY month
"""


async def be_patient(tx: Tx) -> None:
    """Wait a moment for locks, then give up: upkeep must not queue up traffic behind itself."""
    await execute(tx, PATIENCE)


async def make_partition(tx: Tx, month: str, low: date, high: date) -> bool:
    """Make a month's partition; False when it is there."""
    return bool(await fetch_value(tx, MAKE_PARTITION, bool, {"month": month, "low": low, "high": high}))


async def loose_months(tx: Tx, since: date, until: date) -> Sequence[date]:
    """First days of the months of receipts that lie outside the months."""
    return [month for (month,) in await fetch_tuples(tx, LOOSE_MONTHS, {"since": since, "until": until})]
