"""Kill -9 of hub and database under load: what was acknowledged is there once, and trading goes on by itself."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from decimal import Decimal

import pytest
import pytest_asyncio

from crossdock.foundation.clock import SYSTEM_CLOCK
from e2e.load import Buyers, Till
from e2e.retailer import NORTH
from e2e.shopping import Corner, open_corner

pytestmark = pytest.mark.asyncio(loop_scope="session")

SKUS = tuple(f"TEA-{number}" for number in range(1, 9))
TODAY = SYSTEM_CLOCK.now().date().isoformat()
KILLS = 3
BETWEEN = 40


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def corner(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Corner]:
    async with open_corner(tmp_path_factory.mktemp("killed"), SKUS, on_hand=100_000) as opened:
        yield opened


async def everything_is_there_once(corner: Corner, buyers: Buyers, till: Till) -> None:
    """Before anything is sent again, and after."""
    hub = corner.hub
    promised = dict(buyers.acknowledged)
    found = {str(one["channel_order_id"]): str(one["order_id"]) for one in await hub.orders()}
    assert {name: found.get(name) for name in promised} == promised
    before = {name: found[name] for name in buyers.open if name in found}

    await buyers.send_the_rest_again()
    await till.send_the_rest_again()
    await hub.settled()

    mine = [one for one in await hub.orders() if str(one["channel_order_id"]).startswith(f"{buyers.prefix}-")]
    counts = Counter(str(one["channel_order_id"]) for one in mine)
    assert counts == Counter(list(buyers.acknowledged))
    found = {str(one["channel_order_id"]): str(one["order_id"]) for one in mine}
    assert found == buyers.acknowledged
    assert {name: found[name] for name in before} == before
    assert {str(one["status"]) for one in mine} == {"released"}
    assert (buyers.strange, till.strange) == (Counter(), Counter())

    receipts = Counter(receipt_of(event) for event in await hub.events("receipt.recorded"))
    assert {key: count for key, count in receipts.items() if count > 1} == {}
    assert len([key for key in receipts if key[1] == till.prefix]) == len(till.acknowledged)
    assert await corner.audited() == []


def receipt_of(event: "dict[str, object]") -> "tuple[str, ...]":
    """The receipt's natural key."""
    payload = event["payload"]
    assert isinstance(payload, dict)
    ref = payload["ref"]
    return (str(ref["store"]), str(ref["till"]), str(ref["business_day"]), str(ref["sequence"]))


async def units_agree(corner: Corner) -> None:
    """Goods in hand = received less rung up; promised = ordered; the shop shows what may be sold."""
    rows = await corner.hub.positions()
    ordered: Counter[str] = Counter()
    for one in await corner.hub.orders():
        lines = one["lines"]
        assert isinstance(lines, list)
        ordered.update({line["sku"]: int(Decimal(line["ordered"])) for line in lines})
    promised: Counter[str] = Counter()
    for (sku, _), row in rows.items():
        promised[sku] += int(Decimal(str(row["allocated"])))
    assert promised == ordered
    assert {sku: corner.shown(sku) for sku in SKUS} == await corner.sellable(*SKUS)


async def test_a_killed_hub_has_every_acknowledged_order_and_receipt_once(corner: Corner) -> None:
    hub = corner.hub
    buyers = Buyers(hub, 6, "hub-killed", skus=SKUS)
    till = Till(hub, 2, "t1", store=NORTH, day=TODAY, sku=SKUS[0])

    async with AsyncExitStack() as load:
        for sender in (buyers, till):
            await load.enter_async_context(sender.busy())
        for _ in range(KILLS):
            await buyers.after(BETWEEN)
            await hub.kill()
            await hub.start()
        await buyers.after(BETWEEN)

    await everything_is_there_once(corner, buyers, till)
    await units_agree(corner)


async def test_a_killed_database_is_back_without_a_hand(corner: Corner) -> None:
    hub = corner.hub
    buyers = Buyers(hub, 6, "database-killed", skus=SKUS)
    till = Till(hub, 2, "t2", store=NORTH, day=TODAY, sku=SKUS[1])

    async with AsyncExitStack() as load:
        for sender in (buyers, till):
            await load.enter_async_context(sender.busy())
        for _ in range(KILLS):
            await buyers.after(BETWEEN)
            hub.kill_database()
        await buyers.after(BETWEEN)

    assert hub.process is not None
    assert hub.process.returncode is None
    await everything_is_there_once(corner, buyers, till)
    await units_agree(corner)


async def test_a_hub_told_to_stop_under_load_ends_by_itself_and_loses_nothing(corner: Corner) -> None:
    hub = corner.hub
    buyers = Buyers(hub, 6, "stopped", skus=SKUS)
    till = Till(hub, 2, "t3", store=NORTH, day=TODAY, sku=SKUS[2])

    async with AsyncExitStack() as load:
        for sender in (buyers, till):
            await load.enter_async_context(sender.busy())
        await buyers.after(BETWEEN)
        assert await hub.terminate() == 0
        assert "Stopped." in hub.log
        await hub.start()
        await buyers.after(BETWEEN)

    await everything_is_there_once(corner, buyers, till)
    await units_agree(corner)
