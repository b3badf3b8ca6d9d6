"""Ending tasks for certain, and several parts at once."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

AGAIN_S: Final = 1.0


async def end(tasks: Iterable["asyncio.Task[object]"]) -> None:
    """Cancel *tasks* and return when they have ended, whatever they raise.

    One cancellation may be lost: a wait that ends in the same moment swallows it (`asyncio.wait_for` does, before Python
    3.12, and drivers are built on it). A task that goes on is cancelled again.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        ended, left = await asyncio.wait(left, timeout=AGAIN_S)
        for task in ended:
            if not task.cancelled():
                task.exception()  # looked at, so that nobody complains that it was not


@asynccontextmanager
async def together(*parts: AbstractAsyncContextManager[None]) -> AsyncIterator[None]:
    """Enter one after the other, leave all at once: each has a patience of its own, and nobody waits for their sum."""
    entered: list[AbstractAsyncContextManager[None]] = []
    try:
        for part in parts:
            await part.__aenter__()
            entered.append(part)
        yield
    finally:
        await asyncio.gather(*(part.__aexit__(None, None, None) for part in entered))
