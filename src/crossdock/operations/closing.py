"""Settle an exception, whoever found that it is settled."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from crossdock.canonical.facts import ExceptionClosed, ExceptionOpened
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx
from crossdock.operations import store

RESOLUTION_MAX: Final = 500
"""What a fact's text may hold; people may have said more."""


async def close(tx: Tx, key: str, resolution: str, *, origin: Origin, now: datetime) -> bool:
    """Settle the open exception of a key; False when there is none."""
    resolution = resolution[:RESOLUTION_MAX]
    closed = await store.close(tx, key, resolution, now)
    if closed is None:
        return False
    await note(tx, closed[0], ExceptionClosed(exception_id=str(closed[0]), resolution=resolution), origin, now)
    return True


async def close_of(
    tx: Tx, subject: str, types: Sequence[str], resolution: str, *, origin: Origin, now: datetime
) -> None:
    """Settle every open exception of these types about one subject."""
    for exception_id in await store.close_of(tx, subject, types, resolution[:RESOLUTION_MAX], now):
        await note(
            tx, exception_id, ExceptionClosed(exception_id=str(exception_id), resolution=resolution), origin, now
        )


async def note(
    tx: Tx, exception_id: UUID, fact: ExceptionOpened | ExceptionClosed, origin: Origin, now: datetime
) -> None:
    """Tell the log."""
    new = NewFact(stream=f"exception/{exception_id}", fact=fact, happened_at=now, origin=origin)
    await eventlog.append(tx, [new])
