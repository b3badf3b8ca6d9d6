"""Laws of refused traffic: nobody's requests are turned away for long without a person being told."""

import re
from collections.abc import Awaitable, Callable

import pytest

from crossdock.gateway.keys import Scope
from crossdock.gateway.refusals import ADDRESSES_MAX, IN_A_ROW
from gateway.shop import JSON, Api, eventually, order
from gateway.test_messages import shop, signed

__all__ = ["shop"]
BODY = b'{"id": 1}'
WRONG = {"channel": "web"}


async def told_of(api: Api) -> list[tuple[object, ...]]:
    """Open exceptions: type, subject, route."""
    rows = await api.rows(
        "SELECT type, subject, path FROM operations.exception WHERE state = 'open' ORDER BY type, subject, path"
    )
    return [tuple(row) for row in rows]


async def detail_of(api: Api) -> str:
    ((detail,),) = await api.rows("SELECT detail FROM operations.exception WHERE state = 'open'")
    assert isinstance(detail, str)
    return detail


def are(api: Api, *wanted: tuple[object, ...]) -> Callable[[], Awaitable[bool]]:
    async def looked() -> bool:
        return await told_of(api) == list(wanted)

    return looked


async def counted(api: Api, labels: str) -> float:
    metrics = (await api.get("/metrics")).text
    lines = [line for line in metrics.splitlines() if line.startswith(f"crossdock_requests_refused_total{{{labels}}}")]
    return float(lines[0].rpartition(" ")[2]) if lines else 0.0


async def badly_signed(api: Api, times: int) -> None:
    for _ in range(times):
        await api.ask("POST", "/v1/webhooks/shop", raw=BODY, headers=signed(BODY, "another-secret"))


async def test_a_shop_whose_webhooks_are_all_refused_is_told_of_until_one_is_taken(shop: Api) -> None:
    await badly_signed(shop, IN_A_ROW)

    await eventually(are(shop, ("webhooks_refused", "connection/shop", "/v1/webhooks/{connection}")))
    assert "The signature does not match" in await detail_of(shop)

    await shop.ask("POST", "/v1/webhooks/shop", raw=BODY, headers=signed(BODY))
    await eventually(are(shop))


async def test_one_bad_signature_among_good_ones_needs_nobody(shop: Api) -> None:
    for _ in range(2):
        await badly_signed(shop, IN_A_ROW - 1)
        await shop.ask("POST", "/v1/webhooks/shop", raw=BODY, headers=signed(BODY))
    await shop.hub.clock.sleep(1.5)

    assert await told_of(shop) == []
    assert await counted(shop, 'problem="bad-signature",route="/v1/webhooks/{connection}"') == 2 * (IN_A_ROW - 1)


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/orders/batch", "/v1/stock/movements", "/v1/stock/counts"])
async def test_a_partner_whose_every_request_is_refused_is_told_of_with_the_field(api: Api, path: str) -> None:
    bodies = {"/v1/orders/batch": {"orders": [WRONG]}, "/v1/stock/movements": {"movements": [WRONG]}}
    partner = await api.new_key("partner", Scope.ORDERS_WRITE, Scope.STOCK_WRITE)
    await api.api_keys_are_read_again()
    for _ in range(IN_A_ROW):
        await api.post(path, bodies.get(path, WRONG), key=partner)

    await eventually(are(api, ("requests_refused", "key/partner", path)))
    assert "$" in await detail_of(api)


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "\\u001b[2J"])
async def test_a_refused_text_that_nobody_can_store_keeps_nobody_from_being_told(api: Api, text: str) -> None:
    partner = await api.new_key("partner", Scope.ORDERS_WRITE)
    await api.api_keys_are_read_again()
    raw = f'{{"document": "order_placed", "channel": "web{text}", "mode": "{text}", "{text}": 1}}'.encode()
    for _ in range(IN_A_ROW):
        await api.ask("POST", "/v1/orders", raw=raw, headers=JSON, key=partner)
        await api.post("/v1/orders/batch", {"orders": [WRONG]})

    wanted = ("key/partner", "/v1/orders"), ("key/test", "/v1/orders/batch")
    await eventually(are(api, *(("requests_refused", *each) for each in wanted)))


async def test_an_order_that_is_taken_ends_it(api: Api) -> None:
    assert (await api.post("/v1/orders", order("P-0"))).status == 202
    for _ in range(IN_A_ROW):
        await api.post("/v1/orders", WRONG)
    await eventually(are(api, ("requests_refused", "key/test", "/v1/orders")))

    assert (await api.post("/v1/orders", order("P-1"))).status == 202
    await eventually(are(api))


async def test_what_another_process_was_told_of_ends_here_too(api: Api, second: Api) -> None:
    for _ in range(IN_A_ROW):
        await api.post("/v1/orders", WRONG)
    await eventually(are(api, ("requests_refused", "key/test", "/v1/orders")))

    assert (await second.post("/v1/orders", order("P-1"), key=api.key)).status == 202
    await eventually(are(api))


async def test_a_revoked_key_in_use_is_told_of_by_its_name(api: Api) -> None:
    old = await api.new_key("old-pos", Scope.ORDERS_WRITE)
    await api.revoke("old-pos")
    await api.api_keys_are_read_again()
    for _ in range(IN_A_ROW):
        assert (await api.post("/v1/orders", order("P-1"), key=old)).status == 401

    await eventually(are(api, ("requests_refused", "key/old-pos", "/v1/orders")))
    assert 'the key "old-pos" was revoked at' in await detail_of(api)
    assert old not in await detail_of(api)


async def test_a_caller_that_nobody_knows_is_told_of_by_its_address(api: Api) -> None:
    for _ in range(IN_A_ROW):
        await api.get("/v1/events", key="cdk_guessed")

    await eventually(are(api, ("caller_unknown", "address/127.0.0.1", "/v1/events")))
    assert await counted(api, 'problem="unauthenticated",route="/v1/events"') == IN_A_ROW


async def test_callers_that_guess_keys_everywhere_do_not_fill_the_list(api: Api) -> None:
    document = (await api.get("/openapi.json")).json
    assert isinstance(document["paths"], dict)
    tried = 0
    for path, methods in document["paths"].items():
        place = re.sub(r"{\w+}", "0198c5a1-0000-7000-8000-000000000001", path)
        for method in methods:
            answers = {(await api.ask(method, place, key="cdk_guessed")).status for _ in range(IN_A_ROW)}
            tried += answers == {401}
    assert tried > ADDRESSES_MAX
    old = await api.new_key("old-pos", Scope.EVENTS_READ)
    await api.revoke("old-pos")
    await api.api_keys_are_read_again()
    for _ in range(IN_A_ROW):
        await api.get("/v1/events", key=old)

    async def named() -> bool:
        return ("requests_refused", "key/old-pos", "/v1/events") in await told_of(api)

    await eventually(named)
    assert len(await told_of(api)) == ADDRESSES_MAX + 1


async def test_no_caller_chooses_the_address_that_it_is_told_of_by(api: Api) -> None:
    for number in range(IN_A_ROW):
        await api.ask("GET", "/v1/events", key="x", headers={"X-Forwarded-For": f"203.0.113.{number}"})

    await eventually(are(api, ("caller_unknown", "address/127.0.0.1", "/v1/events")))


async def test_a_path_that_is_nowhere_is_counted_and_needs_nobody(api: Api) -> None:
    for number in range(2 * IN_A_ROW):
        await api.get(f"/v1/nothing/{number}")
    await api.hub.clock.sleep(1.5)

    assert await told_of(api) == []
    assert await counted(api, 'problem="not-found",route="other"') == 2 * IN_A_ROW
