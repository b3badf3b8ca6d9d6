"""From raw messages to records: outside any transaction, oldest first, one worker per connection at a time."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

import msgspec

from crossdock.canonical.base import ConnectionName
from crossdock.canonical.facts import MessageQuarantined, MessageUnmatched
from crossdock.connector_kit.model import Damaged, Decoded, Decoder, Received
from crossdock.connector_kit.record import Undecodable
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.apart import NOT_NOW
from crossdock.foundation.clock import Clock
from crossdock.foundation.db import Database, Tx
from crossdock.foundation.ids import new_id
from crossdock.foundation.log import logger
from crossdock.foundation.vault import Vault
from crossdock.inbound import store
from crossdock.inbound.desk import Desk
from crossdock.inbound.discretion import discreet
from crossdock.inbound.feeds.silence import heard
from crossdock.inbound.lanes import alone, each_lane
from crossdock.inbound.model import Draft, NewRecord, Route, StoredMessage, Work
from crossdock.inbound.rules import about, damaged, draft_of, lane_of, read_problem
from crossdock.inbound.seals import service as seals
from crossdock.inbound.seals import store as bindings
from crossdock.inbound.seals.envelope import Parts, opened
from crossdock.inbound.store import SealedParts

log = logger(__name__)

DECODE_SPACE: Final = 1_701
"""Advisory locks: two-key space of decoding; the second key is the connection."""
MESSAGES_MAX: Final = 200
BYTES_MAX: Final = 8 * 1024 * 1024
THREAD_FROM: Final = 64 * 1024
"""Bodies of this size and more are decoded beside the event loop."""
ROWS_MAX: Final = 2_000

Matched: TypeAlias = Mapping[str, Mapping[str, str]]
"""Theirs → ours per kind of identity."""
Decoding: TypeAlias = "tuple[StoredMessage, Sequence[Draft]]"


async def decode_waiting(database: Database, desk: Desk, clock: Clock) -> Work:
    """Decode what has arrived, each connection by itself; a connection that fails does not hold up the others."""
    async with database.connection() as session:
        waiting = await store.undecoded(session)
    return await each_lane(waiting, lambda connection: _decode_connection(database, desk, connection, clock))


async def _decode_connection(database: Database, desk: Desk, connection: ConnectionName, clock: Clock) -> Work:
    async with alone(database, DECODE_SPACE, connection) as session:
        if session is None:
            return Work()
        messages = await store.next_messages(session, connection, messages=MESSAGES_MAX, size=BYTES_MAX)
        decoded: list[Decoding] = []
        for sealed in messages:
            message = opened(desk.vault, sealed)
            decoded.append((message, await decode(desk, message)))
            await clock.sleep(0)
        return Work(messages=len(messages), more=bool(messages)) + await _keep(session, desk.vault, decoded, clock)


async def decode(
    desk: Desk, message: StoredMessage, body: bytes | None = None, matched: Matched | None = None
) -> Sequence[Draft]:
    """The records of a message (with *body* in the place of its own); never raises, whatever the decoder does."""
    if message.closed and body is None:
        return [damaged(0, "$", message.closed, whole=True)]
    try:
        decoder = desk.decoder(message.connection, Route(message.route), message.feed)
        if decoder is None:
            reason = f'nothing here reads {message.route} feed "{message.feed}" of connection "{message.connection}"'
            return [damaged(0, "$", reason, whole=True)]
        received = desk.received(message, message.body if body is None else body, matched or {})
    except Exception as error:
        log.exception("message_not_read", message_id=str(message.id), connection=message.connection)
        return [damaged(0, "$", f"cannot be read: {type(error).__name__}: {error}", whole=True)]
    if len(received.body) < THREAD_FROM:
        return discreet(_drafts(decoder, received), received.body)
    return await asyncio.to_thread(lambda: discreet(_drafts(decoder, received), received.body))


def _drafts(decoder: Decoder, received: Received) -> Sequence[Draft]:
    """Run a connector's function. What it yields before it fails is kept; the failure is a record of its own."""
    drafts: list[Draft] = []
    try:
        for item in decoder(received):
            drafts.append(_draft(len(drafts), item))
    except Undecodable as error:
        drafts.append(damaged(len(drafts), error.path, error.reason, whole=not drafts, lacks=error.lacks))
    except (ValueError, msgspec.ValidationError) as error:  # what a canonical document refuses
        path, reason = read_problem(str(error))
        drafts.append(damaged(len(drafts), path, reason, whole=not drafts))
    except Exception as error:  # noqa: BLE001 (a connector's bug concerns this message, not its neighbours)
        reason = f"the decoder failed: {type(error).__name__}: {error}"
        drafts.append(damaged(len(drafts), "$", reason, whole=not drafts))
    return drafts


