"""Virtual time moves only when told to, and wakes sleepers in the order of their deadlines."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.foundation.clock import SYSTEM_CLOCK, Clock, VirtualClock

START = datetime(2026, 11, 27, 9, tzinfo=UTC)


async def sleeper(clock: Clock, seconds: float, woken: list[tuple[float, datetime]]) -> None:
    await clock.sleep(seconds)
    woken.append((seconds, clock.now()))


@given(st.lists(st.integers(min_value=0, max_value=100), max_size=20))
def test_sleepers_wake_in_the_order_of_their_deadlines_and_see_that_time(waits: list[int]) -> None:
    async def law() -> list[tuple[float, datetime]]:
        clock, woken = VirtualClock(START), list[tuple[float, datetime]]()
        tasks = [asyncio.create_task(sleeper(clock, seconds, woken)) for seconds in waits]
        for _ in range(2):  # they fall asleep; those that wait for nothing go on
            await clock.sleep(0)
        await clock.advance(100)
        await asyncio.gather(*tasks)
        return woken

    assert asyncio.run(law()) == [(each, START + timedelta(seconds=each)) for each in sorted(waits)]


async def test_nobody_wakes_early() -> None:
    clock, woken = VirtualClock(START), list[tuple[float, datetime]]()
    task = asyncio.create_task(sleeper(clock, 10, woken))
    await clock.sleep(0)

    await clock.advance(9.99)
    assert woken == []

    await clock.advance(0.01)
    await task
    assert clock.monotonic() == 10


async def test_a_loop_runs_once_per_turn_however_far_time_is_moved() -> None:
    clock, turns = VirtualClock(START), list[float]()

    async def run() -> None:
        while True:
            await clock.sleep(1)
            turns.append(clock.monotonic())

    task = asyncio.create_task(run())
    await clock.sleep(0)
    await clock.advance(10)
    task.cancel()

    assert turns == [float(n) for n in range(1, 11)]


async def test_a_sleeper_that_gave_up_is_in_nobodys_way() -> None:
    clock, woken = VirtualClock(START), list[tuple[float, datetime]]()
    gone = asyncio.create_task(sleeper(clock, 1, woken))
    patient = asyncio.create_task(sleeper(clock, 2, woken))
    await clock.sleep(0)
    gone.cancel()
    await clock.advance(2)
    await patient

    assert [seconds for seconds, _ in woken] == [2]


def test_virtual_time_starts_with_a_zone() -> None:
    with pytest.raises(AssertionError):
        VirtualClock(datetime(2026, 11, 27, 9))  # noqa: DTZ001 (the mistake in question)


def test_the_machines_clock_is_aware_and_never_goes_back() -> None:
    assert SYSTEM_CLOCK.now().tzinfo is UTC
    assert SYSTEM_CLOCK.monotonic() <= SYSTEM_CLOCK.monotonic()
