"""Files that were taken are looked at for a while: what a sender adds afterwards is taken, too, and a person is told.

What is watched stands in the database: a restart forgets nothing, and any process may look.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from crossdock.foundation.db import Tx
from crossdock.inbound.feeds import folder as disk
from crossdock.inbound.feeds import store
from crossdock.inbound.feeds.drop import Drop
from crossdock.inbound.feeds.folder import Content, Unfit
from crossdock.inbound.feeds.intake import Intake
from crossdock.inbound.feeds.store import TakenFile

LOOK_S: Final = 5.0
IDLE_LOOK_S: Final = 60.0
"""When nothing is watched: another process may have taken something."""


async def take_changes(tx: Tx, drop: Drop, intake: Intake, now_s: float) -> Sequence[str]:
    """Take anew what was written to since it was taken, once it is quiet; the names of these files."""
    watched = await store.watched(tx, drop.connection, drop.declared.name)
    marks = await asyncio.to_thread(disk.look_at, drop.folder, [file.place for file in watched])
    changed = {file.place: file for file in watched if file.place in marks and marks[file.place].text != file.mark}
    over = [
        file.place
        for file in watched
        if file.place not in marks or (file.place not in changed and file.watched_until <= intake.now)
    ]
    if over:
        await store.forget(tx, drop.connection, drop.declared.name, over, intake.now)
    drop.later_looks.note({place: marks[place] for place in changed}, now_s)
    taken = [await _take(tx, drop, intake, file, now_s) for file in changed.values()]
    if changed:
        drop.look_back_s = now_s
    else:
        drop.look_back_s = now_s + (LOOK_S if len(watched) > len(over) else IDLE_LOOK_S)
    return [file.name for file, new in zip(changed.values(), taken, strict=True) if new]


async def _take(tx: Tx, drop: Drop, intake: Intake, before: TakenFile, now_s: float) -> bool:
    seen = drop.later_looks.of(before.place)
    if not seen.may_be_read(drop.rules, now_s):
        return False
    file = await asyncio.to_thread(
        disk.read, drop.folder, before.place, as_seen=seen.mark, size_max=drop.declared.size_max
    )
    match file:
        case None:
            return False
        case Unfit():
            async with tx.transaction():
                await intake.refuse(tx, file, before.place)
            return False
        case Content():
            if seen.may_be_cut(drop.rules, now_s) and not drop.ends(file.body):
                drop.later_looks.found_cut(before.place)
                return False
            async with tx.transaction():
                return await intake.store_again(tx, before, file)
