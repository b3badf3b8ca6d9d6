"""What waited for something that is known by now goes on by itself, and the exceptions of groups stay true."""

from typing import Final

from crossdock.assembly.desks import desk
from crossdock.assembly.hub import Hub
from crossdock.operations import service as operations
from crossdock.operations.grouping import service as grouping

WHO: Final = "crossdock"


async def heal(hub: Hub) -> bool:
    """One look: identities linked since, stores that the estate knows by now; True when something is on its way again.

    A lookup is not looked for here: only the pump of its connection knows which estate it sends by.
    """
    now = hub.clock.now()
    async with hub.database.transaction() as tx:
        estate = await hub.estate.get(tx)
        freed = False
        if await grouping.anything_waits(tx):
            at_hand = desk(hub, estate)
            located = await grouping.release_located(tx, at_hand, who=WHO, now=now)
            # What has its store now may lack its item next.
            matched = await grouping.release_matched(tx, at_hand, who=WHO, now=now)
            freed = bool(located) or bool(matched)
        await operations.refresh(tx, estate, now=now)
    return freed
