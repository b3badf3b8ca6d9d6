"""Laws of reading foreign JSON: exact numbers, times at which trade can be, and a path to what is neither."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from crossdock.connector_kit.record import Record, Undecodable


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1026-11-27T09:00:00Z",
        "2200-01-01T00:00:00Z",
        "0001-01-01T00:00:00",
        "soon",
    ],
)
def test_a_time_that_cannot_be_is_refused_with_its_path(text: str) -> None:
    with pytest.raises(Undecodable) as refused:
        Record({"at": text}).moment("at", ZoneInfo("Pacific/Kiritimati"))

    assert refused.value.path == "$.at"
    assert f'got "{text}"' in refused.value.reason


@pytest.mark.parametrize("text", ["0001-01-01", "1969-12-31", "2200-01-01", "9999-12-31", "20261127T"])
def test_a_day_that_cannot_be_is_refused_with_its_path(text: str) -> None:
    with pytest.raises(Undecodable) as refused:
        Record({"day": text}).day("day")

    assert refused.value.path == "$.day"


def test_the_first_and_the_last_moment_of_trade_are_read() -> None:
    record = Record({"first": "1970-01-01T00:00:00Z", "last": "2199-12-31T23:59:59.999999Z", "day": "2199-12-31"})

    assert record.moment("first") == datetime(1970, 1, 1, tzinfo=UTC)
    assert record.moment("last").year == 2199
    assert record.day("day").year == 2199
