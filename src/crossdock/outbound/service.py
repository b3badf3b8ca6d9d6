"""What people, the console and the process edge use: list, group, release, correct, resolve, withdraw."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from crossdock.canonical.base import OrderId
from crossdock.canonical.intents import UNDOES, IntentDocument
from crossdock.connections import service as connections
from crossdock.crossref import service as crossref
from crossdock.crossref.model import LandedDocument
from crossdock.estate.model import Estate, FlowKind
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import id_floor, new_id
from crossdock.foundation.log import logger
from crossdock.outbound import facts, store
from crossdock.outbound.causes import LOOKUP_CAUSE, connection_cause, known_lookups, text
from crossdock.outbound.derivation.rules import order_key
from crossdock.outbound.derivation.service import Derived, derive, derive_from, pass_by
from crossdock.outbound.model import (
    Answer,
    Attempt,
    Backlog,
    CauseCount,
    Done,
    Freshness,
    Intent,
    IntentState,
    IntentWithAttempts,
    Outcome,
    ParkedCause,
    Purpose,
    Released,
    Unfit,
    Unknown,
    Verdict,
    Verified,
)
from crossdock.outbound.publication import store as publication_store
from crossdock.outbound.reading import store as reading
from crossdock.outbound.reading.store import Filter
from crossdock.outbound.states import Decision, Event, after
from crossdock.outbound.store import Settling
from crossdock.outbound.upkeep.service import maintain

__all__ = [
    "Derived",
    "Filter",
    "at_risk",
    "attempts_of",
    "backlog",
    "causes",
    "confirm_absent",
    "derive",
    "derive_from",
    "document_of",
    "freshness",
    "get_intent",
    "is_undone",
    "list_intents",
    "maintain",
    "parked_causes",
    "parked_for_lookups",
    "pass_by",
    "release",
    "resend",
    "resolve",
    "restore_connection",
    "told_of",
    "verify",
    "withdraw",
]

log = logger(__name__)

LIST_MAX: Final = 1000
ANY: Final = Filter()

# --- looking -------------------------------------------------------------------------------------------------------


async def list_intents(
    tx: Tx, only: Filter = ANY, *, after_id: UUID | None = None, limit: int = 100
) -> Sequence[Intent]:
    """Newest first; pass the last id as *after_id* for the next page."""
    return await reading.list_intents(tx, only, after=after_id, limit=min(limit, LIST_MAX))


async def get_intent(tx: Tx, intent_id: UUID) -> IntentWithAttempts | None:
    """One intent with every try; its row is locked until the transaction ends."""
    intent = await reading.get_locked(tx, intent_id)
    if intent is None:
        return None
    return IntentWithAttempts(intent=intent, attempts=tuple(await reading.attempts_of(tx, intent_id)))


async def attempts_of(tx: Tx, intent_id: UUID) -> Sequence[Attempt]:
    """Every try of an intent, oldest first; locks nothing."""
    return await reading.attempts_of(tx, intent_id)


async def causes(tx: Tx) -> Sequence[CauseCount]:
    """What parked intents wait for, the largest group first."""
    return await reading.causes(tx)


async def parked_causes(tx: Tx, prefix: str = "", connection: str = "") -> Sequence[ParkedCause]:
    """What parked intents wait for, the longest waiting first: causes that begin with *prefix*."""
    return await reading.parked_causes(tx, prefix, connection)


async def parked_for_lookups(tx: Tx, connection: str, lookups: Mapping[str, Mapping[str, str]]) -> Sequence[UUID]:
    """Intents that wait for an entry which the code tables *lookups* have: the connection's pump sends them on."""
    causes = [each.cause for each in await reading.parked_causes(tx, LOOKUP_CAUSE, connection)]
    waiting: list[UUID] = []
    for cause in known_lookups(causes, lookups):
        only = Filter(state=IntentState.PARKED, connection=connection, cause=cause)
        waiting += [intent.id for intent in await reading.list_intents(tx, only, after=None, limit=LIST_MAX)]
    return waiting


async def at_risk(tx: Tx, connection: str, prefix: str) -> Mapping[str, Decimal]:
    """The money of the orders behind intents that are parked for causes with *prefix*, per currency."""
    return await reading.at_risk(tx, connection, prefix)


