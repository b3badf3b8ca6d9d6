"""Laws of numbers kept in memory: what may have changed is not answered."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from crossdock.canonical.base import ChannelCode, Sku
from crossdock.canonical.orders import Mode
from crossdock.gateway.memory import Kept, Memory

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WEB = (ChannelCode("web"), Mode.SHIP)
APP = (ChannelCode("app"), Mode.SHIP)
A, B, C = Sku("A"), Sku("B"), Sku("C")
SEVEN = msgspec.Raw(b"7")


def kept(horizon: int = 100, until: datetime | None = None) -> Kept:
    return Kept(SEVEN, until, horizon)


def remember(memory: Memory, *skus: Sku, horizon: int = 100, until: datetime | None = None) -> None:
    with memory.reading() as reading:
        for sku in skus:
            memory.keep(reading, sku, WEB, kept(horizon, until))


def known(memory: Memory, *skus: Sku, now: datetime = NOW) -> list[Sku]:
    return [sku for sku in skus if memory.find(sku, WEB, now) is not None]


@pytest.fixture
def memory() -> Memory:
    return Memory(1000)


def test_what_was_read_is_known_for_its_way_alone(memory: Memory) -> None:
    remember(memory, A)

    assert memory.find(A, WEB, NOW) == SEVEN
    assert memory.find(A, APP, NOW) is None
    assert memory.find(B, WEB, NOW) is None


def test_what_a_commit_touched_is_forgotten(memory: Memory) -> None:
    remember(memory, A, B)

    memory.drop([A])

    assert known(memory, A, B) == [B]


def test_what_a_commit_touched_while_it_was_read_is_not_kept(memory: Memory) -> None:
    """The reading may have looked before the commit."""
    with memory.reading() as reading:
        memory.drop([A])
        memory.keep(reading, A, WEB, kept())
        memory.keep(reading, B, WEB, kept())

    assert known(memory, A, B) == [B]


def test_nothing_is_kept_of_a_reading_during_which_all_became_uncertain(memory: Memory) -> None:
    remember(memory, A)
    with memory.reading() as reading:
        memory.clear()
        memory.keep(reading, B, WEB, kept())

    assert known(memory, A, B) == []
    assert len(memory) == 0


def test_what_others_changed_is_forgotten_unless_it_had_been_seen(memory: Memory) -> None:
    remember(memory, A, horizon=100)
    remember(memory, B, horizon=101)

    memory.drop_changed({A: 100, B: 100})

    assert known(memory, A, B) == [B]


def test_what_others_changed_while_it_was_read_is_not_kept_unless_it_had_been_seen(memory: Memory) -> None:
    with memory.reading() as reading:
        memory.drop_changed({A: 100, B: 100})
        memory.keep(reading, A, WEB, kept(horizon=100))
        memory.keep(reading, B, WEB, kept(horizon=101))

    assert known(memory, A, B) == [B]


def test_a_number_ends_when_the_hold_lapses_that_lowers_it(memory: Memory) -> None:
    remember(memory, A, until=NOW + timedelta(seconds=1))

    assert known(memory, A, now=NOW + timedelta(seconds=0.9)) == [A]
    assert known(memory, A, now=NOW + timedelta(seconds=1)) == []


def test_a_full_memory_forgets_what_came_first() -> None:
    memory = Memory(2)

    remember(memory, A, B, C)
    remember(memory, C)

    assert known(memory, A, B, C) == [B, C]
    assert len(memory) == 2


def test_a_kit_is_forgotten_with_what_it_is_made_of(memory: Memory) -> None:
    def remember_kit() -> None:
        with memory.reading() as reading:
            memory.keep(reading, C, WEB, Kept(SEVEN, None, 100, (A, B)))

    remember_kit()
    memory.drop([B])
    assert known(memory, C) == []

    remember_kit()
    memory.drop_changed({A: 99})
    assert known(memory, C) == [C]
    memory.drop_changed({A: 100})
    assert known(memory, C) == []


def test_a_kit_whose_part_was_touched_while_it_was_read_is_not_kept(memory: Memory) -> None:
    with memory.reading() as reading:
        memory.drop([B])
        memory.keep(reading, C, WEB, Kept(SEVEN, None, 100, (A, B)))

    assert known(memory, C) == []
