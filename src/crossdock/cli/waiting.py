"""Wait some seconds to see how intents fare that are on their way again."""

from collections.abc import Callable, Collection, Mapping
from typing import Final
from uuid import UUID

from crossdock.assembly.hub import Hub
from crossdock.outbound import service as outbound
from crossdock.outbound.model import Verified

LOOK_S: Final = 0.2


async def watch_intents(
    parts: Hub, ids: Collection[UUID], seconds: float, *, done: Callable[[Verified], bool]
) -> Verified:
    """Where they stand as soon as they are *done*, or when the time is up."""
    deadline = parts.clock.monotonic() + seconds
    while True:
        async with parts.database.transaction() as tx:
            fared = await outbound.verify(tx, ids)
        if done(fared) or parts.clock.monotonic() >= deadline:
            return fared
        await parts.clock.sleep(LOOK_S)


def counted(fared: Verified | None) -> Mapping[str, int]:
    """By state, for people and machines."""
    return {} if fared is None else {str(state): count for state, count in fared.counts.items()}


def in_words(counts: Mapping[str, int]) -> str:
    """`3 landed, 1 parked`"""
    return ", ".join(f"{count} {state}" for state, count in counts.items())