async def backlog(tx: Tx) -> Sequence[Backlog]:
    """What is not settled, by connection, kind and state."""
    return await reading.backlog(tx)


async def freshness(tx: Tx, since: datetime) -> Sequence[Freshness]:
    """How long state flows took from change to confirmation."""
    return await publication_store.freshness(tx, id_floor(since))


async def document_of(tx: Tx, connection: str, kind: str, reference: str) -> str | None:
    """The target's document that our reference became; None while it has not landed."""
    return await reading.document_of(tx, connection, kind, reference)


async def told_of(tx: Tx, kind: FlowKind, orders: Collection[OrderId]) -> Collection[str]:
    """References of the orders' intents of a kind that another system was told of, or may have been."""
    return await reading.told_of(tx, kind.value, [order_key(str(order_id)) for order_id in orders])


def is_undone(estate: Estate, connection: str, kind: str) -> bool:
    """Does a flow undo such a document when its order is cancelled, or is it what undoes others?"""
    if kind in UNDOES or kind == FlowKind.ORDER_CANCEL:
        return True
    return any(flow.connection == connection and kind in UNDOES.get(flow.kind, ()) for flow in estate.flows)


# --- groups --------------------------------------------------------------------------------------------------------


async def release(
    tx: Tx, now: datetime, *, cause: str | None = None, connection: str | None = None, intent_id: UUID | None = None
) -> Released:
    """Set parked intents going again, by cause or one alone. `verify` tells how they fared.

    Those that may have been applied are looked for first; where nothing can look they are parked again, and a person
    decides (`resolve`, `confirm_absent`). At least one limit must be given.
    """
    assert cause is not None or intent_id is not None, "release names a cause or an intent"
    released = await store.release(tx, now, cause=cause, connection=connection, intent_id=intent_id)
    return Released(intents=tuple(released))


async def verify(tx: Tx, ids: Collection[UUID]) -> Verified:
    """Where a released group stands."""
    return Verified(counts=await reading.states_of(tx, list(ids)))


async def restore_connection(tx: Tx, name: str, now: datetime) -> Released:
    """A person has repaired a broken connection: it works again, and what waited for that goes."""
    fact = await connections.restored(tx, name, now)
    if fact is not None:
        stream = f"connection/{name}"
        new = NewFact(stream=stream, fact=fact, happened_at=now, origin=Origin.begin(name))
        await eventlog.append(tx, [new])
    return await release(tx, now, cause=connection_cause(name), connection=name)


# --- one intent ----------------------------------------------------------------------------------------------------


async def resolve(
    tx: Tx, intent_id: UUID, document_id: str, *, number: str = "", who: str, why: str, now: datetime
) -> Answer:
    """A person made or found the document: the intent has landed as that."""
    intent = await reading.get_locked(tx, intent_id)
    if intent is None:
        return Unknown(intent_id=intent_id)
    document_id = text(document_id.strip())
    if not document_id:
        return Unfit(intent_id=intent_id, reason="landed means that the target's document id is known: give it")
    state = after(intent.state, Event.RESOLVED)
    if state is None:
        return _unfit(intent, "resolved")
    if intent.state is IntentState.LANDED:
        return Done(intent_id=intent_id, state=intent.state)
    decision = Decision(
        event=Event.RESOLVED,
        state=state,
        due_at=now,
        failures=intent.failures,
        unsure=False,
        outcome=Outcome.APPLIED_BY_HAND,
        document_id=document_id,
        number=text(number),
    )
    await _by_hand(tx, intent, decision, f"{who}: {why}", now)
    document = LandedDocument(
        connection=intent.connection,
        kind=intent.kind,
        reference=intent.reference,
        document_id=document_id,
        number=text(number),
        subject=intent.subject,
        landed_at=now,
    )
    await crossref.remember_document(tx, document)
    await eventlog.append(tx, [facts.landed(intent, document_id, number, now, f"person:{who}")])
    return Done(intent_id=intent_id, state=state)


