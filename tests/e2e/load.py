"""Who sends while things break, and keeps a book of their own of what they were told."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from crossdock.foundation.clock import SYSTEM_CLOCK
from e2e.retailer import ndjson, order, receipt, upload
from e2e.running import RunningHub, Told, until

PACE_S = 0.02
PAUSE_S = 0.1
DONE = (200, 201, 202)
TRY_AGAIN = (429, 503)


@dataclass(slots=True)
class Sender:
    """Sends one thing after another by several hands, and never knows what became of a thing without an answer."""

    hub: RunningHub
    hands: int
    prefix: str
    acknowledged: dict[str, str] = field(default_factory=dict)
    """Name → what the hub calls it."""
    open: set[str] = field(default_factory=set)
    """Sent, and not acknowledged."""
    strange: Counter[int] = field(default_factory=Counter)
    """Answers that no kill explains."""
    _number: int = 0

    async def send(self, name: str) -> Told | None:
        raise NotImplementedError

    def named_by(self, told: Told) -> str:
        raise NotImplementedError

    async def attempt(self, name: str) -> bool:
        self.open.add(name)
        told = await self.send(name)
        if told is None or told.status in TRY_AGAIN:
            return False
        if told.status not in DONE:
            self.strange[told.status] += 1
            return False
        self.acknowledged[name] = self.named_by(told)
        self.open.discard(name)
        return True

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """Sending while inside; what was begun is finished on leaving."""
        stop = asyncio.Event()
        hands = [asyncio.create_task(self._hand(stop)) for _ in range(self.hands)]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*hands)

    async def after(self, count: int) -> None:
        """Return when so many more were acknowledged."""
        wanted = len(self.acknowledged) + count

        async def enough() -> bool:
            return len(self.acknowledged) >= wanted

        await until(enough, f"{wanted} are acknowledged, not {len(self.acknowledged)}; {self.hub.log[-1500:]}")

    async def send_the_rest_again(self) -> None:
        """As every sender does with what nobody has acknowledged."""

        async def all_done() -> bool:
            for name in sorted(self.open):
                await self.attempt(name)
            return not self.open

        await until(all_done, "everything open is acknowledged in the end")

    async def _hand(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._number += 1
            done = await self.attempt(f"{self.prefix}-{self._number}")
            await SYSTEM_CLOCK.sleep(PACE_S if done else PAUSE_S)


@dataclass(slots=True)
class Buyers(Sender):
    """Orders by our own API."""

    skus: Sequence[str] = ()

    def body(self, name: str) -> Mapping[str, object]:
        number = int(name.rpartition("-")[2])
        return order(name, self.skus[number % len(self.skus)])

    async def send(self, name: str) -> Told | None:
        return await self.hub.place(self.body(name))

    def named_by(self, told: Told) -> str:
        return str(told.json["order_id"])


@dataclass(slots=True)
class Till(Sender):
    """Receipts by upload, one at a time."""

    store: str = ""
    day: str = ""
    sku: str = ""

    async def send(self, name: str) -> Told | None:
        sequence = int(name.rpartition("-")[2])
        return await upload(self.hub, ndjson(receipt(self.store, self.day, sequence, self.sku, till=self.prefix)))

    def named_by(self, told: Told) -> str:
        return str(json.loads(told.text)["message_id"])
