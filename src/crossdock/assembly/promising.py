"""Figures for channels, kept up with the ledger: an item that cannot be reckoned keeps no other from being told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from crossdock.assembly.aside import Aside
from crossdock.assembly.hub import Hub
from crossdock.availability import service as availability
from crossdock.canonical.base import Sku
from crossdock.estate import service as estates
from crossdock.foundation.apart import NOT_NOW
from crossdock.foundation.db import Tx
from crossdock.foundation.log import logger

log = logger(__name__)

NAME: Final = "promise"
REFRESH_MAX: Final = 2000
SWEEP_S: Final = 3600.0
SILENT_SWEEP_S: Final = 300.0
"""While a source of stock is silent its numbers shrink by and by."""


def aside(hub: Hub) -> Aside[Sku]:
    """Items that could not be reckoned."""
    return Aside(hub, NAME, name=str, subject=lambda sku: f"item/{sku}")


async def again(hub: Hub, tx: Tx, sku: Sku) -> None:
    """Reckon one item that was set aside."""
    await availability.retarget(tx, await hub.estate.get(tx), sku, now=hub.clock.now())


@dataclass(slots=True)
class Promise:
    """What has moved is reckoned anew."""

    hub: Hub
    aside: Aside[Sku]

    async def __call__(self) -> bool:
        """One batch of movements; True when there may be more."""
        now = self.hub.clock.now()
        try:
            async with self.hub.database.transaction() as tx:
                estate = await self.hub.estate.get(tx)
                changed = await availability.refresh(tx, estate, now=now, limit=REFRESH_MAX)
        except NOT_NOW:
            raise
        except Exception:  # the batch is taken apart, so that only the item that is to blame is set aside
            log.exception("promise_failed")
            async with self.hub.database.transaction() as tx:
                estate = await self.hub.estate.get(tx)
                broken = await availability.refresh_apart(tx, estate, now=now, limit=REFRESH_MAX)
                await self.aside.put(tx, broken)
            changed = 1
        if changed:
            self.hub.hints.ring()
        return changed > 0


@dataclass(slots=True)
class PromiseAll:
    """Every figure computed anew, page by page: for a new estate, when a rule's time comes or goes, and every hour."""

    hub: Hub
    aside: Aside[Sku]
    _number: int = 0
    _due_at: float = 0.0
    _after: Sku | None = None
    _turned_until: datetime | None = None
    """Up to here no rule's time has come or gone without a sweep."""

    async def __call__(self) -> bool:
        """One page; True when there are more."""
        async with self.hub.database.transaction() as tx:
            number = await estates.current_number(tx)
            if self._after is None and number == self._number and not await self._is_time(tx):
                return False
        try:
            self._after = await self._page()
        except NOT_NOW:
            raise
        except Exception:  # as above
            log.exception("promise_failed")
            self._after = await self._page_apart()
        if self._after is None:
            self._number, self._due_at = number, self.hub.clock.monotonic() + SWEEP_S
            self.hub.hints.ring()
        return self._after is not None

    async def _is_time(self, tx: Tx) -> bool:
        now, left_s = self.hub.clock.now(), self._due_at - self.hub.clock.monotonic()
        estate = await self.hub.estate.get(tx)
        since = self._turned_until or now
        await availability.mark_due(tx, estate, after=since, now=now)
        turned = await availability.turning(tx, estate, after=since, now=now)
        self._turned_until = now
        if turned:
            self._due_at = 0.0  # until a sweep has been through
        if turned or left_s <= 0:
            return True
        return left_s < SWEEP_S - SILENT_SWEEP_S and await availability.pace.any_silent(tx, estate, now=now)

    async def _page(self) -> Sku | None:
        async with self.hub.database.transaction() as tx:
            estate = await self.hub.estate.get(tx)
            return await availability.sweep(tx, estate, now=self.hub.clock.now(), after=self._after)

    async def _page_apart(self) -> Sku | None:
        async with self.hub.database.transaction() as tx:
            estate = await self.hub.estate.get(tx)
            after, broken = await availability.sweep_apart(tx, estate, now=self.hub.clock.now(), after=self._after)
            await self.aside.put(tx, broken)
        return after
