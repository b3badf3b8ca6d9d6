"""Laws of holding units over HTTP."""

import asyncio
from datetime import timedelta

from crossdock.gateway.keys import Scope
from gateway.shop import Api, Told


def hold(key: str, quantity: object = "1", sku: str = "TEA", **fields: object) -> "dict[str, object]":
    return {"key": key, "channel": "web", "lines": [{"sku": sku, "quantity": quantity}], **fields}


async def sellable(api: Api, **more: object) -> object:
    asked = {"channel": "web", "skus": ["TEA"], **more}
    found = (await api.post("/v1/availability/query", asked)).json["items"]
    assert isinstance(found, list)
    return found[0]["sellable"]


async def test_a_hold_is_held_committed_and_seen(api: Api) -> None:
    await api.stock("TEA", dc=5)
    held = await api.post("/v1/reservations", hold("cart-1", "2"))

    assert (held.status, held.json["outcome"], held.headers["Location"]) == (201, "held", "/v1/reservations/cart-1")
    assert held.json["units"] == [{"sku": "TEA", "location": "dc", "quantity": "2"}]
    assert await sellable(api) == "3"
    assert await sellable(api, without_hold="cart-1") == "5"
    assert (await api.get("/v1/reservations/cart-1")).json["state"] == "held"

    for _ in range(2):
        committed = await api.ask("POST", "/v1/reservations/cart-1/commit")
        assert (committed.status, committed.json["outcome"]) == (200, "committed")
    assert (await api.get("/v1/reservations/cart-1")).json["state"] == "allocated"
    assert await sellable(api) == "3"


async def test_the_last_units_are_held_once_however_many_ask(api: Api) -> None:
    await api.stock("TEA", dc=3, north=2)
    told = await asyncio.gather(*(api.post("/v1/reservations", hold(f"cart-{n}")) for n in range(40)))

    assert sorted(one.status for one in told) == [201] * 5 + [409] * 35
    refused = next(one for one in told if one.status == 409)
    assert refused.kind == "out-of-stock"
    assert refused.json["shortages"] == [{"sku": "TEA", "wanted": "1", "available": "0"}]
    assert await sellable(api) == "0"


async def test_a_hold_that_is_asked_for_again_gets_its_first_answer(api: Api) -> None:
    await api.stock("TEA", dc=5)
    first = await api.post("/v1/reservations", hold("cart-1", "2"))
    again = await api.post("/v1/reservations", hold("cart-1", "2"))
    other = await api.post("/v1/reservations", hold("cart-1", "3"))

    assert (again.status, again.json["units"]) == (201, first.json["units"])
    assert (other.status, other.kind) == (422, "reservation-key-reused")
    assert await sellable(api) == "3"


async def test_released_units_are_free_once(api: Api) -> None:
    await api.stock("TEA", dc=5)
    await api.post("/v1/reservations", hold("cart-1", "2"))
    first = await api.post("/v1/reservations/cart-1/release", {"reason": "cart emptied"})
    again = await api.ask("POST", "/v1/reservations/cart-1/release")

    assert first.json["units"] == [{"sku": "TEA", "location": "dc", "quantity": "2"}]
    assert (again.status, again.json["units"]) == (200, [])
    assert await sellable(api) == "5"
    assert (await api.ask("POST", "/v1/reservations/cart-1/commit")).kind == "conflict"


async def test_a_hold_lives_longer_when_extended_and_not_after_its_end(api: Api) -> None:
    await api.stock("TEA", dc=5)
    now = api.hub.clock.now()
    soon, later = (now + timedelta(seconds=2)).isoformat(), (now + timedelta(hours=1)).isoformat()
    await api.post("/v1/reservations", hold("short", expires_at=soon))
    await api.post("/v1/reservations", hold("long", expires_at=soon))
    extended = await api.post("/v1/reservations/long/extend", {"expires_at": later})
    await api.hub.clock.sleep(2.1)

    assert extended.status == 200
    assert (await api.post("/v1/reservations/short/extend", {"expires_at": later})).kind == "expired"
    assert (await api.ask("POST", "/v1/reservations/short/commit")).kind == "expired"
    assert (await api.ask("POST", "/v1/reservations/long/commit")).status == 200
    assert (await api.post("/v1/reservations", hold("late", expires_at=soon))).kind == "expired"


async def test_a_partial_hold_takes_what_is_there_and_says_what_is_not(api: Api) -> None:
    await api.stock("TEA", dc=1)
    told = await api.post("/v1/reservations", hold("cart-1", "3", fill="partial"))

    assert (told.status, told.json["shortages"]) == (201, [{"sku": "TEA", "wanted": "3", "available": "1"}])


async def test_a_reservation_is_its_callers_own(api: Api) -> None:
    await api.stock("TEA", dc=5)
    other = await api.new_key("other", Scope.RESERVATIONS)
    await api.api_keys_are_read_again()
    await api.post("/v1/reservations", hold("cart-1"))

    for told in (
        await api.get("/v1/reservations/cart-1", key=other),
        await api.ask("POST", "/v1/reservations/cart-1/commit", key=other),
        await api.ask("POST", "/v1/reservations/cart-1/release", key=other),
    ):
        assert (told.status, told.kind) == (404, "not-found")
    assert (await api.post("/v1/reservations", hold("cart-1"), key=other)).status == 201


async def test_what_makes_no_sense_is_refused_with_its_path(api: Api) -> None:
    cases: list[tuple[dict[str, object], str]] = [
        (hold("has space"), "$.key"),
        (hold("order/1"), "$.key"),
        (hold("k", "0"), "$.lines[0].quantity"),
        (hold("k", "NaN"), "$.lines[0].quantity"),
        (hold("k", channel="moon"), "$.channel"),
        (hold("k", location="moon"), "$.location"),
        (hold("k", expires_at="2026-11-21T12:00:00"), "$.expires_at"),
        ({**hold("k"), "lines": []}, "$.lines"),
    ]
    for body, path in cases:
        told: Told = await api.post("/v1/reservations", body)
        assert (told.status, told.kind, told.paths) == (422, "invalid", [path]), body
    assert (await api.post("/v1/reservations/none/extend", {"expires_at": "2030-01-01T00:00:00Z"})).status == 404
