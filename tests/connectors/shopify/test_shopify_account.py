"""Laws of setting a connection up."""

from collections.abc import AsyncIterator

import pytest

from connectors.shopify.shopify_world import World, seed, world
from crossdock.connector_kit.model import Finding, Theirs
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.connectors.shopify import CONNECTOR
from crossdock.simulation.shop import Fault, FaultKind

HOOKS = "http://127.0.0.1:9/v1/webhooks/webshop"


@pytest.fixture
async def shop() -> AsyncIterator[World]:
    async with world() as opened:
        yield opened


async def findings(session: Session) -> dict[str, Finding]:
    assert CONNECTOR.check is not None
    return {finding.subject: finding async for finding in CONNECTOR.check(session)}


async def register(session: Session, url: str = HOOKS) -> None:
    assert CONNECTOR.webhooks is not None
    assert CONNECTOR.webhooks.register is not None
    await CONNECTOR.webhooks.register(session, url)


def subscribed(shop: World) -> list[tuple[str, str]]:
    return sorted((each.topic, each.uri) for each in shop.opened.shop.books.subscriptions.values())


async def test_a_sound_account_passes_every_check(shop: World) -> None:
    await register(shop.session)

    found = await findings(shop.session)

    assert {subject: finding.ok for subject, finding in found.items()} == {
        "credentials": True,
        "API version": True,
        "access scopes": True,
        "location": True,
        "webhooks": True,
    }
    assert "sells in USD" in found["credentials"].text


async def test_what_is_wrong_is_named_with_what_to_do() -> None:
    async with world(seed(scopes=("read_orders", "write_inventory"))) as shop:
        found = await findings(shop.with_settings(location="gid://shopify/Location/1"))

        assert "read_products" in found["access scopes"].text
        assert not found["location"].ok
        assert not found["webhooks"].ok
        assert all(finding.todo for finding in found.values() if not finding.ok)


async def test_a_wrong_token_is_the_only_finding(shop: World) -> None:
    found = await findings(shop.with_settings(access_token="guess"))

    assert list(found) == ["credentials"]
    assert not found["credentials"].ok


async def test_registering_twice_subscribes_once(shop: World) -> None:
    await register(shop.session)
    await register(shop.session)

    assert subscribed(shop) == [
        ("ORDERS_CANCELLED", HOOKS),
        ("ORDERS_CREATE", HOOKS),
        ("ORDERS_UPDATED", HOOKS),
    ]


async def test_a_new_address_replaces_the_old_one(shop: World) -> None:
    await register(shop.session)
    await register(shop.session, "http://127.0.0.1:9/v1/webhooks/moved")

    assert {uri for _, uri in subscribed(shop)} == {"http://127.0.0.1:9/v1/webhooks/moved"}
    assert len(subscribed(shop)) == 3


async def test_an_address_that_the_shop_refuses_is_a_matter_of_configuration(shop: World) -> None:
    with pytest.raises(CallFailed, match="http:// is not supported") as failed:
        await register(shop.session, "http://hub.example.com/v1/webhooks/webshop")

    assert failed.value.verdict is Verdict.BROKEN


async def test_an_interrupted_registration_is_finished_by_the_next(shop: World) -> None:
    shop.opened.shop.faults.arm(Fault(kind=FaultKind.DISCONNECT_AFTER, on="webhookSubscriptionCreate", skip=1))
    with pytest.raises(CallFailed):
        await register(shop.session)

    await register(shop.session)

    assert len(subscribed(shop)) == 3


async def test_items_and_places_are_listed_for_matching(shop: World) -> None:
    assert CONNECTOR.directory is not None
    items = [item async for item in CONNECTOR.directory(shop.session, "sku")]
    places = [place async for place in CONNECTOR.directory(shop.session, "location")]
    customers = [each async for each in CONNECTOR.directory(shop.session, "customer")]

    assert len(items) == 33
    assert items[1] == Theirs(
        kind="sku",
        id=shop.known.pairs["sku", "PEAR"],
        code="PEAR",
        name="Pear - Default Title",
        barcodes=("4006381333931",),
    )
    assert [(place.code, place.id) for place in places] == [
        ("DC", shop.known.pairs["location", "DC"]),
        ("S1", shop.known.pairs["location", "S1"]),
    ]
    assert customers == []
