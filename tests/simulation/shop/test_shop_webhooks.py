"""Laws of the shop's webhooks."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator

import msgspec
import pytest

from crossdock.simulation.shop import Fault, FaultKind, Order, Purchase, PurchaseLine
from simulation.shop.rehearsal import SUBSCRIBE, Rehearsal, pick, rehearsal, small_seed

TOPICS = ("ORDERS_CREATE", "ORDERS_UPDATED", "ORDERS_CANCELLED")


@pytest.fixture
async def world() -> AsyncIterator[Rehearsal]:
    async with rehearsal(retry_pauses_s=(0.0,) * 8) as opened:
        await opened.subscribe(*TOPICS)
        yield opened


def buy(world: Rehearsal, quantity: int = 2) -> Order:
    order = world.opened.shop.place_order(Purchase(lines=(PurchaseLine("APPLE", quantity),)))
    assert isinstance(order, Order), order
    return order


async def test_an_order_is_told_with_every_header_and_a_true_signature(world: Rehearsal) -> None:
    order = buy(world)
    await world.opened.courier.idle()

    headers, body = next(each for each in world.ear.heard if each[0]["x-shopify-topic"] == "orders/create")
    digest = hmac.new(b"rehearsal-client-secret", body, hashlib.sha256).digest()
    assert headers["x-shopify-hmac-sha256"] == base64.b64encode(digest).decode()
    assert headers["x-shopify-shop-domain"] == "rehearsal.myshopify.com"
    assert headers["x-shopify-api-version"] == "2026-10"
    assert {"x-shopify-event-id", "x-shopify-webhook-id", "x-shopify-triggered-at"} <= headers.keys()
    assert pick(msgspec.Raw(body), "id") == order.id


async def test_one_action_has_one_event_id_over_all_its_topics(world: Rehearsal) -> None:
    order = buy(world)
    world.opened.shop.cancel_order(order.id)
    await world.opened.courier.idle()

    events = {headers["x-shopify-topic"]: headers["x-shopify-event-id"] for headers, _ in world.ear.heard}
    assert events["orders/cancelled"] == events["orders/updated"]
    assert events["orders/cancelled"] != events["orders/create"]


async def test_a_redelivery_is_the_same_message(world: Rehearsal) -> None:
    world.opened.shop.faults.arm(Fault(kind=FaultKind.REDELIVER, on="orders/create"))
    buy(world)
    await world.opened.courier.idle()

    first, second = [each for each in world.ear.heard if each[0]["x-shopify-topic"] == "orders/create"]
    assert first[1] == second[1]
    assert first[0]["x-shopify-webhook-id"] == second[0]["x-shopify-webhook-id"]
    assert first[0]["x-shopify-event-id"] == second[0]["x-shopify-event-id"]


async def test_an_update_can_be_told_before_the_creation(world: Rehearsal) -> None:
    world.opened.shop.faults.arm(Fault(kind=FaultKind.REORDER, on="orders/create"))
    buy(world)
    await world.opened.courier.idle()

    assert world.ear.topics == ["orders/updated", "orders/create"]


async def test_a_held_back_message_goes_in_the_end_although_nothing_follows() -> None:
    async with rehearsal() as world:
        await world.subscribe("ORDERS_CREATE")
        world.opened.shop.faults.arm(Fault(kind=FaultKind.REORDER, on="orders/create", seconds=20))
        buy(world)
        await world.ask("{ shop { name } }")
        await world.clock.advance(20)
        await world.ear.hear(1)

        assert world.ear.topics == ["orders/create"]


async def test_a_late_message_carries_what_was_true_when_it_happened(world: Rehearsal) -> None:
    world.opened.shop.faults.arm(Fault(kind=FaultKind.DELAY, on="orders/create", seconds=60))
    order = buy(world)
    await world.clock.advance(1)
    world.opened.shop.annotate_order(order.id, "ring twice")
    await world.ear.hear(2)
    await world.clock.advance(60)
    await world.ear.hear(3)

    topics = world.ear.topics
    assert (topics[-1], pick(msgspec.Raw(world.ear.heard[-1][1]), "note")) == ("orders/create", None)


async def test_a_dropped_message_is_never_told(world: Rehearsal) -> None:
    world.opened.shop.faults.arm(Fault(kind=FaultKind.DROP, on="orders/create"))
    buy(world)
    await world.opened.courier.idle()

    assert world.ear.topics == ["orders/updated"]


async def test_a_stale_message_carries_the_order_before_the_change(world: Rehearsal) -> None:
    order = buy(world)
    await world.opened.courier.idle()
    await world.clock.advance(5)
    world.opened.shop.faults.arm(Fault(kind=FaultKind.STALE_PAYLOAD, on="orders/updated"))
    world.opened.shop.annotate_order(order.id, "ring twice")
    await world.opened.courier.idle()

    headers, body = world.ear.heard[-1]
    assert headers["x-shopify-triggered-at"].startswith("2026-11-21T09:00:05")
    assert pick(msgspec.Raw(body), "updated_at") == "2026-11-21T04:00:00-05:00"


async def test_a_wrong_signature_is_told_and_the_right_one_follows_by_retry(world: Rehearsal) -> None:
    world.opened.shop.faults.arm(Fault(kind=FaultKind.WRONG_SIGNATURE, on="orders/create"))
    world.opened.shop.faults.arm(Fault(kind=FaultKind.DROP, on="orders/updated"))
    world.ear.statuses = [401]
    buy(world)
    await world.opened.courier.idle()

    (wrong, body), (right, same) = world.ear.heard
    assert body == same
    assert wrong["x-shopify-hmac-sha256"] != right["x-shopify-hmac-sha256"]


async def test_a_failed_message_is_told_again_eight_times_unchanged_and_then_the_subscriber_is_dropped() -> None:
    async with rehearsal(retry_pauses_s=(0.0,) * 8) as world:
        await world.subscribe("ORDERS_CREATE")
        world.ear.statuses = [500] * 9
        buy(world)
        await world.opened.courier.idle()

        assert len(world.ear.heard) == 9
        assert len({body for _, body in world.ear.heard}) == 1
        assert world.opened.shop.books.subscriptions == {}


async def test_a_subscriber_who_answers_in_the_end_is_kept(world: Rehearsal) -> None:
    world.ear.statuses = [500] * 5
    buy(world)
    await world.opened.courier.idle()

    assert len(world.opened.shop.books.subscriptions) == 3


async def test_a_subscriber_is_told_only_the_fields_that_he_asked_for(world: Rehearsal) -> None:
    subscription = next(iter(world.opened.shop.books.subscriptions.values()))
    subscription.include_fields = ("id", "updated_at")
    buy(world)
    await world.opened.courier.idle()

    body = next(body for headers, body in world.ear.heard if headers["x-shopify-topic"] == "orders/create")
    assert msgspec.json.decode(body, type=dict[str, msgspec.Raw]).keys() == {"id", "updated_at"}


@pytest.mark.parametrize("uri", ["http://example.com/hooks", "", "pubsub://project:topic"])
async def test_an_address_that_cannot_be_told_is_refused(world: Rehearsal, uri: str) -> None:
    answer = await world.ask(SUBSCRIBE, topic="ORDERS_PAID", uri=uri)

    assert pick(answer.data, "webhookSubscriptionCreate", "webhookSubscription") is None


async def test_an_address_is_subscribed_to_a_topic_once(world: Rehearsal) -> None:
    answer = await world.ask(SUBSCRIBE, topic="ORDERS_CREATE", uri=world.ear.url)

    assert pick(answer.data, "webhookSubscriptionCreate", "userErrors", 0, "message") == (
        "Address for this topic has already been taken"
    )


async def test_chance_is_the_seed_s() -> None:
    async def told() -> list[str]:
        async with rehearsal(small_seed(chance=7), retry_pauses_s=(0.0,) * 8) as world:
            await world.subscribe(*TOPICS)
            world.opened.shop.faults.arm(Fault(kind=FaultKind.DROP, on="orders/create", times=5, chance=0.5))
            for _ in range(5):
                buy(world, quantity=1)
            return [each.resource for each in world.opened.courier.told if each.fault is FaultKind.DROP]

    assert await told() == await told()
