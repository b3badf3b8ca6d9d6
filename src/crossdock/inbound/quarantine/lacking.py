"""Records that name what nobody had told the hub: told once, all of them are read again."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from crossdock.canonical.base import ConnectionName
from crossdock.connector_kit.record import IDENTITY_OF_THEIRS, LOCATION
from crossdock.crossref import service as crossref
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.apart import NOT_NOW
from crossdock.foundation.db import Tx
from crossdock.foundation.log import logger
from crossdock.inbound.decoding import Matched, bind, decode, told_of
from crossdock.inbound.desk import Desk
from crossdock.inbound.model import Draft, Lack, MessageId, RecordShown, StoredMessage
from crossdock.inbound.quarantine import store
from crossdock.inbound.quarantine.model import ReadAgain
from crossdock.inbound.rules import damaged, lane_of, the_record
from crossdock.inbound.seals.envelope import Parts, opened, raw_of
from crossdock.inbound.store import SealedParts

log = logger(__name__)

RECORDS_MAX: Final = 2_000
"""Of one connection per call; the caller comes again while there are more."""


async def lacks(tx: Tx, prefix: str, connection: str = "") -> Sequence[Lack]:
    """What quarantined records lack, the oldest first; of all connections when none is named."""
    return await store.lacks(tx, prefix, connection)


def lacks_by_connection(found: Sequence[Lack]) -> Mapping[ConnectionName, Sequence[str]]:
    """What is lacking, connection by connection."""
    missing: dict[ConnectionName, list[str]] = {}
    for lack in found:
        missing.setdefault(lack.connection, []).append(lack.lacks)
    return missing


async def read_again(tx: Tx, desk: Desk, prefix: str, *, connection: str = "", who: str, now: datetime) -> ReadAgain:
    """Decode again what lacked something that is known by now; what still lacks something stays where it is."""
    done = ReadAgain()
    for name, missing in lacks_by_connection(await lacks(tx, prefix, connection)).items():
        matched = await _matched(tx, name, missing)
        told = [each for each in missing if _is_told(each, desk, matched)]
        records = await store.lacking(tx, name, told, limit=RECORDS_MAX) if told else ()
        for message_id, of_message in groupby(records, key=lambda record: record.message):
            released, still = await _read_message(tx, desk, message_id, list(of_message), matched, who=who, now=now)
            done = ReadAgain(released=done.released + released, still=done.still + still)
    return done


async def matched_since(tx: Tx, record: RecordShown) -> Matched:
    """The identities that *record* lacked and that exist by now."""
    return await _matched(tx, record.connection, [record.lacks])


async def _matched(tx: Tx, connection: ConnectionName, missing: Collection[str]) -> Matched:
    wanted: dict[str, list[str]] = {}
    for each in missing:
        kind, _, theirs = each.removeprefix(IDENTITY_OF_THEIRS).partition(":")
        if each.startswith(IDENTITY_OF_THEIRS):
            wanted.setdefault(kind, []).append(theirs)
    return {kind: await crossref.ours(tx, connection, kind, theirs) for kind, theirs in wanted.items()}


def _is_told(missing: str, desk: Desk, matched: Mapping[str, Mapping[str, str]]) -> bool:
    if missing.startswith(LOCATION):
        return desk.estate.location(missing.removeprefix(LOCATION)) is not None
    kind, _, theirs = missing.removeprefix(IDENTITY_OF_THEIRS).partition(":")
    return theirs in matched.get(kind, {})


async def _read_message(
    tx: Tx,
    desk: Desk,
    message_id: MessageId,
    records: Sequence[RecordShown],
    matched: Matched,
    *,
    who: str,
    now: datetime,
) -> tuple[int, int]:
    """A message is decoded once for all of its records that could not be cut out of it."""
    sealed = await store.message(tx, message_id)
    assert sealed is not None, message_id
    message, parts = opened(desk.vault, sealed), Parts(desk.vault)
    together: Sequence[Draft] | None = None
    released = 0
    for record in records:
        raw = raw_of(parts, message, record)
        if raw is not None:
            drafts = await decode(desk, message, raw, matched)
        else:
            together = together if together is not None else await decode(desk, message, None, matched)
            drafts = together
        draft = the_record(drafts, number=record.number, alone=raw is not None)
        draft = await _kept(tx, desk, message, record, draft=draft, who=who)
        released += not draft.damaged
        if draft.damaged and (draft.lacks, draft.reason) != (record.lacks, record.reason):
            origin = Origin(correlation_id=record.trace, source=record.connection, causation_id=record.message)
            fact = told_of(message, draft, record.key)
            new = NewFact(stream=f"message/{record.message}", fact=fact, happened_at=now, origin=origin)
            await eventlog.append(tx, [new])
    return released, len(records) - released


async def _kept(tx: Tx, desk: Desk, message: StoredMessage, record: RecordShown, *, draft: Draft, who: str) -> Draft:
    """Write what the record reads as now. One that the database will not take is damaged, and keeps no other waiting."""
    try:
        async with tx.transaction():
            lane = lane_of(record.connection, draft.key or record.key)
            document = Parts(desk.vault).seal(message.wrapped_key, message.id, draft.document)
            await store.reread(tx, record, draft, SealedParts(document=document, raw=None), lane=lane, who=who)
            await bind(tx, desk.vault, [(message, draft)])
    except NOT_NOW:
        raise
    except Exception as error:
        log.exception("record_not_kept", message_id=str(record.message), record=record.number)
        draft = damaged(record.number, "$", f"cannot be stored: {type(error).__name__}: {error}", key=record.key)
        lane = lane_of(record.connection, record.key)
        await store.reread(tx, record, draft, SealedParts(document=None, raw=None), lane=lane, who=who)
    return draft
