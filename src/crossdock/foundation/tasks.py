"""Ending tasks for certain."""

import asyncio
from collections.abc import Iterable
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
