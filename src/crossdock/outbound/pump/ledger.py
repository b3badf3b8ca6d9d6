"""The pump's two writes, together in one short transaction: what ended, and what is begun."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
import psycopg

from crossdock.canonical.intents import INTENT_KINDS, UNDOES, IntentDocument
from crossdock.connections import service as connections
from crossdock.connections.model import Lease
from crossdock.connector_kit.model import Send
from crossdock.crossref import service as crossref
from crossdock.crossref.model import LandedDocument
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.foundation.log import logger
from crossdock.outbound import facts, store
from crossdock.outbound.causes import LOOKUP_CAUSE, code, known_lookups, text
from crossdock.outbound.model import Attempt, Ended, Intent, IntentState, Purpose, Verdict
from crossdock.outbound.ports import Unbuildable
from crossdock.outbound.pump.calls import CALL_S_MAX
from crossdock.outbound.pump.desk import Desk
from crossdock.outbound.pump.rules import Candidate, Look, looks, pack
from crossdock.outbound.reading import store as reading
from crossdock.outbound.rules import Case, Standing, decide
from crossdock.outbound.states import Decision, Event, sources
from crossdock.outbound.store import Settling

log = logger(__name__)

CLAIM_MAX: Final = 500
HIDDEN: Final = timedelta(seconds=CALL_S_MAX + 30)
SUPERSEDABLE: Final = sources(Event.SUPERSEDED, IntentState.SUPERSEDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """One intent's call, ended."""

    intent: Intent
    """As it was claimed: `sending`, or `in_doubt` for a probe; this attempt counted."""
    ended: Ended
    started_at: datetime
    ended_at: datetime
    attempt_id: UUID = field(default_factory=new_id)
    """Given when the call ended: writing it twice, after a commit that nobody heard of, leaves one row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """One call to be made now: its intents are marked."""

    send: Send
    intents: tuple[Intent, ...]
    documents: tuple[IntentDocument, ...]

    @property
    def probes(self) -> bool:
        """Look rather than send."""
        return self.intents[0].state is IntentState.IN_DOUBT


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What was found to do; `given_up` ended without a call and is recorded next."""

    begun: tuple[Begun, ...] = ()
    given_up: tuple[Finished, ...] = ()
    changed: bool = False
    """Something was written: there may be more to do at once."""
    doubts: int = 0
    """How many doubts were due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the ends of calls mean for the connection as a whole."""

    pause: timedelta | None = None
    """The other side asked for silence."""
    broke: bool = False
    """Nothing more may be begun."""


# --- what ended ----------------------------------------------------------------------------------------------------


async def record(tx: Tx, desk: Desk, lease: Lease, finished: Sequence[Finished], now: datetime) -> Recorded:
    """Write attempts, decisions, facts, documents and news."""
    decided = [(one, _decision(desk, one, now)) for one in finished]
    await store.insert_attempts(tx, [_attempt(one) for one in finished])
    settlings = [Settling(id=one.intent.id, was=one.intent.state, decision=what) for one, what in decided]
    ours = await store.settle(tx, settlings, lease.token, now)
    unwanted = [intent_id for intent_id, wanted in ours.items() if not wanted]
    if unwanted:
        await store.drop_unwanted(tx, unwanted)
    news: list[NewFact] = []
    for one, what in decided:
        if one.intent.id in ours:
            news += await _consequences(tx, desk, one, what, now, wanted=ours[one.intent.id])
    breaking = next(((one, what) for one, what in decided if what.breaks_connection), None)
    if breaking is not None:
        broken = await connections.broke(tx, desk.connection, breaking[1].reason, now)
        if broken is not None:
            origin = Origin.begin(desk.connection).caused_by(breaking[0].intent.id)
            stream = f"connection/{desk.connection}"
            news.append(NewFact(stream=stream, fact=broken, happened_at=now, origin=origin))
    await eventlog.append(tx, news)
    pause = max((what.pause for _, what in decided if what.pause is not None), default=None)
    return Recorded(pause=pause, broke=breaking is not None)


async def _consequences(
    tx: Tx, desk: Desk, one: Finished, what: Decision, now: datetime, *, wanted: bool
) -> Sequence[NewFact]:
    """Facts of one decision; landed documents and their news are applied here, in the landing transaction."""
    intent = one.intent
    if what.state is IntentState.LANDED:
        await crossref.remember_document(
            tx,
            LandedDocument(
                connection=intent.connection,
                kind=intent.kind,
                reference=intent.reference,
                document_id=what.document_id,
                number=what.number,
                subject=intent.subject,
                landed_at=now,
            ),
        )
        if intent.kind in UNDOES:
            await store.undone(tx, intent.connection, intent.business_key, UNDOES[intent.kind])
        for document in one.ended.news:
            await desk.apply_news(tx, document, facts.origin_of(intent, intent.connection))
        return [facts.landed(intent, what.document_id, what.number, now, intent.connection)]
    if what.state is IntentState.REFUSED and wanted:
        return [facts.refused(intent, what.reason, what.path, now)]
    if what.state is IntentState.PARKED and (wanted or what.unsure):
        return [facts.parked(intent, what.cause, what.reason, now)]
    return []


