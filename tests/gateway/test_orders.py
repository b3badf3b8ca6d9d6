"""Laws of taking orders in over HTTP."""

import asyncio
from collections.abc import Collection, Mapping
from uuid import UUID

from crossdock.canonical.base import OrderId, Sku
from crossdock.canonical.facts import OrderAccepted
from crossdock.catalog import service as catalog
from crossdock.eventlog import service as eventlog
from crossdock.foundation.db import Tx
from crossdock.gateway.keys import Scope
from crossdock.orders import service as orders
from gateway.shop import ESTATE, Api, line, order


async def test_an_accepted_order_is_on_disk_with_its_raw_message_and_its_fact(api: Api) -> None:
    told = await api.post("/v1/orders", order("A-1", line("TEA", "2", line_id="x"), total="9.00"))

    assert (told.status, told.json["outcome"], told.headers["Location"]) == (202, "accepted", told.json["href"])
    async with api.hub.database.transaction() as tx:
        (event,) = await eventlog.of_stream(tx, f"order/{told.json['order_id']}")
    assert isinstance(event.fact, OrderAccepted)
    assert (event.fact.channel_order_id, event.source) == ("A-1", "api:test")
    assert event.causation_id is not None, "the raw message caused it"
    assert await api.count("messages") == 1


async def test_an_accepted_order_can_be_read_listed_and_found(api: Api) -> None:
    told = await api.post("/v1/orders", order("A-1", number="#1042"))
    await api.post("/v1/orders", order("A-2", channel="app"))

    seen = await api.get(str(told.json["href"]))
    assert (seen.status, seen.json["channel_order_id"], seen.json["status"]) == (200, "A-1", "accepted")
    assert seen.json["lines"] == [
        {
            "line_id": "1",
            "sku": "TEA",
            "name": "",
            "ordered": "1",
            "unit_price": "4.50",
            "discount": "0.00",
            "units": {"unplaced": "1"},
        }
    ]
    for path, names in (
        ("/v1/orders", ["A-2", "A-1"]),
        ("/v1/orders?channel=web", ["A-1"]),
        ("/v1/orders?open_only=true", ["A-1", "A-2"]),
        ("/v1/orders?q=%231042", ["A-1"]),
        ("/v1/orders?q=nobody", []),
    ):
        listed = (await api.get(path)).json["orders"]
        assert isinstance(listed, list)
        assert [one["channel_order_id"] for one in listed] == names, path


async def test_pages_of_orders_follow_each_other_without_gaps(api: Api) -> None:
    await api.post("/v1/orders/batch", {"orders": [order(f"A-{n}") for n in range(7)]})

    for filters in ("", "&open_only=true"):
        names: list[str] = []
        after: object = ""
        while after is not None:
            page = (await api.get(f"/v1/orders?limit=3{filters}" + (f"&after={after}" if after else ""))).json
            assert isinstance(page["orders"], list)
            names += [one["channel_order_id"] for one in page["orders"]]
            after = page["next"]
        assert sorted(names) == [f"A-{n}" for n in range(7)]


async def test_no_answer_and_no_message_about_an_order_shows_who_bought_it(api: Api) -> None:
    told = await api.post(
        "/v1/orders",
        order(
            "A-1",
            customer={"name": "Zyxella Quibberton", "email": "zyxella@example.org"},
            ship_to={"name": "Zyxella Quibberton", "lines": ["Long Street 12"], "city": "Ulm", "country": "DE"},
        ),
    )

    for path in (str(told.json["href"]), "/v1/orders", "/v1/events"):
        seen = await api.get(path)
        assert seen.status == 200
        assert "Quibberton" not in seen.text
        assert "zyxella" not in seen.text


async def test_one_order_sent_by_sixteen_callers_at_once_is_one_order(api: Api) -> None:
    told = await asyncio.gather(*(api.post("/v1/orders", order("A-1")) for _ in range(16)))

    assert len({one.json["order_id"] for one in told}) == 1
    assert sorted(one.status for one in told) == [200] * 15 + [202]
    assert await api.count("orders") == 1
    assert await api.count("facts") == 1


