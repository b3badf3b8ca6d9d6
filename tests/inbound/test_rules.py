"""Laws of the pure decisions."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.base import ConnectionName
from crossdock.foundation.ids import new_id
from crossdock.foundation.months import months_between
from crossdock.inbound.model import Applied, Failed, Lane, MessageId, Postponed, RecordState, StoredRecord, Waits
from crossdock.inbound.rules import (
    ATTEMPTS_MAX,
    KEY_MAX,
    LANES,
    Stops,
    bounded,
    feed_kept,
    groups,
    in_turn,
    lane_of,
    look_again,
    read_problem,
    settlement,
    waves,
)
from crossdock.inbound.states import OPEN, TABLE, Turn, after

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
WAIT = timedelta(hours=2)


def record(key: str = "k", *, number: int = 0, kind: str = "a", waits_for: str = "", **more: object) -> StoredRecord:
    fields: dict[str, object] = {
        "message": MessageId(new_id()),
        "number": number,
        "connection": ConnectionName("c"),
        "route": "webhook",
        "feed": "f",
        "key": key,
        "event_id": str(number),
        "kind": kind,
        "document": b"{}",
        "wrapped_key": None,
        "waits_for": waits_for,
        "trace": new_id(),
        "received_at": NOW,
        "attempts": 0,
        "waiting_since": None,
        "deadline": None,
        "alarmed": False,
    }
    return StoredRecord(**(fields | more))  # type: ignore[arg-type]  # every field stands above


MOMENTS = st.timedeltas(timedelta(0), timedelta(days=2500)).map(lambda age: NOW - age)
KEYS = st.lists(st.sampled_from(["", "a", "b", "c"]), max_size=30)


@given(KEYS)
def test_a_wave_holds_each_key_once_and_keeps_the_order_of_every_key(keys: list[str]) -> None:
    records = [record(key, number=number) for number, key in enumerate(keys)]

    made = waves(records)

    assert sorted(each.number for wave in made for each in wave) == list(range(len(records)))
    for wave in made:
        named = [each.key for each in wave if each.key]
        assert len(named) == len(set(named))
    for key in set(keys) - {""}:
        assert [each.number for wave in made for each in wave if each.key == key] == [
            each.number for each in records if each.key == key
        ]


@given(st.lists(st.sampled_from("abc"), max_size=30), st.integers(1, 7))
def test_a_group_is_of_one_kind_and_bounded(kinds: list[str], size: int) -> None:
    wave = [record(str(number), number=number, kind=kind) for number, kind in enumerate(kinds)]

    made = groups(wave, size)

    assert all(len({each.kind for each in group}) == 1 and len(group) <= size for group in made)
    assert sorted(each.number for group in made for each in group) == list(range(len(wave)))


@given(st.text(max_size=400), st.text(max_size=400))
def test_bounded_keys_fit_and_are_told_apart(one: str, other: str) -> None:
    assert len(bounded(one)) <= KEY_MAX
    assert (bounded(one) == bounded(other)) == (one == other)


@given(st.text(max_size=200))
def test_a_feed_is_always_a_code(feed: str) -> None:
    kept = feed_kept(feed)
    assert 1 <= len(kept) <= 64
    assert kept == kept.strip()
    assert kept.isprintable()


@given(st.text(), st.text())
def test_a_lane_is_one_of_the_lanes_and_always_the_same(connection: str, key: str) -> None:
    assert 0 <= lane_of(connection, key) < LANES
    assert lane_of(connection, key) == lane_of(connection, key)


def test_lanes_are_the_same_in_every_release() -> None:
    assert lane_of("shop", "order/1") == 45
    assert lane_of("tills", "receipt/s1/1/2026-11-27/1") == 22


def test_every_connection_has_its_turn_before_any_has_its_second() -> None:
    flood = [Lane(ConnectionName("a"), number) for number in range(60)]
    lanes = [*flood, Lane(ConnectionName("b"), 3), Lane(ConnectionName("c"), 9)]

    assert [lane.connection for lane in in_turn(lanes)[:4]] == ["a", "b", "c", "a"]


def test_a_missing_parent_passes_the_record_that_waits_for_it_and_nobody_else_does() -> None:
    stops = Stops()
    stops.block(("c", "order/1"), "order/1")

    assert stops.let_pass(record("order/1"))
    assert not stops.let_pass(record("order/1", waits_for="order/1"))
    stops.block(("c", "order/1"))
    assert not stops.let_pass(record("order/1"))


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30)))
def test_looks_get_rarer_but_never_stop(waited: timedelta) -> None:
    assert timedelta(seconds=5) <= look_again(waited) <= timedelta(minutes=5)


def test_a_record_keeps_its_first_clock_however_often_it_is_tried() -> None:
    first = settlement(record(), Waits(key="p"), now=NOW, parent_wait=WAIT)
    tried = record(waiting_since=first.waiting_since, deadline=first.deadline)
    again = settlement(tried, Waits(key="p"), now=NOW + timedelta(hours=1), parent_wait=WAIT)
    told = record(waiting_since=first.waiting_since, deadline=None, alarmed=True)
    silent = settlement(told, Waits(key="p"), now=NOW + timedelta(hours=3), parent_wait=WAIT)

    assert first.deadline == again.deadline == NOW + WAIT
    assert silent.deadline is None
    assert silent.alarmed


def test_postponing_ends_in_quarantine() -> None:
    tries = [
        settlement(record(attempts=attempt), Postponed(reason="deadlock"), now=NOW, parent_wait=WAIT)
        for attempt in range(ATTEMPTS_MAX)
    ]

    assert [each.state for each in tries] == [RecordState.RECEIVED] * (ATTEMPTS_MAX - 1) + [RecordState.QUARANTINED]


def test_a_failure_alarms_and_an_effect_does_not() -> None:
    failed = settlement(record(), Failed(reason="x"), now=NOW, parent_wait=WAIT)
    applied = settlement(record(), Applied(), now=NOW, parent_wait=WAIT)

    assert (failed.alarmed, applied.alarmed) == (True, False)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("Expected `str` of length >= 1 - at `$.lines[0].sku`", "$.lines[0].sku"),
        ("`total` must not be negative", "$.total"),
        ("something else", "$"),
    ],
)
def test_a_problem_names_its_place(text: str, path: str) -> None:
    assert read_problem(text)[0] == path


@given(MOMENTS, MOMENTS)
def test_months_follow_each_other_without_a_gap(oldest: datetime, now: datetime) -> None:
    made = months_between(oldest, now, 2)

    assert made[0] <= oldest
    assert sum(month > now for month in made) >= 2
    assert all(
        (later.year * 12 + later.month) - (earlier.year * 12 + earlier.month) == 1 for earlier, later in pairwise(made)
    )


def test_every_state_can_be_reached_and_effects_are_final() -> None:
    reached = {RecordState.RECEIVED} | {state for state in RecordState for turn in Turn if after(state, turn)}
    targets = set(TABLE.values())

    assert targets | {RecordState.RECEIVED} == set(RecordState)
    assert reached >= OPEN
    for final in (RecordState.APPLIED, RecordState.REPEATED, RecordState.OWN):
        assert not any((final, turn) in TABLE for turn in Turn)
