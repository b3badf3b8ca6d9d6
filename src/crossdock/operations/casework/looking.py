"""See an exception with what a person needs beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from crossdock.canonical.base import OrderId
from crossdock.foundation.db import Tx
from crossdock.foundation.vault import Vault
from crossdock.inbound import service as inbound
from crossdock.inbound.model import MessageId, MessageShown
from crossdock.operations import service
from crossdock.operations.model import OpenException
from crossdock.operations.remedies import (
    CauseAbout,
    HoldAbout,
    IdentityAbout,
    IntentAbout,
    RecordAbout,
    Remedy,
    about,
    remedy_of,
)
from crossdock.operations.rules import order_of
from crossdock.orders import service as orders
from crossdock.orders.service import View
from crossdock.outbound import service as outbound
from crossdock.outbound.causes import IDENTITY_CAUSE
from crossdock.outbound.model import Attempt, Intent, IntentState
from crossdock.outbound.service import Filter

SHOWN_MAX: Final = 20


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


async def look(tx: Tx, vault: Vault, exception_id: UUID) -> Sight | None:
    """One exception and what stands behind it; None when there is none of that id."""
    exception = await service.get(tx, exception_id)
    if exception is None:
        return None
    matter = about(exception)
    message = None
    if isinstance(matter, RecordAbout):
        message = await inbound.show(tx, vault, MessageId(matter.message_id))
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
            return await parked(tx, Filter(connection=matter.connection, cause=matter.cause))
        case IdentityAbout():
            return await parked(
                tx, Filter(connection=matter.connection, cause_prefix=f"{IDENTITY_CAUSE}{matter.kind}:")
            )
        case _:
            return ()


async def parked(tx: Tx, only: Filter) -> Sequence[Intent]:
    """The newest parked intents of a group."""
    return await outbound.list_intents(tx, replace(only, state=IntentState.PARKED), limit=SHOWN_MAX)
