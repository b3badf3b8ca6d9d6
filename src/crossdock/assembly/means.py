"""What working an exception off needs from the hub: its desk, and its reactions to run one again."""

from collections.abc import Sequence
from uuid import UUID

from crossdock.assembly import backorders, deriving, promising, tidying
from crossdock.assembly.desks import desk
from crossdock.assembly.hub import Hub
from crossdock.assembly.reactions import REACTORS, Reactor, said_of
from crossdock.canonical.base import OrderId, Sku
from crossdock.catalog import service as catalog
from crossdock.estate.model import Estate
from crossdock.eventlog import service as eventlog
from crossdock.foundation.apart import NOT_NOW
from crossdock.foundation.db import Tx
from crossdock.operations.casework.service import Means
from crossdock.orders import service as orders
from crossdock.orders.model import Finding, HoldCode


def means(hub: Hub, estate: Estate, reactors: Sequence[Reactor] = REACTORS) -> Means:
    """For one transaction under *estate*."""

    async def replay(tx: Tx, reactor_name: str, what: str) -> str:
        try:
            async with tx.transaction():
                return await _replayed(hub, tx, estate, reactors, reactor_name=reactor_name, what=what)
        except NOT_NOW:
            raise
        except Exception as error:  # noqa: BLE001 (whatever it broke on is what a person must know)
            return said_of(error)

    async def standing(tx: Tx, order_id: OrderId, hold: HoldCode) -> Finding | None:
        return await orders.standing(tx, estate, order_id, hold, known=catalog.tracked)

    return Means(desk=desk(hub, estate), replay=replay, standing=standing)


async def _replayed(
    hub: Hub, tx: Tx, estate: Estate, reactors: Sequence[Reactor], *, reactor_name: str, what: str
) -> str:
    """Why it could not be run; empty when it was."""
    if reactor_name == backorders.NAME:
        await backorders.give(hub, tx, Sku(what))
        return ""
    if reactor_name == promising.NAME:
        await promising.again(hub, tx, Sku(what))
        return ""
    if reactor_name in {tidying.LAPSE, tidying.SETTLE}:
        await tidying.again(hub, tx, reactor_name, what)
        return ""
    reactor = next((each for each in reactors if each.name == reactor_name), None)
    if reactor is None and reactor_name != deriving.NAME:
        return f'this release has no reaction "{reactor_name}"'
    event = await eventlog.get(tx, UUID(what))
    if event is None:
        return "the fact is not kept any more"
    eventlog.check_readable([event])
    if reactor is None:
        await deriving.again(hub, tx, event)
    else:
        await reactor.react(tx, estate, [event], hub.clock.now())
    return ""
