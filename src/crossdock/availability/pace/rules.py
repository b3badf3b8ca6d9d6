"""From what left to what leaves in an hour. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from crossdock.canonical.base import LocationCode, Sku
from crossdock.estate.model import Estate, duration
from crossdock.estate.part import OWN_FLOOR

DAYS: Final = 28
"""Four weeks: every weekday counts the same."""
HOURS_A_DAY: Final = 24
PLACES: Final = 6
SETTLED: Final = timedelta(minutes=5)
"""So long after its end an hour has no open transaction any more that could still add to it."""


def window(at: datetime, counted_from: datetime) -> tuple[date, date]:
    """The days that count, the first and the one behind the last.

    They end before yesterday: by now these are counted for certain, so that whoever asks for this moment later gets the
    same answer.
    """
    end = at.date() - timedelta(days=1)
    return max(end - timedelta(days=DAYS), counted_from.date()), end


def per_hour(
    sold: Iterable[tuple[Sku, LocationCode, Decimal]], first: date, end: date
) -> Mapping[tuple[Sku, LocationCode], Decimal]:
    """Units an hour over all hours of the days, by night as well."""
    hours = (end - first).days * HOURS_A_DAY
    return {(sku, location): round(units / hours, PLACES) for sku, location, units in sold} if hours > 0 else {}


def sources(estate: Estate) -> Sequence[str]:
    """Everybody whose silence counts for some location."""
    return sorted({source_of(told_by, location.code) for location in estate.locations for told_by in location.told_by})


def source_of(told_by: str, location: str) -> str:
    """The name under which a source's voice is kept."""
    return f"@{location}" if told_by == OWN_FLOOR else told_by


def silent_since(estate: Estate, now: datetime) -> datetime | None:
    """Sources heard before this moment make some number smaller by and by; None when nothing can become stale."""
    graces = [duration(rule.grace) for rule in estate.staleness]
    return now - min(graces) if graces else None


def hours_between(counted_until: datetime, now: datetime, most: int) -> Sequence[datetime]:
    """Hours that are over and not counted yet, by their first moment."""
    found: list[datetime] = []
    hour = counted_until
    while hour + timedelta(hours=1) <= now - SETTLED and len(found) < most:
        found.append(hour)
        hour += timedelta(hours=1)
    return found


def day_start(moment: datetime) -> datetime:
    """Midnight before it."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
