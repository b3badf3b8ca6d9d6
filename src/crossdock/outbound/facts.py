"""What outbound tells the event log about an intent, in the words and lengths that facts allow."""

from datetime import datetime
from uuid import UUID

from crossdock.canonical.facts import IntentLanded, IntentParked, IntentRefused
from crossdock.eventlog.service import NewFact, Origin
from crossdock.outbound.causes import code, text
from crossdock.outbound.model import Intent


def landed(intent: Intent, document_id: str, number: str, now: datetime, source: str) -> NewFact:
    """The target has it."""
    fact = IntentLanded(
        intent_id=str(intent.id),
        kind=intent.kind,
        connection=intent.connection,
        reference=code(intent.reference),
        subject=text(intent.subject),
        document_id=code(document_id),
        landed_at=now,
        number=text(number),
    )
    return NewFact(stream=intent.subject, fact=fact, happened_at=now, origin=origin_of(intent, source))


def refused(intent: Intent, reason: str, path: str, now: datetime) -> NewFact:
    """The target will not have it."""
    fact = IntentRefused(
        intent_id=str(intent.id),
        kind=intent.kind,
        connection=intent.connection,
        reference=code(intent.reference),
        subject=text(intent.subject),
        reason=text(reason),
        path=text(path),
    )
    return NewFact(stream=intent.subject, fact=fact, happened_at=now, origin=origin_of(intent, intent.connection))


def parked(intent: Intent, cause: str, reason: str, now: datetime) -> NewFact:
    """It waits for a cause to be removed."""
    fact = IntentParked(
        intent_id=str(intent.id),
        kind=intent.kind,
        connection=intent.connection,
        reference=code(intent.reference),
        subject=text(intent.subject),
        cause=code(cause),
        reason=text(reason),
    )
    return NewFact(stream=intent.subject, fact=fact, happened_at=now, origin=origin_of(intent, intent.connection))


def origin_of(intent: Intent, source: str) -> Origin:
    """The intent's trace, one step on."""
    cause: UUID = intent.id
    return Origin(correlation_id=intent.correlation_id, source=source, causation_id=cause)
