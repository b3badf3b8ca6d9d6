"""Work that fails again and again is an exception with an owner, and closes by itself when the work gets on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from crossdock.estate.model import Estate
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.operations.closing import close
from crossdock.operations.model import Matter
from crossdock.operations.service import open_exception
from crossdock.operations.stuck import store
from crossdock.operations.stuck.store import Stuck

__all__ = ["Stuck", "fails", "stuck", "works"]

SOURCE: Final = "worker"
DETAIL_MAX: Final = 500


async def fails(tx: Tx, estate: Estate | None, work: str, error: str, *, failures: int, now: datetime) -> None:
    """*work* has failed *failures* times in a row. Told to people once; without an estate nobody owns anything yet."""
    first = await store.note(tx, work, error[:DETAIL_MAX], failures, now)
    if first and estate is not None:
        matter = Matter(
            type="work_stuck", key=_key(work), subject=f"work/{work}", detail=f"{work}: {error}"[:DETAIL_MAX]
        )
        await open_exception(tx, estate, matter, origin=Origin.begin(SOURCE), now=now)


async def works(tx: Tx, work: str, *, now: datetime) -> None:
    """It gets on."""
    if await store.clear(tx, work):
        await close(tx, _key(work), "it gets on again", origin=Origin.begin(SOURCE), now=now)


async def stuck(tx: Tx) -> Sequence[Stuck]:
    """What does not get on now, the longest first."""
    return await store.stuck(tx)


def _key(work: str) -> str:
    return f"work/{work}"
