"""Laws of who may do what."""

from datetime import timedelta
from typing import Final

import pytest

from crossdock.gateway.keys import AGE_S, Scope
from gateway.shop import Api, eventually, order
from gateway.test_messages import shop

__all__ = ["shop"]
PUBLIC: Final = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/openapi.json"),
    ("POST", "/v1/webhooks/{connection}"),  # signed by the vendor instead
}
"""Routes that answer without a key. Adding one here is a decision."""
MATRIX: Final = {
    ("GET", "/metrics"): Scope.METRICS,
    ("POST", "/v1/orders"): Scope.ORDERS_WRITE,
    ("POST", "/v1/orders/batch"): Scope.ORDERS_WRITE,
    ("POST", "/v1/orders/{order_id}/cancel"): Scope.ORDERS_WRITE,
    ("GET", "/v1/orders"): Scope.ORDERS_READ,
    ("GET", "/v1/orders/{order_id}"): Scope.ORDERS_READ,
    ("GET", "/v1/orders/{order_id}/trace"): Scope.ORDERS_READ,
    ("POST", "/v1/stock/movements"): Scope.STOCK_WRITE,
    ("POST", "/v1/stock/transfers"): Scope.STOCK_WRITE,
    ("GET", "/v1/stock/transfers"): Scope.STOCK_READ,
    ("GET", "/v1/stock/transfers/{reference}"): Scope.STOCK_READ,
    **{
        ("POST", f"/v1/stock/transfers/{{reference}}/{step}"): Scope.STOCK_WRITE
        for step in ("ready", "ship", "receive", "close", "settle", "cancel")
    },
    ("POST", "/v1/stock/expected"): Scope.STOCK_WRITE,
    ("GET", "/v1/stock/expected"): Scope.STOCK_READ,
    ("GET", "/v1/stock/expected/{reference}"): Scope.STOCK_READ,
    ("POST", "/v1/stock/expected/{reference}/receive"): Scope.STOCK_WRITE,
    ("POST", "/v1/stock/expected/{reference}/close"): Scope.STOCK_WRITE,
    ("POST", "/v1/stock/counts"): Scope.STOCK_WRITE,
    ("POST", "/v1/products"): Scope.PRODUCTS_WRITE,
    ("GET", "/v1/stock/positions"): Scope.STOCK_READ,
    ("GET", "/v1/availability"): Scope.STOCK_READ,
    ("POST", "/v1/availability/query"): Scope.STOCK_READ,
    ("GET", "/v1/availability/explain"): Scope.STOCK_READ,
    ("GET", "/v1/stock/stops"): Scope.STOCK_READ,
    ("POST", "/v1/stock/stops"): Scope.STOCK_WRITE,
    ("POST", "/v1/stock/stops/{switch_id}/resume"): Scope.STOCK_WRITE,
    ("POST", "/v1/reservations"): Scope.RESERVATIONS,
    ("POST", "/v1/reservations/{key}/commit"): Scope.RESERVATIONS,
    ("POST", "/v1/reservations/{key}/extend"): Scope.RESERVATIONS,
    ("POST", "/v1/reservations/{key}/release"): Scope.RESERVATIONS,
    ("GET", "/v1/reservations/{key}"): Scope.RESERVATIONS,
    ("POST", "/v1/uploads/{connection}"): Scope.UPLOADS,
    ("GET", "/v1/events"): Scope.EVENTS_READ,
    ("GET", "/v1/exceptions"): Scope.OPERATIONS_READ,
    ("GET", "/v1/intents"): Scope.OPERATIONS_READ,
    ("GET", "/v1/overview"): Scope.OPERATIONS_READ,
}
"""Every other route and the one scope that opens it."""


async def described(api: Api) -> set[tuple[str, str]]:
    document = (await api.get("/openapi.json")).json
    assert isinstance(document["paths"], dict)
    return {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}


def concrete(path: str) -> str:
    return (
        path.replace("{order_id}", "0198c5a1-0000-7000-8000-000000000001")
        .replace("{switch_id}", "0198c5a1-0000-7000-8000-000000000001")
        .replace("{key}", "k")
        .replace("{connection}", "tills")
        .replace("{reference}", "R-1")
    )


async def test_every_route_is_public_by_decision_or_opened_by_one_scope(api: Api) -> None:
    """A new route fails here until somebody has decided who may use it."""
    assert await described(api) == PUBLIC | set(MATRIX)


async def test_every_cell_of_scopes_and_routes_is_as_declared(api: Api) -> None:
    keys = {scope: await api.new_key(f"only {scope}", scope) for scope in Scope}
    await api.api_keys_are_read_again()
    for (method, path), needed in MATRIX.items():
        for scope, key in keys.items():
            told = await api.ask(method, concrete(path), key=key)
            if scope is needed:
                assert told.status not in {401, 403}, (method, path, scope, told.text)
            else:
                assert (told.status, told.kind) == (403, "forbidden"), (method, path, scope)