async def test_an_order_known_from_its_shop_is_the_same_order_over_the_api(api: Api) -> None:
    """The channel's connection is part of the business key, whatever route brings the order."""
    told = await api.post("/v1/orders", order("A-1"))
    async with api.hub.database.transaction() as tx:
        view = await orders.get(tx, OrderId(UUID(str(told.json["order_id"]))))

    assert view is not None
    assert view.order.header.connection == "api.web"


async def test_a_newer_revision_is_told_as_revised_and_an_old_one_as_repeated(api: Api) -> None:
    await api.post("/v1/orders", order("A-1", updated_at="2026-11-21T12:00:00Z", payment_status="pending"))
    newer = await api.post("/v1/orders", order("A-1", updated_at="2026-11-21T13:00:00Z", payment_status="paid"))
    older = await api.post("/v1/orders", order("A-1", updated_at="2026-11-21T12:30:00Z", payment_status="pending"))

    assert (newer.status, newer.json["outcome"]) == (200, "revised")
    assert (older.status, older.json["outcome"]) == (200, "repeated")
    seen = await api.get(str(newer.json["href"]))
    assert seen.json["payment_status"] == "paid"


async def test_each_order_of_a_batch_is_decided_on_its_own(api: Api) -> None:
    sound = [order(f"A-{n}") for n in range(3)]
    wrong = order("A-9", line(quantity="-1"))
    told = await api.post("/v1/orders/batch", {"orders": [sound[0], wrong, sound[1], {"channel": 7}, sound[2]]})

    assert told.status == 207
    items = told.json["items"]
    assert isinstance(items, list)
    assert [item["status"] for item in items] == [202, 422, 202, 422, 202]
    assert items[1]["problem"]["errors"][0]["path"] == "$.orders[1].lines[0].quantity"
    assert items[3]["problem"]["errors"][0]["path"].startswith("$.orders[3]")
    assert await api.count("orders") == 3


async def test_a_caller_who_prefers_to_wait_learns_that_the_order_was_placed(api: Api) -> None:
    """Workers place orders; here the test is the worker."""
    waiting = asyncio.create_task(
        api.ask("POST", "/v1/orders", order("A-1"), headers={"Prefer": "respond-async, wait=20"})
    )
    while not await api.count("orders"):
        await asyncio.wait([waiting], timeout=0.02)
    async with api.hub.database.transaction() as tx:
        (view,) = await orders.list_orders(tx)
        await orders.place(tx, ESTATE, [view.order.header.order_id], known=catalog.tracked, now=api.hub.clock.now())
    told = await waiting

    assert (told.status, told.json["status"]) == (201, "held"), "nobody has described TEA: it waits for a person"
    assert told.headers["Preference-Applied"] == "wait=20"


async def test_a_caller_who_waits_in_vain_gets_the_order_all_the_same(api: Api) -> None:
    told = await api.ask("POST", "/v1/orders", order("A-1"), headers={"Prefer": "wait=1"})

    assert (told.status, told.json["outcome"]) == (202, "accepted")
    assert "status" not in told.json


async def test_cancelling_twice_cancels_once(api: Api) -> None:
    told = await api.post("/v1/orders", order("A-1"))
    path = f"{told.json['href']}/cancel"

    first = await api.post(path, {"reason": "customer changed their mind"})
    again = await api.post(path, {"reason": "customer changed their mind"})

    assert (first.status, first.json["outcome"]) == (200, "cancelled")
    assert (again.status, again.json["outcome"]) == (200, "already_cancelled")
    assert (await api.get(str(told.json["href"]))).json["status"] == "cancelled"


