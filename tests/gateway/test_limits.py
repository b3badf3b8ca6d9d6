"""Laws of what the API refuses: before anything is stored, and naming the place."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final
from uuid import UUID

from gateway.shop import JSON, Api, line, order

WRONG: Final[Sequence[tuple[Mapping[str, object], str]]] = [
    ({"currency": "XXQ"}, "$.currency"),
    ({"channel": "moon"}, "$.channel"),
    ({"channel": None}, "$.channel"),
    ({"channel_order_id": 9007199254740993}, "$.channel_order_id"),
    ({"channel_order_id": " padded "}, "$.channel_order_id"),
    ({"channel_order_id": "nul\u0000"}, "$.channel_order_id"),
    ({"note": "nul \u0000 in the middle"}, "$.note"),
    ({"placed_at": "2026-11-21T12:00:00"}, "$.placed_at"),
    ({"placed_at": "yesterday"}, "$.placed_at"),
    ({"lines": []}, "$.lines"),
    ({"lines": [line(quantity="two")]}, "$.lines[0].quantity"),
    ({"lines": [line(quantity="NaN")]}, "$.lines[0].quantity"),
    ({"lines": [line(quantity="Infinity")]}, "$.lines[0].quantity"),
    ({"lines": [line(quantity="0")]}, "$.lines[0].quantity"),
    ({"lines": [line(quantity=True)]}, "$.lines[0].quantity"),
    ({"lines": [line(quantity="1e999999999")]}, "$.lines[0].quantity"),
    ({"lines": [line(quantity="0.0000000001")]}, "$.lines[0].quantity"),
    ({"lines": [line(), line()]}, "$.lines[1].line_id"),
    ({"lines": [line(), {**line(line_id="2"), "sku": ["TEA"]}]}, "$.lines[1].sku"),
    ({"total": "-1"}, "$.total"),
    ({"total": "1" * 400}, "$.total"),
    ({"mode": "teleport"}, "$.mode"),
    ({"mode": "pickup"}, "$.pickup_location"),
    ({"surprise": 1}, "$.surprise"),
    ({"ship_to": {"country": "Germany"}}, "$.ship_to.country"),
]


async def test_a_wrong_field_is_named_and_nothing_is_stored(api: Api) -> None:
    for fields, path in WRONG:
        told = await api.post("/v1/orders", order("A-1", **fields))
        assert (told.status, told.kind, told.paths) == (422, "invalid", [path]), fields

    assert (await api.count("orders"), await api.count("messages")) == (0, 0)


async def test_what_is_not_json_is_malformed(api: Api) -> None:
    for raw in (
        b"",
        b"{",
        b"\xff\xfe",
        b'{"channel": NaN}',
        b'{"channel": "\\ud800"}',
        json.dumps(order("A-1")).encode() + b"x",
        b'{"channel": 1, "lines": [',
    ):
        told = await api.ask("POST", "/v1/orders", raw=raw, headers=JSON)
        assert (told.status, told.kind) == (400, "malformed"), raw


async def test_every_route_tells_what_is_not_json_from_what_does_not_fit(api: Api) -> None:
    document = (await api.get("/openapi.json")).json
    paths = document["paths"]
    assert isinstance(paths, dict)
    routes = [
        re.sub(r"\{(\w+)\}", lambda name: str(UUID(int=0)) if name[1] == "order_id" else "H-1", path)
        for path, operations in paths.items()
        if "application/json" in operations.get("post", {}).get("requestBody", {}).get("content", {})
    ]
    assert len(routes) > 8, routes

    for route in routes:
        for raw in (b'{"a":', b"{", b"\xff\xfe", b'{"a": NaN}', b"{} {}"):
            told = await api.ask("POST", route, raw=raw, headers=JSON)
            assert (told.status, told.kind) == (400, "malformed"), (route, raw, told)
        for raw in (b"[]", b'{"items": 1, "orders": "x"}'):
            told = await api.ask("POST", route, raw=raw, headers=JSON)
            assert (told.status, told.kind) == (422, "invalid"), (route, raw, told)


async def test_a_number_beyond_any_shop_is_refused_not_rounded(api: Api) -> None:
    for number in ("1e400", "-1E+9999999999999999999", "123456789012345678901234567890", "0." + "1" * 50):
        raw = json.dumps(order("A-1", total="TOTAL")).replace('"TOTAL"', number).encode()
        told = await api.ask("POST", "/v1/orders", raw=raw, headers=JSON)
        assert (told.status, told.kind) == (422, "invalid"), number


async def test_money_in_json_numbers_keeps_every_digit(api: Api) -> None:
    raw = json.dumps(order("A-1", total="TOTAL")).replace('"TOTAL"', "123456789012.345678").encode()
    told = await api.ask("POST", "/v1/orders", raw=raw, headers=JSON)

    assert told.status == 202
    assert (await api.get(str(told.json["href"]))).json["total"] == "123456789012.345678"


async def test_an_escaped_backslash_before_u0000_is_just_text(api: Api) -> None:
    told = await api.post("/v1/orders", order("A-1", note="C:\\u0000"))

    assert told.status == 202


async def test_deep_nesting_is_refused(api: Api) -> None:
    deep = b'{"orders": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}"
    told = await api.ask("POST", "/v1/orders/batch", raw=deep, headers=JSON)

    assert (told.status, told.kind) == (413, "too-large")


async def test_more_lines_than_an_order_may_have_are_too_large(api: Api) -> None:
    lines = [line(line_id=str(n)) for n in range(1001)]
    told = await api.post("/v1/orders", order("A-1", *lines))

    assert (told.status, told.kind, told.paths) == (413, "too-large", ["$.lines"])


async def test_more_orders_than_a_batch_may_have_are_too_large(api: Api) -> None:
    told = await api.post("/v1/orders/batch", {"orders": [{}] * 501})

    assert (told.status, told.kind, told.paths) == (413, "too-large", ["$.orders"])


async def test_a_body_over_its_limit_is_too_large_told_or_untold(api: Api) -> None:
    async def pieces(size: int) -> AsyncIterator[bytes]:
        for at in range(0, size, 16 * 1024):
            yield b" " * min(16 * 1024, size - at)

    for size in (256 * 1024 + 1, 3 * 1024 * 1024):
        told = await api.ask("POST", "/v1/orders", raw=io.BytesIO(b" " * size), headers=JSON)
        untold = await api.ask("POST", "/v1/orders", raw=pieces(size), headers=JSON)
        assert (told.status, told.kind) == (413, "too-large"), size
        assert (untold.status, untold.kind) == (413, "too-large"), size


async def test_a_body_in_pieces_is_read_whole(api: Api) -> None:
    whole = json.dumps(order("A-1")).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(whole), 10):
            yield whole[at : at + 10]

    assert (await api.ask("POST", "/v1/orders", raw=pieces(), headers=JSON)).status == 202


async def test_a_caller_that_expects_to_continue_is_told_so_or_stopped_before_it_sends(api: Api) -> None:
    body = json.dumps(order("A-1")).encode()
    head = f"POST /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key}\r\nExpect: 100-continue\r\n"

    async def answer(length: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
        writer.write(f"{head}Content-Length: {length}\r\n\r\n".encode())
        first = await asyncio.wait_for(reader.readline(), 20)
        if b"100" in first:
            await reader.readline()
            writer.write(body)
            first += await asyncio.wait_for(reader.readline(), 20)
        writer.close()
        await writer.wait_closed()
        return first

    assert await answer(len(body)) == b"HTTP/1.1 100 Continue\r\nHTTP/1.1 202 Accepted\r\n"
    assert (await answer(10**9)).startswith(b"HTTP/1.1 413 ")


async def test_an_unusable_idempotency_key_is_refused(api: Api) -> None:
    for key in ("", " ", "k" * 256, "tab\there"):
        told = await api.ask("POST", "/v1/orders", order("A-1"), headers={"Idempotency-Key": key})
        assert (told.status, told.kind) == (422, "invalid"), key

    assert await api.count("orders") == 0


async def test_a_query_that_makes_no_sense_is_refused(api: Api) -> None:
    for path in (
        "/v1/orders?limit=0",
        "/v1/orders?limit=many",
        "/v1/orders?after=x",
        "/v1/orders?q=",
        "/v1/events?after=x",
        "/v1/events?after=-1-5",
        "/v1/events?after=99999999999999999999-1",
        "/v1/stock/positions?limit=201",
        "/v1/stock/positions?after=%00",
        "/v1/availability/explain?sku=TEA",
        "/v1/availability/explain?sku=TEA&channel=moon",
        "/v1/availability/explain?sku=TEA&channel=web&as_of=2026-11-21T12:00:00",
        "/v1/intents?only=lost",
        "/v1/exceptions?owner=%00",
    ):
        told = await api.get(path)
        assert (told.status, told.kind) == (422, "invalid"), (path, told.text)
