"""The floor at work: `python -m bench.stock.deltas DSN SECONDS STORES SKUS RATE` records movements and prints how many."""

import asyncio
import random
import sys
from decimal import Decimal
from typing import Final

from crossdock.canonical.base import LocationCode, Sku
from crossdock.canonical.stock import FloorMovement
from crossdock.eventlog.service import Origin
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database
from crossdock.inventory import service as inventory
from crossdock.inventory.model import MovementKey, NewMovement

TICK_S: Final = 0.1
BEHIND_MAX: Final = 2000
ONE: Final = Decimal(1)


def store(number: int) -> LocationCode:
    """One of them."""
    return LocationCode(f"store-{number:03d}")


def sku(number: int) -> Sku:
    """One of them."""
    return Sku(f"SKU-{number:05d}")


async def deltas(dsn: str, seconds: float, stores: int, skus: int, rate: int) -> int:
    """Sales and receipts, one unit each, spread over stores and SKUs; as many as can be recorded when that is fewer."""
    chance = random.Random(1)
    began, done = SYSTEM_CLOCK.monotonic(), 0
    async with Database(dsn, size_max=2) as database:
        while (passed := SYSTEM_CLOCK.monotonic() - began) < seconds:
            due = min(int(passed * rate) - done, BEHIND_MAX)
            if due <= 0:
                await SYSTEM_CLOCK.sleep(TICK_S)
                continue
            now = SYSTEM_CLOCK.now()
            movements = [
                NewMovement(
                    key=MovementKey(f"delta/{done + n}"),
                    kind=chance.choice((FloorMovement.ISSUE, FloorMovement.RECEIVE)),
                    sku=sku(chance.randrange(skus)),
                    location=store(chance.randrange(stores)),
                    quantity=ONE,
                    happened_at=now,
                )
                for n in range(due)
            ]
            async with database.pipelined() as tx:
                await inventory.record(tx, movements, origin=Origin.begin("bench"), now=now)
            done += due
    return done


if __name__ == "__main__":
    _, dsn, *numbers = sys.argv
    seconds, stores, skus, rate = (int(number) for number in numbers)
    sys.stdout.write(f"{asyncio.run(deltas(dsn, seconds, stores, skus, rate))}\n")