async def record_unrecordable(tx: Tx, lease: Lease, one: Finished, error: Exception, now: datetime) -> None:
    """The end of a call cannot be written as it is (news that do not fit, a document id that another reference has).

    The target may hold the document: it is parked as unsure and looked for again when it is released.
    """
    reason = text(f"the answer could not be recorded: {type(error).__name__}: {error}")
    decision = Decision(
        event=Event.PARKED,
        state=IntentState.PARKED,
        due_at=now,
        failures=one.intent.failures,
        unsure=True,
        cause=code(f"recording:{one.intent.kind}"),
        reason=reason,
        document_id=one.ended.document_id,
        number=one.ended.number,
    )
    await store.insert_attempts(tx, [_attempt(replace(one, ended=replace(one.ended, reason=reason)))])
    settling = Settling(id=one.intent.id, was=one.intent.state, decision=decision)
    if await store.settle(tx, [settling], lease.token, now):
        await eventlog.append(tx, [facts.parked(one.intent, decision.cause, reason, now)])


def _decision(desk: Desk, one: Finished, now: datetime) -> Decision:
    standing = Standing(
        kind=one.intent.kind,
        connection=one.intent.connection,
        state=one.intent.state,
        attempts=one.intent.attempts,
        failures=one.intent.failures,
    )
    terms = desk.terms(one.intent)
    return decide(Case(intent=standing, ended=one.ended, terms=terms, now=now, chance=desk.chance.random()))


def _attempt(one: Finished) -> Attempt:
    probed = one.intent.state is IntentState.IN_DOUBT
    return Attempt(
        id=one.attempt_id,
        intent_id=one.intent.id,
        number=one.intent.attempts,
        purpose=Purpose.PROBE if probed else Purpose.SEND,
        started_at=one.started_at,
        ended_at=one.ended_at,
        verdict=one.ended.verdict,
        reason=one.ended.reason,
        code=one.ended.code,
    )


# --- what is begun -------------------------------------------------------------------------------------------------


async def claim(
    tx: Tx, desk: Desk, lease: Lease, now: datetime, *, slots: int, serial_free: bool, doubts: bool = True
) -> Claimed:
    """Take what is due into at most *slots* calls, doubts first: they keep their keys waiting. Nothing is called yet."""
    if slots <= 0:
        return Claimed()
    looked = await _claim_doubts(tx, desk, lease, now, slots) if doubts else []
    probes = tuple(one for one in looked if isinstance(one, Begun))
    given_up = tuple(one for one in looked if isinstance(one, Finished))
    begun, changed = list(probes), bool(given_up)
    for one in looks(desk.carriers(), slots=slots - len(probes), serial_free=serial_free):
        fitting = replace(one, slots=min(one.slots, slots - len(begun)))
        sends, altered = await _claim_sends(tx, desk, lease, fitting, now) if fitting.slots > 0 else ((), False)
        begun += sends
        changed = changed or altered
    return Claimed(begun=tuple(begun), given_up=given_up, changed=changed, doubts=len(looked))


async def _claim_doubts(tx: Tx, desk: Desk, lease: Lease, now: datetime, slots: int) -> Sequence[Begun | Finished]:
    due = await store.claim_doubts(tx, desk.connection, lease.token, now, hidden_until=now + HIDDEN, limit=slots)
    return [await _look(tx, desk, intent, now) for intent in due]


async def _look(tx: Tx, desk: Desk, intent: Intent, now: datetime) -> Begun | Finished:
    send = desk.line.connector.send(intent.kind)
    if send is None or send.probe is None:
        ended = Ended(verdict=Verdict.UNKNOWN, reason=intent.reason or "nothing can look for it")
        return Finished(intent=intent, ended=ended, started_at=now, ended_at=now)
    try:
        return Begun(send=send, intents=(intent,), documents=(await _document(tx, desk, intent),))
    except Unbuildable as error:
        ended = Ended(verdict=Verdict.UNMAPPED, reason=text(str(error)), cause=code(f"document:{intent.kind}"))
        return Finished(intent=intent, ended=ended, started_at=now, ended_at=now)


