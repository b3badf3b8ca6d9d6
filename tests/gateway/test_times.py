"""Laws of times over HTTP: one that nobody can have meant is refused at the door, and nothing behind it breaks."""

from datetime import timedelta
from itertools import product

import pytest

from gateway.shop import ESTATE, Api, order
from gateway.test_goods import COUNT, TRANSFER
from gateway.test_reservations import hold

BEFORE, BEYOND = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"
"""Both are dates, and neither is one in UTC: a database takes them, and no reader can hold them."""
NEVER = (BEFORE, BEYOND, "1969-12-31T23:59:59Z", "2200-01-01T00:00:00Z")
YEARS = "must lie between 1970 and 2199"


def movement(at: str) -> "dict[str, object]":
    told = {"reference": at, "kind": "receive", "sku": "TEA", "location": "dc", "quantity": "1", "happened_at": at}
    return {"movements": [{**told, "reference": "good", "happened_at": "2026-11-27T09:00:00Z"}, told]}


async def test_an_order_of_a_time_that_cannot_be_is_refused_and_every_list_can_be_read(api: Api) -> None:
    await api.post("/v1/orders", order("good"))

    for field, at in product(("placed_at", "updated_at", "cancelled_at"), NEVER):
        told = await api.post("/v1/orders", order("bad", **{field: at}))
        assert (told.status, (told.paths, YEARS in told.text)) == (422, ([f"$.{field}"], True)), told.text

    assert (await api.get("/v1/orders")).status == 200
    assert await api.count("orders") == 1


async def test_a_movement_of_a_time_that_cannot_be_is_refused_and_its_neighbours_are_recorded(api: Api) -> None:
    for at in NEVER:
        told = await api.post("/v1/stock/movements", movement(at))
        items = told.json["items"]
        assert isinstance(items, list)
        assert [item["status"] for item in items][1] == 422
        assert '"$.movements[1].happened_at"' in told.text
        assert YEARS in told.text
    assert await api.count("movements") == 1


@pytest.mark.parametrize("at", NEVER)
async def test_no_other_door_takes_such_a_time_either(api: Api, at: str) -> None:
    await api.stock("TEA", dc=5)
    await api.post("/v1/reservations", hold("cart-1"))
    day = at[:10]
    asked = (
        ("/v1/stock/transfers", {**TRANSFER, "happened_at": at}, "happened_at"),
        ("/v1/stock/transfers", {**TRANSFER, "transferred_on": day}, "transferred_on"),
        ("/v1/stock/counts", {**COUNT, "counted_at": at}, "counted_at"),
        ("/v1/stock/counts", {**COUNT, "counted_on": day}, "counted_on"),
        ("/v1/reservations", hold("cart-2", expires_at=at), "expires_at"),
        ("/v1/reservations/cart-1/extend", {"expires_at": at}, "expires_at"),
    )
    before = await api.count("movements")

    for path, body, field in asked:
        told = await api.post(path, body)
        assert (told.status, (told.paths, YEARS in told.text)) == (422, ([f"$.{field}"], True)), (path, told.text)

    asked_of = f"sku=TEA&channel=web&as_of={at.replace('+', '%2B')}"
    looked = await api.get(f"/v1/availability/explain?{asked_of}")
    assert (looked.status, looked.paths) == (422, ["?as_of"])
    assert await api.count("movements") == before


async def test_a_hold_keeps_units_from_others_no_longer_than_its_channel_may(api: Api) -> None:
    await api.stock("TEA", dc=5)
    days = ESTATE.channels[0].hold_days_max
    near = (api.hub.clock.now() + timedelta(days=days, minutes=-1)).isoformat()
    far = (api.hub.clock.now() + timedelta(days=days, minutes=1)).isoformat()

    held = await api.post("/v1/reservations", hold("cart-1", expires_at=near))
    told = await api.post("/v1/reservations", hold("cart-2", expires_at=far))
    longer = await api.post("/v1/reservations/cart-1/extend", {"expires_at": far})

    assert held.status == 201
    assert [(each.status, each.paths) for each in (told, longer)] == [(422, ["$.expires_at"])] * 2
    assert "must not lie after" in told.text
    assert (await api.get("/v1/reservations/cart-2")).status == 404
    assert (await api.get("/v1/reservations/cart-1")).json["expires_at"] == held.json["expires_at"]
