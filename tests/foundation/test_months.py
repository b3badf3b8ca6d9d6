"""Months as partitions use them: without gaps, without overlaps, named so that names sort."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from crossdock.foundation.months import month_name, month_named, month_of, months_between, next_month

moments = st.datetimes(datetime(1970, 1, 1), datetime(9990, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
DECADES = timedelta(days=7000)


@given(moments)
def test_every_moment_lies_in_exactly_one_month(moment: datetime) -> None:
    month = month_of(moment)

    assert month <= moment < next_month(month)
    assert month_of(next_month(month) - timedelta(microseconds=1)) == month
    assert next_month(month).day == 1


@given(moments, st.timedeltas(timedelta(0), DECADES), st.integers(0, 5))
def test_months_follow_each_other_from_the_oldest_to_those_ahead(now: datetime, age: timedelta, ahead: int) -> None:
    oldest = max(now - age, datetime(1970, 1, 1, tzinfo=UTC))
    months = months_between(oldest, now, ahead)

    assert months[0] == month_of(oldest)
    assert all(next_month(one) == other for one, other in pairwise(months))
    assert sum(month > now for month in months) == ahead


@given(moments)
def test_an_oldest_in_the_future_still_makes_this_month(now: datetime) -> None:
    assert months_between(now + timedelta(days=90), now, 0) == [month_of(now)]


@given(moments, moments)
def test_names_are_read_back_and_sort_by_time(one: datetime, other: datetime) -> None:
    assert month_named(month_name(one)) == month_of(one)
    assert (month_name(one) < month_name(other)) == (month_of(one) < month_of(other))
