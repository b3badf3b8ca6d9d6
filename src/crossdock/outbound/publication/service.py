"""One batch of a state flow: read what is newest, call, tell the source what the target holds now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from crossdock.canonical.facts import IntentParked, IntentRefused
from crossdock.connections import service as connections
from crossdock.connections.model import ConnectionState
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.outbound.causes import code, text
from crossdock.outbound.model import Ended, IntentState, Outcome, StateItem, Verdict
from crossdock.outbound.ports import StateSource
from crossdock.outbound.publication import store
from crossdock.outbound.publication.rules import Judged, Standing, judge, worst
from crossdock.outbound.publication.store import Kept, Publication

READ_AHEAD: Final = 64
"""More than a batch is read, so that subjects held back do not hide the ones behind them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Where a state flow goes."""

    connection: str
    kind: str
    flow: str
    priority: int
    batch_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What one batch led to."""

    verdict: Verdict
    confirmed: int
    again_after: timedelta | None
    """The other side asked for silence."""
    stale: tuple[str, ...]
    """Subjects to be left alone for the settle time: something is on its way that the hub has not seen yet."""


async def read(tx: Tx, channel: Channel, source: StateSource, held_back: frozenset[str]) -> Sequence[StateItem]:
    """The next batch; empty when nothing is to be told or the connection does not work."""
    if await connections.state_of(tx, channel.connection) is not ConnectionState.WORKING:
        return ()
    items = await source.pending(tx, channel.batch_max + READ_AHEAD + len(held_back))
    kept = await store.kept_subjects(tx, channel.connection, channel.kind, [item.subject for item in items])
    free = [item for item in items if item.subject not in held_back and item.subject not in kept]
    return free[: channel.batch_max]


async def write(
    tx: Tx,
    channel: Channel,
    source: StateSource,
    sent: Sequence[tuple[StateItem, Ended]],
    *,
    started_at: datetime,
    now: datetime,
) -> Written:
    """Tell the source, keep what needs a person, log the batch."""
    judged = [(item, ended, judge(item, ended)) for item, ended in sent]
    by = {what: [(item, ended) for item, ended, verdict in judged if verdict is what] for what in Judged}
    confirmed = [item for item, _ in by[Judged.CONFIRMED]]
    if confirmed:
        await source.confirmed(tx, confirmed)
    for item, ended in by[Judged.STALE]:
        await source.stale(tx, item, ended.current)
    for item, ended in by[Judged.KEPT]:
        await _keep(tx, channel, item, ended, now)
    standing = worst([ended for _, ended in sent])
    await _break(tx, channel, standing, now)
    await store.insert_publication(
        tx,
        Publication(
            id=new_id(),
            connection=channel.connection,
            kind=channel.kind,
            started_at=started_at,
            ended_at=now,
            verdict=standing.verdict,
            reason=standing.reason,
            sent=len(sent),
            confirmed=len(confirmed),
            stale=len(by[Judged.STALE]),
            refused=len(by[Judged.KEPT]),
            freshness_ms=tuple(
                max(0, round((now - item.happened_at) / timedelta(milliseconds=1))) for item in confirmed
            ),
        ),
    )
    return Written(
        verdict=standing.verdict,
        confirmed=len(confirmed),
        again_after=standing.wait,
        stale=tuple(item.subject for item, _ in by[Judged.STALE]),
    )


async def _break(tx: Tx, channel: Channel, standing: Standing, now: datetime) -> None:
    if standing.verdict is not Verdict.BROKEN:
        return
    fact = await connections.broke(tx, channel.connection, standing.reason, now)
    if fact is not None:
        stream = f"connection/{channel.connection}"
        origin = Origin.begin(channel.connection)
        await eventlog.append(tx, [NewFact(stream=stream, fact=fact, happened_at=now, origin=origin)])


async def _keep(tx: Tx, channel: Channel, item: StateItem, ended: Ended, now: datetime) -> None:
    """The channel will not have it, or a mapping is missing: an intent of its own stands for it until a person acts."""
    refused = ended.verdict is Verdict.REFUSED
    kept = Kept(
        id=new_id(),
        connection=channel.connection,
        flow=channel.flow,
        priority=channel.priority,
        item=item,
        state=IntentState.REFUSED if refused else IntentState.PARKED,
        outcome=Outcome.DECLINED if refused else Outcome.OPEN,
        cause="" if refused else code(ended.cause or f"{ended.verdict}:{channel.kind}"),
        reason=text(ended.reason),
        path=text(ended.path),
    )
    if not await store.insert_kept(tx, kept, now):
        return
    common = {
        "intent_id": str(kept.id),
        "kind": channel.kind,
        "connection": channel.connection,
        "reference": code(item.document.reference),
        "subject": text(item.subject),
        "reason": kept.reason,
    }
    fact = IntentRefused(**common, path=kept.path) if refused else IntentParked(**common, cause=kept.cause)
    origin = Origin(correlation_id=kept.id, source=channel.connection, causation_id=kept.id)
    await eventlog.append(tx, [NewFact(stream=item.subject, fact=fact, happened_at=now, origin=origin)])
