"""From raw messages to records: outside any transaction, oldest first, one worker per connection at a time."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

import msgspec
import psycopg

from crossdock.canonical.base import ConnectionName
from crossdock.canonical.facts import MessageQuarantined, MessageUnmatched
from crossdock.connector_kit.model import Damaged, Decoded, Decoder, Received
from crossdock.connector_kit.record import Undecodable
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.clock import Clock
from crossdock.foundation.db import Database, Tx
from crossdock.foundation.ids import new_id
from crossdock.foundation.log import logger
from crossdock.inbound import store
from crossdock.inbound.desk import Desk
from crossdock.inbound.feeds.silence import heard
from crossdock.inbound.lanes import alone, each_lane
from crossdock.inbound.model import Draft, NewRecord, Route, StoredMessage, Work
from crossdock.inbound.rules import damaged, draft_of, lane_of, read_problem

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
        for message in messages:
            decoded.append((message, await decode(desk, message)))
            await clock.sleep(0)
        return Work(messages=len(messages), more=bool(messages)) + await _keep(session, decoded, clock)


async def decode(
    desk: Desk, message: StoredMessage, body: bytes | None = None, matched: Matched | None = None
) -> Sequence[Draft]:
    """The records of a message (with *body* in the place of its own); never raises, whatever the decoder does."""
    decoder = desk.decoder(message.connection, Route(message.route), message.feed)
    if decoder is None:
        reason = f'nothing here reads {message.route} feed "{message.feed}" of connection "{message.connection}"'
        return [damaged(0, "$", reason, whole=True)]
    received = desk.received(message, message.body if body is None else body, matched or {})
    if len(received.body) < THREAD_FROM:
        return _drafts(decoder, received)
    return await asyncio.to_thread(_drafts, decoder, received)


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
    return draft_of(number, item.document, key=item.key, event_id=item.event_id, waits_for=item.waits_for)


async def _keep(tx: Tx, decoded: Sequence[Decoding], clock: Clock) -> Work:
    """Out of the inbox, into the records: one transaction, so a crash decodes again or not at all.

    A message that the database will not take is cut off from its neighbours and set aside.
    """
    if not decoded:
        return Work()
    try:
        async with tx.transaction():
            return await _write(tx, decoded, clock)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if len(decoded) > 1:
            middle = len(decoded) // 2
            return await _keep(tx, decoded[:middle], clock) + await _keep(tx, decoded[middle:], clock)
        unstorable = damaged(0, "$", f"its records cannot be stored: {error}", whole=True)
        async with tx.transaction():
            return await _write(tx, [(decoded[0][0], [unstorable])], clock)


async def _write(tx: Tx, decoded: Sequence[Decoding], clock: Clock) -> Work:
    taken = await store.take_out(tx, decoded[0][0].connection, [message.id for message, _ in decoded])
    records = [record for message, drafts in decoded if message.id in taken for record in records_of(message, drafts)]
    await insert(tx, records, clock.now())
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


async def insert(tx: Tx, records: Sequence[NewRecord], now: datetime) -> None:
    """Store records; the damaged ones ask for a person."""
    for start in range(0, len(records), ROWS_MAX):
        await store.insert_records(tx, records[start : start + ROWS_MAX])
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
