"""A working process: central loops, connections, or both, until it is told to stop."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from crossdock.assembly.hub import Hub
from crossdock.connections.settings import SettingUnusableError
from crossdock.estate import service as estates
from crossdock.estate.model import ConnectionConfig, Estate
from crossdock.estate.service import EstateUnreadableError, NoEstateError
from crossdock.foundation.clock import Clock
from crossdock.foundation.log import logger
from crossdock.foundation.tasks import end
from crossdock.foundation.trouble import Trouble
from crossdock.worker.central import central_loops
from crossdock.worker.connection import work_connection
from crossdock.worker.loop import DATABASE_GONE, run_loop
from crossdock.worker.watch import teller

log = logger(__name__)

ESTATE_LOOK_S = 2.0
RETRY_S = 15.0
STOP_S = 13.0


@asynccontextmanager
async def working(hub: Hub, *, central: bool = True, connections: Sequence[str] | None = None) -> AsyncIterator[None]:
    """Work while inside. *connections* limits to those names; None is all of the estate, () is none.

    On leaving, steps under way are finished or rolled back, and calls to other systems get ten seconds.
    """
    stop = asyncio.Event()
    tasks = [asyncio.create_task(_when_ready(hub, stop), name="central")] if central else []
    if connections is None or connections:
        staff = Staff(hub, None if connections is None else frozenset(connections))
        tasks.append(asyncio.create_task(staff.run(stop), name="connections"))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait(tasks, timeout=STOP_S) if tasks else None
        await end(tasks)


async def _when_ready(hub: Hub, stop: asyncio.Event) -> None:
    """Wait for an estate, then run the central loops until told to stop."""
    while not stop.is_set():
        try:
            async with hub.database.transaction() as tx:
                await hub.estate.get(tx)
            break
        except EstateUnreadableError as error:
            log.error("estate_unreadable", reason=str(error))  # noqa: TRY400 (the text says it all)
            await _rest(hub.clock, stop, RETRY_S)
        except (NoEstateError, *DATABASE_GONE):
            await _rest(hub.clock, stop, ESTATE_LOOK_S)
        except Exception:  # an estate that cannot be read now may be replaced: keep looking
            log.exception("estate_unreadable")
            await _rest(hub.clock, stop, RETRY_S)
    tell = teller(hub)
    loops = [
        asyncio.create_task(run_loop(loop, hub.hints, hub.clock, tell), name=loop.name) for loop in central_loops(hub)
    ]
    await stop.wait()
    await end(loops)


@dataclass(slots=True)
class Staff:
    """One task per connection of the estate; a changed estate replaces them."""

    hub: Hub
    only: frozenset[str] | None
    _at_work: dict[str, "Post"] = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Until *stop*; looks for another version of the estate every second."""
        number = 0
        while not stop.is_set():
            try:
                async with self.hub.database.transaction() as tx:
                    newest = await estates.current_number(tx)
                    estate = await self.hub.estate.get(tx) if newest else None
                if estate is not None and newest != number:
                    await self._assign(estate)
                    number = newest
            except DATABASE_GONE as error:
                log.warning("estate_unreadable", error=str(error).strip())
            except Exception:  # whoever supervises must not end: connections go on with what they have
                log.exception("estate_not_followed")
            await _rest(self.hub.clock, stop, ESTATE_LOOK_S)
        await asyncio.gather(*(post.end() for post in self._at_work.values()))

    async def _assign(self, estate: Estate) -> None:
        """Each connection by itself: one whose vendor hangs does not keep the others from their new configuration."""
        wanted = self._wanted(estate)
        gone = [self._at_work.pop(name) for name in set(self._at_work) - set(wanted)]
        await asyncio.gather(*(post.end() for post in gone), *(self._replace(estate, each) for each in wanted.values()))

    async def _replace(self, estate: Estate, config: ConnectionConfig) -> None:
        before = self._at_work.get(config.name)
        if before is not None:
            await before.end()
        self._at_work[config.name] = Post.begin(self.hub, estate, config)

    def _wanted(self, estate: Estate) -> Mapping[str, ConnectionConfig]:
        return {
            config.name: config
            for config in estate.connections
            if config.enabled
            and config.connector in self.hub.connectors
            and (self.only is None or config.name in self.only)
        }


@dataclass(frozen=True, slots=True)
class Post:
    """One connection's task and the way to end it."""

    stop: asyncio.Event
    task: "asyncio.Task[None]"

    @classmethod
    def begin(cls, hub: Hub, estate: Estate, config: ConnectionConfig) -> "Post":
        """Start working one connection."""
        stop = asyncio.Event()
        return cls(stop, asyncio.create_task(_keep_working(hub, estate, config, stop), name=config.name))

    async def end(self) -> None:
        """Stop it in good order."""
        self.stop.set()
        await asyncio.gather(self.task, return_exceptions=True)


async def _keep_working(hub: Hub, estate: Estate, config: ConnectionConfig, stop: asyncio.Event) -> None:
    """A connection that cannot even start (a missing secret) waits and tries again: the others go on."""
    trouble = Trouble(f"connection {config.name}", teller(hub))
    while not stop.is_set():
        try:
            await work_connection(hub, estate, config, stop, trouble)
        except SettingUnusableError as error:
            log.error("connection_unusable", connection=config.name, reason=str(error))  # noqa: TRY400 (the text says it all)
            await trouble.failed(error)
            await _rest(hub.clock, stop, RETRY_S)
        except Exception as error:  # the edge of one connection: its bugs must not stop the other connections
            log.exception("connection_failed", connection=config.name)
            await trouble.failed(error)
            await _rest(hub.clock, stop, RETRY_S)


async def _rest(clock: Clock, stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not when we are told to stop."""
    waiters: list[asyncio.Task[object]] = [
        asyncio.create_task(stop.wait()),
        asyncio.create_task(clock.sleep(seconds)),
    ]
    try:
        await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(waiters)
