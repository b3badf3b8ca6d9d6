"""One worker at a time per lane; lanes side by side, a few at a time, and none at the cost of another."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from crossdock.foundation.db import Database, Tx
from crossdock.foundation.log import logger
from crossdock.inbound import store
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


@asynccontextmanager
async def alone(database: Database, space: int, name: str) -> AsyncIterator["Tx | None"]:
    """A session that nobody else has under this name, for as long as one is inside; None when somebody has it.

    The lock is the session's: it holds no transaction open, and it dies with its worker. A session whose lock cannot be
    given back in good order (the worker was cancelled in that very moment) is closed, so that no lock outlives its use.
    """
    async with database.connection() as session:
        try:
            taken = await store.try_lock(session, space, name)
        except BaseException:
            await session.close()
            raise
        if not taken:
            yield None
            return
        try:
            yield session
        finally:
            try:
                if not session.closed:
                    await store.unlock(session, space, name)
            except BaseException:
                await session.close()
                raise
