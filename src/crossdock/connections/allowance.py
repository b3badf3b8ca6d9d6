"""One connection's allowance in this process: rate, cost points, concurrency, pauses and circuit, spent by every call."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Final

from crossdock.connections.model import CLOSED, Breaker, BreakerState, Bucket, Health
from crossdock.connections.rules import (
    BreakerTerms,
    after,
    means_down,
    pause_asked,
    reported,
    spent,
    wait_s,
)
from crossdock.connections.states import Signal
from crossdock.connector_kit.model import Limits
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.foundation.clock import Clock
from crossdock.foundation.ids import randomness

SHOWN: Final = 500


class Allowance:
    """The kit's `Budget`. Callers queue in the order they came; a wait asked for by the vendor holds all of them."""

    def __init__(
        self,
        limits: Limits,
        clock: Clock,
        *,
        requests_per_s: float | None = None,
        concurrency: int | None = None,
        terms: BreakerTerms | None = None,
        chance: Random | None = None,
    ) -> None:
        """The estate may lower the connector's limits, not raise them."""
        now_s = clock.monotonic()
        rate = min(limits.requests_per_s, requests_per_s or limits.requests_per_s)
        self.concurrency = min(limits.concurrency, concurrency or limits.concurrency)
        self._clock = clock
        self._terms = terms or BreakerTerms()
        self._chance = chance or randomness()
        burst = float(max(1, limits.burst)) if rate >= limits.requests_per_s else max(1.0, min(limits.burst, rate))
        self._requests = Bucket(size=burst, per_s=rate, level=burst, at_s=now_s)
        self._points: Bucket | None = None
        if limits.points_max is not None and limits.points_per_s is not None:
            self._points = Bucket(
                size=limits.points_max, per_s=limits.points_per_s, level=limits.points_max, at_s=now_s
            )
        self._places = asyncio.Semaphore(self.concurrency)
        self._turn = asyncio.Lock()
        self._breaker: Breaker = CLOSED
        self._trying = False
        self._in_flight_points = 0.0
        self._paused_until_s = 0.0
        self._answered_at: datetime | None = None
        self._failed_at: datetime | None = None
        self._failure = ""

    # --- what the kit's client calls ---

    @asynccontextmanager
    async def spend(self, points: float) -> AsyncIterator[None]:
        """Hold a place for one call; waits its turn. CallFailed(NOT_SENT) while the circuit is open."""
        self._refuse_if_open()
        async with self._places:
            await self._take(points)
            trying = self._enter_circuit()
            self._in_flight_points += points
            try:
                yield
            finally:
                self._in_flight_points -= points
                if trying:
                    self._trying = False

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        """An answer: the system lives, unless the status says that it is in trouble itself."""
        now = self._clock.now()
        wait = pause_asked(status, headers, now)
        if wait is not None:
            self.pause(wait)
        if means_down(status):
            self.failed(f"HTTP {status}")
            return
        self._answered_at = now
        self._signal(Signal.ANSWERED)

    def failed(self, reason: str) -> None:
        """No answer, or one that says that the system is in trouble."""
        self._failed_at, self._failure = self._clock.now(), reason[:SHOWN]
        self._signal(Signal.FAILED)

    def report(self, available: float, restore_per_s: float) -> None:
        """The vendor's own figures replace our guess."""
        now_s = self._clock.monotonic()
        self._points = reported(self._points, available, restore_per_s, self._in_flight_points, now_s)

    def pause(self, wait: timedelta) -> None:
        """Nobody calls until then; a shorter pause never ends a longer one."""
        self._paused_until_s = max(self._paused_until_s, self._clock.monotonic() + wait.total_seconds())

    # --- what the hub asks ---

    def wait_s(self, points: float = 1.0) -> float:
        """How long until a call of that many points may go; zero when it may go at once."""
        now_s = self._clock.monotonic()
        waits = [self.paused_s(), wait_s(self._requests, 1.0, now_s)]
        if self._points is not None:
            waits.append(wait_s(self._points, points, now_s))
        if self._breaker.state is BreakerState.OPEN:
            waits.append(self._breaker.open_until_s - now_s)
        return max(0.0, *waits)

    def paused_s(self) -> float:
        """How long the vendor still wants silence."""
        return max(0.0, self._paused_until_s - self._clock.monotonic())

    def places(self) -> int:
        """How many calls may be begun now: none while the circuit is open, one while it is tried."""
        self._cool()
        match self._breaker.state:
            case BreakerState.OPEN:
                return 0
            case BreakerState.HALF_OPEN:
                return 0 if self._trying else 1
            case BreakerState.CLOSED:
                return self.concurrency

    @property
    def breaker(self) -> Breaker:
        """The circuit as it stands."""
        return self._breaker

    def health(self) -> Health:
        """What people see."""
        now_s = self._clock.monotonic()
        retry_at = None
        if self._breaker.state is BreakerState.OPEN:
            retry_at = self._clock.now() + timedelta(seconds=max(0.0, self._breaker.open_until_s - now_s))
        return Health(
            breaker=self._breaker.state,
            failures=self._breaker.failures,
            retry_at=retry_at,
            points=None if self._points is None else self._points.level,
            answered_at=self._answered_at,
            failed_at=self._failed_at,
            failure=self._failure,
        )

    # --- inside ---

    async def _take(self, points: float) -> None:
        async with self._turn:
            while True:
                wait = self.wait_s(points)
                if wait <= 0:
                    break
                self._refuse_if_open()
                await self._clock.sleep(wait)
            now_s = self._clock.monotonic()
            self._requests = spent(self._requests, 1.0, now_s)
            if self._points is not None:
                self._points = spent(self._points, points, now_s)

    def _enter_circuit(self) -> bool:
        """Take the one place of a half-open circuit; whether this call is the one that finds out."""
        self._refuse_if_open()
        if self._breaker.state is not BreakerState.HALF_OPEN:
            return False
        if self._trying:
            raise CallFailed(Verdict.NOT_SENT, "the circuit is being tried by another call")
        self._trying = True
        return True

    def _refuse_if_open(self) -> None:
        self._cool()
        if self._breaker.state is BreakerState.OPEN:
            raise CallFailed(Verdict.NOT_SENT, f"the circuit is open: {self._failure}")

    def _cool(self) -> None:
        if self._breaker.state is BreakerState.OPEN and self._clock.monotonic() >= self._breaker.open_until_s:
            self._signal(Signal.COOLED)

    def _signal(self, signal: Signal) -> None:
        self._breaker = after(self._breaker, signal, self._terms, self._clock.monotonic(), self._chance.random())