def _draft(number: int, item: Decoded | Damaged) -> Draft:
    if isinstance(item, Damaged):
        error = item.error
        return damaged(number, error.path, error.reason, key=item.key, raw=item.raw or None, lacks=error.lacks)
    return draft_of(number, item)


async def _keep(tx: Tx, vault: Vault, decoded: Sequence[Decoding], clock: Clock) -> Work:
    """Out of the inbox, into the records: one transaction, so a crash decodes again or not at all.

    A message that the database will not take is cut off from its neighbours and set aside.
    """
    if not decoded:
        return Work()
    try:
        async with tx.transaction():
            return await _write(tx, vault, decoded, clock)
    except NOT_NOW:
        raise
    except Exception as error:
        if len(decoded) > 1:
            middle = len(decoded) // 2
            first = await _keep(tx, vault, decoded[:middle], clock)
            return first + await _keep(tx, vault, decoded[middle:], clock)
        log.exception("message_not_kept", message_id=str(decoded[0][0].id), connection=decoded[0][0].connection)
        unstorable = damaged(0, "$", f"its records cannot be stored: {type(error).__name__}: {error}", whole=True)
        async with tx.transaction():
            return await _write(tx, vault, [(decoded[0][0], [unstorable])], clock)


async def _write(tx: Tx, vault: Vault, decoded: Sequence[Decoding], clock: Clock) -> Work:
    taken = await store.take_out(tx, decoded[0][0].connection, [message.id for message, _ in decoded])
    records = [record for message, drafts in decoded if message.id in taken for record in records_of(message, drafts)]
    await insert(tx, vault, records, clock.now())
    for route, feed in {(each.message.route, each.message.feed) for each in records if not each.draft.damaged}:
        if route == Route.POLL:
            await heard(tx, decoded[0][0].connection, feed, now=clock.now())
    return Work(quarantined=sum(record.draft.damaged for record in records))


def records_of(message: StoredMessage, drafts: Sequence[Draft]) -> Sequence[NewRecord]:
    """Drafts ready to be stored. A message's only record shares the message's id as its trace."""
    return [
        NewRecord(
            message=message,
            draft=draft,
            lane=lane_of(message.connection, draft.key),
            trace=message.id if len(drafts) == 1 else new_id(),
        )
        for draft in drafts
    ]


async def insert(tx: Tx, vault: Vault, records: Sequence[NewRecord], now: datetime) -> None:
    """Store records, sealed, and whom they are about; the damaged ones ask for a person."""
    parts = Parts(vault)
    for start in range(0, len(records), ROWS_MAX):
        some = records[start : start + ROWS_MAX]
        await store.insert_records(tx, some, [_sealed(parts, record) for record in some])
    await bind(tx, vault, [(record.message, record.draft) for record in records])
    unreadable = [record for record in records if record.draft.damaged]
    for record in unreadable:
        log.warning(
            "message_quarantined",
            message_id=str(record.message.id),
            record=record.draft.number,
            connection=record.message.connection,
            feed=record.message.feed,
            path=record.draft.path,
            reason=record.draft.reason,
        )
    await eventlog.append(tx, [_quarantined(record, now) for record in unreadable])


def _sealed(parts: Parts, record: NewRecord) -> SealedParts:
    message, draft = record.message, record.draft
    return SealedParts(
        document=parts.seal(message.wrapped_key, message.id, draft.document),
        raw=parts.seal(message.wrapped_key, message.id, draft.raw),
    )


async def bind(tx: Tx, vault: Vault, drafts: Sequence[tuple[StoredMessage, Draft]]) -> None:
    """Note whom messages are about, so that forgetting them finds what they were told by."""
    found = [
        binding
        for message, draft in drafts
        for binding in seals.bindings(vault, message.id, about(message, draft), message.received_at)
    ]
    if found:
        await bindings.bind(tx, found)


def told_of(message: StoredMessage, draft: Draft, subject: str) -> MessageQuarantined | MessageUnmatched:
    """What people hear of a record that cannot be read: on its own, or with all others that lack the same."""
    if draft.lacks:
        return MessageUnmatched(
            message_id=str(message.id),
            record=draft.number,
            connection=message.connection,
            feed=message.feed,
            path=draft.path,
            reason=draft.reason,
            lacks=draft.lacks,
            subject=subject,
        )
    return MessageQuarantined(
        message_id=str(message.id),
        record=draft.number,
        connection=message.connection,
        feed=message.feed,
        path=draft.path,
        reason=draft.reason,
        subject=subject,
    )


def _quarantined(record: NewRecord, now: datetime) -> NewFact:
    message, draft = record.message, record.draft
    return NewFact(
        stream=f"message/{message.id}",
        fact=told_of(message, draft, draft.key),
        happened_at=now,
        origin=Origin(correlation_id=record.trace, source=message.connection, causation_id=message.id),
    )
