"""One budget for every call of a connection: rate, points, concurrency, pauses and the circuit."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.connections.allowance import Allowance
from crossdock.connections.model import Breaker, BreakerState, Bucket, ConnectionState
from crossdock.connections.rules import BreakerTerms, after, filled, pause_asked, reported, spent, wait_s
from crossdock.connections.states import BREAKER, CONNECTION, News, Signal
from crossdock.connector_kit.model import Limits
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.ids import randomness

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
TERMS = BreakerTerms(failures_max=3, open_first_s=1.0, open_max_s=8.0)
amounts = st.floats(0.01, 1000)


def allowance(clock: VirtualClock, **limits: float) -> Allowance:
    given_limits: dict[str, float] = {"requests_per_s": 10, "burst": 5, "concurrency": 4, **limits}
    return Allowance(
        Limits(
            requests_per_s=given_limits["requests_per_s"],
            burst=int(given_limits["burst"]),
            concurrency=int(given_limits["concurrency"]),
            points_max=given_limits.get("points_max"),
            points_per_s=given_limits.get("points_per_s"),
        ),
        clock,
        terms=TERMS,
        chance=randomness(1),
    )


async def calls_within(budget: Allowance, clock: VirtualClock, seconds: float, *, points: float = 1.0) -> list[float]:
    """Callers as fast as they are let; the moments at which each was let through."""
    moments: list[float] = []

    async def caller() -> None:
        while True:
            async with budget.spend(points):
                moments.append(clock.monotonic())
                budget.heard(200, {})
            await clock.sleep(0)

    tasks = [asyncio.create_task(caller()) for _ in range(3)]
    for _ in range(int(seconds * 100)):
        await clock.advance(0.01)
        for _ in range(30):
            await clock.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return moments


async def test_the_rate_is_kept_after_the_burst() -> None:
    clock = VirtualClock(START)

    moments = await calls_within(allowance(clock), clock, 3.0)

    assert 5 + 25 <= len(moments) <= 5 + 31


async def test_cost_points_limit_where_they_are_scarcer_than_requests() -> None:
    clock = VirtualClock(START)

    moments = await calls_within(allowance(clock, points_max=100, points_per_s=50), clock, 2.0, points=25)

    assert 4 + 3 <= len(moments) <= 4 + 5


async def test_the_vendors_own_figures_replace_the_guess() -> None:
    clock = VirtualClock(START)
    budget = allowance(clock, points_max=1000, points_per_s=50)

    assert budget.wait_s(100) == 0
    budget.report(0, 100)
    assert budget.wait_s(100) == pytest.approx(1.0)
    budget.report(500, 100)
    assert budget.wait_s(100) == 0


async def test_a_pause_holds_everybody_and_a_shorter_one_does_not_end_it() -> None:
    clock = VirtualClock(START)
    budget = allowance(clock)
    budget.pause(timedelta(seconds=60))
    budget.pause(timedelta(seconds=1))

    moments = await calls_within(budget, clock, 2.0)

    assert moments == []
    assert budget.wait_s() == pytest.approx(58.0)


async def test_no_more_calls_run_at_once_than_allowed() -> None:
    clock = VirtualClock(START)
    budget = allowance(clock, requests_per_s=1000, burst=100, concurrency=2)
    running = highest = 0

    async def call() -> None:
        nonlocal running, highest
        async with budget.spend(1):
            running += 1
            highest = max(highest, running)
            await clock.sleep(1)
            running -= 1

    calls = [asyncio.create_task(call()) for _ in range(7)]
    for _ in range(50):
        await clock.advance(0.2)
        for _ in range(20):
            await clock.sleep(0)
    await asyncio.gather(*calls)

    assert highest == 2


async def test_an_open_circuit_refuses_without_sending_and_one_call_tries_it() -> None:
    clock = VirtualClock(START)
    budget = allowance(clock)
    for _ in range(3):
        budget.failed("connection refused")

    assert budget.places() == 0
    with pytest.raises(CallFailed) as refused:
        async with budget.spend(1):
            pytest.fail("was let through")
    assert refused.value.verdict is Verdict.NOT_SENT
    assert "connection refused" in refused.value.reason

    await clock.advance(1.5)
    assert budget.places() == 1
    async with budget.spend(1):
        assert budget.places() == 0
        with pytest.raises(CallFailed):
            async with budget.spend(1):
                pytest.fail("a second call tried it too")
        budget.heard(200, {})
    assert budget.places() == 4


async def test_a_server_error_trips_the_circuit_and_a_refusal_does_not() -> None:
    clock = VirtualClock(START)
    refused, broken = allowance(clock), allowance(clock)
    for _ in range(10):
        refused.heard(422, {})
        broken.heard(503, {})

    assert refused.breaker.state is BreakerState.CLOSED
    assert broken.breaker.state is BreakerState.OPEN


async def test_a_call_that_was_cancelled_gives_its_place_back() -> None:
    clock = VirtualClock(START)
    budget = allowance(clock, concurrency=1)

    async def hang() -> None:
        async with budget.spend(1):
            await clock.sleep(3600)

    task = asyncio.create_task(hang())
    for _ in range(5):
        await clock.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    async with budget.spend(1):
        pass


@given(st.lists(st.tuples(st.floats(0, 10), amounts), max_size=30), amounts, amounts)
def test_a_bucket_never_gives_more_than_its_size_plus_what_flowed_in(
    steps: list[tuple[float, float]], size: float, per_s: float
) -> None:
    bucket, now, given_out = Bucket(size=size, per_s=per_s, level=size, at_s=0.0), 0.0, 0.0
    for pause, cost in steps:
        now += pause
        if cost <= size and wait_s(bucket, cost, now) == 0:
            bucket = spent(bucket, cost, now)
            given_out += cost

    assert given_out <= size + now * per_s + 1e-6 * (1 + given_out)


@given(amounts, amounts, st.floats(0, 1000), st.floats(0, 1000))
def test_waiting_as_long_as_told_is_enough(size: float, per_s: float, level: float, cost: float) -> None:
    bucket = Bucket(size=size, per_s=per_s, level=min(level, size), at_s=0.0)
    wait = wait_s(bucket, cost, 0.0)

    assert filled(bucket, wait).level >= min(cost, size) - 1e-6 * size


@given(amounts, st.floats(0, 100))
def test_a_report_counts_what_is_on_its_way(available: float, in_flight: float) -> None:
    assert reported(None, available, 1.0, in_flight, 0.0).level == available - in_flight


@given(
    st.lists(
        st.tuples(st.sampled_from([Signal.ANSWERED, Signal.FAILED, Signal.COOLED]), st.floats(0, 1, exclude_max=True))
    )
)
def test_a_breaker_opens_only_after_enough_failures_and_never_longer_than_its_limit(
    signals: list[tuple[Signal, float]],
) -> None:
    breaker = Breaker()
    for signal, chance in signals:
        before = breaker
        breaker = after(breaker, signal, TERMS, 100.0, chance)
        if breaker.state is BreakerState.OPEN and before.state is not BreakerState.OPEN:
            assert signal is Signal.FAILED
            assert breaker.failures >= TERMS.failures_max
            assert 0 < breaker.open_until_s - 100.0 <= TERMS.open_max_s
        if signal is Signal.ANSWERED and before.state is not BreakerState.OPEN:
            assert breaker == Breaker()


def test_each_life_cycle_answers_every_state_and_news() -> None:
    assert set(BREAKER) == {(state, signal) for state in BreakerState for signal in Signal}
    assert set(CONNECTION) == {(state, news) for state in ConnectionState for news in News}


@pytest.mark.parametrize(
    ("status", "asked", "wait_s"),
    [
        (200, "", None),
        (200, "5", None),
        (503, "", None),
        (503, "7", 7),
        (429, "", 2),
        (429, "0.5", 0.5),
        (429, "Fri, 20 Nov 2026 12:00:30 GMT", 30),
        (429, "Fri, 20 Nov 2026 11:00:00 GMT", 0),
        (429, "soon", 2),
        (429, "999999", 3600),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(status: int, asked: str, wait_s: float | None) -> None:
    pause = pause_asked(status, {"retry-after": asked}, START)

    assert pause == (None if wait_s is None else timedelta(seconds=wait_s))
