"""The one place that knows what time it is and how to wait."""

import asyncio
import heapq
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Protocol


class Clock(Protocol):
    """Wall time for records, monotonic time for durations, and a way to wait that a seed can replay."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; zero gives way to others once."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)  # noqa: TID251 (this is the place the ban points to)

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the running loop."""
        await asyncio.sleep(seconds)  # noqa: TID251


class VirtualClock:
    """A clock that moves only when told to: rehearsals and laws about time run without waiting."""

    def __init__(self, start: datetime) -> None:
        assert start.tzinfo is not None, start
        self._start = start
        self._elapsed_s = 0.0
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """Start plus whatever was advanced."""
        return self._start + timedelta(seconds=self._elapsed_s)

    def monotonic(self) -> float:
        """Seconds advanced so far."""
        return self._elapsed_s

    async def sleep(self, seconds: float) -> None:
        """Return once the clock was advanced that far."""
        if seconds <= 0:
            await asyncio.sleep(0)  # noqa: TID251
            return
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed_s + seconds, next(self._order), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Move on, waking sleepers in the order of their deadlines."""
        goal = self._elapsed_s + seconds
        while self._sleepers and self._sleepers[0][0] <= goal:
            deadline, _, woken = heapq.heappop(self._sleepers)
            self._elapsed_s = max(self._elapsed_s, deadline)
            if not woken.done():
                woken.set_result(None)
            await asyncio.sleep(0)  # noqa: TID251
        self._elapsed_s = goal
        await asyncio.sleep(0)  # noqa: TID251


SYSTEM_CLOCK = SystemClock()
