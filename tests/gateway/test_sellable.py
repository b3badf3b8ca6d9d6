"""Laws of what may be sold, answered from memory: never units that an answered commit has taken, never older than stated."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from crossdock.canonical.base import ChannelCode, Sku
from crossdock.canonical.stock import ItemDescribed
from crossdock.catalog import service as catalog
from crossdock.estate import service as estates
from crossdock.estate.model import ChannelBuffer
from crossdock.eventlog.service import Origin
from crossdock.gateway.keys import Scope
from crossdock.gateway.retailer import AGE_S
from gateway.shop import ESTATE, Api, Told, eventually

TEA = "/v1/availability?channel=web&sku=TEA"


def number(told: Told, at: int = 0) -> Decimal:
    assert told.status == 200, told.text
    items = told.json["items"]
    assert isinstance(items, list)
    return Decimal(items[at]["sellable"])


def age_s(told: Told) -> float:
    age_ms = told.json["age_ms"]
    assert isinstance(age_ms, int)
    assert int(told.headers["Age"]) * 1000 >= age_ms - 1
    return age_ms / 1000


async def hold(api: Api, key: str, quantity: int = 1, **fields: object) -> None:
    lines = [{"sku": "TEA", "quantity": str(quantity)}]
    told = await api.post("/v1/reservations", {"key": key, "channel": "web", "lines": lines, **fields})
    assert told.status == 201, told.text


async def release(api: Api, key: str) -> None:
    assert (await api.post(f"/v1/reservations/{key}/release", {})).status == 200


async def test_the_look_up_says_what_the_query_says(api: Api) -> None:
    await api.stock("TEA", dc=5, north=2)
    await api.stock("CUP", dc=3)
    asked = "/v1/availability?channel=web&sku=TEA&sku=CUP&sku=NOTHING"
    first, again = await api.get(asked), await api.get(asked)
    queried = await api.post("/v1/availability/query", {"channel": "web", "skus": ["TEA", "CUP", "NOTHING"]})

    assert first.json["items"] == again.json["items"] == queried.json["items"]
    assert [number(again, at) for at in range(3)] == [7, 3, 0]
    assert queried.json["items"][2]["reasons"] == ["never_seen"]  # type: ignore[index]


async def test_no_answer_shows_units_that_an_answered_commit_has_taken(api: Api) -> None:
    await api.stock("TEA", dc=200)
    answered = 0
    done = asyncio.Event()

    async def sell(first: int) -> None:
        nonlocal answered
        for serial in range(25):
            await hold(api, f"{first}-{serial}")
            answered += 1

    async def ask() -> int:
        asked = 0
        while not done.is_set():
            taken = answered
            left = number(await api.get(TEA))
            assert left <= 200 - taken, "an answer is older than a commit that had been answered before it was asked"
            asked += 1
        return asked

    askers = [asyncio.create_task(ask()) for _ in range(4)]
    await asyncio.gather(*(sell(first) for first in range(4)))
    done.set()

    assert sum(await asyncio.gather(*askers)) > 0
    assert number(await api.get(TEA)) == 100


async def test_what_comes_back_is_offered_again_at_once(api: Api) -> None:
    await api.stock("TEA", dc=5)
    await hold(api, "a", 5)
    assert number(await api.get(TEA)) == 0
    await release(api, "a")

    assert number(await api.get(TEA)) == 5


async def test_movements_and_counts_are_in_the_next_answer(api: Api) -> None:
    await api.stock("TEA", dc=5)
    assert number(await api.get(TEA)) == 5
    sale = {
        "document": "movement_recorded",
        "kind": "issue",
        "sku": "TEA",
        "location": "dc",
        "quantity": "2",
        "reference": "till-1",
        "happened_at": "2026-11-21T09:00:00Z",
    }
    assert (await api.post("/v1/stock/movements", {"movements": [sale]})).status == 207
    assert number(await api.get(TEA)) == 3
    counted = {
        "reference": "C-1",
        "location": "dc",
        "counted_on": "2026-11-21",
        "counted_at": api.hub.clock.now().isoformat(),
        "lines": [{"sku": "TEA", "on_hand": "9"}],
    }
    assert (await api.post("/v1/stock/counts", counted)).status == 200

    assert number(await api.get(TEA)) == 9


async def test_another_gateways_commit_is_missing_no_longer_than_the_stated_age(api: Api, second: Api) -> None:
    await api.stock("TEA", dc=100)
    clock = api.hub.clock
    taken: list[float] = []
    done = asyncio.Event()

    async def ask() -> None:
        while not done.is_set():
            asked_at = clock.monotonic()
            told = await api.get(TEA)
            must_show = sum(at <= asked_at - age_s(told) for at in taken)
            assert number(told) <= 100 - must_show, f"stated age {age_s(told)} s"

    asker = asyncio.create_task(ask())
    for serial in range(40):
        await hold(second, str(serial))
        taken.append(clock.monotonic())
        await clock.sleep(0.01)
    done.set()
    await asker

    async def shown() -> bool:
        return number(await api.get(TEA)) == 60

    await eventually(shown)


async def test_an_item_that_nobody_counts_any_more_has_no_number(api: Api, second: Api) -> None:
    await api.stock("TEA", dc=5)
    assert number(await api.get(TEA)) == 5
    service = ItemDescribed(sku=Sku("TEA"), name="Tea", unit="each", tax_class="standard", tracked=False)
    async with second.hub.database.transaction() as tx:
        await catalog.describe(tx, [service], origin=Origin.begin("test"), now=second.hub.clock.now())

    async def untracked() -> bool:
        items = (await api.get(TEA)).json["items"]
        assert isinstance(items, list)
        return items[0].get("tracked") is False

    await eventually(untracked)


async def test_a_lapsed_hold_is_no_longer_in_the_answer(api: Api) -> None:
    await api.stock("TEA", dc=5)
    ends = api.hub.clock.now() + timedelta(seconds=1)
    await hold(api, "a", 2, expires_at=ends.isoformat())
    assert number(await api.get(TEA)) == 3
    await api.hub.clock.sleep((ends - api.hub.clock.now()).total_seconds())

    assert number(await api.get(TEA)) == 5


async def test_a_new_estate_is_in_the_answer(api: Api) -> None:
    await api.stock("TEA", dc=5)
    assert number(await api.get(TEA)) == 5
    buffered = msgspec.structs.replace(ESTATE, channel_buffers=(ChannelBuffer(quantity=Decimal(2)),))
    async with api.hub.database.transaction() as tx:
        await estates.apply(tx, buffered, note="buffer", now=api.hub.clock.now())
    await api.hub.clock.sleep(AGE_S)

    assert number(await api.get(TEA)) == 3


async def test_the_callers_own_hold_need_not_count(api: Api) -> None:
    await api.stock("TEA", dc=5)
    await hold(api, "cart", 2)
    assert number(await api.get(TEA)) == 3
    asked = {"channel": "web", "skus": ["TEA"], "without_hold": "cart"}

    assert number(await api.post("/v1/availability/query", asked)) == 5
    assert number(await api.get(TEA)) == 3


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("sku=TEA", "?channel"),
        ("channel=web", "?sku"),
        ("channel=web&sku=", "?sku"),
        ("channel=web&sku=TEA&mode=teleport", "?mode"),
        ("channel=nowhere&sku=TEA", "?channel"),
        ("channel=web&sku=TEA&colour=red", "?colour"),
        ("channel=web&sku=A%00", "?sku"),
        ("channel=web&channel=app&sku=TEA", "?channel"),
    ],
)
async def test_a_look_up_that_cannot_be_understood_names_what_is_wrong(api: Api, query: str, path: str) -> None:
    told = await api.get(f"/v1/availability?{query}")

    assert (told.status, told.kind) == (422, "invalid")
    assert told.paths == [path], told.text


async def test_too_many_items_belong_in_a_query(api: Api) -> None:
    told = await api.get("/v1/availability?channel=web&" + "&".join(f"sku=S{number}" for number in range(101)))

    assert told.paths == ["?sku"]


async def test_a_key_for_one_channel_sees_no_other(api: Api) -> None:
    key = await api.new_key("app only", Scope.STOCK_READ, channel=ChannelCode("app"))
    await api.api_keys_are_read_again()

    assert (await api.get(TEA, key=key)).kind == "forbidden"
