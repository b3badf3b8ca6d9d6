"""Which silence is unusual. Pure."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

WEEKS: Final = 2
"""How many weeks back a till is compared with itself."""
USUAL: Final = 3
"""Receipts in each of them from which on a silence is unusual."""


def stretches(heard_at: datetime, now: datetime, zone: str) -> list[tuple[datetime, datetime]]:
    """The time since *heard_at*, as it was in the weeks before by the store's own clock."""
    return [(_back(heard_at, week, zone), _back(now, week, zone)) for week in range(1, WEEKS + 1)]


def _back(moment: datetime, weeks: int, zone: str) -> datetime:
    local = moment.astimezone(ZoneInfo(zone)) - timedelta(weeks=weeks)  # wall clock: opening hours move with it
    return local.astimezone(moment.tzinfo)


def unusual(receipts: Collection[int]) -> bool:
    """In each of those stretches the till has sent enough: that it sends none now means something."""
    return len(receipts) == WEEKS and min(receipts) >= USUAL
