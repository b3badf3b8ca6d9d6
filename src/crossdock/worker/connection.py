"""One connection at work: its pump, its polls, its drop folders, until its configuration changes or we stop."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from crossdock.assembly import sending
from crossdock.assembly.drops import drop_root
from crossdock.assembly.hub import Hub
from crossdock.assembly.sessions import open_connection
from crossdock.canonical.base import ConnectionName
from crossdock.connections import service as connections
from crossdock.connections.line import Line
from crossdock.connections.model import ConnectionState
from crossdock.connector_kit.model import Connector, FileDrop, Pull
from crossdock.connector_kit.verdict import CallFailed, LookupMissing, Unmatched, Verdict
from crossdock.estate.model import ConnectionConfig, Estate
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.log import logger
from crossdock.foundation.tasks import end
from crossdock.foundation.trouble import Trouble
from crossdock.inbound import service as inbound
from crossdock.inbound.service import Drop
from crossdock.outbound.pump.pump import Pump
from crossdock.worker.loop import Loop, run_loop
from crossdock.worker.watch import teller

log = logger(__name__)

SWEEP_S = 1.0


def drop_folder(hub: Hub, connection: str) -> Path:
    """Where files for a connection are put: `CROSSDOCK_HOME/drop/<connection>`."""
    return drop_root(hub.settings) / connection


async def work_connection(
    hub: Hub, estate: Estate, config: ConnectionConfig, stop: asyncio.Event, trouble: Trouble
) -> None:
    """Until *stop*: send, poll and sweep. Other processes may do the same: leases and locks share it out.

    *trouble* hears when the connection could be opened.
    """
    connector = hub.connectors[config.connector]
    name = ConnectionName(config.name)
    async with open_connection(hub, config) as line:
        await trouble.got_on()
        tell = teller(hub)
        pump = Pump(
            hub.database,
            line,
            estate,
            builders=sending.builders(hub),
            sources=sending.sources(hub, config),
            apply_news=sending.news(hub),
            hints=hub.hints,
            clock=hub.clock,
            tell=tell,
        )
        pumping = asyncio.create_task(pump.run(stop), name=f"pump {name}")
        loops = [
            asyncio.create_task(run_loop(loop, hub.hints, hub.clock, tell), name=loop.name)
            for loop in (*_polls(hub, connector, line), *_sweeps(hub, connector.drops, config))
        ]
        try:
            await stop.wait()
        finally:
            await end(loops)
            await pumping


def _polls(hub: Hub, connector: Connector, line: Line) -> Sequence[Loop]:
    def poll(pull: Pull) -> Loop:
        async def step() -> bool:
            return await _poll(hub, connector, line, pull)

        return Loop(name=f"poll {line.name}/{pull.name}", step=step, every_s=pull.every.total_seconds())

    return [poll(pull) for pull in connector.pulls]


async def _poll(hub: Hub, connector: Connector, line: Line, pull: Pull) -> bool:
    """One run of a poll; what its failure means is written down where people look."""
    async with hub.database.transaction() as tx:
        if await connections.state_of(tx, line.name) is not ConnectionState.WORKING:
            return False
    try:
        pulled = await inbound.poll(hub.database, hub.vault, connector, pull, line.session, clock=hub.clock)
    except CallFailed as failure:
        log.info(
            "poll_failed", connection=line.name, feed=pull.name, verdict=failure.verdict.name, reason=failure.reason
        )
        if failure.verdict is Verdict.BROKEN:
            await _stop_broken(hub, line.name, failure.reason)
        return False
    except (LookupMissing, Unmatched) as missing:
        log.warning("poll_needs_mapping", connection=line.name, feed=pull.name, reason=str(missing))
        return False
    if pulled.pages > pulled.unchanged:
        hub.hints.ring()
    return pulled.more


async def _stop_broken(hub: Hub, name: str, reason: str) -> None:
    now = hub.clock.now()
    async with hub.database.transaction() as tx:
        fact = await connections.broke(tx, name, reason, now)
        if fact is not None:
            new = NewFact(stream=f"connection/{name}", fact=fact, happened_at=now, origin=Origin.begin(name))
            await eventlog.append(tx, [new])
    hub.hints.ring()


def _sweeps(hub: Hub, drops: Sequence[FileDrop], config: ConnectionConfig) -> Sequence[Loop]:
    folder = drop_folder(hub, config.name)
    if drops:
        folder.mkdir(parents=True, exist_ok=True)

    def sweep(declared: FileDrop) -> Loop:
        drop = Drop(
            connection=ConnectionName(config.name),
            declared=declared,
            folder=folder,
            vault=hub.vault,
            rules=config.drop,
            siblings=drops if declared is drops[0] else (),
        )

        async def step() -> bool:
            swept = await inbound.sweep(hub.database, drop, hub.clock)
            if swept.stored or swept.refused or swept.changed:
                hub.hints.ring()
            return swept.more

        return Loop(name=f"sweep {config.name}/{declared.name}", step=step, every_s=SWEEP_S)

    return [sweep(declared) for declared in drops]
