"""A time that no reader can hold breaks no reading."""

from datetime import UTC, date, datetime

import pytest

from crossdock.foundation.db import Database, fetch_tuples
from crossdock.foundation.times import FIRST, LAST


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0001-01-01 00:00:00+14", FIRST),
        ("4713-01-01 00:00:00 BC", FIRST),
        ("-infinity", FIRST),
        ("9999-12-31 23:59:59-14", LAST),
        ("294276-12-31 00:00:00+00", LAST),
        ("infinity", LAST),
        ("0001-01-01 00:00:00+00", datetime(1, 1, 1, tzinfo=UTC)),
        ("2026-11-27 09:00:00.123456+01", datetime(2026, 11, 27, 8, 0, 0, 123456, tzinfo=UTC)),
    ],
)
async def test_a_moment_is_read_as_it_is_or_as_the_nearest_that_makes_sense(
    database: Database, written: str, read: datetime
) -> None:
    async with database.transaction() as tx:
        (row,) = await fetch_tuples(tx, "SELECT %(at)s::text::timestamptz, 'beside it'", {"at": written})

    assert row == (read, "beside it")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("4713-01-01 BC", FIRST.date()),
        ("-infinity", FIRST.date()),
        ("infinity", LAST.date()),
        ("10000-01-01", LAST.date()),
        ("2026-11-27", date(2026, 11, 27)),
    ],
)
async def test_and_so_is_a_day(database: Database, written: str, read: date) -> None:
    async with database.transaction() as tx:
        (row,) = await fetch_tuples(tx, "SELECT %(at)s::text::date", {"at": written})

    assert row == (read,)
