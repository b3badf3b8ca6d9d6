"""Show messages, release what was set aside, dismiss what is not wanted, tell what waits too long."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from crossdock.canonical.base import ConnectionName, Document
from crossdock.canonical.facts import MessageOverdue, MessageSettled
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Database, Tx
from crossdock.foundation.ids import id_floor
from crossdock.foundation.vault import Vault
from crossdock.inbound.decoding import bind, decode, insert, records_of, told_of
from crossdock.inbound.desk import Desk
from crossdock.inbound.model import (
    Draft,
    MessageId,
    MessageShown,
    QuarantineGroup,
    RecordShown,
    RecordState,
    StoredMessage,
    Tally,
)
from crossdock.inbound.quarantine import store
from crossdock.inbound.quarantine.lacking import RECORDS_MAX, lacks, lacks_by_connection, matched_since
from crossdock.inbound.quarantine.model import (
    Closed,
    Dismissed,
    DismissOutcome,
    Glance,
    NotFound,
    NotOpen,
    Released,
    ReleaseOutcome,
    StillDamaged,
)
from crossdock.inbound.rules import lane_of, the_record
from crossdock.inbound.seals.envelope import Parts, opened, raw_of
from crossdock.inbound.states import Turn, after
from crossdock.inbound.store import SealedParts

SHOWN_MAX: Final = 1_000
EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


async def show(tx: Tx, vault: Vault, message_id: MessageId) -> MessageShown | None:
    """A message with its raw body and what became of its records; None when there is none of that id."""
    sealed = await store.message(tx, message_id)
    if sealed is None:
        return None
    message = opened(vault, sealed)
    parts = Parts(vault)
    undecoded = await store.is_undecoded(tx, message.connection, message_id)
    records = await store.records(tx, message_id, limit=SHOWN_MAX)
    return MessageShown(
        message=message,
        records=[replace(record, raw=raw_of(parts, message, record)) for record in records],
        decoded=not undecoded,
    )


async def glance(tx: Tx, message_id: MessageId) -> Glance | None:
    """The same without opening it: for those who tell what happened, not what was said."""
    head = await store.head(tx, message_id)
    if head is None:
        return None
    records = await store.records(tx, message_id, limit=SHOWN_MAX)
    return Glance(head=head, records=[replace(record, raw=None) for record in records])


async def of_key(tx: Tx, connection: ConnectionName, key: str) -> Sequence[RecordShown]:
    """Everything that came in about one business object, oldest first."""
    return await store.of_key(tx, connection, key, limit=SHOWN_MAX)


async def open_records(
    tx: Tx, *, connection: str = "", after_record: tuple[MessageId, int] | None = None, limit: int = 200
) -> Sequence[RecordShown]:
    """Records that wait for a parent or for a person, oldest first, page by page."""
    return await store.open_records(tx, connection, after_record or (id_floor(EPOCH), -1), limit=limit)


async def quarantine_groups(tx: Tx, *, limit: int = 100) -> Sequence[QuarantineGroup]:
    """What is set aside, by reason, most frequent first."""
    return await store.groups(tx, limit=limit)


async def tally(tx: Tx, *, since: datetime = EPOCH) -> Sequence[Tally]:
    """Counts by connection, feed and state of what was received from *since* on. Reads every record of that time."""
    return await store.tally(tx, id_floor(since))


async def release(
    tx: Tx, desk: Desk, message_id: MessageId, number: int, *, who: str, now: datetime, body: bytes | None = None
) -> ReleaseOutcome:
    """Decode a record again, with today's connector, settings and lookups, and let it go on if it can be read now.

    *body* stands in for what the sender wrote (the record alone, or the whole message where nothing could be read);
    the raw message stays as it came. What was set aside by the applier is read again, too.
    """
    record = await store.record_locked(tx, message_id, number)
    if record is None:
        return NotFound()
    state = RecordState(record.state)
    if after(state, Turn.RELEASED) is None:
        return NotOpen(state=state)
    if state is RecordState.WAITING:
        await store.wake_one(tx, message_id, number, who)
        return Released(records=1)
    sealed = await store.message(tx, message_id)
    assert sealed is not None, message_id
    message = opened(desk.vault, sealed)
    if message.closed:
        return Closed(reason=message.closed)
    parts = Parts(desk.vault)
    alone = body if body is not None else raw_of(parts, message, record)
    drafts = await decode(desk, message, alone, await matched_since(tx, record))
    raw = parts.seal(message.wrapped_key, message.id, body)
    if record.whole and not (drafts and all(draft.whole for draft in drafts)):
        return await _release_whole(tx, desk, message, record, drafts, now=now)
    draft = drafts[0] if record.whole else the_record(drafts, number=number, alone=alone is not None)
    document = parts.seal(message.wrapped_key, message.id, draft.document)
    lane = lane_of(record.connection, "" if record.whole else draft.key or record.key)
    await store.reread(tx, record, draft, SealedParts(document=document, raw=raw), lane=lane, who=who)
    await bind(tx, desk.vault, [(message, draft)])
    return await _released(tx, message, record, [draft], now)


async def _release_whole(
    tx: Tx, desk: Desk, message: StoredMessage, record: RecordShown, drafts: Sequence[Draft], *, now: datetime
) -> ReleaseOutcome:
    """Nothing of the message could be read before; its real records take the place of the one that stood for it."""
    await store.remove_whole(tx, message.id)
    await insert(tx, desk.vault, records_of(message, drafts), now)
    outcome = "decoded" if drafts else "empty"
    fact = MessageSettled(
        message_id=str(message.id), record=0, connection=message.connection, feed=message.feed, outcome=outcome
    )
    await _note(tx, record, fact, now)
    return Released(records=sum(not draft.damaged for draft in drafts))


async def _released(
    tx: Tx, message: StoredMessage, record: RecordShown, drafts: Sequence[Draft], now: datetime
) -> ReleaseOutcome:
    draft = drafts[0]
    if not draft.damaged:
        return Released(records=1)
    if RecordState(record.state) is not RecordState.QUARANTINED or draft.reason != record.reason:
        await _note(tx, record, told_of(message, draft, record.key), now)
    return StillDamaged(path=draft.path, reason=draft.reason)


async def release_group(
    database: Database, desk: Desk, group: QuarantineGroup, *, who: str, now: datetime, limit: int = 10_000
) -> tuple[int, int]:
    """Release every record set aside for the same reason, each for itself; how many were released, how many not."""
    released = damaged = 0
    place: tuple[MessageId, int] | None = None
    while released + damaged < limit:
        async with database.transaction() as tx:
            page = await open_records(tx, connection=group.connection, after_record=place)
        if not page:
            break
        place = (page[-1].message, page[-1].number)
        for record in page:
            if record.state != RecordState.QUARANTINED or (record.feed, record.reason) != (group.feed, group.reason):
                continue
            async with database.transaction() as tx:
                outcome = await release(tx, desk, record.message, record.number, who=who, now=now)
            released += isinstance(outcome, Released)
            damaged += not isinstance(outcome, Released)
    return released, damaged


async def dismiss(
    tx: Tx, message_id: MessageId, number: int, *, reason: str, who: str, now: datetime
) -> DismissOutcome:
    """A person decides that a record shall have no effect. It stays readable, and a redelivery of it has none either."""
    record = await store.record_locked(tx, message_id, number)
    if record is None:
        return NotFound()
    state = RecordState(record.state)
    if after(state, Turn.DISMISSED) is None:
        return NotOpen(state=state)
    await store.dismiss(tx, record, reason=reason, who=who, now=now)
    if record.event_id:
        await store.mark_seen(tx, record, now)
    fact = MessageSettled(
        message_id=str(message_id),
        record=number,
        connection=record.connection,
        feed=record.feed,
        outcome=RecordState.DISMISSED.value,
        reason=f"{who}: {reason}"[:500],
    )
    await _note(tx, record, fact, now)
    return Dismissed()


async def dismiss_lacking(tx: Tx, prefix: str, *, connection: str = "", reason: str, who: str, now: datetime) -> int:
    """The same for every record whose lack begins with *prefix*; how many."""
    done = 0
    for name, missing in lacks_by_connection(await lacks(tx, prefix, connection)).items():
        for record in await store.lacking(tx, name, missing, limit=RECORDS_MAX):
            done += isinstance(
                await dismiss(tx, record.message, record.number, reason=reason, who=who, now=now), Dismissed
            )
    return done


async def overdue(tx: Tx, *, now: datetime) -> Sequence[MessageOverdue]:
    """Ask a person about records whose parent has not come in time: once each. They are applied when it still comes."""
    late = await store.overdue(tx, now)
    facts = [
        MessageOverdue(
            message_id=str(record.message),
            record=record.number,
            connection=record.connection,
            feed=record.feed,
            waits_for=record.waits_for,
        )
        for record in late
    ]
    for record, fact in zip(late, facts, strict=True):
        await _note(tx, record, fact, now)
    return facts


async def _note(tx: Tx, record: RecordShown, fact: Document, now: datetime) -> None:
    origin = Origin(correlation_id=record.trace, source=record.connection, causation_id=record.message)
    await eventlog.append(tx, [NewFact(stream=f"message/{record.message}", fact=fact, happened_at=now, origin=origin)])
