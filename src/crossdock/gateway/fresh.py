"""A copy that is never older than it may be: read again by whoever finds it too old, once for all who wait."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from crossdock.foundation.clock import Clock

Copy = TypeVar("Copy")


class Fresh(Generic[Copy]):
    """What *read* gives, at most *age_s* old."""

    def __init__(self, clock: Clock, read: Callable[[], Awaitable[Copy]], age_s: float) -> None:
        self._clock = clock
        self._read = read
        self._age_s = age_s
        self._copy: Copy | None = None
        self._read_at = float("-inf")
        self._reading: asyncio.Task[Copy] | None = None

    def at_hand(self) -> Copy | None:
        """The copy, if it may still be used: for those who cannot afford to wait for nothing."""
        return self._copy if self._clock.monotonic() - self._read_at <= self._age_s else None

    async def get(self) -> Copy:
        """The copy, read again if need be; raises what reading raised."""
        copy = self.at_hand()
        if copy is not None:
            return copy
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_again(), name="read again")
        return await asyncio.shield(self._reading)

    async def _read_again(self) -> Copy:
        began = self._clock.monotonic()
        self._copy = await self._read()
        self._read_at = began
        return self._copy
