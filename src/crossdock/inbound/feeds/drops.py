"""Drop folders: a file's bytes are in the database before the file is moved out of the way.

A taken file goes to `done/<day>/`, readable or not: its bytes are safe, and what cannot be decoded is quarantined like
any other message. `failed/` holds only what was never read (too large, a symbolic link, not a regular file), with a
quarantined record that says why. The same content under another name is recorded as repeated, not stored again.
A crash between commit and move reads the file once more and recognises it by its hash.
"""

import asyncio
import contextlib
import errno
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import Final

from crossdock.canonical.base import ConnectionName
from crossdock.canonical.facts import MessageQuarantined
from crossdock.connector_kit.model import FileDrop
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.clock import Clock
from crossdock.foundation.db import Database, Tx
from crossdock.foundation.ids import new_id
from crossdock.foundation.log import logger
from crossdock.inbound import store
from crossdock.inbound.feeds import store as feeds
from crossdock.inbound.lanes import alone
from crossdock.inbound.model import MessageId, NewMessage, RecordState, Route, Swept
from crossdock.inbound.rules import bounded, is_temporary, name_kept
from crossdock.inbound.storing import put

log = logger(__name__)

SWEEP_SPACE: Final = 1_702
"""Advisory locks: two-key space of sweeping; the second key is the drop."""
FILES_MAX: Final = 100
BYTES_MAX: Final = 8 * 1024 * 1024
DONE: Final = "done"
FAILED: Final = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """A file that was read whole; *mark* tells whether anybody has written to it since."""

    path: Path
    body: bytes
    mark: tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refused:
    """A file that was not read, and why."""

    path: Path
    reason: str
    mark: tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Intake:
    """Whose files, and when they were found."""

    connection: ConnectionName
    feed: str
    now: datetime

    def message(self, body: bytes, headers: Mapping[str, str]) -> NewMessage:
        """A file's message."""
        return NewMessage(connection=self.connection, route=Route.FILE, feed=self.feed, body=body, headers=headers)


async def sweep(database: Database, connection: ConnectionName, drop: FileDrop, folder: Path, clock: Clock) -> Swept:
    """Take in what lies ready in *folder*, oldest first, within bounds per call. Late files are as welcome as any."""
    name = f"{connection}/{Route.FILE}/{drop.name}"
    async with alone(database, SWEEP_SPACE, name) as session:
        return Swept() if session is None else await _sweep(session, connection, drop, folder, clock)


async def _sweep(tx: Tx, connection: ConnectionName, drop: FileDrop, folder: Path, clock: Clock) -> Swept:
    found, more = await asyncio.to_thread(_ready, folder, drop)
    if not found:
        return Swept()
    intake = _Intake(connection=connection, feed=drop.name, now=clock.now())
    stored: list[str] = []
    repeated: list[str] = []
    refused: list[str] = []
    async with tx.transaction():
        for file in found:
            if isinstance(file, _Refused):
                refused.append(file.path.name)
                await _refuse(tx, intake, file)
            elif await _store(tx, intake, file):
                stored.append(file.path.name)
            else:
                repeated.append(file.path.name)
    await asyncio.to_thread(_clear, folder, drop, found, intake.now.date().isoformat())
    return Swept(stored=tuple(stored), repeated=tuple(repeated), refused=tuple(refused), more=more)


async def _store(tx: Tx, intake: _Intake, file: _Taken) -> bool:
    """Claim the content and store it. Content that came before is noted once per name, and not stored again."""
    digest = sha256(file.body).hexdigest()
    name = name_kept(file.path.name)
    headers = {"file-name": name, "content-sha256": digest}
    message_id = MessageId(new_id())
    first = await feeds.claim(tx, intake.connection, f"file/{digest}", message_id, intake.now)
    known = await feeds.claim(tx, intake.connection, bounded(f"file/{digest}/{name}"), message_id, intake.now)
    if first == message_id:
        await put(tx, [message_id], [intake.message(file.body, headers)], now=intake.now, queued=True)
        return True
    if known == message_id:
        reason = f"the same content as message {first}"
        await _note(tx, intake, message_id, headers, state=RecordState.REPEATED, reason=reason)
    return False


async def _refuse(tx: Tx, intake: _Intake, file: _Refused) -> None:
    """A file that was not read is a message without a body: visible, and a person is asked."""
    name = name_kept(file.path.name)
    message_id = MessageId(new_id())
    event_id = bounded(f"file/refused/{file.mark}/{name}")
    if await feeds.claim(tx, intake.connection, event_id, message_id, intake.now) != message_id:
        return
    log.warning("file_refused", connection=intake.connection, feed=intake.feed, file=name, reason=file.reason)
    headers = {"file-name": name}
    await _note(tx, intake, message_id, headers, state=RecordState.QUARANTINED, reason=file.reason)
    fact = MessageQuarantined(
        message_id=str(message_id),
        record=0,
        connection=intake.connection,
        feed=intake.feed,
        path="$",
        reason=file.reason,
        subject=f"file/{name}",
    )
    origin = Origin(correlation_id=message_id, source=intake.connection, causation_id=message_id)
    stream = f"message/{message_id}"
    await eventlog.append(tx, [NewFact(stream=stream, fact=fact, happened_at=intake.now, origin=origin)])


