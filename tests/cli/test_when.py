"""Times as people type them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from crossdock.cli import when
from crossdock.cli.output import CommandError

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)


def test_a_time_without_a_zone_is_utc() -> None:
    assert when.moment(NOW.replace(tzinfo=None), "--at") == NOW
    assert when.moment(NOW.astimezone(timezone(timedelta(hours=9))), "--at") == NOW
    assert when.moment(None, "--at") is None


@pytest.mark.parametrize(
    "at",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-14))),
        datetime(1, 1, 1, tzinfo=UTC).replace(tzinfo=None),
    ],
    ids=str,
)
def test_a_time_that_cannot_be_is_refused_by_the_name_of_its_option(at: datetime) -> None:
    with pytest.raises(CommandError, match=r"^--at must lie between 1970 and 2199\.$"):
        when.moment(at, "--at")


def test_a_day_that_cannot_be_is_refused() -> None:
    with pytest.raises(CommandError, match="DAY must lie"):
        when.day(date(1026, 11, 27), "DAY")


@pytest.mark.parametrize(
    ("days", "first"), [(0, date(2026, 11, 27)), (-5, date(2026, 11, 27)), (10**9, date(1970, 1, 1))]
)
def test_looking_back_ends_before_anybody_traded(days: int, first: date) -> None:
    assert when.days_before(NOW, days) == first
