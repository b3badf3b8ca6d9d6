"""Drop folders: a file's bytes are in the database before the file is moved out of the way.

A file is taken once it is known to be whole (see `looks`). It goes to `done/DAY/`, readable or not: its bytes are safe,
and what cannot be decoded is quarantined like any other message. `failed/` holds only what was never read (too large,
empty, a symbolic link, not a regular file), with a quarantined record that says why. The same content under another
name is recorded as repeated, not stored again. A crash between commit and move reads the file once more and recognises
it by its hash. A sender that writes on after all is noticed (see `afterwards`).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from crossdock.foundation.clock import Clock
from crossdock.foundation.db import Database, Tx
from crossdock.inbound.feeds import folder as disk
from crossdock.inbound.feeds.afterwards import LOOK_S, take_changes
from crossdock.inbound.feeds.drop import Drop
from crossdock.inbound.feeds.folder import Content, Unfit
from crossdock.inbound.feeds.intake import Intake
from crossdock.inbound.feeds.model import Swept
from crossdock.inbound.lanes import alone
from crossdock.inbound.model import Route

SWEEP_SPACE: Final = 1_702
"""Advisory locks: two-key space of sweeping; the second key is the drop."""
FILES_MAX: Final = 100
BYTES_MAX: Final = 8 * 1024 * 1024


async def sweep(database: Database, drop: Drop, clock: Clock) -> Swept:
    """Take in what lies ready, oldest first, within bounds per call. Late files are as welcome as any.

    Called about once a second: what one call sees, the next ones compare with.
    """
    now_s = clock.monotonic()
    waiting = await asyncio.to_thread(_ready, drop, now_s)
    if not waiting and now_s < drop.look_back_s:
        return Swept()
    async with alone(database, SWEEP_SPACE, f"{drop.connection}/{Route.FILE}/{drop.declared.name}") as session:
        if session is None:
            return Swept()
        swept = await _take(session, drop, waiting, clock) if waiting else Swept()
        changed = await take_changes(session, drop, _intake(drop, clock), now_s) if now_s >= drop.look_back_s else ()
    return replace(swept, changed=tuple(changed))


def _intake(drop: Drop, clock: Clock) -> Intake:
    return Intake(vault=drop.vault, connection=drop.connection, feed=drop.declared.name, now=clock.now())


async def _take(tx: Tx, drop: Drop, waiting: Sequence[str], clock: Clock) -> Swept:
    intake = _intake(drop, clock)
    files = await asyncio.to_thread(_read, drop, waiting, clock.monotonic())
    if not files:
        return Swept()
    moves = await asyncio.to_thread(disk.places_for, drop.folder, files, intake.now.date().isoformat())
    stored: list[str] = []
    repeated: list[str] = []
    refused: list[str] = []
    async with tx.transaction():
        for file, place in moves:
            if isinstance(file, Unfit):
                await intake.refuse(tx, file, place)
                refused.append(file.name)
            elif await intake.store(tx, file, place):
                stored.append(file.name)
            else:
                repeated.append(file.name)
    await asyncio.to_thread(disk.put_aside, drop.folder, moves, drop.marker)
    drop.look_back_s = min(drop.look_back_s, clock.monotonic() + LOOK_S)
    return Swept(stored=tuple(stored), repeated=tuple(repeated), refused=tuple(refused), more=len(waiting) > len(files))


def _ready(drop: Drop, now_s: float) -> Sequence[str]:
    """Files that may be read, oldest first."""
    drop.looks.note(disk.look(drop.folder), now_s)
    fitting = disk.matching(drop.looks.names(), drop.declared.pattern, drop.marker)
    quiet = [name for name in fitting if drop.marker or drop.looks.of(name).may_be_read(drop.rules, now_s)]
    return sorted(quiet, key=lambda name: (drop.looks.of(name).mark.mtime_ns, name))


def _read(drop: Drop, names: Sequence[str], now_s: float) -> Sequence[Content | Unfit]:
    """As many as one sweep takes. A file without its end is left alone for a while; an empty one is no file."""
    found: list[Content | Unfit] = []
    size = 0
    for name in names[:FILES_MAX]:
        if size >= BYTES_MAX:
            break
        seen = drop.looks.of(name)
        file = disk.read(drop.folder, name, as_seen=seen.mark, size_max=drop.declared.size_max)
        if isinstance(file, Content):
            size += len(file.body)
            if not drop.marker and seen.may_be_cut(drop.rules, now_s) and not drop.ends(file.body):
                drop.looks.found_cut(name)
                continue
            if not file.body:
                file = Unfit(name=name, reason="the file is empty", mark=file.mark)
        if file is not None:
            found.append(file)
    return found
