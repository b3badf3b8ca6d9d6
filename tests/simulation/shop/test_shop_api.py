"""Laws of the shop's API."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest

from crossdock.simulation.shop import Fault, FaultKind, Order, Purchase, PurchaseLine
from simulation.shop.rehearsal import HAS_SPECS, NO_SPECS, SPECS, Rehearsal, pick, rehearsal, small_seed

SET = """
mutation ($key: String!, $input: InventorySetQuantitiesInput!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { changes { name delta quantityAfterChange } }
    userErrors { code field message }
  }
}
"""
SEND = """
mutation ($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment { id status trackingInfo { company number url } }
    userErrors { field message }
  }
}
"""
SHOP = "{ shop { name myshopifyDomain } }"


@pytest.fixture(params=["minimal", pytest.param("vendor", marks=pytest.mark.skipif(not HAS_SPECS, reason=NO_SPECS))])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[Rehearsal]:
    """Every law holds under the vendor's checks and under ours alone."""
    async with rehearsal(specs=SPECS if request.param == "vendor" else None) as opened:
        yield opened


def target(world: Rehearsal, sku: str = "APPLE", place: str = "DC") -> dict[str, str]:
    catalogue = world.opened.shop.books.catalogue
    return {
        "inventoryItemId": f"gid://shopify/InventoryItem/{catalogue.by_sku[sku].inventory_item_id}",
        "locationId": f"gid://shopify/Location/{catalogue.location_named(place).id}",
    }


def setting(world: Rehearsal, quantity: int, expected: int | None, sku: str = "APPLE") -> dict[str, object]:
    entry = {**target(world, sku), "quantity": quantity, "changeFromQuantity": expected}
    return {"name": "available", "reason": "correction", "quantities": [entry]}


def available(world: Rehearsal, sku: str = "APPLE") -> int:
    books = world.opened.shop.books
    return books.stock.available(books.catalogue.by_sku[sku])


def bought(world: Rehearsal, sku: str = "APPLE", quantity: int = 2) -> Order:
    order = world.opened.shop.place_order(Purchase(lines=(PurchaseLine(sku, quantity),)))
    assert isinstance(order, Order), order
    return order


def codes(answer: msgspec.Raw, field: str = "inventorySetQuantities") -> list[object]:
    problems = pick(answer, field, "userErrors")
    assert isinstance(problems, list)
    return [problem["code"] for problem in problems]


async def test_an_answer_says_whose_checks_it_passed(world: Rehearsal) -> None:
    answer = await world.post(SHOP)

    assert answer.headers["X-Rehearsal-Checks"] == world.opened.checks
    assert answer.headers["X-Shopify-API-Version"] == "2026-10"


async def test_an_unknown_field_is_refused(world: Rehearsal) -> None:
    answer = await world.ask("{ shop { nickname } }")

    assert "nickname" in answer.errors[0].message


@pytest.mark.skipif(not HAS_SPECS, reason=NO_SPECS)
async def test_a_field_of_the_vendor_that_is_not_rehearsed_says_so() -> None:
    async with rehearsal(specs=SPECS) as world:
        answer = await world.ask("{ shop { contactEmail } }")

        assert answer.codes == ["NOT_REHEARSED"]


async def test_a_wrong_token_opens_nothing(world: Rehearsal) -> None:
    url = f"{world.opened.url}/admin/api/2026-10/graphql.json"
    answer = await world.client.post(url, json={"query": SHOP}, headers={"X-Shopify-Access-Token": "guess"})

    assert answer.status == 401


async def test_a_minted_token_lives_a_day(world: Rehearsal) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": "rehearsal-client-id",
        "client_secret": "rehearsal-client-secret",
    }
    minted = await world.client.post(f"{world.opened.url}/admin/oauth/access_token", data=form)
    token = (await minted.json())["access_token"]
    url = f"{world.opened.url}/admin/api/2026-10/graphql.json"

    fresh = await world.client.post(url, json={"query": SHOP}, headers={"X-Shopify-Access-Token": token})
    await world.clock.advance(24 * 3600)
    stale = await world.client.post(url, json={"query": SHOP}, headers={"X-Shopify-Access-Token": token})

    assert (fresh.status, stale.status) == (200, 401)


async def test_a_version_of_the_past_is_served_by_the_present_and_one_of_the_future_by_nobody(world: Rehearsal) -> None:
    headers = {"X-Shopify-Access-Token": "rehearsal-access-token"}
    past = await world.client.post(
        f"{world.opened.url}/admin/api/2024-01/graphql.json", json={"query": SHOP}, headers=headers
    )
    future = await world.client.post(
        f"{world.opened.url}/admin/api/2031-01/graphql.json", json={"query": SHOP}, headers=headers
    )

    assert (past.status, past.headers["X-Shopify-API-Version"]) == (200, "2026-10")
    assert future.status == 404


