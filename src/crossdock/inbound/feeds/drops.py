"""Drop folders: a file's bytes are in the database before the file is moved out of the way.

A file is taken once it is known to be whole (see `looks`). It goes to `done/DAY/`, readable or not: its bytes are safe,
and what cannot be decoded is quarantined like any other message. `failed/` holds only what was never read (too large,
empty, a symbolic link, not a regular file), with a quarantined record that says why. The same content under another
name is recorded as repeated, not stored again. A crash between commit and move reads the file once more and recognises
it by its hash. A sender that writes on after all is noticed (see `afterwards`).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import Final

from crossdock.foundation.apart import apart
from crossdock.foundation.clock import Clock
from crossdock.foundation.db import Database, Tx
from crossdock.foundation.log import logger
from crossdock.inbound.feeds import folder as disk
from crossdock.inbound.feeds.afterwards import LOOK_S, take_changes
from crossdock.inbound.feeds.drop import Drop
from crossdock.inbound.feeds.folder import Content, Unfit
from crossdock.inbound.feeds.intake import Intake
from crossdock.inbound.feeds.model import Swept
from crossdock.inbound.lanes import alone
from crossdock.inbound.model import Route

log = logger(__name__)

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
    day = intake.now.date().isoformat()
    moves = await asyncio.to_thread(disk.places_for, drop.folder, files, day)
    fates, broken = await _store(tx, intake, moves)
    if broken:  # the database will not have them: put aside with the reason, so that they keep no other waiting
        unfit = [Unfit(name=moves[n][0].name, reason=reason, mark=moves[n][0].mark) for n, reason in broken.items()]
        kept = [move for n, move in enumerate(moves) if n not in broken]
        refused = await asyncio.to_thread(disk.places_for, drop.folder, unfit, day)
        told, broken = await _store(tx, intake, refused)
        fates.update(told)
        moves = [*kept, *(move for n, move in enumerate(refused) if n not in broken)]
    await asyncio.to_thread(disk.put_aside, drop.folder, moves, drop.marker)
    drop.look_back_s = min(drop.look_back_s, clock.monotonic() + LOOK_S)
    if broken:
        raise NotTakenError("; ".join(broken.values()))

    def names(fate: Fate) -> tuple[str, ...]:
        return tuple(name for name, its in fates.items() if its is fate)

    return Swept(
        stored=names(Fate.STORED),
        repeated=names(Fate.REPEATED),
        refused=names(Fate.REFUSED),
        more=len(waiting) > len(files),
    )


class NotTakenError(Exception):
    """A file could be neither taken nor set aside: it stays where it is, and the others were taken."""


class Fate(Enum):
    """What became of a file."""

    STORED = "stored"
    REPEATED = "repeated"
    REFUSED = "refused"


async def _store(
    tx: Tx, intake: Intake, moves: Sequence[tuple[Content | Unfit, str]]
) -> tuple[dict[str, Fate], Mapping[int, str]]:
    """All in one transaction but those that break it: by name what became of each, by number why one could not be taken."""
    fates: dict[str, Fate] = {}

    async def some(numbers: Sequence[int]) -> None:
        for file, place in (moves[n] for n in numbers):
            if isinstance(file, Unfit):
                await intake.refuse(tx, file, place)
                fates[file.name] = Fate.REFUSED
            else:
                fates[file.name] = Fate.STORED if await intake.store(tx, file, place) else Fate.REPEATED

    async with tx.transaction():
        broken = await apart(tx, range(len(moves)), some)
    for n, error in broken.items():
        log.error("file_not_taken", file=moves[n][0].name, exc_info=error)
    return fates, {n: f"cannot be stored: {type(error).__name__}: {error}" for n, error in broken.items()}


def _ready(drop: Drop, now_s: float) -> Sequence[str]:
    """Files that may be read, oldest first."""
    drop.looks.note(disk.look(drop.folder), now_s)
    fitting = disk.matching(drop.looks.names(), drop.declared.pattern, drop.marker)
    quiet = [name for name in fitting if drop.marker or drop.looks.of(name).may_be_read(drop.rules, now_s)]
    quiet += [
        name for name in drop.looks.names() if drop.is_strange(name) and drop.looks.of(name).rests(drop.rules, now_s)
    ]
    return sorted(quiet, key=lambda name: (drop.looks.of(name).mark.mtime_ns, name))


def _read(drop: Drop, names: Sequence[str], now_s: float) -> Sequence[Content | Unfit]:
    """As many as one sweep takes. A file without its end is left alone for a while; an empty one is no file."""
    found: list[Content | Unfit] = []
    size = 0
    for name in names[:FILES_MAX]:
        if size >= BYTES_MAX:
            break
        seen = drop.looks.of(name)
        if drop.is_strange(name):
            found.append(Unfit(name=name, reason=_strange(drop), mark=seen.mark))
            continue
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


def _strange(drop: Drop) -> str:
    taken = ", ".join(sorted({each.pattern for each in drop.siblings}))
    return f"no kind of file that this connection takes (it takes {taken}): rename it, and put it back"