async def _note(
    tx: Tx, intake: _Intake, message_id: MessageId, headers: Mapping[str, str], *, state: RecordState, reason: str
) -> None:
    """A message that nobody decodes, with the one record that says what became of its file."""
    await put(tx, [message_id], [intake.message(b"", headers)], now=intake.now, queued=False)
    await store.insert_note(
        tx,
        message_id,
        connection=intake.connection,
        route=Route.FILE,
        feed=intake.feed,
        state=state,
        reason=reason,
        now=intake.now,
    )


def _ready(folder: Path, drop: FileDrop) -> tuple[Sequence[_Taken | _Refused], bool]:
    """Files that are ready, oldest first, and whether there are more than one sweep takes."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return (), False
    names = {entry.name for entry in entries}
    wanted = [entry for entry in entries if _wanted(entry, drop) and _marked(entry.name, drop, names)]
    waiting = [(age, entry.name) for entry in wanted for age in [_age(entry)] if age is not None]
    found: list[_Taken | _Refused] = []
    size = 0
    for _, name in sorted(waiting)[:FILES_MAX]:
        if size >= BYTES_MAX:
            break
        file = _read(folder / name, drop.size_max)
        if file is not None:
            found.append(file)
            size += len(file.body) if isinstance(file, _Taken) else 0
    return found, len(waiting) > len(found) > 0


def _age(entry: "os.DirEntry[str]") -> int | None:
    try:
        return entry.stat(follow_symlinks=False).st_mtime_ns
    except FileNotFoundError:  # somebody took it away since the folder was read
        return None


def _wanted(entry: "os.DirEntry[str]", drop: FileDrop) -> bool:
    return (
        not is_temporary(entry.name)
        and fnmatchcase(entry.name, drop.pattern)
        and not (drop.marker and entry.name.endswith(drop.marker))
        and not entry.is_dir(follow_symlinks=False)
    )


def _marked(name: str, drop: FileDrop, names: set[str]) -> bool:
    """Its marker stands beside it: `day.dat.complete` or `day.complete` for `day.dat`."""
    return not drop.marker or any(f"{stem}{drop.marker}" in names for stem in (name, Path(name).stem))


def _read(path: Path, size_max: int) -> _Taken | _Refused | None:
    """The whole file, once; None when it is being written, or gone. Links are never followed."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return _Refused(path=path, reason="a symbolic link: it may point anywhere", mark=_mark(path.lstat()))
        log.warning("file_unreadable", file=str(path), error=error.strerror)
        return None
    with os.fdopen(handle, "rb") as file:
        before = os.fstat(handle)
        if not stat.S_ISREG(before.st_mode):
            return _Refused(path=path, reason="not a regular file", mark=_mark(before))
        if before.st_size > size_max:
            reason = f"{before.st_size} bytes: more than the {size_max} allowed"
            return _Refused(path=path, reason=reason, mark=_mark(before))
        body = file.read(size_max + 1)
        mark = _mark(os.fstat(handle))
    return _Taken(path=path, body=body, mark=mark) if mark == _mark(before) else None


def _mark(status: os.stat_result) -> tuple[int, int, int]:
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def _clear(folder: Path, drop: FileDrop, files: Sequence[_Taken | _Refused], day: str) -> None:
    """Move what was taken. A file written to since it was read stays: the next sweep reads it again, whole."""
    for file in files:
        if isinstance(file, _Taken):
            if not _unchanged(file):
                continue
            target = folder / DONE / day
        else:
            target = folder / FAILED
        target.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # somebody took it away; its bytes are committed
            file.path.rename(_free(target / file.path.name))
        for stem in (file.path.name, file.path.stem) if drop.marker else ():
            (folder / f"{stem}{drop.marker}").unlink(missing_ok=True)


def _unchanged(file: _Taken) -> bool:
    try:
        return _mark(file.path.lstat()) == file.mark
    except FileNotFoundError:
        return False


def _free(path: Path) -> Path:
    """A name that is not taken: `day.xml`, `day.xml.1`, …"""
    number = 0
    candidate = path
    while candidate.exists() or candidate.is_symlink():
        number += 1
        candidate = path.with_name(f"{path.name}.{number}")
    return candidate
