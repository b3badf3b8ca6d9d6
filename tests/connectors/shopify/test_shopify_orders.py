"""Laws of orders that come from the shop."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from connectors.shopify.shopify_world import START, World, order_in, poll, seed, world
from crossdock.canonical.orders import PaymentStatus
from crossdock.connector_kit.model import Damaged, Decoded
from crossdock.connector_kit.record import Undecodable
from crossdock.connectors.shopify import CONNECTOR
from crossdock.inbound.rules import draft_of
from crossdock.simulation.shop import Order, Tracking
from crossdock.simulation.shop.rest_shape import order_body


@pytest.fixture
async def shop() -> AsyncIterator[World]:
    async with world() as opened:
        yield opened


def webhook_body(world: World, order: Order) -> bytes:
    return msgspec.json.Encoder(decimal_format="number").encode(order_body(world.opened.shop.books, order))


def told(world: World, order: Order, topic: str = "orders/updated") -> Decoded:
    """The order as a webhook brings it."""
    assert CONNECTOR.webhooks is not None
    decode = next(each.decode for each in CONNECTOR.webhooks.topics if each.topic == topic)
    (decoded,) = decode(world.received(webhook_body(world, order), topic))
    assert isinstance(decoded, Decoded), decoded
    return decoded


@pytest.mark.parametrize("taxes_included", [False, True])
@pytest.mark.parametrize("change", ["none", "edit", "cancel", "fulfil", "several lines"])
async def test_one_order_is_one_document_by_webhook_and_by_poll(change: str, *, taxes_included: bool) -> None:
    async with world(seed(taxes_included=taxes_included, shipping_tax_rate=Decimal("0.19"))) as shop:
        lines = [("APPLE", 3), ("LAMP", 1)]
        if change == "several lines":
            lines += [(f"I{n:02}", 1) for n in range(1, 31)]
        order = shop.buy(*lines, discount=Decimal("2.50"), shipping=Decimal("4.90"), note="ring twice")
        await shop.clock.advance(5)
        if change == "edit":
            shop.opened.shop.edit_order(order.id, remove={order.lines[0].id: 1}, add={"PEAR": 2})
        elif change == "cancel":
            shop.opened.shop.cancel_order(order.id)
        elif change == "fulfil":
            shop.opened.shop.fulfil({order.fulfillment_orders[0].id: None}, Tracking())

        (polled,), _ = await poll(shop)

        assert polled == told(shop, order)
        document = order_in(polled)
        assert document.channel_order_id == str(order.id)
        assert document.prices_include_tax is taxes_included
        assert abs(document.total - document.computed_total) <= Decimal("0.02")


async def test_what_the_customer_pays_is_what_lines_charges_and_taxes_say(shop: World) -> None:
    order = shop.buy(("APPLE", 3), ("LAMP", 2), discount=Decimal("7.77"), shipping=Decimal("4.90"))

    document = order_in(told(shop, order))

    assert document.total == document.computed_total == order.original_sum().total
    assert [(line.sku, line.quantity) for line in document.lines] == [("APPLE", Decimal(3)), ("LAMP", Decimal(2))]
    assert document.lines[0].taxes[0].rate == 7
    assert (document.payments[0].tender, document.payments[0].amount) == ("bogus", document.total)


async def test_an_order_of_a_slipped_clock_does_not_hide_those_that_come_after_it(shop: World) -> None:
    slipped = shop.buy(("APPLE", 1))
    slipped.updated_at = START + timedelta(days=400)
    _, cursor = await poll(shop)
    await shop.clock.advance(3600)
    order = shop.buy(("LAMP", 1))

    found, _ = await poll(shop, cursor)

    assert f"order/{order.id}" in {each.key for each in found}


async def test_a_redelivery_and_a_second_topic_are_the_same_event_and_a_change_is_another(shop: World) -> None:
    order = shop.buy(("APPLE", 1))
    created, updated = told(shop, order, "orders/create"), told(shop, order, "orders/updated")
    shop.opened.shop.annotate_order(order.id, "ring twice")  # within the same second

    changed = told(shop, order)

    assert created.event_id == updated.event_id
    assert changed.event_id != created.event_id
    assert {created.key, updated.key, changed.key} == {f"order/{order.id}"}


async def test_an_event_id_tells_nothing_of_what_the_order_says(shop: World) -> None:
    """Its digest is the hub's: nobody else can make it from a guess of a telephone number."""
    received = shop.received(webhook_body(shop, shop.buy(("APPLE", 1))), "orders/create")
    assert CONNECTOR.webhooks is not None

    (decoded,) = CONNECTOR.webhooks.topics[0].decode(replace(received, mark=lambda _content: "keyed"))

    assert isinstance(decoded, Decoded)
    assert decoded.event_id.endswith("Z/keyed") or decoded.event_id.endswith("+00:00/keyed")