async def _claim_sends(tx: Tx, desk: Desk, lease: Lease, look: Look, now: datetime) -> tuple[Sequence[Begun], bool]:
    limit = min(CLAIM_MAX, look.slots * look.batch_max)  # what is read is locked: no more than can be begun
    due = await store.claimable(tx, desk.connection, now, leave=look.leave, limit=limit)
    if not due:
        return (), False
    outdated = [intent.id for intent in due if desk.is_state(intent.kind)]
    if outdated:  # released by a person: what is sent now is today's state, read anew
        await store.supersede(tx, outdated, SUPERSEDABLE, now)
    by_id = {intent.id: intent for intent in due}
    candidates = [Candidate(id=intent.id, kind=intent.kind) for intent in due if not desk.is_state(intent.kind)]
    packed = pack(candidates, desk.carriers(), slots=look.slots, serial_free=True)
    unserved = [by_id[intent_id] for intent_id in packed.unserved]
    for intent in unserved:
        reason = f"no flow or connector carries {intent.kind} through {intent.connection}"
        await _park(tx, intent, f"unsupported:{intent.kind}", reason, now)
    begun = [await _begin(tx, desk, [by_id[intent_id] for intent_id in batch], now) for batch in packed.batches]
    ready = tuple(one for one in begun if one is not None)
    ids = [intent.id for one in ready for intent in one.intents]
    if ids:
        marked = await store.mark_sending(tx, ids, lease.token, now)
        assert marked == len(ids), (marked, ids)
    return ready, bool(outdated or unserved or len(ready) < len(begun))


async def _begin(tx: Tx, desk: Desk, intents: Sequence[Intent], now: datetime) -> Begun | None:
    send = desk.send(intents[0].kind)
    assert send is not None, intents[0].kind
    ready: list[tuple[Intent, IntentDocument]] = []
    for intent in intents:
        try:
            document = await _document(tx, desk, intent)
        except Unbuildable as error:
            await _park(tx, intent, f"document:{intent.kind}", str(error), now)
            continue
        ready.append((replace(intent, state=IntentState.SENDING, attempts=intent.attempts + 1), document))
    if not ready:
        return None
    return Begun(
        send=send, intents=tuple(intent for intent, _ in ready), documents=tuple(document for _, document in ready)
    )


async def _document(tx: Tx, desk: Desk, intent: Intent) -> IntentDocument:
    """The stored document, or the one that its builder makes now. Always under the intent's own reference."""
    builder = desk.builders.get(intent.kind)
    if intent.document is None and builder is None:
        raise Unbuildable(f"nothing builds documents of kind {intent.kind}")
    try:
        if intent.document is not None or builder is None:
            stored: IntentDocument = msgspec.convert(intent.document, INTENT_KINDS[intent.kind])
            return stored
        async with tx.transaction():
            built = await builder(tx, intent)
    except (Unbuildable, psycopg.OperationalError):
        raise
    except Exception as error:  # one document that cannot be made must not stop the others
        log.exception("document_not_built", intent=str(intent.id), kind=intent.kind, subject=intent.subject)
        raise Unbuildable(f"{type(error).__name__}: {error}") from error
    return msgspec.structs.replace(built, reference=intent.reference)


async def _park(tx: Tx, intent: Intent, cause: str, reason: str, now: datetime) -> None:
    await store.park(tx, [intent.id], code(cause), text(reason), now)
    await eventlog.append(tx, [facts.parked(intent, cause, reason, now)])


async def release_known(tx: Tx, desk: Desk, now: datetime) -> int:
    """Send on what waited for a lookup that this pump has. Only here: a pump of an older estate would park it again."""
    parked = [each.cause for each in await reading.parked_causes(tx, LOOKUP_CAUSE, desk.connection)]
    released = 0
    for cause in known_lookups(parked, desk.line.session.lookups):
        released += len(await store.release(tx, now, cause=cause, connection=desk.connection))
    if released:
        log.info("lookups_known", connection=desk.connection, released=released)
    return released


async def recover(tx: Tx, desk: Desk, lease: Lease, now: datetime, *, own: Sequence[UUID]) -> int:
    """Put in doubt what is marked as on its way but is not among *own*: a dead holder's, or lost with a broken commit."""
    left = await store.recover(tx, desk.connection, lease.token, desk.settles(), now, own=own)
    orphaned = [
        Attempt(
            id=new_id(),
            intent_id=intent_id,
            number=number,
            purpose=Purpose.SEND,
            started_at=now,
            ended_at=now,
            verdict=Verdict.UNKNOWN,
            reason="the sender died before it heard an answer",
            code="",
        )
        for intent_id, number, was_sending in left
        if was_sending
    ]
    await store.insert_attempts(tx, orphaned)
    return len(orphaned)