async def test_stock_is_set_by_compare_and_set(world: Rehearsal) -> None:
    answer = await world.ask(SET, key="k1", input=setting(world, 7, 10))

    assert codes(answer.data) == []
    assert available(world) == 7


async def test_a_stale_comparison_changes_nothing_not_even_its_neighbours(world: Rehearsal) -> None:
    stale = setting(world, 7, 9)
    entries = stale["quantities"]
    assert isinstance(entries, list)
    entries.append({**target(world, "PEAR"), "quantity": 0, "changeFromQuantity": 3})

    answer = await world.ask(SET, key="k1", input=stale)

    assert codes(answer.data) == ["CHANGE_FROM_QUANTITY_STALE"]
    assert (available(world), available(world, "PEAR")) == (10, 5)


async def test_a_null_comparison_is_a_choice_and_a_missing_one_is_an_error(world: Rehearsal) -> None:
    chosen = await world.ask(SET, key="k1", input=setting(world, 4, None))
    missing = setting(world, 3, None)
    entries = missing["quantities"]
    assert isinstance(entries, list)
    del entries[0]["changeFromQuantity"]
    refused = await world.ask(SET, key="k2", input=missing)

    assert codes(chosen.data) == []
    assert refused.codes == ["INVALID_FIELD_ARGUMENTS"]
    assert available(world) == 4


async def test_a_stock_mutation_without_idempotency_key_is_refused(world: Rehearsal) -> None:
    answer = await world.ask(
        SET.replace("@idempotent(key: $key)", "").replace("$key: String!, ", ""), input=setting(world, 7, 10)
    )

    assert answer.codes == ["BAD_REQUEST"]
    assert "@idempotent" in answer.errors[0].message
    assert available(world) == 10


async def test_the_same_key_applies_once_and_answers_alike(world: Rehearsal) -> None:
    first = await world.ask(SET, key="k1", input=setting(world, 7, 10))
    bought(world)
    again = await world.ask(SET, key="k1", input=setting(world, 7, 10))

    assert pick(first.data) == pick(again.data)
    assert available(world) == 5
    assert [entry.result for entry in world.opened.shop.books.mutations] == ["applied", "replayed"]


async def test_the_same_key_for_something_else_is_refused(world: Rehearsal) -> None:
    await world.ask(SET, key="k1", input=setting(world, 7, 10))
    answer = await world.ask(SET, key="k1", input=setting(world, 6, 7))

    assert codes(answer.data) == ["IDEMPOTENCY_KEY_PARAMETER_MISMATCH"]
    assert available(world) == 7


async def test_a_key_in_use_is_refused_until_its_call_is_over(world: Rehearsal) -> None:
    world.opened.shop.faults.arm(Fault(kind=FaultKind.SLOW, on="inventorySetQuantities", seconds=3))
    slow = asyncio.create_task(world.ask(SET, key="k1", input=setting(world, 7, 10)))
    while not world.opened.shop.faults.struck:  # noqa: ASYNC110 (the server takes the call on this very loop)
        await asyncio.sleep(0)  # noqa: TID251 (lets the server take the call; no time passes)

    meanwhile = await world.ask(SET, key="k1", input=setting(world, 7, 10))
    await world.clock.advance(3)
    finished = await slow

    assert codes(meanwhile.data) == ["IDEMPOTENCY_CONCURRENT_REQUEST"]
    assert codes(finished.data) == []
    assert available(world) == 7


async def test_a_call_that_failed_inside_spends_its_key(world: Rehearsal) -> None:
    world.opened.shop.faults.arm(Fault(kind=FaultKind.FAIL_INSIDE, on="inventorySetQuantities"))
    failed = await world.ask(SET, key="k1", input=setting(world, 7, 10))
    again = await world.ask(SET, key="k1", input=setting(world, 7, 10))
    fresh = await world.ask(SET, key="k2", input=setting(world, 7, 10))

    assert failed.codes == ["INTERNAL_SERVER_ERROR"]
    assert codes(again.data) == ["IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"]
    assert codes(fresh.data) == []


async def test_a_parcel_takes_committed_and_on_hand_units_and_a_second_call_sends_nothing(world: Rehearsal) -> None:
    order = bought(world, quantity=4)
    level = next(world.opened.shop.books.stock.levels_of(order.lines[0].variant))
    assert (level.quantity("available"), level.quantity("committed"), level.quantity("on_hand")) == (6, 4, 10)
    fulfillment = {
        "lineItemsByFulfillmentOrder": [
            {"fulfillmentOrderId": f"gid://shopify/FulfillmentOrder/{order.fulfillment_orders[0].id}"}
        ],
        "trackingInfo": {"company": "DHL", "number": "JD014"},
    }

    sent = await world.ask(SEND, fulfillment=fulfillment)
    again = await world.ask(SEND, fulfillment=fulfillment)

    assert pick(sent.data, "fulfillmentCreate", "fulfillment", "trackingInfo", 0, "number") == "JD014"
    assert pick(again.data, "fulfillmentCreate", "fulfillment") is None
    assert (level.quantity("available"), level.quantity("committed"), level.quantity("on_hand")) == (6, 0, 6)


