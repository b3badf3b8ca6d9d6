"""Work an exception off: do the right thing by its type, once, and say what happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias, assert_never
from uuid import UUID

import msgspec

from crossdock.canonical.base import OrderId
from crossdock.canonical.intents import IntentDocument
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.inbound import service as inbound
from crossdock.inbound.model import Dismissed, MessageId, MessageShown, NotFound, NotOpen, StillDamaged
from crossdock.inbound.model import Released as RecordsReleased
from crossdock.inbound.service import Desk
from crossdock.operations import service
from crossdock.operations.model import ExceptionState, OpenException
from crossdock.operations.remedies import (
    CauseAbout,
    ConnectionAbout,
    HoldAbout,
    IntentAbout,
    OutsideAbout,
    RecordAbout,
    Remedy,
    about,
    remedy_of,
)
from crossdock.operations.rules import order_of
from crossdock.orders import service as orders
from crossdock.orders.model import HoldCode, HoldReleased, NoSuchHold
from crossdock.orders.service import View
from crossdock.outbound import service as outbound
from crossdock.outbound.model import Answer, Attempt, Done, Intent, IntentState, Unfit, Unknown
from crossdock.outbound.service import Filter

SHOWN_MAX: Final = 20
SOURCE: Final = "operations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """It was done. `intents` are on their way again: `outbound.verify` tells how they fare."""

    did: str
    intents: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StillWrong:
    """The record was read again and still cannot be read; the exception stays open."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPossible:
    """Nothing was done, and why."""

    reason: str


