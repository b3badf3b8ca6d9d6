"""Several hubs, or a hub in parts, on one database: nothing is done twice, and one that dies is not missed."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.postgres import ConnectionInfo
from e2e.databases import fresh_database
from e2e.load import Buyers
from e2e.retailer import NORTH, ndjson, order, receipt, upload
from e2e.running import RunningHub, hub_in, refusal, until
from e2e.shopping import Corner, open_corner

pytestmark = pytest.mark.asyncio(loop_scope="session")

SKUS = tuple(f"JAM-{number}" for number in range(1, 5))
TODAY = SYSTEM_CLOCK.now().date().isoformat()
ON_HAND = 1000


@asynccontextmanager
async def beside(hub: RunningHub, name: str) -> AsyncIterator[RunningHub]:
    """Another process on the same database, with the same master key and estate, at a port of its own."""
    shared = {"CROSSDOCK_HOME": str(hub.home), "CROSSDOCK_ESTATE": str(hub.estate)}
    async with hub_in(hub.folder / name, {**hub.environment, **shared}) as other:
        other.key, other.web_key = hub.key, hub.web_key
        yield other


async def at_work(worker: RunningHub) -> None:
    """Start it and return when it works."""
    before = worker.log.count("works.")
    await worker.launch("worker")

    async def works() -> bool:
        return worker.log.count("works.") > before

    await until(works, "the worker works")


def units(rows: "dict[tuple[str, str], dict[str, object]]", name: str) -> "dict[str, int]":
    found: Counter[str] = Counter()
    for (sku, _), row in rows.items():
        found[sku] += int(Decimal(str(row[name])))
    return dict(found)


async def placed_once(corner: Corner, names: "set[str]") -> None:
    """One order per name, its goods claimed once, and the shop told."""
    await corner.hub.settled()
    orders = await corner.hub.orders()
    assert Counter(str(one["channel_order_id"]) for one in orders) == Counter(names)
    assert {str(one["status"]) for one in orders} == {"released"}
    accepted = Counter(str(event["subject"]) for event in await corner.hub.events("order.accepted"))
    assert set(accepted.values()) == {1}
    assert sum(units(await corner.hub.positions(), "allocated").values()) == len(names)
    assert {sku: corner.shown(sku) for sku in SKUS} == await corner.sellable(*SKUS)
    assert await corner.audited() == []


async def test_two_hubs_on_one_database_do_nothing_twice(own_server: ConnectionInfo, tmp_path: Path) -> None:
    with fresh_database(own_server) as dsn:
        async with (
            open_corner(tmp_path, SKUS, on_hand=ON_HAND, database=dsn) as corner,
            beside(corner.hub, "twin") as twin,
        ):
            await twin.start()
            here, there = Buyers(corner.hub, 4, "both", skus=SKUS), Buyers(twin, 4, "both", skus=SKUS)
            async with here.busy(), there.busy():  # the same names and orders, at the same time
                for sequence in range(1, 11):
                    body = ndjson(receipt(NORTH, TODAY, sequence, SKUS[0]))
                    for told in (await upload(corner.hub, body), await upload(twin, body)):
                        assert told is not None
                        assert told.status == 202
                await here.after(60)
            names = {*here.acknowledged, *there.acknowledged}

            await placed_once(corner, names)

            both = {*here.acknowledged} & {*there.acknowledged}
            assert len(both) > 50
            assert {name: here.acknowledged[name] for name in both} == {name: there.acknowledged[name] for name in both}
            assert len(await corner.hub.events("receipt.recorded")) == 10
            gone = 2 * len(SKUS) * ON_HAND - sum(units(await corner.hub.positions(), "on_hand").values())
            assert gone == 10


async def test_api_and_workers_may_be_processes_of_their_own(own_server: ConnectionInfo, tmp_path: Path) -> None:
    with fresh_database(own_server) as dsn:
        async with (
            open_corner(tmp_path, SKUS, on_hand=ON_HAND, database=dsn, parts=True) as corner,
            beside(corner.hub, "first") as first,
            beside(corner.hub, "second") as second,
        ):
            buyers = Buyers(corner.hub, 4, "parts", skus=SKUS)
            async with buyers.busy():
                await at_work(first)
                await at_work(second)
                await buyers.after(30)
                await first.kill(database_too=False)
                await buyers.after(30)
                await at_work(first)
                assert await second.terminate() == 0
                await buyers.after(30)
            told = await corner.hub.place(order("parts-last", SKUS[0]), Prefer="wait=30")

            assert told is not None
            assert (told.status, json.loads(told.text)["status"]) == (201, "released")
            await placed_once(corner, {*buyers.acknowledged, "parts-last"})
            assert await first.terminate() == 0
            assert await corner.hub.terminate() == 0


async def test_a_hub_without_the_databases_master_key_is_refused(own_server: ConnectionInfo, tmp_path: Path) -> None:
    with fresh_database(own_server) as dsn:
        async with hub_in(tmp_path / "first", {"CROSSDOCK_DATABASE_URL": dsn}) as hub:
            await hub.start()

            said = await refusal(tmp_path / "second", CROSSDOCK_DATABASE_URL=dsn)
            assert "master.key" in said

            (tmp_path / "second/home/master.key").write_bytes((hub.home / "master.key").read_bytes())
            async with hub_in(tmp_path / "second", {"CROSSDOCK_DATABASE_URL": dsn}) as other:
                await other.start()


async def test_a_second_hub_on_one_data_folder_is_refused(tmp_path: Path) -> None:
    async with hub_in(tmp_path) as hub:
        await hub.start()

        assert "in use by another hub" in await refusal(tmp_path)
