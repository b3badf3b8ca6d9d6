"""From records to effects: in order per business key, once, many in one transaction, none at the cost of another."""

import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

import msgspec
import psycopg

from crossdock.canonical.base import Document
from crossdock.canonical.discretion import Discretion, said_of
from crossdock.canonical.facts import MessageQuarantined, MessageRejected, MessageSettled
from crossdock.canonical.orders import OrderPlaced
from crossdock.estate.model import Estate, duration
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.clock import Clock
from crossdock.foundation.db import Database, Tx
from crossdock.foundation.log import logger
from crossdock.foundation.vault import SealBrokenError, Vault
from crossdock.inbound import store
from crossdock.inbound.lanes import each_lane
from crossdock.inbound.model import (
    Arrived,
    Failed,
    Lane,
    Outcome,
    Own,
    Postponed,
    RecordState,
    Repeated,
    Result,
    Route,
    Settlement,
    StoredRecord,
    Waits,
    Work,
)
from crossdock.inbound.rules import Stops, groups, in_turn, read_problem, settlement, waves
from crossdock.inbound.seals.envelope import Parts

log = logger(__name__)

APPLY_SPACE: Final = 1_703
"""Advisory locks: two-key space of applying; the second key is the lane."""
RECORDS_MAX: Final = 200
GROUP_MAX: Final = 100
NOT_NOW: Final = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.QueryCanceled,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyContext:
    """What appliers may know besides the records."""

    estate: Estate
    now: datetime

    def origin(self, arrived: Arrived) -> Origin:
        """Why facts about this record exist: its trace, caused by its message, said by its connection."""
        return Origin(correlation_id=arrived.trace, source=arrived.connection, causation_id=arrived.message_id)


Applier: TypeAlias = Callable[[Tx, Sequence[Arrived], ApplyContext], Awaitable[Sequence[Outcome]]]
"""Take in a group of records of one kind and of different keys; one outcome each, in order.

Raising undoes the whole group; it is then tried in halves, so that only the record that cannot be applied is set aside.
"""
OwnWrites: TypeAlias = Callable[[Tx, Sequence[Arrived]], Awaitable[Sequence[bool]]]
"""Which of the records are our own writes come back: our reference and an id that we know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Appliers:
    """Who takes in which kind of document; assembled in one place."""

    by_type: Mapping[type[Document], Applier]
    vault: Vault
    """Opens records."""
    own: OwnWrites | None = None

    def kind(self, tag: str) -> type[Document] | None:
        """The document type of a tag; None when nobody takes it."""
        return next((kind for kind in self.by_type if kind.__struct_config__.tag == tag), None)


def each(single: Callable[[Tx, Arrived, ApplyContext], Awaitable[Outcome]]) -> Applier:
    """An applier from a function of one record."""

    async def apply(tx: Tx, records: Sequence[Arrived], context: ApplyContext) -> Sequence[Outcome]:
        return [await single(tx, record, context) for record in records]

    return apply


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """One worker's means while it applies a batch."""

    tx: Tx
    appliers: Appliers
    context: ApplyContext
    parts: Parts


Step: TypeAlias = Callable[[_Bench, Sequence[StoredRecord]], Awaitable[Work]]


async def apply_waiting(database: Database, appliers: Appliers, estate: Estate, clock: Clock) -> Work:
    """Apply what is ready, lane by lane; lanes of business keys are the unit that workers share out."""
    async with database.transaction() as tx:
        await store.wake_due(tx, clock.now())
        lanes = in_turn(await store.busy_lanes(tx))
    return await each_lane(lanes, lambda lane: _apply_lane(_Lane(database, lane, appliers, estate, clock)))


@dataclass(frozen=True, slots=True)
class _Lane:
    """One lane, and what its records are applied with."""

    database: Database
    lane: Lane
    appliers: Appliers
    estate: Estate
    clock: Clock

    async def work(self, step: Step, *, limit: int = RECORDS_MAX) -> Work:
        """Its first records in one transaction: effects, claims and states together, so that a crash leaves all or nothing."""
        async with self.database.transaction() as tx:
            if not await store.try_lane(tx, APPLY_SPACE, self.lane):
                return Work()
            records = await store.next_records(tx, self.lane, limit=limit)
            context = ApplyContext(estate=self.estate, now=self.clock.now())
            bench = _Bench(tx=tx, appliers=self.appliers, context=context, parts=Parts(self.appliers.vault))
            return await step(bench, records)


