"""Laws of the promise over HTTP: many numbers at once, every term of one, stops that act at once."""

from datetime import timedelta
from decimal import Decimal

import msgspec

from crossdock.canonical.base import ChannelCode, Sku
from crossdock.canonical.stock import Component, ItemDescribed
from crossdock.catalog import service as catalog
from crossdock.estate import service as estates
from crossdock.estate.model import BackorderLimit, Pool, Segment
from crossdock.eventlog.service import Origin
from crossdock.gateway.keys import Scope
from crossdock.gateway.retailer import AGE_S
from gateway.shop import ESTATE, Api, Told, eventually

ITEM = Sku("TEA")


def numbers(told: Told) -> list[tuple[str, str, str]]:
    assert told.status == 200, told.text
    items = told.json["items"]
    assert isinstance(items, list)
    return [(item.get("channel", ""), item["sku"], item["sellable"]) for item in items]


async def remembered(api: Api, path: str, *wanted: str) -> None:
    """The number is *wanted* now, and from memory: the first look around forgets what was read before it."""
    for _ in range(3):
        assert [one[2] for one in numbers(await api.get(path))] == [*wanted]


async def becomes(api: Api, path: str, wanted: str) -> None:
    """The number changes to *wanted* although this gateway did nothing."""

    async def shown() -> bool:
        return [one[2] for one in numbers(await api.get(path))] == [wanted]

    await eventually(shown)


async def describe(api: Api, *items: ItemDescribed) -> None:
    async with api.hub.database.transaction() as tx:
        await catalog.describe(tx, items, origin=Origin.begin("test"), now=api.hub.clock.now())


def kit(sku: str, **parts: int) -> ItemDescribed:
    components = tuple(Component(sku=part, quantity=Decimal(units)) for part, units in parts.items())
    return ItemDescribed(sku=sku, name=sku, components=components)


async def test_many_items_on_several_channels_are_answered_channel_by_channel(api: Api) -> None:
    await api.stock("TEA", dc=5, north=2)
    asked = {"channels": ["web", "app"], "skus": ["TEA", "CUP"]}

    told = await api.post("/v1/availability/query", asked)

    assert [one[:2] for one in numbers(told)] == [("web", "TEA"), ("web", "CUP"), ("app", "TEA"), ("app", "CUP")]
    assert "channel" not in told.json


async def test_what_each_location_can_promise_is_told_on_demand(api: Api) -> None:
    await api.stock("TEA", dc=5, north=2)

    told = await api.post("/v1/availability/query", {"channel": "web", "skus": ["TEA"], "locations": True})

    assert told.json["items"] == [{"sku": "TEA", "sellable": "7", "locations": {"dc": "5", "north": "2"}}]


async def test_more_numbers_than_a_query_may_ask_are_refused_with_their_path(api: Api) -> None:
    channels = ["web", "app"] * 3
    told = await api.post("/v1/availability/query", {"channels": channels, "skus": [f"S{n}" for n in range(4000)]})
    neither = await api.post("/v1/availability/query", {"skus": ["TEA"]})
    unknown = await api.post("/v1/availability/query", {"channels": ["web", "moon"], "skus": ["TEA"]})

    assert (told.status, told.paths) == (413, ["$.skus"])
    assert (neither.status, unknown.status, unknown.paths) == (422, 422, ["$.channels"])


async def test_a_kits_number_falls_with_what_is_taken_of_its_components(api: Api) -> None:
    """From memory, too: no answer shows kits whose components an answered commit has taken."""
    await describe(api, kit("SET", TEA=2))
    await api.stock("TEA", dc=6)
    asked = "/v1/availability?channel=web&sku=SET&sku=TEA"
    await remembered(api, asked, "3", "6")

    lines = [{"sku": "TEA", "quantity": 1}]
    assert (await api.post("/v1/reservations", {"key": "a", "channel": "web", "lines": lines})).status == 201
    assert [one[2] for one in numbers(await api.get(asked))] == ["2", "5"]

    held = {"key": "b", "channel": "web", "lines": [{"sku": "SET", "quantity": 2}]}
    told = await api.post("/v1/reservations", held)
    assert told.json["units"] == [{"sku": "TEA", "location": "dc", "quantity": "4"}]
    assert [one[2] for one in numbers(await api.get(asked))] == ["0", "1"]


async def test_a_quantity_that_may_not_be_ordered_is_refused(api: Api) -> None:
    await describe(api, ItemDescribed(sku="TEA", name="Tea", order_multiple=Decimal(6)))
    await api.stock("TEA", dc=50)

    lines = [{"sku": "TEA", "quantity": 4}]
    told = await api.post("/v1/reservations", {"key": "a", "channel": "web", "lines": lines})

    assert (told.status, told.paths) == (422, ["$.lines"])
    assert "TEA: ordered is 4, its multiple is 6" in told.text


