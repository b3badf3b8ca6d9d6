"""One loop: step until nothing is left, then wait for a hint or a while; survive what a step throws."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import psycopg
import psycopg_pool

from crossdock.foundation.clock import Clock
from crossdock.foundation.hints import Hints
from crossdock.foundation.log import logger
from crossdock.foundation.trouble import Tell, Trouble, tell_nobody

log = logger(__name__)

IDLE_FIRST_S: Final = 0.05
FAILED_FIRST_S: Final = 0.2
FAILED_MAX_S: Final = 15.0
DATABASE_GONE: Final = (psycopg.OperationalError, psycopg.errors.QueryCanceled, psycopg_pool.PoolTimeout)

Step = Callable[[], Awaitable[bool]]
"""One bounded piece of work; True when there may be more at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A named step with its pace when idle."""

    name: str
    step: Step
    idle_max_s: float = 3.0
    """Longest wait between polls when no hint comes: the price of a lost hint."""
    every_s: float | None = None
    """A fixed pace instead, whatever hints come: for what is asked of other systems and for upkeep."""


async def run_loop(loop: Loop, hints: Hints, clock: Clock, tell: Tell = tell_nobody) -> None:
    """Run until cancelled. A failing step is logged and tried again with growing waits: it never ends the loop.

    One that fails again and again is told, and told again when it gets on.
    """
    trouble = Trouble(loop.name, tell)
    idle_s, failed_s = IDLE_FIRST_S, FAILED_FIRST_S
    me = asyncio.current_task()
    while me is None or not me.cancelling():  # a step may swallow its cancellation
        try:
            more = await loop.step()
        except DATABASE_GONE as error:
            log.warning("loop_lost_database", loop=loop.name, error=str(error).strip())
            await trouble.failed(error)
            await clock.sleep(failed_s)
            failed_s = min(failed_s * 2, FAILED_MAX_S)
            continue
        except Exception as error:  # the edge of the process: a bug in one loop must not stop the others
            log.exception("loop_step_failed", loop=loop.name)
            await trouble.failed(error)
            await clock.sleep(failed_s)
            failed_s = min(failed_s * 2, FAILED_MAX_S)
            continue
        failed_s = FAILED_FIRST_S
        await trouble.got_on()
        if more:
            idle_s = IDLE_FIRST_S
        elif loop.every_s is not None:
            await clock.sleep(loop.every_s)
        elif await hints.wait(idle_s):
            idle_s = IDLE_FIRST_S
        else:
            idle_s = min(idle_s * 2, loop.idle_max_s)
