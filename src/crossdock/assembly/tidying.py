"""What keeps stock short to read: lapsed holds written down, busy positions settled. One that breaks is left aside."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from crossdock.assembly.aside import Aside
from crossdock.assembly.hub import Hub
from crossdock.eventlog.service import Origin
from crossdock.foundation.apart import NOT_NOW
from crossdock.foundation.db import Tx
from crossdock.foundation.log import logger
from crossdock.inventory import service as inventory
from crossdock.inventory.model import PositionKey

log = logger(__name__)

LAPSE: Final = "lapse"
SETTLE: Final = "settle"
LAPSE_MAX: Final = 500
LAPSE_WHOLE_S: Final = 60.0
LATE_MAX: Final = timedelta(minutes=1)
"""A hold that a slow transaction, or one with another clock, made is seen for so long after its deadline."""
LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
SETTLE_MAX: Final = 1000


def aside(hub: Hub, work: str) -> Aside[PositionKey]:
    """Positions that it broke on."""
    return Aside(hub, work, name=_name, subject=lambda position: f"stock/{position.sku}@{position.location}")


def _name(position: PositionKey) -> str:
    return msgspec.json.encode(position).decode()


async def again(hub: Hub, tx: Tx, work: str, name: str) -> None:
    """The same for one position that was set aside."""
    position = msgspec.json.decode(name, type=PositionKey)
    now = hub.clock.now()
    if work == LAPSE:
        await inventory.lapse_at(tx, [position], origin=_origin(), now=now)
    else:
        await inventory.settle_at(tx, [position])


@dataclass(slots=True)
class Lapse:
    """Holds past their deadline no longer count anywhere; written down, their units are published again.

    Every look goes on where the last one ended, once a minute from the beginning: who goes through all that ever lapsed
    with every hint is slow while somebody holds a snapshot.
    """

    hub: Hub
    aside: Aside[PositionKey]
    _looked_at: datetime | None = None
    _whole_at: float = 0.0

    async def __call__(self) -> bool:
        """One batch of positions; True when there may be more."""
        now, monotonic = self.hub.clock.now(), self.hub.clock.monotonic()
        whole = self._looked_at is None or monotonic >= self._whole_at
        since = LONG_AGO if self._looked_at is None or whole else self._looked_at - LATE_MAX
        if await self._lapse(now, since):
            self.hub.hints.ring()
            return True
        self._looked_at = now
        if whole:
            self._whole_at = monotonic + LAPSE_WHOLE_S
        return False

    async def _lapse(self, now: datetime, since: datetime) -> bool:
        left = self.aside.left()
        try:
            async with self.hub.database.transaction() as tx:
                return (
                    await inventory.lapse(tx, origin=_origin(), now=now, since=since, limit=LAPSE_MAX, leave=left) > 0
                )
        except NOT_NOW:
            raise
        except Exception:  # the batch is taken apart, so that only the position that is to blame is set aside
            log.exception("lapse_failed")
            async with self.hub.database.transaction() as tx:
                broken = await inventory.lapse_apart(tx, origin=_origin(), now=now, limit=LAPSE_MAX, leave=left)
                await self.aside.put(tx, broken)
            return True


@dataclass(slots=True)
class Settle:
    """Positions that were busy and are no longer: nobody waits for it."""

    hub: Hub
    aside: Aside[PositionKey]

    async def __call__(self) -> bool:
        """One batch of positions; True when there may be more."""
        now, left = self.hub.clock.now(), self.aside.left()
        try:
            async with self.hub.database.transaction() as tx:
                return await inventory.settle(tx, now=now, limit=SETTLE_MAX, leave=left) == SETTLE_MAX
        except NOT_NOW:
            raise
        except Exception:  # as above
            log.exception("settle_failed")
            async with self.hub.database.transaction() as tx:
                await self.aside.put(tx, await inventory.settle_apart(tx, now=now, limit=SETTLE_MAX, leave=left))
        return True


def _origin() -> Origin:
    return Origin.begin("holds")
