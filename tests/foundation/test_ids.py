"""Ids sort by time, never repeat, and say when they were made."""

import threading
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from crossdock.foundation.ids import id_floor, id_moment, new_id, randomness

moments = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (zones are given beside it)


def test_ids_rise_strictly_in_every_thread_and_never_repeat() -> None:
    """More than 4096 in one millisecond: the counter overflows into the time."""
    made: list[list[UUID]] = [[] for _ in range(8)]

    def make(own: list[UUID]) -> None:
        own.extend(new_id() for _ in range(5000))

    threads = [threading.Thread(target=make, args=(own,)) for own in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(own == sorted(own) for own in made)
    assert len({each for own in made for each in own}) == 8 * 5000


def test_an_id_made_after_another_is_greater_whoever_makes_it() -> None:
    first = new_id()
    found: list[UUID] = []
    thread = threading.Thread(target=lambda: found.append(new_id()))
    thread.start()
    thread.join()

    assert first < found[0] < new_id()


def test_an_id_is_a_version_7_uuid() -> None:
    one = new_id()

    assert one.version == 7
    assert one.variant == RFC_4122


@given(moments)
def test_the_floor_of_a_moment_is_below_everything_of_its_millisecond(moment: datetime) -> None:
    whole = moment - timedelta(microseconds=moment.microsecond % 1000)

    assert id_moment(id_floor(moment)) == whole
    assert id_floor(moment) == id_floor(whole)
    assert id_floor(
        whole - timedelta(milliseconds=1) if whole > datetime(1970, 1, 2, tzinfo=UTC) else whole
    ) <= id_floor(whole)


@given(moments, moments)
def test_floors_sort_as_their_moments(one: datetime, other: datetime) -> None:
    if id_moment(id_floor(one)) < id_moment(id_floor(other)):
        assert id_floor(one) < id_floor(other)


def test_an_id_lies_between_the_floors_around_its_moment() -> None:
    one = new_id()
    moment = id_moment(one)

    assert id_floor(moment) <= one < id_floor(moment + timedelta(milliseconds=1))


def test_a_seed_replays_chance() -> None:
    first, second = randomness(7), randomness(7)

    assert [first.random() for _ in range(5)] == [second.random() for _ in range(5)]
