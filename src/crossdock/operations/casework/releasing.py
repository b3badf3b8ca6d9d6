"""Set going what an exception holds up: the right thing by its type, once, and what happened."""

from typing import TypeAlias, assert_never

import msgspec

from crossdock.canonical.base import OrderId
from crossdock.canonical.intents import IntentDocument
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.inbound import service as inbound
from crossdock.inbound.model import MessageId
from crossdock.inbound.quarantine.model import Closed, NotFound, NotOpen, StillDamaged
from crossdock.inbound.quarantine.model import Released as RecordsReleased
from crossdock.inbound.service import Desk
from crossdock.operations import service
from crossdock.operations.casework.outcomes import (
    SOURCE,
    By,
    Means,
    NotPossible,
    ReleaseOutcome,
    StillWrong,
    Worked,
    answered,
    close_as_done,
)
from crossdock.operations.grouping import service as grouping
from crossdock.operations.grouping.rules import kind_of_ours, parked_key
from crossdock.operations.model import ExceptionState, OpenException
from crossdock.operations.remedies import (
    CauseAbout,
    ConnectionAbout,
    HoldAbout,
    IdentityAbout,
    IntentAbout,
    OutsideAbout,
    ReactionAbout,
    RecordAbout,
    StoreAbout,
    about,
    remedy_of,
)
from crossdock.orders import service as orders
from crossdock.orders.model import HoldCode, HoldReleased, NoSuchHold
from crossdock.outbound import service as outbound

Single: TypeAlias = RecordAbout | HoldAbout | IntentAbout | CauseAbout | ConnectionAbout | ReactionAbout | OutsideAbout
"""One matter, done with when it is released."""


async def release(
    tx: Tx, means: Means, exception: OpenException, by: By, *, body: bytes | None = None
) -> ReleaseOutcome:
    """Set going what the exception holds up. *body* stands in for a record, or for a refused document.

    It is locked first: of two people who release it, the second one finds it closed.
    """
    exception = await service.lock(tx, exception)
    if exception.state is not ExceptionState.OPEN:
        return NotPossible(reason=f"it is closed: {exception.resolution}")
    matter = about(exception)
    if body is not None and not isinstance(matter, RecordAbout | IntentAbout):
        return NotPossible(reason=f"a corrected body means nothing to {exception.type}")
    if isinstance(matter, IdentityAbout | StoreAbout):  # the group ends by itself, when nothing is left in it
        return await _group(tx, means.desk, exception, matter, by)
    outcome = await _released(tx, means, exception, matter, by=by, body=body)
    if isinstance(outcome, Worked):
        await close_as_done(tx, exception, f"{outcome.did} ({by.who}: {by.why})", by)
    return outcome


async def _released(
    tx: Tx, means: Means, exception: OpenException, matter: Single, *, by: By, body: bytes | None
) -> ReleaseOutcome:
    outcome: ReleaseOutcome
    match matter:
        case RecordAbout():
            outcome = await _read_again(tx, means.desk, matter, by, body)
        case HoldAbout():
            outcome = await _let_go(tx, means, matter, by)
        case IntentAbout():
            outcome = await _resend(tx, matter, by, body)
        case CauseAbout():
            outcome = await _send_on(tx, matter, by)
        case ConnectionAbout():
            outcome = await _use_again(tx, matter, by)
        case ReactionAbout():
            outcome = await _react_again(tx, means, matter)
        case OutsideAbout():
            outcome = NotPossible(reason=f"nothing here can be released. {remedy_of(exception.type).todo}")
        case _:
            assert_never(matter)
    return outcome


async def release_cause(tx: Tx, connection: str, cause: str, by: By) -> Worked:
    """Send every intent of a cause on, and close the exception that stands for them."""
    released = await outbound.release(tx, by.now, cause=cause, connection=connection)
    did = f"{len(released.intents)} intents of {connection} are on their way again"
    key = parked_key(connection, cause)
    if kind_of_ours(cause) is None:  # a group may hold others still: it ends by itself
        await service.close(tx, key, f"{did} ({by.who}: {by.why})", origin=Origin.begin(SOURCE), now=by.now)
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
        case Closed():
            return NotPossible(reason=f"what it said cannot be read: {outcome.reason}")
        case _:
            assert_never(outcome)


async def _react_again(tx: Tx, means: Means, matter: ReactionAbout) -> ReleaseOutcome:
    problem = await means.replay(tx, matter.reactor, matter.what)
    if problem:
        return StillWrong(path=matter.reactor, reason=problem)
    return Worked(did=f"{matter.reactor} has taken it in")


async def _let_go(tx: Tx, means: Means, matter: HoldAbout, by: By) -> ReleaseOutcome:
    try:
        hold = HoldCode(matter.hold)
    except ValueError:
        return NotPossible(reason=f'there is no hold "{matter.hold}"')
    finding = await means.standing(tx, OrderId(matter.order_id), hold)
    if finding is not None:
        return StillWrong(path=finding.path, reason=finding.reason)
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
    return answered(answer, "the intent is on its way again")


async def _send_on(tx: Tx, matter: CauseAbout, by: By) -> ReleaseOutcome:
    released = await outbound.release(tx, by.now, cause=matter.cause, connection=matter.connection)
    return Worked(did=f"{len(released.intents)} intents are on their way again", intents=released.intents)


async def _group(
    tx: Tx, desk: Desk, exception: OpenException, matter: IdentityAbout | StoreAbout, by: By
) -> ReleaseOutcome:
    """What is known by now goes; the exception stays while anything is left in it."""
    match matter:
        case IdentityAbout():
            freed = await grouping.release_matched(
                tx, desk, connection=matter.connection, kind=matter.kind, who=by.who, now=by.now
            )
            nothing = f"none of them is matched yet: `crossdock match {matter.connection} {matter.kind}`"
        case StoreAbout():
            freed = await grouping.release_located(tx, desk, location=matter.code, who=by.who, now=by.now)
            known = desk.estate.location(matter.code) is not None
            nothing = "nothing waits for it" if known else "the estate in force does not know the store"
        case _:
            assert_never(matter)
    await service.refresh(tx, desk.estate, now=by.now)
    left = await service.get(tx, exception.id)
    if left is None or left.state is not ExceptionState.OPEN or freed:
        did = f"{len(freed.intents)} intents are on their way again, {freed.records} records were read"
        still = f". Still: {left.detail}" if left is not None and left.state is ExceptionState.OPEN else ""
        return Worked(did=did + still, intents=freed.intents)
    return NotPossible(reason=nothing)


async def _use_again(tx: Tx, matter: ConnectionAbout, by: By) -> ReleaseOutcome:
    released = await outbound.restore_connection(tx, matter.name, by.now)
    did = f"{matter.name} is used again, {len(released.intents)} intents are on their way"
    return Worked(did=did, intents=released.intents)
