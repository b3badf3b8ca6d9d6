"""What waited for something that is known by now goes on by itself, and the exceptions of groups stay true."""

from functools import partial
from typing import Final

from crossdock.assembly.desks import desk
from crossdock.assembly.hub import Hub
from crossdock.foundation.apart import each
from crossdock.operations import service as operations
from crossdock.operations.grouping import service as grouping
from crossdock.operations.grouping.service import Freed

WHO: Final = "crossdock"


async def heal(hub: Hub) -> bool:
    """One look: identities linked since, stores that the estate knows by now; True when something is on its way again.

    Each in a transaction of its own: what breaks one does not stop the others, and is raised when all have had their
    turn. A lookup is not looked for here: only the pump of its connection knows which estate it sends by.
    """
    freed: list[Freed] = []
    # What has its store now may lack its item next.
    await each((partial(_located, hub, freed), partial(_matched, hub, freed), partial(_groups, hub)))
    return any(freed)


async def _located(hub: Hub, freed: list[Freed]) -> None:
    async with hub.database.transaction() as tx:
        if await grouping.anything_waits(tx):
            at_hand = desk(hub, await hub.estate.get(tx))
            freed.append(await grouping.release_located(tx, at_hand, who=WHO, now=hub.clock.now()))


async def _matched(hub: Hub, freed: list[Freed]) -> None:
    async with hub.database.transaction() as tx:
        if await grouping.anything_waits(tx):
            at_hand = desk(hub, await hub.estate.get(tx))
            freed.append(await grouping.release_matched(tx, at_hand, who=WHO, now=hub.clock.now()))


async def _groups(hub: Hub) -> None:
    async with hub.database.transaction() as tx:
        await operations.refresh(tx, await hub.estate.get(tx), now=hub.clock.now())