async def test_what_was_asked_for_and_not_needed_comes_back(world: Rehearsal) -> None:
    answer = await world.ask("{ orders(first: 200) { nodes { id } } }")

    cost = pick(answer.extensions["cost"])
    assert (pick(cost, "requestedQueryCost"), pick(cost, "actualQueryCost")) == (200, 0)
    assert pick(cost, "throttleStatus", "currentlyAvailable") == 2000


async def test_a_throttled_call_is_http_200_and_has_no_effect() -> None:
    async with rehearsal(small_seed(bucket_max=15, restore_per_s=10)) as world:
        first = await world.ask(SET, key="k1", input=setting(world, 7, 10))
        throttled = await world.post(SET, key="k2", input=setting(world, 6, 7))
        await world.clock.advance(1)
        later = await world.ask(SET, key="k2", input=setting(world, 6, 7))

        assert codes(first.data) == []
        assert throttled.status == 200
        assert (await throttled.json())["errors"][0]["extensions"]["code"] == "THROTTLED"
        assert codes(later.data) == []
        assert available(world) == 6


async def test_too_costly_an_operation_is_refused_on_every_plan(world: Rehearsal) -> None:
    answer = await world.ask("{ orders(first: 250) { nodes { id lineItems(first: 100) { nodes { id } } } } }")

    assert answer.codes == ["MAX_COST_EXCEEDED"]


@pytest.mark.parametrize(
    ("kind", "left"),
    [
        (FaultKind.TIMEOUT_BEFORE, 10),
        (FaultKind.DISCONNECT_BEFORE, 10),
        (FaultKind.DISCONNECT_AFTER, 7),
        (FaultKind.TIMEOUT_AFTER, 7),
    ],
)
async def test_a_dropped_answer_tells_nothing_about_its_effect(kind: FaultKind, left: int) -> None:
    async with rehearsal() as world:
        world.opened.shop.faults.arm(Fault(kind=kind, on="inventorySetQuantities"))

        with pytest.raises(aiohttp.ClientError):
            await world.ask(SET, key="k1", input=setting(world, 7, 10))

        assert available(world) == left


@pytest.mark.parametrize(
    ("kind", "status", "left"),
    [(FaultKind.ERROR_BEFORE, 502, 10), (FaultKind.ERROR_AFTER, 500, 7), (FaultKind.THROTTLE_429, 429, 10)],
)
async def test_a_server_error_tells_nothing_about_its_effect(kind: FaultKind, status: int, left: int) -> None:
    async with rehearsal() as world:
        world.opened.shop.faults.arm(Fault(kind=kind, on="inventorySetQuantities"))

        answer = await world.post(SET, key="k1", input=setting(world, 7, 10))

        assert (answer.status, available(world)) == (status, left)


async def test_pages_together_bring_every_order_once_in_order_of_change(world: Rehearsal) -> None:
    for _ in range(5):
        bought(world, quantity=1)
        await world.clock.advance(1)
    changed = next(iter(world.opened.shop.books.orders.values()))
    world.opened.shop.annotate_order(changed.id, "ring twice")
    query = """query ($after: String) { orders(first: 2, after: $after, sortKey: UPDATED_AT,
      query: "updated_at:>='2026-11-21T09:00:01Z'") { nodes { name } pageInfo { hasNextPage endCursor } } }"""

    names: list[object] = []
    after: object = None
    while True:
        page = pick((await world.ask(query, after=after)).data, "orders")
        nodes = pick(page, "nodes")
        assert isinstance(nodes, list)
        names += [node["name"] for node in nodes]
        after = pick(page, "pageInfo", "endCursor")
        if not pick(page, "pageInfo", "hasNextPage"):
            break

    assert names == ["#1002", "#1003", "#1004", "#1005", "#1001"]


async def test_search_learns_of_an_order_later_than_the_shop() -> None:
    async with rehearsal(small_seed(index_lag_s=5.0)) as world:
        order = bought(world)
        query = "{ orders(first: 5) { nodes { name } } }"

        early = await world.ask(query)
        direct = await world.ask("query ($id: ID!) { order(id: $id) { name } }", id=f"gid://shopify/Order/{order.id}")
        await world.clock.advance(5)
        late = await world.ask(query)

        assert pick(early.data, "orders", "nodes") == []
        assert pick(direct.data, "order", "name") == "#1001"
        assert pick(late.data, "orders", "nodes") == [{"name": "#1001"}]


async def test_items_are_found_by_sku(world: Rehearsal) -> None:
    answer = await world.ask('{ productVariants(first: 5, query: "sku:PEAR") { nodes { sku barcode } } }')

    assert pick(answer.data, "productVariants", "nodes") == [{"sku": "PEAR", "barcode": "4006381333931"}]