async def _apply_lane(lane: _Lane) -> Work:
    """Effects have savepoints of their own; where it breaks beside them, the first record is taken alone.

    If it is to blame it is set aside, and what comes behind it goes on.
    """
    try:
        return await lane.work(_apply_batch)
    except (psycopg.OperationalError, *NOT_NOW):
        raise
    except Exception:
        log.exception("lane_taken_apart", lane=str(lane.lane))
    try:
        return await lane.work(_apply_batch, limit=1)
    except (psycopg.OperationalError, *NOT_NOW):
        raise
    except Exception as error:
        log.exception("record_set_aside", lane=str(lane.lane))
        failed = Failed(reason=f"could not be settled: {type(error).__name__}: {error}")

    async def set_aside(bench: _Bench, records: Sequence[StoredRecord]) -> Work:
        return _work(await _settle(bench, [(record, failed) for record in records]), more=True)

    return await lane.work(set_aside, limit=1)


async def _apply_batch(bench: _Bench, records: Sequence[StoredRecord]) -> Work:
    stops = Stops()
    work = Work()
    for wave in waves(records):
        ready = [record for record in wave if stops.let_pass(record)]
        results: list[tuple[StoredRecord, Result]] = []
        for group in groups(ready, GROUP_MAX):
            results += await _apply_group(bench, group)
        settled = await _settle(bench, results)
        for (record, _), each_settled in zip(results, settled, strict=True):
            if each_settled.state in {RecordState.WAITING, RecordState.QUARANTINED, RecordState.RECEIVED}:
                stops.block(record.place, each_settled.waits_for)
        woken = await _wake(bench, results)
        for place in woken:
            stops.block(place)
        work += _work(settled, more=bool(woken))
    return work


async def _apply_group(bench: _Bench, group: Sequence[StoredRecord]) -> Sequence[tuple[StoredRecord, Result]]:
    """Apply a group under one savepoint. If it breaks, halves are tried, down to the one record that is to blame."""
    try:
        async with bench.tx.transaction():
            return await _attempt(bench, group)
    except Exception as error:
        if bench.tx.closed:
            raise
        if len(group) > 1:
            middle = len(group) // 2
            return [*await _apply_group(bench, group[:middle]), *await _apply_group(bench, group[middle:])]
        record = group[0]
        if isinstance(error, NOT_NOW):
            log.warning("record_postponed", **_named(record), error=str(error).strip())
            return [(record, Postponed(reason=f"{type(error).__name__}: {error}".strip()))]
        told = _discretion(bench, record).without(str(error).strip())
        trace = "".join(traceback.format_tb(error.__traceback__))  # its words may quote the document
        log.error("record_failed", **_named(record), error=f"{type(error).__name__}: {told}", trace=trace)  # noqa: TRY400 (the trace is given)
        path, reason = read_problem(told)
        return [(record, Failed(path=path, reason=f"could not be applied: {type(error).__name__}: {reason}"))]


def _discretion(bench: _Bench, record: StoredRecord) -> Discretion:
    """About whoever the record is about."""
    arrived = _arrived(bench, record)
    if isinstance(arrived, Failed) or not isinstance(arrived.document, OrderPlaced):
        return Discretion(())
    order = arrived.document
    return Discretion({*said_of(order.customer, order.ship_to), order.note})


async def _attempt(bench: _Bench, group: Sequence[StoredRecord]) -> Sequence[tuple[StoredRecord, Result]]:
    """Claim the events, leave out what was taken in before and what is our own, give the rest to its applier."""
    first = {(record.connection, record.event_id): record for record in reversed(group)}
    claimed = await store.claim(bench.tx, list(first.values()), bench.context.now)
    results: dict[tuple[object, int], Result] = {}
    fresh: list[tuple[StoredRecord, Arrived]] = []
    for record in group:
        if (record.message, record.number) not in claimed:
            results[record.message, record.number] = Repeated()
            continue
        arrived = _arrived(bench, record)
        if isinstance(arrived, Failed):
            results[record.message, record.number] = arrived
        else:
            fresh.append((record, arrived))
    for (record, _), result in zip(fresh, await _outcomes(bench, [arrived for _, arrived in fresh]), strict=True):
        results[record.message, record.number] = result
    return [(record, results[record.message, record.number]) for record in group]


