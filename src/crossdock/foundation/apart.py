"""What breaks stops nothing beside it: a batch is cut down to the items that are to blame, parts are done one by one."""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Final, TypeVar

import psycopg

from crossdock.foundation.db import Tx
from crossdock.foundation.log import logger

log = logger(__name__)

Item = TypeVar("Item", bound=Hashable)

NOT_NOW: Final = (psycopg.OperationalError, psycopg.errors.QueryCanceled)
"""The database's state, no item's fault: tried again as a whole."""


async def apart(
    tx: Tx, items: Sequence[Item], work: Callable[[Sequence[Item]], Awaitable[None]]
) -> Mapping[Item, Exception]:
    """Do *work* for all, each part under a savepoint of its own; what broke, and of what."""
    if not items:
        return {}
    try:
        async with tx.transaction():
            await work(items)
    except NOT_NOW:
        raise
    except Exception as error:  # noqa: BLE001 (whatever it is, it is told with the item that it came of)
        if len(items) == 1:
            return {items[0]: error}
        middle = len(items) // 2
        return {**await apart(tx, items[:middle], work), **await apart(tx, items[middle:], work)}
    return {}


async def each(parts: Sequence[Callable[[], Awaitable[object]]]) -> None:
    """All of them, whatever one breaks on; then the first that broke is raised."""
    broken: list[Exception] = []
    for part in parts:
        try:
            await part()
        except Exception as error:
            log.exception("part_failed")
            broken.append(error)
    if broken:
        raise broken[0]