async def test_a_cancelled_order_tells_what_it_was(shop: World) -> None:
    order = shop.buy(("APPLE", 2))
    shop.opened.shop.cancel_order(order.id)

    document = order_in(told(shop, order, "orders/cancelled"))

    assert document.cancelled_at == START
    assert [line.quantity for line in document.lines] == [2]
    assert document.payment_status is PaymentStatus.REFUNDED


async def test_an_authorised_order_becomes_a_paid_one(shop: World) -> None:
    order = shop.buy(("APPLE", 2), payment="authorized")
    before = order_in(told(shop, order)).payment_status
    shop.opened.shop.pay(order.id)

    assert (before, order_in(told(shop, order)).payment_status) == (PaymentStatus.AUTHORISED, PaymentStatus.PAID)


async def test_the_shop_s_codes_are_named_by_the_estate(shop: World) -> None:
    order = shop.buy(("APPLE", 1))
    received = shop.received(webhook_body(shop, order), "orders/create")
    names = {"taxes": {"Tax": "reduced"}, "tenders": {"bogus": "card"}}
    assert CONNECTOR.webhooks is not None

    (decoded,) = CONNECTOR.webhooks.topics[0].decode(replace(received, names=names))

    assert isinstance(decoded, Decoded)
    document = order_in(decoded)
    assert document.lines[0].taxes[0].code == "reduced"
    assert document.payments[0].tender == "card"


@pytest.mark.parametrize(("names", "tender"), [([""], "unnamed"), (["  "], "unnamed"), (["", "gift_card"], "mixed")])
async def test_a_gateway_without_a_name_does_not_keep_an_order_out(shop: World, names: list[str], tender: str) -> None:
    order = shop.buy(("APPLE", 1))
    body = {**order_body(shop.opened.shop.books, order), "payment_gateway_names": names}
    raw = msgspec.json.Encoder(decimal_format="number").encode(body)
    assert CONNECTOR.webhooks is not None
    decode = next(each.decode for each in CONNECTOR.webhooks.topics if each.topic == "orders/create")

    (decoded,) = decode(shop.received(raw, "orders/create"))

    assert isinstance(decoded, Decoded), decoded
    (payment,) = order_in(decoded).payments
    assert (payment.tender, payment.amount) == (tender, order_in(decoded).total)


async def test_a_damaged_order_names_the_exact_place_and_its_key(shop: World) -> None:
    order = shop.buy(("APPLE", 1), ("LAMP", 1))
    body = webhook_body(shop, order).replace(b'"quantity":1', b'"quantity":"two"', 1)
    assert CONNECTOR.webhooks is not None

    (damaged,) = CONNECTOR.webhooks.topics[0].decode(shop.received(body, "orders/create"))

    assert isinstance(damaged, Damaged)
    assert str(damaged.error) == '$.line_items[0].quantity: wanted integer, got "two"'
    assert damaged.key == f"order/{order.id}"


async def test_an_order_in_an_unknown_currency_is_set_aside_under_its_key(shop: World) -> None:
    order = shop.buy(("APPLE", 1))
    body = webhook_body(shop, order).replace(b'"currency":"USD"', b'"currency":"ZZZ"')
    assert CONNECTOR.webhooks is not None

    (damaged,) = CONNECTOR.webhooks.topics[0].decode(shop.received(body, "orders/create"))

    assert isinstance(damaged, Damaged)
    assert str(damaged.error).startswith("$.currency: must be an ISO 4217 currency code")
    assert "ZZZ" in str(damaged.error)
    assert damaged.key == f"order/{order.id}"


async def test_what_an_order_may_not_hold_is_told_in_the_shops_own_words(shop: World) -> None:
    order = shop.buy(("APPLE", 1), ("LAMP", 1))
    body = webhook_body(shop, order).replace(b'"sku":"LAMP"', b'"sku":"LA\\u200bMP"')
    assert CONNECTOR.webhooks is not None
    (decoded,) = CONNECTOR.webhooks.topics[0].decode(shop.received(body, "orders/create"))
    assert isinstance(decoded, Decoded)

    draft = draft_of(0, decoded)

    assert (draft.path, draft.damaged) == ("$.line_items[1].sku", True)
    assert "invisible characters" in draft.reason