async def test_nobody_gets_in_without_a_valid_key(api: Api) -> None:
    for method, path in MATRIX:
        for authorization in ("", "Bearer", "Bearer ", "Bearer nonsense", f"Basic {api.key}", f"Bearer {api.key}x"):
            told = await api.ask(method, concrete(path), headers={"Authorization": authorization})
            assert (told.status, told.kind) == (401, "unauthenticated"), (method, path, authorization)
            assert told.headers["WWW-Authenticate"] == "Bearer"


async def test_public_routes_answer_without_a_key(api: Api) -> None:
    for method, path in PUBLIC:
        told = await api.ask(method, concrete(path), headers={"Authorization": ""})
        assert told.status != 401 or told.kind == "bad-signature", (method, path)


async def test_a_revoked_key_is_refused_within_a_second(api: Api, second: Api) -> None:
    key = await api.new_key("partner", Scope.ORDERS_READ)
    for one in (api, second):
        await eventually(lambda one=one: one.lets_in(key))  # type: ignore[misc]
    await api.revoke("partner")
    await api.hub.clock.sleep(2 * AGE_S)

    for one in (api, second):
        assert (await one.get("/v1/orders", key=key)).status == 401


async def test_a_key_ends_at_its_hour(api: Api) -> None:
    alive = await api.new_key("alive", Scope.ORDERS_READ, lives=timedelta(minutes=5))
    ended = await api.new_key("ended", Scope.ORDERS_READ, lives=timedelta(seconds=-1))
    await api.api_keys_are_read_again()

    assert (await api.get("/v1/orders", key=alive)).status == 200
    assert (await api.get("/v1/orders", key=ended)).status == 401


async def test_a_key_for_one_channel_neither_places_nor_sees_orders_of_another(api: Api) -> None:
    web = await api.new_key("web only", *Scope, channel="web")
    await api.api_keys_are_read_again()
    theirs = await api.post("/v1/orders", order("APP-1", channel="app"))
    mine = await api.post("/v1/orders", order("WEB-1"), key=web)

    assert mine.status == 202
    assert (await api.post("/v1/orders", order("APP-2", channel="app"), key=web)).status == 403
    batch = await api.post("/v1/orders/batch", {"orders": [order("APP-3", channel="app"), order("WEB-2")]}, key=web)
    assert isinstance(batch.json["items"], list)
    assert [item["status"] for item in batch.json["items"]] == [403, 202]
    for path in (str(theirs.json["href"]), f"{theirs.json['href']}/trace"):
        assert (await api.get(path, key=web)).status == 404
        assert (await api.get(path)).status == 200
    assert (await api.post(f"{theirs.json['href']}/cancel", {"reason": ""}, key=web)).status == 404
    for path in ("/v1/orders", "/v1/orders?open_only=true", "/v1/orders?q=APP-1"):
        listed = (await api.get(path, key=web)).json["orders"]
        assert isinstance(listed, list)
        assert {one["channel"] for one in listed} <= {"web"}, path
    assert (await api.get("/v1/orders?channel=app", key=web)).status == 403
    asked = {"channel": "app", "skus": ["TEA"]}
    assert (await api.post("/v1/availability/query", asked, key=web)).status == 403
    assert (await api.get("/v1/availability/explain?sku=TEA&channel=app", key=web)).status == 403
    hold = {"key": "k", "channel": "app", "lines": [{"sku": "TEA", "quantity": "1"}]}
    assert (await api.post("/v1/reservations", hold, key=web)).status == 403


@pytest.mark.parametrize("name", ["partner", 'pärtner "x"'])
async def test_a_key_is_shown_once_and_kept_nowhere(api: Api, name: str) -> None:
    key = await api.new_key(name, Scope.ORDERS_READ)

    rows = await api.rows("SELECT row_to_json(api_key)::text FROM gateway.api_key")
    assert all(key not in row[0] for row in rows)


async def test_a_key_for_one_channel_is_no_key_for_what_concerns_all_of_them(api: Api) -> None:
    web = await api.new_key("web only", *Scope, channel="web")
    await api.api_keys_are_read_again()

    for path in ("/v1/events", "/v1/exceptions", "/v1/intents", "/v1/overview", "/v1/stock/positions", "/metrics"):
        assert (await api.get(path, key=web)).status == 403, path
    for path in ("/v1/stock/movements", "/v1/stock/counts", "/v1/products", "/v1/uploads/tills"):
        assert (await api.post(path, {}, key=web)).status == 403, path


async def test_orders_of_a_shop_are_placed_and_revised_by_a_key_for_its_channel_only(shop: Api) -> None:
    web = await shop.new_key("web only", Scope.ORDERS_WRITE, channel="web")
    await shop.api_keys_are_read_again()

    told = await shop.post("/v1/orders", order("A-1"))
    assert (told.status, told.kind) == (403, "forbidden")
    assert 'come from connection "shop"' in str(told.json["detail"])
    assert (await shop.post("/v1/orders", order("A-1"), key=web)).status == 202
    assert (await shop.post("/v1/orders", order("B-1", channel="app"))).status == 202
