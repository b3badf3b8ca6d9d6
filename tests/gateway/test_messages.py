"""Laws of webhooks and uploads: stored raw before the answer, or refused."""

import base64
import hashlib
import hmac

import pytest

from crossdock.assembly.registry import connectors
from crossdock.estate import service as estates
from crossdock.estate.model import ConnectionConfig
from gateway.shop import ESTATE, Api

SECRET = "example-secret"


@pytest.fixture
async def shop(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The same retailer with a web shop that sends webhooks."""
    monkeypatch.setenv("SHOP_SECRET", SECRET)
    connector = connectors()["shopify"]
    given = {
        setting.name: "${SHOP_SECRET}" if setting.secret else "https://shop.example.org"
        for setting in connector.settings
        if setting.default is None
    }
    config = ConnectionConfig(name="shop", connector="shopify", channel="web", settings=given)  # type: ignore[arg-type]
    estate = type(ESTATE)(
        company=ESTATE.company,
        locations=ESTATE.locations,
        channels=ESTATE.channels,
        connections=(*ESTATE.connections, config),
    )
    async with api.hub.database.transaction() as tx:
        await estates.apply(tx, estate, note="with a shop", now=api.hub.clock.now())
    await api.api_keys_are_read_again()
    return api


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    digest = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    return {
        "X-Shopify-Hmac-Sha256": digest,
        "X-Shopify-Topic": "orders/create",
        "Content-Type": "application/json",
        "Authorization": "",
    }


async def test_a_signed_webhook_is_stored_as_it_came_even_when_nobody_can_read_it(shop: Api) -> None:
    body = b'{"id": 1, "not": "an order"'
    told = await shop.ask("POST", "/v1/webhooks/shop", raw=body, headers=signed(body))

    assert told.status == 200
    stored = await shop.the_message()
    assert stored.body == body
    assert "authorization" not in stored.headers


async def test_a_webhook_with_a_bad_signature_leaves_no_trace(shop: Api) -> None:
    body = b'{"id": 1}'
    for headers in (
        signed(body, "another-secret"),
        signed(b'{"id": 2}'),
        {**signed(body), "X-Shopify-Hmac-Sha256": ""},
        {name: value for name, value in signed(body).items() if "Hmac" not in name},
    ):
        told = await shop.ask("POST", "/v1/webhooks/shop", raw=body, headers=headers)
        assert (told.status, told.kind) == (401, "bad-signature")
    assert await shop.count("messages") == 0


async def test_a_webhook_over_its_limit_is_too_large(shop: Api) -> None:
    body = b" " * (2 * 1024 * 1024 + 1)

    async def pieces() -> "object":
        yield body[: len(body) // 2]
        yield body[len(body) // 2 :]

    told = await shop.ask("POST", "/v1/webhooks/shop", raw=pieces(), headers=signed(body))
    assert (told.status, told.kind) == (413, "too-large")


async def test_webhooks_for_nobody_are_not_found(shop: Api) -> None:
    for name in ("nobody", "tills"):
        assert (await shop.ask("POST", f"/v1/webhooks/{name}", raw=b"{}", headers=signed(b"{}"))).status == 404


async def test_a_connection_without_its_secret_refuses_for_now(shop: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_SECRET")
    await shop.api_keys_are_read_again()
    told = await shop.ask("POST", "/v1/webhooks/shop", raw=b"{}", headers=signed(b"{}"))

    assert (told.status, told.kind) == (503, "connection-unusable")


async def test_an_upload_is_stored_whole_and_acknowledged(api: Api) -> None:
    body = b'{"store": "dc"}\n{"broken'
    told = await api.ask(
        "POST", "/v1/uploads/tills", raw=body, headers={"Content-Type": "application/x-ndjson; charset=utf-8"}
    )

    assert told.status == 202, told.text
    stored = await api.the_message()
    assert (stored.body, stored.route) == (body, "upload")


async def test_an_upload_of_an_unknown_kind_names_those_that_are_known(api: Api) -> None:
    told = await api.ask("POST", "/v1/uploads/tills", raw=b"x", headers={"Content-Type": "image/png"})

    assert (told.status, told.kind) == (415, "unsupported-media-type")
    assert "ndjson" in told.text
    assert (await api.ask("POST", "/v1/uploads/nobody", raw=b"x")).status == 404