async def test_a_body_that_is_no_order_is_refused_whole(shop: World) -> None:
    assert CONNECTOR.webhooks is not None
    decode = CONNECTOR.webhooks.topics[0].decode
    with pytest.raises(Undecodable, match=r"\$\.id"):
        list(decode(shop.received(b"{}", "orders/create")))
    with pytest.raises(Undecodable, match="not JSON"):
        list(decode(shop.received(b"{", "orders/create")))


async def test_one_damaged_order_of_a_page_does_not_hold_up_the_others(shop: World) -> None:
    first, second = shop.buy(("APPLE", 1)), shop.buy(("LAMP", 1))
    (pull,) = CONNECTOR.pulls
    page = await pull.fetch(shop.session, "")
    body = page.body.replace(b'"name":"#1001"', b'"name":1001')

    damaged, sound = pull.decode(shop.received(body, "orders"))

    assert isinstance(damaged, Damaged)
    assert (damaged.key, damaged.error.path) == (f"order/{first.id}", "$.data.orders.nodes[0].name")
    assert isinstance(sound, Decoded)
    assert sound.key == f"order/{second.id}"
    (mended,) = pull.decode(shop.received(damaged.raw.replace(b'"name":1001', b'"name":"#1001"'), "orders"))
    assert isinstance(mended, Decoded)
    assert mended.key == damaged.key


async def test_polls_find_every_order_whatever_the_page_size(shop: World) -> None:
    orders = [shop.buy(("APPLE", 1)) for _ in range(12)]

    found, _ = await poll(shop)

    assert [each.key for each in found] == [f"order/{order.id}" for order in orders]


async def test_a_second_poll_brings_only_the_overlap_and_what_changed() -> None:
    async with world(seed(index_lag_s=30.0)) as shop:
        old = shop.buy(("APPLE", 1))
        await shop.clock.advance(3600)
        recent = shop.buy(("APPLE", 1))
        await shop.clock.advance(40)
        late = shop.buy(("APPLE", 1))  # search does not know it yet
        await shop.clock.advance(10)
        first, cursor = await poll(shop, msgspec.json.encode({"newest": START - timedelta(minutes=1)}).decode())
        await shop.clock.advance(30)
        second, _ = await poll(shop, cursor)

    assert [each.key for each in first] == [f"order/{old.id}", f"order/{recent.id}"]
    assert [each.key for each in second] == [f"order/{recent.id}", f"order/{late.id}"]
    assert second[0].event_id == first[1].event_id


async def test_a_first_load_brings_the_open_orders(shop: World) -> None:
    open_order, cancelled = shop.buy(("APPLE", 1)), shop.buy(("APPLE", 1))
    shop.opened.shop.cancel_order(cancelled.id)
    (load,) = CONNECTOR.loads

    page = await load.fetch(shop.session, "")
    (found,) = load.decode(shop.received(page.body, load.name))

    assert isinstance(found, Decoded)
    assert found.key == f"order/{open_order.id}"
    assert not page.more


def test_a_webhook_is_believed_when_signed_with_either_secret_and_never_otherwise() -> None:
    assert CONNECTOR.webhooks is not None
    verify = CONNECTOR.webhooks.verify
    settings = {"client_secret": "new", "client_secret_previous": "old"}

    def signed(secret: str, body: bytes = b"{}") -> dict[str, str]:
        digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
        return {"x-shopify-hmac-sha256": base64.b64encode(digest).decode()}

    assert verify(b"{}", signed("new"), settings)
    assert verify(b"{}", signed("old"), settings)
    assert not verify(b"{} ", signed("new"), settings)
    assert not verify(b"{}", signed("old"), {"client_secret": "new", "client_secret_previous": ""})
    assert not verify(b"{}", signed(""), {"client_secret": "new", "client_secret_previous": ""})
    assert not verify(b"{}", {}, settings)
    assert not verify(b"{}", {"x-shopify-hmac-sha256": "ü"}, settings)


def test_the_topic_is_the_vendor_s() -> None:
    assert CONNECTOR.webhooks is not None
    assert CONNECTOR.webhooks.topic_of({"x-shopify-topic": "orders/create"}) == "orders/create"
    assert CONNECTOR.webhooks.topic_of({}) == ""
