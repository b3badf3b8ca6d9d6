"""Days and moments as people type them."""

from datetime import UTC, date, datetime, timedelta

from crossdock.canonical.base import MOMENT_FIRST, YEARS, is_possible
from crossdock.cli.output import CommandError


def moment(at: datetime | None, option: str) -> datetime | None:
    """A time with its zone; one without is UTC."""
    if at is None:
        return None
    aware = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    if not is_possible(aware):
        raise CommandError(f"{option} must lie {YEARS}.")
    return aware.astimezone(UTC)


def day(value: date, option: str) -> date:
    """A day of trade."""
    if not is_possible(value):
        raise CommandError(f"{option} must lie {YEARS}.")
    return value


def days_before(now: datetime, days: int) -> date:
    """So many days ago, but not before anybody traded."""
    first = MOMENT_FIRST.date()
    return now.date() - timedelta(days=min(max(days, 0), (now.date() - first).days))
