"""Laws of a shop that another process runs and looks at."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import aiohttp
import msgspec
import pytest

from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.simulation.shop import Fault, FaultKind, ListenError, Order, Purchase, PurchaseLine, Readout, open_shop
from simulation.shop.rehearsal import Rehearsal, pick, rehearsal, small_seed

SEND = """
mutation ($id: ID!) {
  fulfillmentCreate(fulfillment: {lineItemsByFulfillmentOrder: [{fulfillmentOrderId: $id}]}) { userErrors { message } }
}
"""


@pytest.fixture
async def world() -> AsyncIterator[Rehearsal]:
    async with rehearsal() as opened:
        yield opened


async def post(world: Rehearsal, path: str, body: object = None) -> tuple[int, object]:
    answer = await world.client.post(f"{world.opened.url}/_control{path}", data=msgspec.json.encode(body or {}))
    return answer.status, pick(msgspec.Raw(await answer.read()))


async def audit(world: Rehearsal) -> Readout:
    answer = await world.client.get(f"{world.opened.url}/_control/audit")
    return msgspec.json.decode(await answer.read(), type=Readout)


async def test_customers_buy_pay_edit_and_cancel_from_another_process(world: Rehearsal) -> None:
    purchase = {"lines": [{"sku": "APPLE", "quantity": 3}], "payment": "authorized", "shipping": "4.90"}
    status, placed = await post(world, "/orders", purchase)
    number = pick(placed, "id")
    line = world.opened.shop.books.orders[int(str(number))].lines[0].id

    answers = [
        (await post(world, f"/orders/{number}/{act}", body))[0]
        for act, body in (
            ("annotate", {"note": "ring twice"}),
            ("pay", None),
            ("edit", {"remove": {str(line): 1}, "add": {"PEAR": 1}}),
            ("cancel", {"reason": "inventory"}),
        )
    ]
    again, _ = await post(world, f"/orders/{number}/cancel")

    assert (status, pick(placed, "name")) == (201, "#1001")
    assert answers == [200, 200, 200, 200]
    assert again == 409
    (order,) = (await audit(world)).orders
    assert (order.cancelled, order.financial_status) == (True, "refunded")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"lines": [{"sku": "APPLE", "quantity": 99}]}, 409),
        ({"lines": [{"sku": "MELON", "quantity": 1}]}, 422),
        ({"lines": [{"sku": "APPLE", "quantity": 0}]}, 422),
        ({"lines": [{"sku": "APPLE", "quantity": 1}], "discount": "50"}, 422),
        ({"lines": []}, 422),
        ({"lines": [{"sku": "APPLE", "quantity": 1}], "colour": "red"}, 400),
    ],
)
async def test_a_basket_that_cannot_be_bought_says_why(world: Rehearsal, body: object, status: int) -> None:
    answered, reason = await post(world, "/orders", body)

    assert answered == status
    assert pick(reason, "reason")
    assert not world.opened.shop.books.orders


async def test_mishaps_are_armed_seen_and_cleared(world: Rehearsal) -> None:
    status, armed = await post(world, "/faults", [{"kind": "drop", "on": "orders/create", "times": 3}])
    refused, _ = await post(world, "/faults", [{"kind": "drop", "times": 0}])
    unknown, _ = await post(world, "/faults", [{"kind": "flood"}])
    cleared = await world.client.delete(f"{world.opened.url}/_control/faults")

    assert (status, pick(armed, 0, "on")) == (200, "orders/create")
    assert (refused, unknown) == (400, 400)
    assert await cleared.json() == []


async def test_the_audit_adds_up_what_the_shop_believes(world: Rehearsal) -> None:
    shop = world.opened.shop
    order = shop.place_order(Purchase(lines=(PurchaseLine("APPLE", 4),), truth={"APPLE": 3}))
    assert isinstance(order, Order)
    work = f"gid://shopify/FulfillmentOrder/{order.fulfillment_orders[0].id}"
    shop.faults.arm(Fault(kind=FaultKind.ERROR_AFTER, on="fulfillmentCreate"))
    await world.post(SEND, id=work)
    await world.post(SEND, id=work)

    found = await audit(world)

    apple = next(line for line in found.stock if (line.sku, line.location) == ("APPLE", "DC"))
    assert (apple.available, apple.committed, apple.on_hand, apple.ledger_on_hand) == (6, 0, 6, 6)
    assert [(each.name, each.result, each.count) for each in found.mutations] == [
        ("fulfillmentCreate", "applied", 1),
        ("fulfillmentCreate", "refused", 1),
    ]
    assert (found.oversold_units, found.faults_struck) == (1, {"error_after": 1})
    assert found.orders[0].total == Decimal("7.96") + Decimal("0.56")
    assert [parcel.units for parcel in found.orders[0].parcels] == [4]


async def test_a_rehearsal_listens_on_this_machine_only() -> None:
    with pytest.raises(ListenError, match=r"127\.0\.0\.1"):
        async with open_shop(small_seed(), clock=SYSTEM_CLOCK, host="0.0.0.0"):  # noqa: S104 (refused, that is the law)
            pass


async def test_a_taken_port_is_one_sentence(world: Rehearsal) -> None:
    port = int(world.opened.url.rpartition(":")[2])
    with pytest.raises(ListenError, match=f"Port {port}"):
        async with open_shop(small_seed(), clock=SYSTEM_CLOCK, port=port):
            pass


async def run(seed: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "crossdock",
        "shop",
        str(seed),
        "--json",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "CROSSDOCK_SPECS": "/nowhere"},
    )


async def test_a_shop_of_its_own_process_says_where_it_is_and_stops_when_told(tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    seed.write_bytes(msgspec.json.encode(small_seed()))
    process = await run(seed)
    try:
        assert process.stdout is not None
        told = json.loads(await process.stdout.readuntil(b"}"))
        url, checks = told["url"], told["checks"]
        async with aiohttp.ClientSession() as client, client.get(f"{url}/_control/audit") as answer:
            found = msgspec.json.decode(await answer.read(), type=Readout)
    finally:
        process.send_signal(signal.SIGTERM)
        await process.communicate()

    assert checks == "minimal"
    assert len(found.stock) == 6
    assert process.returncode == 0


async def test_a_seed_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text('{"locations": [], "items": [], "colour": "red"}')
    process = await run(seed)
    _, said = await process.communicate()

    assert process.returncode == 2
    assert said.decode().startswith("The rehearsal shop cannot open: ")
    assert "colour" in said.decode()
