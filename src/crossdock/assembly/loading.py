"""First loads: fetch everything a connection has of a kind, then see it through to its effect."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from crossdock.assembly.appliers import appliers
from crossdock.assembly.desks import desk
from crossdock.assembly.hub import Hub
from crossdock.connections.line import Line
from crossdock.connector_kit.model import Load
from crossdock.estate.model import Estate
from crossdock.inbound import service as inbound
from crossdock.inbound.model import RecordState, Route
from crossdock.inbound.service import LoadProgress

UNDECODED: Final = "undecoded"
BUSY: Final = (UNDECODED, RecordState.RECEIVED)
"""Still on its way to an effect."""
LOOK_S: Final = 0.2
QUIET_S: Final = 10.0
"""Without any progress for so long, what is left waits for something else (an earlier record set aside)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What one load came to. `records` counts by state; `busy` when another process was loading the same."""

    name: str
    pages: int
    unchanged: int
    """Pages that were stored before, byte for byte."""
    records: Mapping[str, int] = field(default_factory=dict)
    busy: bool = False

    @property
    def complete(self) -> bool:
        """Everything that came had its effect, or had had it before."""
        done = {RecordState.APPLIED, RecordState.REPEATED, RecordState.OWN}
        return not self.busy and all(state in done for state, count in self.records.items() if count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What is told to whoever watches."""

    name: str
    pages: int
    records: Mapping[str, int] = field(default_factory=dict)


OnProgress = Callable[[Progress], None]


async def finished(hub: Hub, connection: str) -> Mapping[str, datetime]:
    """Loads of a connection that have brought everything, and when."""
    async with hub.database.transaction() as tx:
        feeds = await inbound.list_feeds(tx, connection)
    return {feed.feed: feed.finished_at for feed in feeds if feed.route == Route.LOAD and feed.finished_at is not None}


async def run(hub: Hub, estate: Estate, line: Line, load: Load, progress: OnProgress) -> Loaded:
    """Fetch from where the last run stopped (one that had finished begins anew), then decode and apply all of it.

    Repeatable: records are recognised by their event ids. CallFailed leaves what was fetched stored and applied later.
    """
    began = hub.clock.now()
    pages = unchanged = 0

    def fetched(told: LoadProgress) -> None:
        progress(Progress(name=load.name, pages=told.pages))

    while True:
        pulled = await inbound.load(
            hub.database, hub.vault, line.connector, load, line.session, clock=hub.clock, progress=fetched
        )
        pages += pulled.pages
        unchanged += pulled.unchanged
        if pulled.busy:
            return Loaded(name=load.name, pages=pages, unchanged=unchanged, busy=True)
        if not pulled.more:
            break
    hub.hints.ring()
    records = await _see_through(hub, estate, line, load, Begun(at=began, pages=pages, progress=progress))
    return Loaded(name=load.name, pages=pages, unchanged=unchanged, records=records)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run whose pages are all stored."""

    at: datetime
    pages: int
    progress: OnProgress


async def _see_through(hub: Hub, estate: Estate, line: Line, load: Load, begun: Begun) -> Mapping[str, int]:
    """Work like a worker would until nothing of the load is on its way; a hub that runs beside us shares the work."""
    quiet_since_s = hub.clock.monotonic()
    before: Mapping[str, int] = {}
    while True:
        work = await inbound.decode_waiting(hub.database, desk(hub, estate), hub.clock)
        work += await inbound.apply_waiting(hub.database, appliers(hub), estate, hub.clock)
        counts = await _counts(hub, line.name, load.name, begun.at)
        begun.progress(Progress(name=load.name, pages=begun.pages, records=counts))
        if not any(counts.get(state) for state in BUSY):
            return counts
        if counts != before:
            quiet_since_s, before = hub.clock.monotonic(), counts
        elif hub.clock.monotonic() - quiet_since_s > QUIET_S:
            return counts
        if not work.more:
            await hub.clock.sleep(LOOK_S)


async def _counts(hub: Hub, connection: str, feed: str, since: datetime) -> Mapping[str, int]:
    async with hub.database.transaction() as tx:
        tally = await inbound.tally(tx, since=since)
    counts: Counter[str] = Counter()
    for each in tally:
        if (each.connection, each.feed) == (connection, feed):
            counts[each.state] += each.count
    return dict(counts)


def chosen(loads: Sequence[Load], names: Sequence[str]) -> Sequence[Load] | str:
    """The loads asked for, in the connector's order (all when none is named); the first name it does not have."""
    known = {load.name for load in loads}
    unknown = [name for name in names if name not in known]
    if unknown:
        return unknown[0]
    return [load for load in loads if not names or load.name in names]