async def test_part_of_an_order_is_cancelled_once_however_often_it_is_said(api: Api) -> None:
    told = await api.post("/v1/orders", order("A-1", line(quantity="3")))
    path = f"{told.json['href']}/cancel"
    one: dict[str, object] = {"line_id": "1", "cancelled": "1"}
    less: dict[str, object] = {"reason": "two are enough", "lines": [one]}

    first, again = await api.post(path, less), await api.post(path, less)
    beyond = await api.post(path, {"reason": "x", "lines": [{"line_id": "1", "cancelled": "4"}]})
    twice = await api.post(path, {"reason": "x", "lines": [one, one]})

    assert (first.status, first.json["outcome"], first.json["cancelled"]) == (200, "lines_cancelled", "1")
    assert (again.status, again.json["outcome"]) == (200, "already_cancelled")
    assert beyond.status == 409
    assert "$.lines[0].cancelled" in str(beyond.json["errors"])
    assert twice.status == 422
    assert "$.lines[1].line_id" in str(twice.json["errors"])
    view = await api.get(str(told.json["href"]))
    assert "{'cancelled': '1', 'unplaced': '2'}" in str(view.json["lines"])


async def test_what_is_not_there_cannot_be_read_or_cancelled(api: Api) -> None:
    nobody = "/v1/orders/0198c5a1-0000-7000-8000-000000000001"

    assert (await api.get(nobody)).kind == "not-found"
    assert (await api.post(f"{nobody}/cancel", {"reason": "x"})).kind == "not-found"
    assert (await api.get("/v1/orders/none")).kind == "not-found"


async def test_a_known_number_with_other_content_is_no_repetition(api: Api) -> None:
    first = await api.post("/v1/orders", order("A-1", line("TEA", "1")))

    other = await api.post("/v1/orders", order("A-1", line("TEA", "5"), total="22.50"))
    batch = await api.post(
        "/v1/orders/batch", {"orders": [order("A-1", line("TEA", "5"), total="22.50"), order("A-2")]}
    )

    assert first.status == 202
    assert (other.status, other.paths) == (409, ["$.channel_order_id"])
    items = batch.json["items"]
    assert isinstance(items, list)
    assert [item["status"] for item in items] == [409, 202]
    assert await api.count("orders") == 2


async def placed_from(api: Api, *reservations: str) -> OrderId:
    """An order of five tea that names reservations, looked at."""
    told = await api.post("/v1/orders", order("1", line("TEA", "5"), reservations=list(reservations), total="22.50"))
    order_id = OrderId(UUID(str(told.json["order_id"])))
    async with api.hub.database.transaction() as tx:
        await orders.place(tx, ESTATE, [order_id], known=described, now=api.hub.clock.now())
    return order_id


async def described(_tx: Tx, skus: Collection[Sku]) -> Mapping[Sku, bool]:
    """Every item is."""
    return dict.fromkeys(skus, True)


def cart(units: str) -> "dict[str, object]":
    return {"key": "cart-1", "channel": "web", "lines": [{"sku": "TEA", "quantity": units}]}


async def test_an_order_takes_over_the_hold_that_it_names_and_only_it_ends_it_then(api: Api) -> None:
    await api.stock("TEA", dc=5)
    assert (await api.post("/v1/reservations", cart("5"))).status == 201

    order_id = await placed_from(api, "cart-1")

    assert (await api.get(f"/v1/orders/{order_id}")).json["status"] == "released"
    refused = await api.post("/v1/reservations/cart-1/release", {"reason": "emptied"})
    assert (refused.status, refused.kind) == (409, "conflict")
    assert f"order/{order_id} stands on it" in str(refused.json["detail"])
    shown = (await api.get("/v1/reservations/cart-1")).json
    assert (shown["state"], shown["order_id"]) == ("allocated", str(order_id))


async def test_an_order_cannot_take_over_another_callers_hold(api: Api) -> None:
    await api.stock("TEA", dc=5)
    other = await api.new_key("other", Scope.RESERVATIONS)
    await api.api_keys_are_read_again()
    assert (await api.post("/v1/reservations", cart("3"), key=other)).status == 201

    order_id = await placed_from(api, "cart-1")

    assert (await api.get(f"/v1/orders/{order_id}")).json["status"] == "released"
    shown = (await api.get("/v1/reservations/cart-1", key=other)).json
    assert (shown["state"], shown["order_id"]) == ("held", None)
