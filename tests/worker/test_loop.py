"""A loop goes on whatever its step throws, hurries while there is work, and wakes at a hint."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from crossdock.foundation.clock import SYSTEM_CLOCK, VirtualClock
from crossdock.foundation.hints import Hints
from crossdock.foundation.tasks import end
from crossdock.worker import loop as loops
from crossdock.worker.loop import FAILED_FIRST_S, FAILED_MAX_S, Loop, run_loop

LONG_S = 60.0


async def eventually(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONG_S):
        while not true():
            await SYSTEM_CLOCK.sleep(0.005)


@asynccontextmanager
async def looping(
    step: Callable[[], Awaitable[bool]],
    clock: VirtualClock,
    hints: Hints | None = None,
    *,
    every_s: float | None = None,
) -> AsyncIterator["asyncio.Task[None]"]:
    loop = Loop(name="test", step=step, every_s=every_s)
    task = asyncio.create_task(run_loop(loop, hints or Hints(), clock))
    await clock.sleep(0)
    yield task
    await end([task])


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(datetime(2026, 11, 27, 9, tzinfo=UTC))


@pytest.mark.parametrize(
    "error",
    [ZeroDivisionError("a bug"), psycopg.OperationalError("gone"), PoolTimeout("full")],
    ids=lambda e: type(e).__name__,
)
async def test_a_step_that_fails_is_tried_again_with_growing_waits_up_to_a_limit(
    clock: VirtualClock, error: Exception
) -> None:
    tries: list[float] = []

    async def step() -> bool:
        tries.append(clock.monotonic())
        raise error

    async with looping(step, clock) as task:
        for _ in range(100):
            await clock.advance(1)
        assert not task.done()

    waits = [round(later - earlier, 6) for earlier, later in pairwise(tries)]
    doubling = [min(FAILED_FIRST_S * 2**n, FAILED_MAX_S) for n in range(len(waits))]
    assert waits == [round(each, 6) for each in doubling]
    assert max(waits) == FAILED_MAX_S


async def test_one_success_forgets_the_failures_before(clock: VirtualClock) -> None:
    tries: list[float] = []

    async def step() -> bool:
        tries.append(clock.monotonic())
        if len(tries) == 4:
            return False
        raise ZeroDivisionError

    async with looping(step, clock, every_s=100):
        for _ in range(1100):
            await clock.advance(0.1)

    after = next(time for time in tries if time > 50)
    assert round(tries[tries.index(after) + 1] - after, 6) == FAILED_FIRST_S


async def test_while_there_is_more_nobody_waits(clock: VirtualClock) -> None:
    done = 0

    async def step() -> bool:
        nonlocal done
        done += 1
        await clock.sleep(0)
        return done < 1000

    async with looping(step, clock, every_s=100):
        await eventually(lambda: done == 1000)

    assert clock.monotonic() == 0


async def test_a_hint_wakes_an_idle_loop(clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "IDLE_FIRST_S", 3600.0)
    hints, done = Hints(), 0

    async def step() -> bool:
        nonlocal done
        done += 1
        return False

    async with looping(step, clock, hints):
        for expected in (2, 3):
            await clock.sleep(0)
            hints.ring()
            await eventually(lambda expected=expected: done == expected)  # type: ignore[misc]  # bound at once


async def test_without_any_hint_it_looks_again(clock: VirtualClock) -> None:
    done = 0

    async def step() -> bool:
        nonlocal done
        done += 1
        return False

    async with looping(step, clock):
        await eventually(lambda: done >= 3)


async def test_a_fixed_pace_is_kept_whatever_hints_come(clock: VirtualClock) -> None:
    hints, done = Hints(), list[float]()

    async def step() -> bool:
        done.append(clock.monotonic())
        return False

    async with looping(step, clock, hints, every_s=10):
        for _ in range(4):
            hints.ring()
            await clock.advance(5)

    assert done == [0.0, 10.0, 20.0]


async def test_a_step_that_swallows_its_cancellation_ends_all_the_same(clock: VirtualClock) -> None:
    inside = asyncio.Event()

    async def step() -> bool:
        inside.set()
        try:
            await SYSTEM_CLOCK.sleep(LONG_S)
        except asyncio.CancelledError:
            return True
        return True

    async with looping(step, clock) as task:
        await inside.wait()
        task.cancel()
        await asyncio.wait([task], timeout=LONG_S)
        assert task.done()
