"""What tills have left out is looked for store by store: none of them waits for another."""

import asyncio
from datetime import timedelta
from pathlib import Path

import msgspec

from assembly.parts import ESTATE, NOW, World, make_hub
from crossdock.canonical.base import LocationCode
from crossdock.canonical.facts import ReceiptGapFound
from crossdock.eventlog.service import Origin
from crossdock.finance import service as finance
from crossdock.finance.service import Told
from crossdock.foundation.db import Database
from crossdock.worker.tills import Gaps
from finance.tills import blocked_or_done, sale

FIRST, LAST = LocationCode("a"), LocationCode("b")


async def stores_told(world: World) -> list[str]:
    facts = [event.fact for event in await world.facts(ReceiptGapFound)]
    return [fact.store for fact in facts if isinstance(fact, ReceiptGapFound)]


async def test_a_store_whose_till_somebody_judges_keeps_no_other_stores_gap_from_being_told(
    database: Database, tmp_path: Path
) -> None:
    world = World(make_hub(database, tmp_path, {}))
    await world.apply_estate(msgspec.structs.replace(ESTATE, connections=(), channels=()))
    receipts = [msgspec.structs.replace(sale(number), store=store) for store in (FIRST, LAST) for number in (1, 3)]
    async with database.transaction() as tx:
        told = [Told(receipt=receipt, origin=Origin.begin("tills")) for receipt in receipts]
        await finance.record_receipts(tx, ESTATE, told, now=NOW - timedelta(hours=3))

    async with database.transaction() as tx:
        await finance.check_gaps(tx, LAST, sale(1).business_day, now=NOW, patience=timedelta(days=9))
        look = asyncio.create_task(Gaps(world.hub)())
        await blocked_or_done(database, look)
        assert await stores_told(world) == [FIRST]
    await look

    assert await stores_told(world) == [FIRST, LAST]
