"""From the click to the ERP's documents, with a line that loses answers, hubs that are killed and stores that are late."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.simulation.erp import Erp
from crossdock.simulation.shop import Fault, FaultKind
from e2e.chain import Chain, open_chain
from e2e.retailer import NORTH, SOUTH, drop_file, ndjson, poslog, receipt, upload
from e2e.running import Said, until
from erp_process import SKUS

pytestmark = [pytest.mark.erp, pytest.mark.asyncio(loop_scope="session")]

TODAY = SYSTEM_CLOCK.now().date().isoformat()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def chain(erp: Erp, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chain]:
    async with open_chain(tmp_path_factory.mktemp("chain"), erp, SKUS) as opened:
        yield opened


async def posted_once(chain: Chain, *order_ids: str) -> None:
    """One sale, one invoice and one shipment per fulfilment for each order, and everybody agrees about the goods."""
    assert await chain.stuck() == []
    orders = {str(one["order_id"]): one for one in await chain.hub.orders()}
    sales, invoices, shipments = await chain.sales(), await chain.invoices(), await chain.shipments()
    for order_id in order_ids:
        works = orders[order_id]["fulfilments"]
        assert isinstance(works, list)
        assert works
        assert (sales[order_id], invoices[order_id]) == (1, 1)
        assert [shipments[str(work["fulfilment_id"])] for work in works] == [1] * len(works)
        assert orders[order_id]["status"] == "completed"
    assert await chain.stock_differences() == {}
    assert await chain.audited() == []


async def recorded(chain: Chain, store: str, count: int) -> bool:
    """Has the hub so many receipts of a store?"""
    return sum(store in str(event["payload"]) for event in await chain.hub.events("receipt.recorded")) == count


LOST = (
    "model.account.move.create",
    "model.account.move.post",
    "model.sale.sale.create",
    "model.sale.sale.confirm",
    *("model.stock.shipment.out.create", "model.stock.shipment.out.do") * 2,  # of orders and of a store's goods
    "model.account.invoice.post",
)


async def test_every_answer_lost_once_leaves_one_document_each(chain: Chain) -> None:
    for sequence, sku in enumerate(SKUS[:3], start=1):
        told = await upload(chain.hub, ndjson(receipt(SOUTH, TODAY, sequence, sku)))
        assert told is not None
        assert told.status == 202

    await until(lambda: recorded(chain, SOUTH, 3), "the receipts are in the books")
    before = len(chain.line.lost)
    chain.line.lose(*LOST)
    closed = await chain.hub.command("day", "close", TODAY, "--store", SOUTH)
    assert closed.code == 0, closed
    bought = [chain.buy(sku) for sku in SKUS[3:6]]

    async def all_lost() -> bool:
        return sorted(chain.line.lost[before:]) == sorted(LOST)

    await until(all_lost, lambda: f"every answer is lost, not only {chain.line.lost[before:]}")
    await chain.hub.settled()

    await posted_once(chain, *[str((await chain.order(one))["order_id"]) for one in bought])
    assert [count for reference, count in (await chain.journals()).items() if SOUTH in reference] == [1]
    assert [count for reference, count in (await chain.shipments()).items() if SOUTH in reference] == [1]


async def test_a_hub_killed_while_the_erp_works_leaves_one_document_each(chain: Chain) -> None:
    hub, bought = chain.hub, []
    for method, sku in zip(("model.sale.sale.create", "model.stock.shipment.out.do"), SKUS[6:8], strict=True):
        before = len(chain.line.lost)
        chain.line.lose(method, silently=True)
        bought.append(chain.buy(sku))

        async def under_way(before: int = before) -> bool:
            return len(chain.line.lost) > before

        await until(under_way, f"the ERP has done {method}")
        await hub.kill()
        await hub.start()
    await hub.settled()

    await posted_once(chain, *[str((await chain.order(one))["order_id"]) for one in bought])


async def test_an_order_is_one_order_whatever_routes_bring_it(chain: Chain) -> None:
    hub, faults, courier = chain.hub, chain.shop.shop.faults, chain.shop.courier
    faults.arm(
        Fault(kind=FaultKind.REDELIVER, on="orders/create"),
        Fault(kind=FaultKind.REORDER, on="orders/create", seconds=30),
    )
    bought = [chain.buy(SKUS[8]), chain.buy(SKUS[9])]  # one told twice, of the other the update comes first
    await courier.idle()
    faults.arm(Fault(kind=FaultKind.DROP, times=2))
    untold = chain.buy(SKUS[10])
    await courier.idle()
    assert (len(faults.armed), await hub.terminate()) == (0, 0)

    await hub.start()  # polls at once, and so brings all of them again

    async def polled() -> bool:
        return str(untold.id) in {one["channel_order_id"] for one in await hub.orders()}

    await until(polled, "the order that no webhook told is polled")
    loaded = await hub.command("load", "shop", "orders")
    assert loaded.code == 0, loaded
    await hub.settled()

    for one in (*bought, untold):
        await posted_once(chain, str((await chain.order(one))["order_id"]))
    assert await chain.fulfilled() == {
        **await chain.fulfilled(),
        **{str(one.id): "fulfilled" for one in (*bought, untold)},
    }


async def test_an_order_cancelled_before_it_was_told_never_reaches_the_erp(chain: Chain) -> None:
    chain.shop.shop.faults.arm(
        Fault(kind=FaultKind.REORDER, on="orders/create", seconds=30), Fault(kind=FaultKind.DROP, on="orders/updated")
    )
    bought = chain.buy(SKUS[11])
    assert chain.shop.shop.cancel_order(bought.id) is None
    await chain.shop.courier.idle()
    await chain.hub.settled()

    found = await chain.order(bought)
    assert found["status"] == "cancelled"
    assert found["fulfilments"] == []
    assert str(found["order_id"]) not in await chain.sales()


async def test_an_order_cancelled_while_the_erp_is_away_never_reaches_it(chain: Chain) -> None:
    hub = chain.hub
    assert (await hub.command("connection", "stop", "erp", "--reason", "maintenance")).code == 0
    bought = chain.buy(SKUS[12])

    async def released() -> bool:
        return [one["status"] for one in await hub.orders() if one["channel_order_id"] == str(bought.id)] == [
            "released"
        ]

    await until(released, "the order has found its goods")
    assert chain.shop.shop.cancel_order(bought.id) is None

    async def cancelled() -> bool:
        return (await chain.order(bought))["status"] == "cancelled"

    await until(cancelled, "the order is cancelled")
    assert (await hub.command("connection", "start", "erp")).code == 0
    await hub.settled()

    assert str((await chain.order(bought))["order_id"]) not in await chain.sales()
    assert await chain.stock_differences() == {}


async def test_an_order_cancelled_while_the_erp_makes_its_sale_is_undone_there_and_in_the_shop(chain: Chain) -> None:
    before = len(chain.line.lost)
    chain.line.lose("model.sale.sale.create")
    bought = chain.buy(SKUS[15])

    async def under_way() -> bool:
        return len(chain.line.lost) > before

    await until(under_way, "the ERP has made the sale and nobody knows it")
    order_id = str((await chain.order(bought))["order_id"])
    said = await chain.hub.command("order", "cancel", order_id, "--reason", "the last one is broken")
    assert said.code == 0, said
    await chain.hub.settled()
    await chain.shop.courier.idle()
    await chain.hub.settled()

    (sale,) = [each for each in await asyncio.to_thread(chain.erp.books().sales) if each.web_id == order_id]
    assert sale.state in {"cancelled", "done"}  # done: it was being processed already, and was closed for all of it
    assert [each for each in await asyncio.to_thread(chain.erp.books().invoices) if order_id in each.sales
            and each.state != "cancelled"] == []  # fmt: skip
    assert bought.cancelled_at is not None
    assert await chain.stuck() == []
    assert (await chain.order(bought))["status"] == "cancelled"
    assert await chain.stock_differences() == {}


@pytest.mark.parametrize("by", ["the hub", "the shop"])
async def test_an_order_that_is_made_less_is_shipped_and_invoiced_over_what_is_kept(chain: Chain, by: str) -> None:
    hub = chain.hub
    assert (await hub.command("connection", "stop", "erp", "--reason", "maintenance")).code == 0
    bought = chain.buy(SKUS[16 if by == "the hub" else 17], 3)

    async def released() -> bool:
        return [one["status"] for one in await hub.orders() if one["channel_order_id"] == str(bought.id)] == [
            "released"
        ]

    await until(released, "the order has found its goods")
    order_id = str((await chain.order(bought))["order_id"])
    line = bought.lines[0]
    if by == "the hub":
        one = {"line_id": str(line.id), "cancelled": "1"}
        told = await hub.ask("POST", f"/v1/orders/{order_id}/cancel", {"reason": "broken", "lines": [one]})
        assert told is not None
        assert (told.status, told.json["outcome"]) == (200, "lines_cancelled")
    else:
        assert chain.shop.shop.edit_order(bought.id, remove={line.id: 1}) is None

    async def made_less() -> bool:
        return any(order_id in str(event["payload"]) for event in await hub.events("order.lines_cancelled"))

    await until(made_less, "one unit is cancelled")
    assert (await hub.command("connection", "start", "erp")).code == 0
    await hub.settled()
    await chain.shop.courier.idle()
    await hub.settled()

    await posted_once(chain, order_id)
    books = chain.erp.books()
    (sale,) = [each for each in await asyncio.to_thread(books.sales) if each.web_id == order_id]
    found = [each for each in await asyncio.to_thread(books.invoices) if order_id in each.sales]
    (invoice,) = [each for each in found if each.state != "cancelled"]
    assert (sale.total, invoice.total) == (Decimal("6.50"), Decimal("4.33"))  # 6.00 and 4.00 with 8.25 %
    assert sale.shipment_state == "sent"
    assert (line.current_quantity, line.fulfilled, bought.fulfillment_status) == (2, 2, "fulfilled")


async def test_what_a_store_hands_in_late_is_a_second_run(chain: Chain) -> None:
    hub = chain.hub
    drop_file(hub, "S01_1.xml", poslog(NORTH, TODAY, 1, 2, 3, sku=SKUS[14]))
    drop_file(hub, "S01_1_again.xml", poslog(NORTH, TODAY, 1, 2, 3, sku=SKUS[14]))

    await until(lambda: recorded(chain, NORTH, 3), "the first receipts are in the books")
    first = await hub.command("day", "close", TODAY, "--store", NORTH, "--json")
    assert first.code == 0, first
    told = await upload(hub, ndjson(receipt(NORTH, TODAY, 4, SKUS[14], till="9")))
    assert told is not None
    assert told.status == 202
    await until(lambda: recorded(chain, NORTH, 4), "the late receipt is in the books")
    second = await hub.command("day", "close", TODAY, "--store", NORTH, "--json")
    third = await hub.command("day", "close", TODAY, "--store", NORTH, "--json")
    await hub.settled()

    assert [runs_of(said) for said in (first, second, third)] == [[(1, 3, Decimal(6))], [(2, 1, Decimal(2))], []]
    assert sorted(ref.split("/")[-1][:1] for ref in await chain.journals() if NORTH in ref) == ["1", "2"]
    assert set((await chain.journals()).values()) == {1}
    assert await chain.stock_differences() == {}


def runs_of(said: Said) -> "list[tuple[int, int, Decimal]]":
    (row,) = said.rows
    runs = row["runs"]
    if not row["closed"]:
        return []
    assert isinstance(runs, list)
    return [(run["run"], run["receipts"], Decimal(run["total"])) for run in runs]