ReleaseOutcome: TypeAlias = Worked | StillWrong | NotPossible


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Whose decision it is, and when."""

    who: str
    why: str
    now: datetime


# --- looking -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentSeen:
    """An intent and its tries."""

    intent: Intent
    attempts: Sequence[Attempt]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """An exception with what a person needs beside it."""

    exception: OpenException
    remedy: Remedy
    order: View | None = None
    message: MessageShown | None = None
    record: int = 0
    """Which record of the message it is about."""
    intents: Sequence[IntentSeen] = ()


async def look(tx: Tx, exception_id: UUID) -> Sight | None:
    """One exception and what stands behind it; None when there is none of that id."""
    exception = await service.get(tx, exception_id)
    if exception is None:
        return None
    matter = about(exception)
    message = None
    if isinstance(matter, RecordAbout):
        message = await inbound.show(tx, MessageId(matter.message_id))
    order_id = OrderId(matter.order_id) if isinstance(matter, HoldAbout) else order_of(exception.subject)
    return Sight(
        exception=exception,
        remedy=remedy_of(exception.type),
        order=None if order_id is None else await orders.get(tx, order_id),
        message=message,
        record=matter.number if isinstance(matter, RecordAbout) else 0,
        intents=[
            IntentSeen(intent=intent, attempts=await outbound.attempts_of(tx, intent.id))
            for intent in await _intents_of(tx, matter)
        ],
    )


async def _intents_of(tx: Tx, matter: object) -> Sequence[Intent]:
    match matter:
        case IntentAbout():
            found = await outbound.get_intent(tx, matter.intent_id)
            return () if found is None else (found.intent,)
        case CauseAbout():
            return await _parked(tx, matter)
        case _:
            return ()


async def _parked(tx: Tx, group: CauseAbout) -> Sequence[Intent]:
    only = Filter(state=IntentState.PARKED, connection=group.connection, cause=group.cause)
    return await outbound.list_intents(tx, only, limit=SHOWN_MAX)


# --- release -------------------------------------------------------------------------------------------------------


async def release(tx: Tx, desk: Desk, exception: OpenException, by: By, *, body: bytes | None = None) -> ReleaseOutcome:
    """Set going what the exception holds up. *body* stands in for a record, or for a refused document."""
    if exception.state is not ExceptionState.OPEN:
        return NotPossible(reason=f"it is closed: {exception.resolution}")
    matter = about(exception)
    if body is not None and not isinstance(matter, RecordAbout | IntentAbout):
        return NotPossible(reason=f"a corrected body means nothing to {exception.type}")
    match matter:
        case RecordAbout():
            outcome = await _read_again(tx, desk, matter, by, body)
        case HoldAbout():
            outcome = await _let_go(tx, matter, by)
        case IntentAbout():
            outcome = await _resend(tx, matter, by, body)
        case CauseAbout():
            outcome = await _send_on(tx, matter, by)
        case ConnectionAbout():
            outcome = await _use_again(tx, matter, by)
        case OutsideAbout():
            outcome = NotPossible(reason=f"nothing here can be released. {remedy_of(exception.type).todo}")
        case _:
            assert_never(matter)
    if isinstance(outcome, Worked):
        await _close(tx, exception, f"{outcome.did} ({by.who}: {by.why})", by)
    return outcome


async def release_cause(tx: Tx, connection: str, cause: str, by: By) -> Worked:
    """Send every intent of a cause on, and close the exception that stands for them."""
    released = await outbound.release(tx, by.now, cause=cause, connection=connection)
    did = f"{len(released.intents)} intents of {connection} are on their way again"
    await service.close(tx, f"cause/{connection}/{cause}", f"{did} ({by.who}: {by.why})", origin=_origin(), now=by.now)
    return Worked(did=did, intents=released.intents)


async def _read_again(tx: Tx, desk: Desk, matter: RecordAbout, by: By, body: bytes | None) -> ReleaseOutcome:
    outcome = await inbound.release(
        tx, desk, MessageId(matter.message_id), matter.number, who=by.who, now=by.now, body=body
    )
    match outcome:
        case RecordsReleased():
            return Worked(did=f"{outcome.records} records were read and will be applied")
        case StillDamaged():
            return StillWrong(path=outcome.path, reason=outcome.reason)
        case NotOpen():
            return NotPossible(reason=f"the record is {outcome.state}: dismiss the exception if it is done with")
        case NotFound():
            return NotPossible(reason="the message is not kept any more")
        case _:
            assert_never(outcome)


async def _let_go(tx: Tx, matter: HoldAbout, by: By) -> ReleaseOutcome:
    try:
        hold = HoldCode(matter.hold)
    except ValueError:
        return NotPossible(reason=f'there is no hold "{matter.hold}"')
    outcome = await orders.release_hold(tx, OrderId(matter.order_id), hold, who=by.who, reason=by.why, now=by.now)
    match outcome:
        case HoldReleased():
            return Worked(did=f"the hold {hold} is gone; the order is checked and placed again")
        case NoSuchHold():
            return Worked(did=f"the hold {hold} had gone before")
        case _:
            assert_never(outcome)


async def _resend(tx: Tx, matter: IntentAbout, by: By, body: bytes | None) -> ReleaseOutcome:
    document: IntentDocument | None = None
    if body is not None:
        try:
            document = msgspec.json.decode(body, type=IntentDocument)
        except msgspec.DecodeError as error:
            return StillWrong(path="$", reason=str(error))
    answer = await outbound.resend(tx, matter.intent_id, document, who=by.who, why=by.why, now=by.now)
    return _answered(answer, "the intent is on its way again")


async def _send_on(tx: Tx, matter: CauseAbout, by: By) -> ReleaseOutcome:
    released = await outbound.release(tx, by.now, cause=matter.cause, connection=matter.connection)
    return Worked(did=f"{len(released.intents)} intents are on their way again", intents=released.intents)


async def _use_again(tx: Tx, matter: ConnectionAbout, by: By) -> ReleaseOutcome:
    released = await outbound.restore_connection(tx, matter.name, by.now)
    did = f"{matter.name} is used again, {len(released.intents)} intents are on their way"
    return Worked(did=did, intents=released.intents)


def _answered(answer: Answer, did: str) -> ReleaseOutcome:
    match answer:
        case Done():
            return Worked(did=did, intents=(answer.intent_id,))
        case Unfit():
            return NotPossible(reason=answer.reason)
        case Unknown():
            return NotPossible(reason="there is no such intent any more")
        case _:
            assert_never(answer)


# --- dismiss -------------------------------------------------------------------------------------------------------


async def dismiss(tx: Tx, exception: OpenException, by: By) -> ReleaseOutcome:
    """Decide that nothing more happens. What still waits behind the exception keeps it open: nothing is silent."""
    if exception.state is not ExceptionState.OPEN:
        return NotPossible(reason=f"it is closed: {exception.resolution}")
    outcome = await _dismissed(tx, exception, by)
    if isinstance(outcome, Worked):
        await _close(tx, exception, f"{outcome.did} ({by.who}: {by.why})", by)
    return outcome


async def _dismissed(tx: Tx, exception: OpenException, by: By) -> ReleaseOutcome:
    matter = about(exception)
    outcome: ReleaseOutcome
    match matter:
        case RecordAbout():
            outcome = await _without_effect(tx, matter, by)
        case IntentAbout():
            answer = await outbound.withdraw(tx, matter.intent_id, who=by.who, why=by.why, now=by.now)
            outcome = _answered(answer, "the intent is withdrawn")
        case CauseAbout():
            outcome = await _nobody_waits(tx, matter)
        case HoldAbout():
            outcome = await _does_not_wait(tx, matter)
        case ConnectionAbout():
            outcome = NotPossible(reason="the connection is not used until it is released")
        case OutsideAbout():
            outcome = Worked(did="closed by hand")
        case _:
            assert_never(matter)
    return outcome


async def _nobody_waits(tx: Tx, matter: CauseAbout) -> ReleaseOutcome:
    waiting = len(await _parked(tx, matter))
    if waiting:
        return NotPossible(reason=f"intents wait for this cause ({waiting} or more): release or withdraw them")
    return Worked(did="no intent waits for this cause any more")


async def _does_not_wait(tx: Tx, matter: HoldAbout) -> ReleaseOutcome:
    view = await orders.get(tx, OrderId(matter.order_id))
    if view is not None and any(hold.hold == matter.hold for hold in view.order.standing):
        return NotPossible(reason="the order still waits: release the hold, or cancel the order")
    return Worked(did="the order does not wait for this any more")


async def _without_effect(tx: Tx, matter: RecordAbout, by: By) -> ReleaseOutcome:
    outcome = await inbound.dismiss(
        tx, MessageId(matter.message_id), matter.number, reason=by.why, who=by.who, now=by.now
    )
    match outcome:
        case Dismissed():
            return Worked(did="the record has no effect")
        case NotOpen():
            return Worked(did=f"the record was {outcome.state} before")
        case NotFound():
            return Worked(did="the message is not kept any more")
        case _:
            assert_never(outcome)


async def _close(tx: Tx, exception: OpenException, resolution: str, by: By) -> None:
    origin = Origin(correlation_id=exception.correlation_id, source=SOURCE)
    await service.close(tx, exception.key, resolution, origin=origin, now=by.now)


def _origin() -> Origin:
    return Origin.begin(SOURCE)
