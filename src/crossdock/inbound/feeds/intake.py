"""What becomes of a file: a message with its bytes, or a message that says why there are none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import PurePath
from typing import Final

from crossdock.canonical.base import ConnectionName
from crossdock.canonical.facts import FileChanged, MessageQuarantined
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.foundation.log import logger
from crossdock.foundation.vault import Vault
from crossdock.inbound import store
from crossdock.inbound.feeds import store as feeds
from crossdock.inbound.feeds.folder import Content, Unfit
from crossdock.inbound.feeds.store import TakenFile
from crossdock.inbound.model import MessageId, NewMessage, RecordState, Route
from crossdock.inbound.rules import bounded, name_kept
from crossdock.inbound.storing import put

log = logger(__name__)

WATCHED: Final = timedelta(hours=1)
"""A taken file that stays as it is for so long is not looked at again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Whose files, and when they were found."""

    vault: Vault
    connection: ConnectionName
    feed: str
    now: datetime

    async def store(self, tx: Tx, file: Content, place: str) -> bool:
        """Claim the content and store it. Content that came before is noted once per name, and not stored again."""
        digest = sha256(file.body).hexdigest()
        name = name_kept(file.name)
        headers = {"file-name": name, "content-sha256": digest}
        message_id = MessageId(new_id())
        first = await self._claim(tx, f"file/{digest}", message_id)
        known = await self._claim(tx, bounded(f"file/{digest}/{name}"), message_id)
        await feeds.watch(tx, self._taken(file, place, name=name, version=1, message=first))
        if first == message_id:
            await put(tx, self.vault, [message_id], [self._message(file.body, headers)], now=self.now, queued=True)
            return True
        if known == message_id:
            reason = f"the same content as message {first}"
            await self._note(tx, message_id, headers, state=RecordState.REPEATED, reason=reason)
        return False

    async def store_again(self, tx: Tx, before: TakenFile, file: Content) -> bool:
        """What a file holds that was written to after it was taken: the next version of it, and a person is told.

        Whole, not only what is new: records that came before are recognised, those that were cut can be read now.
        """
        digest = sha256(file.body).hexdigest()
        message_id = MessageId(new_id())
        first = await self._claim(tx, f"file/{digest}", message_id)
        version = before.version + 1 if first == message_id else before.version
        await feeds.watch(tx, self._taken(file, before.place, name=before.name, version=version, message=first))
        if first != message_id:
            return False
        headers = {
            "file-name": before.name,
            "content-sha256": digest,
            "file-version": str(version),
            "file-follows": str(before.message),
        }
        await put(tx, self.vault, [message_id], [self._message(file.body, headers)], now=self.now, queued=True)
        log.warning("file_changed", connection=self.connection, feed=self.feed, file=before.name, version=version)
        fact = FileChanged(
            connection=self.connection,
            feed=self.feed,
            file=name_kept(before.place),
            version=version,
            message_id=str(message_id),
            follows=str(before.message),
        )
        await self._tell(tx, message_id, fact)
        return True

    async def refuse(self, tx: Tx, file: Unfit, place: str) -> None:
        """A file that was not read is a message without a body: visible, and a person is asked."""
        name = name_kept(PurePath(file.name).name)
        message_id = MessageId(new_id())
        event_id = bounded(f"file/refused/{tuple(file.mark)}/{name}")
        first = await self._claim(tx, event_id, message_id)
        await feeds.watch(tx, self._taken(file, place, name=name, version=1, message=first))
        if first != message_id:
            return
        log.warning("file_refused", connection=self.connection, feed=self.feed, file=name, reason=file.reason)
        await self._note(tx, message_id, {"file-name": name}, state=RecordState.QUARANTINED, reason=file.reason)
        fact = MessageQuarantined(
            message_id=str(message_id),
            record=0,
            connection=self.connection,
            feed=self.feed,
            path="$",
            reason=file.reason,
            subject=f"file/{name}",
        )
        await self._tell(tx, message_id, fact)

    async def _claim(self, tx: Tx, event_id: str, message_id: MessageId) -> MessageId:
        return await feeds.claim(tx, self.connection, event_id, message_id, self.now)

    def _message(self, body: bytes, headers: Mapping[str, str]) -> NewMessage:
        return NewMessage(connection=self.connection, route=Route.FILE, feed=self.feed, body=body, headers=headers)

    def _taken(self, file: Content | Unfit, place: str, *, name: str, version: int, message: MessageId) -> TakenFile:
        return TakenFile(
            connection=self.connection,
            feed=self.feed,
            place=place,
            name=name,
            mark=file.mark.text,
            version=version,
            message=message,
            watched_until=self.now + WATCHED,
        )

    async def _note(
        self, tx: Tx, message_id: MessageId, headers: Mapping[str, str], *, state: RecordState, reason: str
    ) -> None:
        """A message that nobody decodes, with the one record that says what became of its file."""
        await put(tx, self.vault, [message_id], [self._message(b"", headers)], now=self.now, queued=False)
        await store.insert_note(
            tx,
            message_id,
            connection=self.connection,
            route=Route.FILE,
            feed=self.feed,
            state=state,
            reason=reason,
            now=self.now,
        )

    async def _tell(self, tx: Tx, message_id: MessageId, fact: MessageQuarantined | FileChanged) -> None:
        origin = Origin(correlation_id=message_id, source=self.connection, causation_id=message_id)
        stream = f"message/{message_id}"
        await eventlog.append(tx, [NewFact(stream=stream, fact=fact, happened_at=self.now, origin=origin)])
