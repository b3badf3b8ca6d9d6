"""Read the log in commit order and write the intents that follow, in the transaction that moves the cursor."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from crossdock.canonical.facts import IntentParked
from crossdock.estate.model import Estate
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.model import Event as LoggedEvent
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.foundation.log import logger
from crossdock.outbound.causes import code, text
from crossdock.outbound.derivation import store
from crossdock.outbound.derivation.origins import OrderOrigin, order_of, remembered
from crossdock.outbound.derivation.rules import SOURCES, Circumstances, Plan, Withdrawal, plan
from crossdock.outbound.derivation.store import NewIntent
from crossdock.outbound.model import IntentState, Planned
from crossdock.outbound.states import Event, sources

log = logger(__name__)

CURSOR: Final = "outbound.derivation"
WITHDRAWABLE: Final = sources(Event.WITHDRAWN, IntentState.WITHDRAWN)
BATCH: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What one step did."""

    facts: int
    """Read; equal to the limit means that there may be more."""
    intents: int
    withdrawn: int


async def derive(tx: Tx, estate: Estate, builders: Collection[str], *, now: datetime, limit: int = BATCH) -> Derived:
    """One step: facts after the cursor become intents. *builders* names the kinds whose documents are built when sent.

    A fact that cannot be told (its document breaks a rule) is parked as an intent: it never stops its neighbours.
    """
    cursor = await eventlog.cursor_of(tx, CURSOR)
    events = await eventlog.read_after(tx, cursor, limit=limit, types=SOURCES)
    if not events:
        await eventlog.move_past(tx, CURSOR, SOURCES)
        return Derived(facts=0, intents=0, withdrawn=0)
    derived = await derive_from(tx, estate, builders, events, now=now)
    await eventlog.move_cursor(tx, CURSOR, events[-1].cursor)
    return derived


async def derive_from(
    tx: Tx, estate: Estate, builders: Collection[str], events: Sequence[LoggedEvent], *, now: datetime
) -> Derived:
    """Intents of given facts; what was derived before is there already and stays as it is."""
    eventlog.check_readable(events)
    orders = {order for event in events if (order := order_of(event.fact)) is not None}
    known = await store.origins(tx, orders)
    step = _Step(tx, now)
    for event in events:
        origin = _remember(known, event)
        await step.take(event, _plan(event, origin, estate, builders))
    await step.flush()
    await store.remember(tx, list(known.values()))
    return Derived(facts=len(events), intents=step.made, withdrawn=step.withdrawn)


async def pass_by(tx: Tx) -> LoggedEvent | None:
    """Leave the next fact out, for one that derivation breaks on; None when there is none."""
    cursor = await eventlog.cursor_of(tx, CURSOR)
    event = next(iter(await eventlog.read_after(tx, cursor, limit=1, types=SOURCES)), None)
    if event is not None:
        await eventlog.move_cursor(tx, CURSOR, event.cursor)
    return event


def _remember(known: dict[str, OrderOrigin], event: LoggedEvent) -> OrderOrigin | None:
    order = order_of(event.fact)
    if order is None:
        return None
    origin = remembered(event.fact, known.get(order))
    if origin is None:
        log.warning("order_origin_unknown", order_id=order, fact=event.type, fact_id=str(event.id))
        return None
    known[order] = origin
    return origin


def _plan(event: LoggedEvent, origin: OrderOrigin | None, estate: Estate, builders: Collection[str]) -> Plan:
    about = Circumstances(
        fact_id=event.id, stream=event.stream, source=event.source, happened_at=event.happened_at, origin=origin
    )
    return plan(event.fact, about, estate, builders)


class _Step:
    """One batch being written: inserts are gathered, a withdrawal first writes what came before it."""

    def __init__(self, tx: Tx, now: datetime) -> None:
        self._tx = tx
        self._now = now
        self._waiting: list[NewIntent] = []
        self.made = 0
        self.withdrawn = 0

    async def take(self, event: LoggedEvent, planned: Plan) -> None:
        """A withdrawal goes before what undoes: begun is then what it could not stop."""
        for withdrawal in planned.withdrawals:
            await self.flush()
            await self._withdraw(withdrawal)
        self._waiting += [
            NewIntent(
                id=new_id(),
                planned=intent,
                state=IntentState.PARKED if intent.problem else IntentState.PENDING,
                cause=code(f"document:{intent.kind}") if intent.problem else "",
                correlation_id=event.correlation_id,
                cause_fact=event.id,
            )
            for intent in planned.intents
            if await self._has_reason(intent)
        ]

    async def _has_reason(self, intent: Planned) -> bool:
        """What undoes has one only where something was begun."""
        return not intent.undoes or intent.connection in await store.begun(self._tx, intent.business_key, intent.undoes)

    async def flush(self) -> None:
        if not self._waiting:
            return
        written = await store.insert_intents(self._tx, self._waiting, self._now)
        self.made += len(written)
        await self._tell([new for new in self._waiting if new.id in written and new.planned.problem])
        self._waiting = []

    async def _withdraw(self, withdrawal: Withdrawal) -> None:
        self.withdrawn += await store.withdraw(self._tx, withdrawal, WITHDRAWABLE, self._now)

    async def _tell(self, parked: Sequence[NewIntent]) -> None:
        await eventlog.append(self._tx, [_parked(new, self._now) for new in parked])


def _parked(new: NewIntent, now: datetime) -> NewFact:
    intent: UUID = new.id
    fact = IntentParked(
        intent_id=str(intent),
        kind=new.planned.kind,
        connection=new.planned.connection,
        reference=new.planned.reference,
        subject=new.planned.subject,
        cause=new.cause,
        reason=text(new.planned.problem),
    )
    origin = Origin(correlation_id=new.correlation_id, source="outbound", causation_id=new.cause_fact)
    return NewFact(stream=new.planned.subject, fact=fact, happened_at=now, origin=origin)