async def test_an_explanation_names_terms_rules_rows_and_what_was_told(api: Api) -> None:
    await describe(api, kit("SET", TEA=2))
    await api.stock("TEA", dc=6)

    told = (await api.get("/v1/availability/explain?channel=web&sku=SET")).json

    assert (told["sellable"], told["estate_version"], told["switches"]) == ("3", 1, [])
    assert told["told"] == dict.fromkeys(
        ("announced", "announced_at", "announced_version", "confirmed", "confirmed_at", "answered_at")
    )
    terms = told["terms"]
    assert isinstance(terms, dict)
    (component,) = terms["components"]
    assert (terms["kit"], component["quantity"]) == (True, "2")
    (dc, north) = component["terms"]["locations"]
    assert dc["set_by"]["on_hand"]["kind"] == "receive"
    assert (north["reason"], north["cause"]) == ("never_seen", {"reason": "never_seen", "location": "north"})


# ------------------------------------------------------------------------------------------------------------- stops


async def test_a_stop_acts_on_the_next_answer_and_the_next_hold_until_it_is_resumed(api: Api) -> None:
    await api.stock("TEA", dc=6)
    asked = "/v1/availability?channel=web&sku=TEA"
    await remembered(api, asked, "6")

    told = await api.post("/v1/stock/stops", {"sku": "TEA", "channel": "web", "owner": "ops", "reason": "recall"})
    assert told.status == 201, told.text
    hold = {"channel": "web", "lines": [{"sku": "TEA", "quantity": 1}]}
    assert numbers(await api.get(asked)) == [("", "TEA", "0")]
    assert "out-of-stock" in (await api.post("/v1/reservations", {"key": "a", **hold})).text
    explained = (await api.get("/v1/availability/explain?channel=web&sku=TEA")).json
    assert (explained["reasons"], explained["switches"]) == (["stop_sell"], [told.json])

    ended = await api.post(f"/v1/stock/stops/{told.json['id']}/resume", {})
    assert (ended.status, ended.json["ended_by"]) == (200, "api:test")
    assert numbers(await api.get(asked)) == [("", "TEA", "6")]
    assert (await api.post("/v1/reservations", {"key": "b", **hold})).status == 201
    assert (await api.get("/v1/stock/stops")).json["switches"] == []
    assert (await api.get("/v1/stock/stops?ended=true")).json["switches"] == [ended.json]


async def test_stops_of_nothing_of_strangers_and_of_the_past_are_refused(api: Api) -> None:
    async def paths(**body: object) -> tuple[int, list[str]]:
        told = await api.post("/v1/stock/stops", {"owner": "ops", **body})
        return told.status, told.paths

    assert (await paths())[0] == 422
    assert await paths(channel="moon") == (422, ["$.channel"])
    assert await paths(sku="TEA", location="moon") == (422, ["$.location"])
    assert await paths(sku="TEA", until="2026-01-01T00:00:00Z") == (422, ["$.until"])
    assert (await api.post("/v1/stock/stops/0198c5a1-0000-7000-8000-000000000001/resume", {})).status == 404


async def test_a_channels_key_may_stop_its_own_channel_only(api: Api) -> None:
    web = await api.new_key("web only", Scope.STOCK_WRITE, channel="web")

    async def status(**body: object) -> int:
        return (await api.post("/v1/stock/stops", {"owner": "ops", "sku": "TEA", **body}, key=web)).status

    assert [await status(), await status(channel="app"), await status(channel="web")] == [403, 403, 201]
    other = await api.post("/v1/stock/stops", {"owner": "ops", "sku": "TEA", "channel": "app"})
    assert (await api.post(f"/v1/stock/stops/{other.json['id']}/resume", {}, key=web)).status == 404
    assert (await api.post("/v1/stock/movements", {"movements": []}, key=web)).status == 403


async def test_a_channels_key_sees_the_stops_that_concern_it(api: Api) -> None:
    web = await api.new_key("web only", Scope.STOCK_READ, channel="web")
    for body in ({"channel": "web"}, {"channel": "app"}, {"location": "dc"}):
        assert (await api.post("/v1/stock/stops", {"owner": "ops", **body})).status == 201

    seen = (await api.get("/v1/stock/stops", key=web)).json["switches"]

    assert isinstance(seen, list)
    assert [(each["channel"], each["location"]) for each in seen] == [(None, "dc"), ("web", None)]


# ------------------------------------------------------------------------------------- what another process decided


async def test_a_stop_at_another_gateway_is_heard_of_and_so_is_its_end(api: Api, second: Api) -> None:
    await api.stock("TEA", dc=6)
    asked = "/v1/availability?channel=web&sku=TEA"
    await remembered(api, asked, "6")

    told = await second.post("/v1/stock/stops", {"channel": "web", "owner": "ops"})
    await becomes(api, asked, "0")
    await remembered(api, asked, "0")

    await second.post(f"/v1/stock/stops/{told.json['id']}/resume", {})
    await becomes(api, asked, "6")


