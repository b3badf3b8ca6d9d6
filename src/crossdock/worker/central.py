"""The loops that belong to no connection: decode, apply, react, derive, promise, keep in order."""

import asyncio
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from crossdock.assembly import promising, tidying
from crossdock.assembly.appliers import appliers
from crossdock.assembly.backorders import give_to_backorders
from crossdock.assembly.deriving import derive
from crossdock.assembly.desks import desk
from crossdock.assembly.drops import drop_root, takers
from crossdock.assembly.healing import heal
from crossdock.assembly.hearing import heard
from crossdock.assembly.hub import Hub
from crossdock.assembly.promising import Promise, PromiseAll
from crossdock.assembly.reactions import REACTORS, step
from crossdock.assembly.tidying import Lapse, Settle
from crossdock.availability import service as availability
from crossdock.canonical.base import ConnectionName
from crossdock.catalog import service as catalog
from crossdock.customers import service as customers
from crossdock.estate.model import Estate
from crossdock.eventlog.sealing import service as sealing
from crossdock.eventlog.upkeep import service as log_upkeep
from crossdock.finance import service as finance
from crossdock.foundation.apart import each
from crossdock.foundation.db import Database
from crossdock.inbound import service as inbound
from crossdock.inbound.service import Watch
from crossdock.operations.unclaimed import service as unclaimed
from crossdock.orders import service as orders
from crossdock.outbound import service as outbound
from crossdock.worker.loop import Loop
from crossdock.worker.tills import LOOK_S, Gaps, Silence

UPKEEP_S: Final = 600.0
CLOCKS_S: Final = 5.0
PACE_S: Final = 30.0
UNCLAIMED_S: Final = 30.0


def central_loops(hub: Hub) -> Sequence[Loop]:
    """All of them; safe to run in several processes at once: locks and cursors share the work out."""
    return (
        Loop(name="decode", step=partial(_decode, hub)),
        Loop(name="apply", step=partial(_apply, hub)),
        *(Loop(name=f"react {reactor.name}", step=partial(step, hub, reactor)) for reactor in REACTORS),
        Loop(name="backorders", step=partial(give_to_backorders, hub)),
        Loop(name="derive", step=partial(derive, hub)),
        Loop(name="lapse", step=Lapse(hub, tidying.aside(hub, tidying.LAPSE))),
        Loop(name="settle", step=Settle(hub, tidying.aside(hub, tidying.SETTLE)), every_s=CLOCKS_S),
        Loop(name="promise", step=Promise(hub, promising.aside(hub))),
        Loop(name="promise all", step=PromiseAll(hub, promising.aside(hub)), every_s=CLOCKS_S),
        Loop(name="pace", step=partial(_pace, hub), every_s=PACE_S),
        Loop(name="heal", step=partial(_heal, hub), every_s=CLOCKS_S),
        Loop(name="seal", step=partial(_seal, hub), every_s=CLOCKS_S),
        Loop(name="clocks", step=partial(_watch_clocks, hub), every_s=CLOCKS_S),
        Loop(name="unclaimed", step=partial(_unclaimed, hub), every_s=UNCLAIMED_S),
        Loop(name="gaps", step=Gaps(hub), every_s=LOOK_S),
        Loop(name="silence", step=Silence(hub), every_s=LOOK_S),
        Loop(name="upkeep", step=partial(_keep_up, hub), every_s=UPKEEP_S),
    )


async def _estate(hub: Hub) -> Estate:
    async with hub.database.transaction() as tx:
        return await hub.estate.get(tx)


async def _decode(hub: Hub) -> bool:
    work = await inbound.decode_waiting(hub.database, desk(hub, await _estate(hub)), hub.clock)
    if work.messages:
        hub.hints.ring()
    return work.more


async def _apply(hub: Hub) -> bool:
    work = await inbound.apply_waiting(hub.database, appliers(hub), await _estate(hub), hub.clock)
    if work.applied:
        hub.hints.ring()
    return work.more


async def _pace(hub: Hub) -> bool:
    """Who was heard when, and what left in the hours that are over: only while a rule asks for it."""
    now = hub.clock.now()
    async with hub.database.transaction() as tx:
        estate = await hub.estate.get(tx)
        if not estate.staleness:
            return False
        await availability.pace.note_heard(tx, estate, await heard(tx, now=now), now=now)
        return await availability.pace.count_sales(tx, estate, now=now)


async def _forget_pace(database: Database, before: datetime) -> None:
    async with database.transaction() as tx:
        await availability.pace.forget(tx, before=before)


async def _heal(hub: Hub) -> bool:
    if await heal(hub):
        hub.hints.ring()
    return False


async def _watch_clocks(hub: Hub) -> bool:
    """Whatever has waited too long asks for a person. Each kind apart: what breaks one hides no other."""
    now = hub.clock.now()
    await each((partial(_overdue, hub, now), partial(_silent, hub, now), partial(_without_goods, hub, now)))
    return False


async def _without_goods(hub: Hub, now: datetime) -> None:
    async with hub.database.transaction() as tx:
        estate = await hub.estate.get(tx)
        looked_at = await orders.look_at_waiting(tx, estate, known=catalog.tracked, now=now)
    if looked_at:
        hub.hints.ring()


async def _overdue(hub: Hub, now: datetime) -> None:
    async with hub.database.transaction() as tx:
        late = await inbound.overdue(tx, now=now)
    if late:
        hub.hints.ring()


async def _silent(hub: Hub, now: datetime) -> None:
    async with hub.database.transaction() as tx:
        silent = await inbound.silent_feeds(tx, _watches(hub, await hub.estate.get(tx)), now=now)
    if silent:
        hub.hints.ring()


def _watches(hub: Hub, estate: Estate) -> Sequence[Watch]:
    return [
        Watch(connection=ConnectionName(config.name), feed=pull.name, silent_after=pull.silent_after)
        for config in estate.connections
        if config.enabled and config.connector in hub.connectors
        for pull in hub.connectors[config.connector].pulls
        if pull.silent_after is not None
    ]


async def _unclaimed(hub: Hub) -> bool:
    """Files that were put where nobody looks."""
    root = drop_root(hub.settings)
    async with hub.database.transaction() as tx:
        estate = await hub.estate.get(tx)
        found = await asyncio.to_thread(inbound.strays, root, takers(estate, hub.connectors))
        await unclaimed.tell(tx, estate, f"{socket.gethostname()}{root}", found, now=hub.clock.now())
    return False


async def _seal(hub: Hub) -> bool:
    """Evidence that nobody has changed what was written."""
    async with hub.database.transaction() as tx:
        return await sealing.seal(tx) > 0


async def _forget_erasures(database: Database, before: datetime) -> None:
    async with database.transaction() as tx:
        await customers.forget_erasures(tx, before=before)


async def _forget_tills(database: Database, now: datetime) -> None:
    async with database.transaction() as tx:
        await finance.forget(tx, now=now)


async def _keep_up(hub: Hub) -> bool:
    """Partitions made ahead, old ones dropped, keys forgotten."""
    database, now = hub.database, hub.clock.now()
    retention = timedelta(days=hub.settings.retention_days)
    await each(
        (
            partial(_forget_erasures, database, now - retention),
            partial(inbound.maintain, database, now=now, retention=retention),
            partial(outbound.maintain, database, now=now, retention=retention),
            partial(_forget_pace, database, now - retention),
            partial(log_upkeep.maintain, database, now=now, retention=retention),
            partial(finance.maintain, database, now=now),  # books: kept, whatever the retention
            partial(_forget_tills, database, now),
        )
    )
    return False
