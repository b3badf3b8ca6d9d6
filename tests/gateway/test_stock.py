"""Laws of movements, positions, availability over HTTP."""

import asyncio

from gateway.shop import Api, order


def movement(reference: str, quantity: object = "5", **fields: object) -> "dict[str, object]":
    return {
        "document": "movement_recorded",
        "reference": reference,
        "kind": "receive",
        "sku": "TEA",
        "location": "dc",
        "quantity": quantity,
        "happened_at": "2026-11-21T08:00:00Z",
        **fields,
    }


def items(told: "dict[str, object]") -> "list[dict[str, object]]":
    found = told["items"]
    assert isinstance(found, list)
    return found


async def on_hand(api: Api, sku: str, location: str) -> object:
    positions = (await api.get(f"/v1/stock/positions?sku={sku}&location={location}")).json["positions"]
    assert isinstance(positions, list)
    return positions[0]["on_hand"] if positions else None


async def test_each_movement_of_a_batch_is_decided_on_its_own(api: Api) -> None:
    told = await api.post(
        "/v1/stock/movements",
        {
            "movements": [
                movement("M-1"),
                movement("M-2", "0"),
                movement("M-3", location="moon"),
                movement("M-1"),
                movement("M-1", "6"),
                movement("M-4", "-2", kind="adjust"),
            ]
        },
    )

    assert told.status == 207
    assert [(item["status"], item.get("outcome", "")) for item in items(told.json)] == [
        (202, "recorded"),
        (422, ""),
        (422, ""),
        (200, "repeated"),
        (409, "reference_reused"),
        (202, "recorded"),
    ]
    assert await on_hand(api, "TEA", "dc") == "3"
    assert await api.count("messages") == 1


async def test_a_movement_sent_again_in_another_batch_moves_nothing(api: Api) -> None:
    for _ in range(3):
        await api.post("/v1/stock/movements", {"movements": [movement("M-1")]})
    told = await asyncio.gather(
        *(api.post("/v1/stock/movements", {"movements": [movement("M-1"), movement("M-2")]}) for _ in range(8))
    )

    assert {one.status for one in told} == {207}
    assert await on_hand(api, "TEA", "dc") == "10"


async def test_a_fact_from_the_floor_is_recorded_whatever_our_books_say(api: Api) -> None:
    told = await api.post("/v1/stock/movements", {"movements": [movement("M-1", "3", kind="issue")]})

    assert items(told.json)[0]["status"] == 202
    assert await on_hand(api, "TEA", "dc") == "-3"


async def test_positions_come_page_by_page_with_every_term(api: Api) -> None:
    for sku in ("A", "B", "C"):
        await api.stock(sku, dc=4, north=1)
    first = (await api.get("/v1/stock/positions?limit=2")).json
    rest = (await api.get(f"/v1/stock/positions?limit=2&after={first['next']}")).json

    assert isinstance(first["positions"], list)
    assert isinstance(rest["positions"], list)
    places = [(one["sku"], one["location"]) for one in (*first["positions"], *rest["positions"])]
    assert places == [(sku, place) for sku in "ABC" for place in ("dc", "north")]
    assert rest["next"] is None
    one = first["positions"][0]
    assert (one["on_hand"], one["available"], one["held"], one["short"]) == ("4", "4", "0", "0")


async def test_a_thousand_skus_are_answered_at_once(api: Api) -> None:
    await api.stock("TEA", dc=5, north=2)
    skus = [f"SKU-{n}" for n in range(4999)] + ["TEA"]
    told = await api.post("/v1/availability/query", {"channel": "web", "skus": skus})

    assert told.status == 200
    found = items(told.json)
    assert [item["sku"] for item in found] == skus
    assert found[-1]["sellable"] == "7"
    assert (found[0]["sellable"], found[0]["reasons"]) == ("0", ["never_seen"])


async def test_availability_of_an_unknown_channel_is_a_mistake_not_a_zero(api: Api) -> None:
    told = await api.post("/v1/availability/query", {"channel": "moon", "skus": ["TEA"]})

    assert (told.status, told.paths) == (422, ["$.channel"])


async def test_explain_gives_every_term_now_and_then(api: Api) -> None:
    before = api.hub.clock.now().isoformat().replace("+00:00", "Z")
    await api.stock("TEA", dc=5)
    now = (await api.get("/v1/availability/explain?sku=TEA&channel=web")).json
    then = (await api.get(f"/v1/availability/explain?sku=TEA&channel=web&as_of={before}")).json

    assert (now["sellable"], then["sellable"]) == ("5", "0")
    assert isinstance(now["terms"], dict)
    (dc, north) = now["terms"]["locations"]
    assert (dc["on_hand"], dc["available"], dc["atp"]) == ("5", "5", "5")
    assert north["reason"] == "never_seen"


async def test_an_order_can_be_traced(api: Api) -> None:
    told = await api.post("/v1/orders", order("A-1"))
    seen = (await api.get(f"{told.json['href']}/trace")).json

    assert isinstance(seen["steps"], list)
    assert seen["steps"], "at least its message and its acceptance"
    assert seen["status"] == "accepted"
