"""Calendar months as partitions use them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta


def month_of(moment: datetime) -> datetime:
    """The first moment of its month."""
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(month: datetime) -> datetime:
    """The first moment of the month after."""
    return month_of(month.replace(day=1) + timedelta(days=32))


def months_between(oldest: datetime, now: datetime, ahead: int) -> Sequence[datetime]:
    """First moments of the months from *oldest* to *ahead* months after *now*."""
    made = [month_of(min(oldest, now))]
    last = month_of(now)
    for _ in range(ahead):
        last = next_month(last)
    while made[-1] < last:
        made.append(next_month(made[-1]))
    return made


def month_name(month: datetime) -> str:
    """As partitions are named: `2026_11`."""
    return f"{month.year:04}_{month.month:02}"


def month_named(name: str) -> datetime:
    """The month of a partition's name."""
    year, month = name.split("_")
    return datetime(int(year), int(month), 1, tzinfo=UTC)
