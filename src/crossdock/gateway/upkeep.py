"""The gateway's own housekeeping: answers kept for Idempotency-Key are forgotten after a week."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import psycopg

from crossdock.assembly.hub import Hub
from crossdock.foundation.log import logger
from crossdock.foundation.tasks import end
from crossdock.gateway import store

log = logger(__name__)

KEPT: Final = timedelta(days=7)
EVERY_S: Final = 3600.0


@asynccontextmanager
async def forgetting(hub: Hub) -> AsyncIterator[None]:
    """Forget old answers while inside, once an hour."""
    task = asyncio.create_task(_forget(hub), name="forget answers")
    try:
        yield
    finally:
        await end([task])


async def _forget(hub: Hub) -> None:
    while True:
        await hub.clock.sleep(EVERY_S)
        try:
            async with hub.database.transaction() as tx:
                forgotten = await store.forget_answers(tx, hub.clock.now() - KEPT)
        except psycopg.Error as error:
            log.warning("answers_not_forgotten", error=str(error).strip())
        else:
            log.info("answers_forgotten", count=forgotten)
