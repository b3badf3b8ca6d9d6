"""The loops that belong to no connection: decode, apply, react, derive, promise, keep in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from crossdock.assembly.appliers import appliers
from crossdock.assembly.backorders import give_to_backorders
from crossdock.assembly.deriving import derive
from crossdock.assembly.desks import desk
from crossdock.assembly.healing import heal
from crossdock.assembly.hub import Hub
from crossdock.assembly.reactions import REACTORS, step
from crossdock.availability import service as availability
from crossdock.canonical.base import ConnectionName, Sku
from crossdock.customers import service as customers
from crossdock.estate import service as estates
from crossdock.estate.model import Estate
from crossdock.eventlog.sealing import service as sealing
from crossdock.eventlog.service import Origin
from crossdock.eventlog.upkeep import service as log_upkeep
from crossdock.finance import service as finance
from crossdock.inbound import service as inbound
from crossdock.inbound.service import Watch
from crossdock.inventory import service as inventory
from crossdock.outbound import service as outbound
from crossdock.worker.loop import Loop

REFRESH_MAX: Final = 2000
LAPSE_MAX: Final = 500
LAPSE_WHOLE_S: Final = 60.0
LATE_MAX: Final = timedelta(minutes=1)
"""A hold that a slow transaction, or one with another clock, made is seen for so long after its deadline."""
LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
SETTLE_MAX: Final = 1000
UPKEEP_S: Final = 600.0
CLOCKS_S: Final = 5.0
SWEEP_S: Final = 3600.0


def central_loops(hub: Hub) -> Sequence[Loop]:
    """All of them; safe to run in several processes at once: locks and cursors share the work out."""
    return (
        Loop(name="decode", step=partial(_decode, hub)),
        Loop(name="apply", step=partial(_apply, hub)),
        *(Loop(name=f"react {reactor.name}", step=partial(step, hub, reactor)) for reactor in REACTORS),
        Loop(name="backorders", step=partial(give_to_backorders, hub)),
        Loop(name="derive", step=partial(derive, hub)),
        Loop(name="lapse", step=_Lapse(hub)),
        Loop(name="settle", step=partial(_settle, hub), every_s=CLOCKS_S),
        Loop(name="promise", step=partial(_promise, hub)),
        Loop(name="promise all", step=_PromiseAll(hub), every_s=CLOCKS_S),
        Loop(name="heal", step=partial(_heal, hub), every_s=CLOCKS_S),
        Loop(name="seal", step=partial(_seal, hub), every_s=CLOCKS_S),
        Loop(name="clocks", step=partial(_watch_clocks, hub), every_s=CLOCKS_S),
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


@dataclass(slots=True)
class _Lapse:
    """Holds past their deadline no longer count anywhere; written down, their units are published again.

    Every look goes on where the last one ended, once a minute from the beginning: who goes through all that ever lapsed
    with every hint is slow while somebody holds a snapshot.
    """

    hub: Hub
    _looked_at: datetime | None = None
    _whole_at: float = 0.0

    async def __call__(self) -> bool:
        now, monotonic = self.hub.clock.now(), self.hub.clock.monotonic()
        whole = self._looked_at is None or monotonic >= self._whole_at
        since = LONG_AGO if self._looked_at is None or whole else self._looked_at - LATE_MAX
        async with self.hub.database.transaction() as tx:
            ended = await inventory.lapse(tx, origin=Origin.begin("holds"), now=now, since=since, limit=LAPSE_MAX)
        if ended:
            self.hub.hints.ring()
            return True
        self._looked_at = now
        if whole:
            self._whole_at = monotonic + LAPSE_WHOLE_S
        return False


async def _settle(hub: Hub) -> bool:
    """Positions that were busy and are no longer: nobody waits for it."""
    async with hub.database.transaction() as tx:
        return await inventory.settle(tx, now=hub.clock.now(), limit=SETTLE_MAX) == SETTLE_MAX


async def _promise(hub: Hub) -> bool:
    async with hub.database.transaction() as tx:
        estate = await hub.estate.get(tx)
        changed = await availability.refresh(tx, estate, now=hub.clock.now(), limit=REFRESH_MAX)
    if changed:
        hub.hints.ring()
    return changed > 0


@dataclass(slots=True)
class _PromiseAll:
    """Every figure computed anew, page by page: for a new estate at once, and as a backstop every hour."""

    hub: Hub
    _number: int = 0
    _due_at: float = 0.0
    _after: Sku | None = None

    async def __call__(self) -> bool:
        async with self.hub.database.transaction() as tx:
            number = await estates.current_number(tx)
            if self._after is None and number == self._number and self.hub.clock.monotonic() < self._due_at:
                return False
            estate = await self.hub.estate.get(tx)
            self._after = await availability.sweep(tx, estate, now=self.hub.clock.now(), after=self._after)
        if self._after is None:
            self._number, self._due_at = number, self.hub.clock.monotonic() + SWEEP_S
            self.hub.hints.ring()
        return self._after is not None


async def _heal(hub: Hub) -> bool:
    if await heal(hub):
        hub.hints.ring()
    return False


async def _watch_clocks(hub: Hub) -> bool:
    """Whatever has waited too long asks for a person."""
    now = hub.clock.now()
    async with hub.database.transaction() as tx:
        estate = await hub.estate.get(tx)
        late = await inbound.overdue(tx, now=now)
        silent = await inbound.silent_feeds(tx, _watches(hub, estate), now=now)
    if late or silent:
        hub.hints.ring()
    return False


def _watches(hub: Hub, estate: Estate) -> Sequence[Watch]:
    return [
        Watch(connection=ConnectionName(config.name), feed=pull.name, silent_after=pull.silent_after)
        for config in estate.connections
        if config.enabled and config.connector in hub.connectors
        for pull in hub.connectors[config.connector].pulls
        if pull.silent_after is not None
    ]


async def _seal(hub: Hub) -> bool:
    """Evidence that nobody has changed what was written."""
    async with hub.database.transaction() as tx:
        return await sealing.seal(tx) > 0


async def _keep_up(hub: Hub) -> bool:
    """Partitions made ahead, old ones dropped, keys forgotten."""
    retention = timedelta(days=hub.settings.retention_days)
    async with hub.database.transaction() as tx:
        await customers.forget_erasures(tx, before=hub.clock.now() - retention)
    await inbound.maintain(hub.database, now=hub.clock.now(), retention=retention)
    await outbound.maintain(hub.database, now=hub.clock.now(), retention=retention)
    await log_upkeep.maintain(hub.database, now=hub.clock.now(), retention=retention)
    await finance.maintain(hub.database, now=hub.clock.now())  # books: kept, whatever the retention
    return False