async def _outcomes(bench: _Bench, arrived: Sequence[Arrived]) -> Sequence[Result]:
    if not arrived:
        return ()
    own = await bench.appliers.own(bench.tx, arrived) if bench.appliers.own is not None else [False] * len(arrived)
    news = [record for record, is_own in zip(arrived, own, strict=True) if not is_own]
    outcomes: Sequence[Outcome] = ()
    if news:
        outcomes = await bench.appliers.by_type[type(news[0].document)](bench.tx, news, bench.context)
        assert len(outcomes) == len(news), f"{len(outcomes)} outcomes for {len(news)} records"
    rest = iter(outcomes)
    return [Own() if is_own else next(rest) for is_own in own]


def _arrived(bench: _Bench, record: StoredRecord) -> Arrived | Failed:
    kind = bench.appliers.kind(record.kind)
    if kind is None:
        return Failed(reason=f"nothing here takes in {record.kind}")
    try:
        plain = bench.parts.open(record.wrapped_key, record.message, record.document)
        document = msgspec.json.decode(plain, type=kind)
    except SealBrokenError as error:
        return Failed(reason=str(error))
    except msgspec.ValidationError as error:  # stored by a release that knew another shape: a release decodes it anew
        path, reason = read_problem(str(error))
        return Failed(path=path, reason=reason)
    return Arrived(
        message_id=record.message,
        number=record.number,
        connection=record.connection,
        route=Route(record.route),
        feed=record.feed,
        key=record.key,
        waits_for=record.waits_for,
        document=document,
        trace=record.trace,
        received_at=record.received_at,
    )


async def _settle(bench: _Bench, results: Sequence[tuple[StoredRecord, Result]]) -> Sequence[Settlement]:
    if not results:
        return ()
    now = bench.context.now
    parent_wait = duration(bench.context.estate.policies.parent_wait)
    settled = [settlement(record, result, now=now, parent_wait=parent_wait) for record, result in results]
    await store.settle(bench.tx, settled, now)
    facts = [
        fact
        for (record, _), each_settled in zip(results, settled, strict=True)
        for fact in [_fact(record, each_settled)]
        if fact is not None
    ]
    await eventlog.append(bench.tx, [_note(record, fact, now) for record, fact in facts])
    return settled


def _fact(
    record: StoredRecord, settled: Settlement
) -> tuple[StoredRecord, MessageQuarantined | MessageRejected | MessageSettled] | None:
    """What people are told: that they are needed, or that they are not needed any more."""
    message_id = str(record.message)
    if settled.state in {RecordState.QUARANTINED, RecordState.REJECTED}:
        kind = MessageQuarantined if settled.state is RecordState.QUARANTINED else MessageRejected
        return record, kind(
            message_id=message_id,
            record=record.number,
            connection=record.connection,
            feed=record.feed,
            path=settled.path,
            reason=settled.reason,
            subject=record.key,
        )
    if record.alarmed and settled.state in {RecordState.APPLIED, RecordState.REPEATED, RecordState.OWN}:
        return record, MessageSettled(
            message_id=message_id,
            record=record.number,
            connection=record.connection,
            feed=record.feed,
            outcome=settled.state.value,
        )
    return None


def _note(record: StoredRecord, fact: Document, now: datetime) -> NewFact:
    origin = Origin(correlation_id=record.trace, source=record.connection, causation_id=record.message)
    return NewFact(stream=f"message/{record.message}", fact=fact, happened_at=now, origin=origin)


async def _wake(bench: _Bench, results: Sequence[tuple[StoredRecord, Result]]) -> Sequence[tuple[str, str]]:
    """Records that wait for a key just applied are ready now; they go before what came behind them."""
    keys = {
        record.key for record, result in results if record.key and not isinstance(result, Waits | Failed | Postponed)
    }
    return await store.wake(bench.tx, sorted(keys)) if keys else ()


def _work(settled: Sequence[Settlement], *, more: bool) -> Work:
    def count(*states: RecordState) -> int:
        return sum(each_settled.state in states for each_settled in settled)

    return Work(
        applied=count(RecordState.APPLIED),
        repeated=count(RecordState.REPEATED, RecordState.OWN),
        waiting=count(RecordState.WAITING),
        quarantined=count(RecordState.QUARANTINED),
        rejected=count(RecordState.REJECTED),
        more=more or any(each_settled.state is not RecordState.RECEIVED for each_settled in settled),
    )


def _named(record: StoredRecord) -> dict[str, str]:
    return {
        "message_id": str(record.message),
        "record": str(record.number),
        "connection": record.connection,
        "feed": record.feed,
        "key": record.key,
    }