async def confirm_absent(tx: Tx, intent_id: UUID, *, who: str, why: str, now: datetime) -> Answer:
    """A person looked: the target does not have it. The only way to send again what nothing can look for."""
    intent = await reading.get_locked(tx, intent_id)
    if intent is None:
        return Unknown(intent_id=intent_id)
    if not intent.unsure or intent.state not in {IntentState.PARKED, IntentState.IN_DOUBT}:
        return Unfit(intent_id=intent_id, reason=f"it is {intent.state}, and nobody doubts whether it was applied")
    decision = _again(Event.NOT_APPLIED, now)
    await _by_hand(tx, intent, decision, f"{who}: {why}", now)
    if not intent.wanted:
        await store.drop_unwanted(tx, [intent_id])
        return Done(intent_id=intent_id, state=IntentState.WITHDRAWN)
    return Done(intent_id=intent_id, state=decision.state)


async def resend(
    tx: Tx, intent_id: UUID, document: IntentDocument | None = None, *, who: str, why: str, now: datetime
) -> Answer:
    """Send what was refused again, with a corrected *document* or, without one, as it is (built anew where it is built)."""
    intent = await reading.get_locked(tx, intent_id)
    if intent is None:
        return Unknown(intent_id=intent_id)
    if intent.unsure or after(intent.state, Event.CORRECTED) is None:
        return _unfit(intent, "sent again")
    if document is not None:
        problem = _misfit(intent, document)
        if problem:
            return Unfit(intent_id=intent_id, reason=problem)
        await store.set_document(tx, intent_id, document)
    decision = _again(Event.CORRECTED, now)
    await _by_hand(tx, intent, decision, f"{who}: {why}", now)
    return Done(intent_id=intent_id, state=decision.state)


async def withdraw(tx: Tx, intent_id: UUID, *, who: str, why: str, now: datetime) -> Answer:
    """Its reason is gone. What is on its way is only marked: it ends as withdrawn, or landed and to be undone."""
    intent = await reading.get_locked(tx, intent_id)
    if intent is None:
        return Unknown(intent_id=intent_id)
    if intent.state is IntentState.LANDED:
        await store.unwant_one(tx, intent_id, Outcome.TO_UNDO, now)
        return Done(intent_id=intent_id, state=intent.state)
    state = after(intent.state, Event.WITHDRAWN)
    if state is None or intent.unsure:
        await store.unwant_one(tx, intent_id, intent.outcome, now)
        return Done(intent_id=intent_id, state=intent.state)
    decision = Decision(
        event=Event.WITHDRAWN,
        state=state,
        due_at=now,
        failures=intent.failures,
        unsure=False,
        outcome=Outcome.NOT_WANTED,
        reason=text(why),
    )
    await _by_hand(tx, intent, decision, f"{who}: {why}", now)
    await store.unwant_one(tx, intent_id, Outcome.NOT_WANTED, now)
    return Done(intent_id=intent_id, state=state)


# --- inside --------------------------------------------------------------------------------------------------------


def _again(event: Event, now: datetime) -> Decision:
    return Decision(event=event, state=IntentState.PENDING, due_at=now, failures=0, unsure=False)


def _misfit(intent: Intent, document: IntentDocument) -> str:
    kind = str(document.__struct_config__.tag)
    if kind != intent.kind:
        return f"the document is a {kind}, the intent a {intent.kind}"
    if document.reference != intent.reference:
        return f"the reference must stay {intent.reference}: a second try carries the same one"
    if intent.document is None:
        return "its document is built when it is sent, from the order: correct the order, then send it again"
    return ""


def _unfit(intent: Intent, wanted: str) -> Unfit:
    doubt = ", and may have been applied" if intent.unsure else ""
    return Unfit(intent_id=intent.id, reason=f"it is {intent.state}{doubt}: it cannot be {wanted}")


async def _by_hand(tx: Tx, intent: Intent, decision: Decision, note: str, now: datetime) -> None:
    """Write a person's decision, with their name and why, as an attempt like any other."""
    attempt = Attempt(
        id=new_id(),
        intent_id=intent.id,
        number=intent.attempts,
        purpose=Purpose.HAND,
        started_at=now,
        ended_at=now,
        verdict=Verdict.BY_HAND,
        reason=text(f"{decision.event} by {note}"),
        code="",
    )
    await store.insert_attempts(tx, [attempt])
    settled = await store.settle(tx, [Settling(id=intent.id, was=intent.state, decision=decision)], None, now)
    assert intent.id in settled, intent.id
    log.info("intent_by_hand", intent=str(intent.id), reference=intent.reference, what=decision.event, note=note)
