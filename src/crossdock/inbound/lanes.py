"""Run lanes side by side, a few at a time; one that fails does not hold up the others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from crossdock.foundation.log import logger
from crossdock.inbound.model import Work

log = logger(__name__)

Lane = TypeVar("Lane")
SIDE_BY_SIDE: Final = 4
"""Database connections that one step may hold at a time."""


async def each_lane(lanes: Sequence[Lane], work_in: Callable[[Lane], Awaitable[Work]]) -> Work:
    """Work in every lane; raises what the lanes raised after all of them have ended, and only if nothing was done."""
    places = asyncio.Semaphore(SIDE_BY_SIDE)

    async def guarded(lane: Lane) -> Work:
        async with places:
            try:
                return await work_in(lane)
            except Exception as error:
                log.error("lane_failed", lane=str(lane), error=f"{type(error).__name__}: {error}".strip())  # noqa: TRY400 (the loop shows the trace)
                raise

    ended = await asyncio.gather(*(guarded(lane) for lane in lanes), return_exceptions=True)
    done = sum((each for each in ended if isinstance(each, Work)), Work())
    errors = [each for each in ended if isinstance(each, BaseException)]
    if errors and done == Work():
        raise errors[0]
    return done
