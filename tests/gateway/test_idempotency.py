"""Laws of Idempotency-Key: one key, one effect, one answer."""

import asyncio
import json

import psycopg

from crossdock.gateway.keys import Scope
from gateway.shop import JSON, Api, eventually, order


async def test_the_same_key_and_body_get_the_same_answer(api: Api) -> None:
    first = await api.post("/v1/orders", order("A-1"), idempotency="k1")
    again = await api.post("/v1/orders", order("A-1"), idempotency="k1")

    assert (again.status, again.text) == (first.status, first.text)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert (await api.count("orders"), await api.count("messages")) == (1, 1)


async def test_the_same_key_with_another_body_or_path_is_refused_for_ever(api: Api) -> None:
    await api.post("/v1/orders", order("A-1"), idempotency="k1")

    for path, body in (("/v1/orders", order("A-2")), ("/v1/orders/batch", {"orders": [order("A-1")]})):
        told = await api.post(path, body, idempotency="k1")
        assert (told.status, told.kind) == (422, "key-reused")
    assert await api.count("orders") == 1


async def test_a_no_is_kept_like_a_yes(api: Api) -> None:
    """Stock that arrives later does not turn the old answer into another one."""
    hold = {"key": "cart-1", "channel": "web", "lines": [{"sku": "TEA", "quantity": "1"}]}
    first = await api.post("/v1/reservations", hold, idempotency="k1")
    await api.stock("TEA", dc=5)
    again = await api.post("/v1/reservations", hold, idempotency="k1")

    assert (first.status, first.kind) == (again.status, again.kind) == (409, "out-of-stock")
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_requests_with_one_key_at_once_have_one_effect(api: Api) -> None:
    told = await asyncio.gather(*(api.post("/v1/orders", order("A-1"), idempotency="k1") for _ in range(32)))

    assert {(one.status, one.text) for one in told} == {(202, told[0].text)}
    assert await api.count("messages") == 1


async def test_one_key_with_different_bodies_at_once_takes_one_of_them(api: Api) -> None:
    told = await asyncio.gather(*(api.post("/v1/orders", order(f"A-{n}"), idempotency="k1") for n in range(16)))

    assert sorted(one.status for one in told) == [202] + [422] * 15
    assert await api.count("orders") == 1


async def test_two_gateways_that_get_one_key_at_once_have_one_effect(api: Api, second: Api) -> None:
    """Two processes on one database: neither sees what the other is doing."""
    for round_ in range(5):
        body = order(f"A-{round_}")
        told = await asyncio.gather(
            *(
                one.ask("POST", "/v1/orders", body, key=api.key, headers={"Idempotency-Key": f"k{round_}"})
                for one in (api, second) * 8
            )
        )
        assert {(one.status, one.text) for one in told} == {(202, told[0].text)}
    assert (await api.count("orders"), await api.count("messages")) == (5, 5)


async def test_a_key_is_its_callers_own(api: Api) -> None:
    other = await api.new_key("other", Scope.ORDERS_WRITE)
    await api.post("/v1/orders", order("A-1"), idempotency="k1")
    told = await api.post("/v1/orders", order("A-2"), idempotency="k1", key=other)

    assert told.status == 202


async def test_a_caller_that_went_away_finds_its_answer_under_its_key(api: Api, dsn: str) -> None:
    body = json.dumps(order("A-1")).encode()
    with psycopg.connect(dsn) as blocker:
        blocker.execute("LOCK TABLE orders.header IN ACCESS EXCLUSIVE MODE")
        _, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
        writer.write(
            f"POST /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key}\r\nIdempotency-Key: k1\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        await eventually(api.waits_for_a_lock)
        writer.transport.abort()
    told = await api.ask("POST", "/v1/orders", raw=body, headers={**JSON, "Idempotency-Key": "k1"})

    assert (told.status, told.headers["Idempotency-Replayed"]) == (202, "true")
    assert await api.count("orders") == 1
