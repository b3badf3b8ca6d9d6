"""What a worker does that belongs to no connection."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crossdock.assembly.hub import Hub
from crossdock.canonical.facts import FeedSilent, ItemChanged
from crossdock.canonical.stock import ItemDescribed
from crossdock.catalog import service as catalog
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.model import START
from crossdock.eventlog.service import Origin
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database, fetch_tuples, fetch_value
from crossdock.foundation.settings import Settings
from crossdock.foundation.vault import Vault
from crossdock.worker.central import central_loops
from crossdock.worker.loop import Loop
from worker.plant import Diary, apply, connector, estate

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
KEPT_WHOLE = {"inventory.movement"}
"""The ledger, from which nothing is dropped: it lies in its default partition."""


@pytest.fixture
async def hub(database: Database, tmp_path: Path) -> Hub:
    made = Hub(
        settings=Settings(home=tmp_path),
        dsn=database.dsn,
        database=database,
        vault=Vault(os.urandom(32)),
        connectors={"notes": connector(Diary())},
    )
    await apply(database, estate())
    return made


def loops(hub: Hub) -> Sequence[Loop]:
    return central_loops(hub)


async def run(hub: Hub, name: str) -> bool:
    (loop,) = [each for each in loops(hub) if each.name == name]
    return await loop.step()


async def facts(hub: Hub) -> int:
    async with hub.database.transaction() as tx:
        return len(await eventlog.read_after(tx, START, limit=5000))


async def test_an_idle_hub_does_nothing_again_and_again(hub: Hub) -> None:
    """Every step may run at any time; on a hub without news none leaves a trace or asks to be run at once."""
    for each in loops(hub):
        while await each.step():
            pass
    for each in loops(hub):
        assert await each.step() is False, each.name
    assert await facts(hub) == 0


def test_every_loop_has_a_name_of_its_own(hub: Hub) -> None:
    names = [each.name for each in loops(hub)]

    assert len(set(names)) == len(names)


async def test_what_is_written_is_sealed(hub: Hub) -> None:
    async with hub.database.transaction() as tx:
        await catalog.describe(tx, [ItemDescribed(sku="A", name="A")], origin=Origin.begin("erp"), now=NOW)

    assert await run(hub, "seal")
    async with hub.database.transaction() as tx:
        assert await fetch_value(tx, "SELECT sum(events)::int FROM eventlog.seal", int) == await facts(hub)


async def test_next_month_is_made_ahead_for_every_table_that_lies_in_months(hub: Hub) -> None:
    await run(hub, "upkeep")
    next_month = f"{SYSTEM_CLOCK.now().replace(day=1) + timedelta(days=32):%Y_%m}"
    async with hub.database.transaction() as tx:
        rows = await fetch_tuples(
            tx,
            "SELECT partrelid::regclass::text, EXISTS (SELECT FROM pg_inherits WHERE inhparent = partrelid "
            "AND inhrelid::regclass::text LIKE %(month)s) FROM pg_partitioned_table",
            {"month": f"%_{next_month}"},
        )

    assert {table for table, made in rows if not made} <= KEPT_WHOLE


async def test_two_facts_of_silence_are_one(hub: Hub) -> None:
    """A feed that has never spoken is not silent yet: nobody knows since when it should have."""
    await run(hub, "clocks")
    await run(hub, "clocks")
    async with hub.database.transaction() as tx:
        told = [event.fact for event in await eventlog.read_after(tx, START)]

    assert not any(isinstance(fact, FeedSilent | ItemChanged) for fact in told)