async def test_a_switch_that_runs_out_is_in_the_next_answer(api: Api) -> None:
    await api.stock("TEA", dc=6)
    ends = api.hub.clock.now() + timedelta(seconds=1)
    told = await api.post("/v1/stock/stops", {"sku": "TEA", "owner": "ops", "until": ends.isoformat()})
    assert told.status == 201, told.text
    asked = "/v1/availability?channel=web&sku=TEA"
    await remembered(api, asked, "0")
    await api.hub.clock.sleep((ends - api.hub.clock.now()).total_seconds())

    await remembered(api, asked, "6")


async def test_a_kit_falls_with_its_component_at_another_gateway(api: Api, second: Api) -> None:
    await describe(api, kit("SET", TEA=2))
    await api.stock("TEA", dc=6)
    asked = "/v1/availability?channel=web&sku=SET"
    await remembered(api, asked, "3")

    lines = [{"sku": "TEA", "quantity": 1}]
    assert (await second.post("/v1/reservations", {"key": "a", "channel": "web", "lines": lines})).status == 201
    await becomes(api, asked, "2")


async def test_a_hold_on_one_channel_lowers_what_all_that_share_its_location_show(api: Api) -> None:
    """Web and app are two pools; both have the distribution centre."""
    await api.stock("TEA", dc=6)
    await remembered(api, "/v1/availability?channel=web&sku=TEA", "6")
    await remembered(api, "/v1/availability?channel=app&sku=TEA", "6")

    lines = [{"sku": "TEA", "quantity": 4}]
    assert (await api.post("/v1/reservations", {"key": "a", "channel": "app", "lines": lines})).status == 201

    await remembered(api, "/v1/availability?channel=web&sku=TEA", "2")
    await remembered(api, "/v1/availability?channel=app&sku=TEA", "2")


async def test_what_another_channels_segment_keeps_is_followed(api: Api) -> None:
    shared = msgspec.structs.replace(
        ESTATE,
        pools=(Pool(code="all", members=("dc", "north")),),
        channels=tuple(msgspec.structs.replace(channel, pool="all") for channel in ESTATE.channels),
        segments=(Segment(channel=ChannelCode("app"), units=Decimal(4)),),
    )
    async with api.hub.database.transaction() as tx:
        await estates.apply(tx, shared, note="segments", now=api.hub.clock.now())
    await api.hub.clock.sleep(AGE_S)
    await api.stock("TEA", dc=6)
    await remembered(api, "/v1/availability?channel=web&sku=TEA", "2")
    await remembered(api, "/v1/availability?channel=app&sku=TEA", "6")

    lines = [{"sku": "TEA", "quantity": 5}]
    assert (await api.post("/v1/reservations", {"key": "a", "channel": "app", "lines": lines})).status == 201

    await remembered(api, "/v1/availability?channel=web&sku=TEA", "1")
    await remembered(api, "/v1/availability?channel=app&sku=TEA", "1")


async def test_a_hold_says_what_its_units_stand_on(api: Api) -> None:
    web, app = ESTATE.channels
    where = msgspec.structs.replace(
        ESTATE,
        channels=(msgspec.structs.replace(web, horizon="7d", backorder=True), app),
        backorder_limits=(BackorderLimit(quantity=Decimal(2)),),
    )
    async with api.hub.database.transaction() as tx:
        await estates.apply(tx, where, note="ahead", now=api.hub.clock.now())
    await api.hub.clock.sleep(AGE_S)
    now = api.hub.clock.now()
    await api.stock("TEA", dc=3)
    line = {"sku": "TEA", "quantity": "4", "due_at": (now + timedelta(days=2)).isoformat()}
    expected = {"reference": "PO-1", "location": "dc", "revised_at": now.isoformat(), "lines": [line]}
    assert (await api.post("/v1/stock/expected", expected)).status in {200, 201}
    assert numbers(await api.get("/v1/availability?channel=web&sku=TEA")) == [("", "TEA", "9")]

    held = {"key": "a", "channel": "web", "lines": [{"sku": "TEA", "quantity": 8}]}
    told = await api.post("/v1/reservations", held)

    assert told.json["units"] == [
        {"sku": "TEA", "location": "dc", "quantity": "3"},
        {"sku": "TEA", "location": "dc", "quantity": "1", "basis": "backorder"},
        {"sku": "TEA", "location": "dc", "quantity": "4", "basis": "dated"},
    ]
    assert numbers(await api.get("/v1/availability?channel=web&sku=TEA")) == [("", "TEA", "1")]
    claims = (await api.get("/v1/reservations/a")).json["claims"]
    assert isinstance(claims, list)
    assert {(claim["basis"], claim["due_by"] is None) for claim in claims} == {
        ("goods", True),
        ("dated", False),
        ("backorder", True),
    }
