"""Decide that nothing more happens."""

from typing import assert_never

from crossdock.canonical.base import OrderId
from crossdock.connector_kit.record import IDENTITY_OF_THEIRS, LOCATION
from crossdock.foundation.db import Tx
from crossdock.inbound import service as inbound
from crossdock.inbound.model import MessageId
from crossdock.inbound.quarantine.model import Dismissed, NotFound, NotOpen
from crossdock.operations import service
from crossdock.operations.casework.looking import parked
from crossdock.operations.casework.outcomes import By, NotPossible, ReleaseOutcome, Worked, answered, close_as_done
from crossdock.operations.grouping import service as grouping
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
)
from crossdock.orders import service as orders
from crossdock.outbound import service as outbound
from crossdock.outbound.service import Filter


async def dismiss(tx: Tx, exception: OpenException, by: By) -> ReleaseOutcome:
    """Decide that nothing more happens. What still waits behind the exception keeps it open: nothing is silent."""
    exception = await service.lock(tx, exception)
    if exception.state is not ExceptionState.OPEN:
        return NotPossible(reason=f"it is closed: {exception.resolution}")
    outcome = await _dismissed(tx, exception, by)
    if isinstance(outcome, Worked):
        await close_as_done(tx, exception, f"{outcome.did} ({by.who}: {by.why})", by)
    return outcome


async def _dismissed(tx: Tx, exception: OpenException, by: By) -> ReleaseOutcome:
    matter = about(exception)
    outcome: ReleaseOutcome
    match matter:
        case RecordAbout():
            outcome = await _without_effect(tx, matter, by)
        case IntentAbout():
            answer = await outbound.withdraw(tx, matter.intent_id, who=by.who, why=by.why, now=by.now)
            outcome = answered(answer, "the intent is withdrawn")
        case CauseAbout():
            outcome = await _nobody_waits(tx, matter)
        case IdentityAbout() | StoreAbout():
            outcome = await _records_without_effect(tx, exception, matter, by)
        case HoldAbout():
            outcome = await _does_not_wait(tx, matter)
        case ConnectionAbout():
            outcome = NotPossible(reason="the connection is not used until it is released")
        case ReactionAbout() | OutsideAbout():
            outcome = Worked(did="closed by hand")
        case _:
            assert_never(matter)
    return outcome


async def _nobody_waits(tx: Tx, matter: CauseAbout) -> ReleaseOutcome:
    waiting = len(await parked(tx, Filter(connection=matter.connection, cause=matter.cause)))
    if waiting:
        return NotPossible(reason=f"intents wait for this cause ({waiting} or more): release or withdraw them")
    return Worked(did="no intent waits for this cause any more")


async def _records_without_effect(
    tx: Tx, exception: OpenException, matter: IdentityAbout | StoreAbout, by: By
) -> ReleaseOutcome:
    """Everything of theirs in the group is done with. Intents of ours are not: somebody must decide about each."""
    if isinstance(matter, StoreAbout):
        lacks, connection = f"{LOCATION}{matter.code}", ""
    else:
        lacks, connection = f"{IDENTITY_OF_THEIRS}{matter.kind}:", matter.connection
        waiting = (await grouping.backlog(tx)).identities(matter.connection, matter.kind).intents
        if waiting:
            return NotPossible(reason=f"intents wait for {len(waiting)} of ours: match or withdraw them")
    done = await inbound.dismiss_lacking(tx, lacks, connection=connection, reason=by.why, who=by.who, now=by.now)
    return Worked(did=f"{done} records have no effect ({exception.detail})")


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
