"""Laws of stock that goes to the shop."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

import pytest

from connectors.shopify.shopify_world import World, seed, world
from crossdock.canonical.intents import PublishStock
from crossdock.connector_kit.model import Absent, Landed, Outcome, Refused, Stale
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Unmatched, Verdict
from crossdock.connectors.shopify import CONNECTOR
from crossdock.simulation.shop import Fault, FaultKind

SEND = CONNECTOR.send("stock.publish")


@pytest.fixture
async def shop() -> AsyncIterator[World]:
    async with world() as opened:
        yield opened


def intent(sku: str, quantity: int | str, confirmed: int | None, *, version: int = 1) -> PublishStock:
    return PublishStock(
        reference=f"{sku}/{version}",
        channel="web",
        sku=sku,
        quantity=Decimal(quantity),
        version=version,
        last_confirmed=None if confirmed is None else Decimal(confirmed),
    )


async def publish(session: Session, *intents: PublishStock) -> Sequence[Outcome]:
    assert SEND is not None
    return await SEND.run(session, intents)


def kinds(outcomes: Sequence[Outcome]) -> list[str]:
    return [type(outcome).__name__ for outcome in outcomes]


async def test_the_shop_holds_what_was_published(shop: World) -> None:
    outcomes = await publish(shop.session, intent("APPLE", 25, 40), intent("LAMP", 0, 9))

    assert kinds(outcomes) == ["Landed", "Landed"]
    assert (shop.available("APPLE"), shop.available("LAMP")) == (25, 0)


async def test_a_number_that_nobody_has_seen_is_not_overwritten_and_comes_back(shop: World) -> None:
    shop.buy(("APPLE", 3))

    (outcome,) = await publish(shop.session, intent("APPLE", 25, 40))

    assert outcome == Stale(
        current="37", reason="The changeFromQuantity argument no longer matches the persisted quantity."
    )
    assert shop.available("APPLE") == 37


async def test_a_stale_item_does_not_hold_up_its_neighbours(shop: World) -> None:
    shop.buy(("APPLE", 3), ("LAMP", 1))

    outcomes = await publish(
        shop.session, intent("APPLE", 25, 40), intent("PEAR", 2, 3), intent("LAMP", 5, 9), intent("I01", 1, 9)
    )

    assert kinds(outcomes) == ["Stale", "Landed", "Stale", "Landed"]
    assert (shop.available("PEAR"), shop.available("I01")) == (2, 1)


async def test_a_first_number_is_compared_with_what_the_shop_holds(shop: World) -> None:
    (outcome,) = await publish(shop.session, intent("APPLE", 25, None))

    assert isinstance(outcome, Landed)
    assert shop.available("APPLE") == 25
    (mutation,) = shop.opened.shop.books.mutations
    assert '"changeFromQuantity":40' in mutation.arguments


async def test_parts_of_units_are_never_sold(shop: World) -> None:
    await publish(shop.session, intent("APPLE", "25.9", 40), intent("LAMP", -2, 9))

    assert (shop.available("APPLE"), shop.available("LAMP")) == (25, 0)


async def test_the_same_intents_sent_twice_are_set_once(shop: World) -> None:
    first = await publish(shop.session, intent("APPLE", 25, 40))
    shop.buy(("APPLE", 3))
    second = await publish(shop.session, intent("APPLE", 25, 40))

    assert first == second
    assert shop.available("APPLE") == 22
    assert [entry.result for entry in shop.opened.shop.books.mutations] == ["applied", "replayed"]


async def test_the_same_numbers_for_another_reason_are_set_again(shop: World) -> None:
    await publish(shop.session, intent("APPLE", 25, 40))
    await publish(shop.session, intent("APPLE", 40, 25, version=2))
    await publish(shop.session, intent("APPLE", 25, 40, version=3))

    assert shop.available("APPLE") == 25


@pytest.mark.parametrize("kind", [FaultKind.DISCONNECT_AFTER, FaultKind.TIMEOUT_AFTER, FaultKind.ERROR_AFTER])
async def test_a_lost_answer_leaves_doubt_and_the_probe_finds_the_effect(shop: World, kind: FaultKind) -> None:
    assert SEND is not None
    assert SEND.probe is not None
    shop.opened.shop.faults.arm(Fault(kind=kind, on="inventorySetQuantities"))

    with pytest.raises(CallFailed) as failed:
        await publish(shop.session, intent("APPLE", 25, 40))

    assert failed.value.verdict is Verdict.UNKNOWN
    assert isinstance(await SEND.probe(shop.session, intent("APPLE", 25, 40)), Landed)


@pytest.mark.parametrize("kind", [FaultKind.DISCONNECT_BEFORE, FaultKind.ERROR_BEFORE])
async def test_a_call_without_effect_leaves_doubt_and_the_probe_finds_nothing(shop: World, kind: FaultKind) -> None:
    assert SEND is not None
    assert SEND.probe is not None
    shop.opened.shop.faults.arm(Fault(kind=kind, on="inventorySetQuantities"))

    with pytest.raises(CallFailed) as failed:
        await publish(shop.session, intent("APPLE", 25, 40))

    assert failed.value.verdict is Verdict.UNKNOWN
    assert await SEND.probe(shop.session, intent("APPLE", 25, 40)) == Absent()


async def test_a_lost_answer_to_a_question_leaves_no_doubt(shop: World) -> None:
    shop.opened.shop.faults.arm(Fault(kind=FaultKind.DISCONNECT_AFTER, on="nodes"))

    with pytest.raises(CallFailed) as failed:
        await publish(shop.session, intent("APPLE", 25, None))

    assert failed.value.verdict is Verdict.NOT_SENT


async def test_an_attempt_that_failed_inside_the_shop_succeeds_in_the_end(shop: World) -> None:
    shop.opened.shop.faults.arm(Fault(kind=FaultKind.FAIL_INSIDE, on="inventorySetQuantities"))
    verdicts = []
    for _ in range(2):
        with pytest.raises(CallFailed) as failed:
            await publish(shop.session, intent("APPLE", 25, 40))
        verdicts.append(failed.value.verdict)

    outcomes = await publish(shop.session, intent("APPLE", 25, 40))

    assert verdicts == [Verdict.UNKNOWN, Verdict.NOT_SENT]
    assert kinds(outcomes) == ["Landed"]


@pytest.mark.parametrize("kind", [FaultKind.THROTTLE, FaultKind.THROTTLE_429])
async def test_throttling_says_how_long(shop: World, kind: FaultKind) -> None:
    shop.opened.shop.faults.arm(Fault(kind=kind, seconds=2.0))

    with pytest.raises(CallFailed) as failed:
        await publish(shop.session, intent("APPLE", 25, 40))

    assert failed.value.verdict is Verdict.THROTTLED
    assert failed.value.retry_after is not None
    assert failed.value.retry_after.total_seconds() >= 1
    assert shop.available("APPLE") == 40


async def test_the_vendor_s_own_points_are_reported(shop: World) -> None:
    await publish(shop.session, intent("APPLE", 25, 40))

    assert shop.budget.reports == [(1990.0, 100.0)]


async def test_an_unmatched_item_asks_for_a_match(shop: World) -> None:
    with pytest.raises(Unmatched, match="MELON"):
        await publish(shop.session, intent("MELON", 1, 1))


async def test_an_item_the_shop_does_not_know_is_refused_alone(shop: World) -> None:
    shop.known.pairs["sku", "GONE"] = "gid://shopify/InventoryItem/1"

    outcomes = await publish(shop.session, intent("GONE", 1, 1), intent("APPLE", 25, 40))

    assert kinds(outcomes) == ["Refused", "Landed"]
    assert isinstance(outcomes[0], Refused)
    assert outcomes[0].code == "INVALID_INVENTORY_ITEM"


async def test_many_items_are_one_call(shop: World) -> None:
    outcomes = await publish(shop.session, *(intent(f"I{n:02}", n, 9) for n in range(1, 31)))

    assert kinds(outcomes) == ["Landed"] * 30
    assert len(shop.opened.shop.books.mutations) == 1


async def test_a_wrong_token_breaks_the_connection(shop: World) -> None:
    with pytest.raises(CallFailed) as failed:
        await publish(shop.with_settings(access_token="guess"), intent("APPLE", 25, 40))

    assert failed.value.verdict is Verdict.BROKEN


async def test_tokens_are_minted_and_minted_again_when_they_end(shop: World) -> None:
    session = shop.with_settings(access_token="")
    await publish(session, intent("APPLE", 25, 40))
    first = session.memory["access_token"]
    await publish(session, intent("APPLE", 24, 25, version=2))
    kept = session.memory["access_token"]
    await shop.clock.advance(24 * 3600)
    await publish(session, intent("APPLE", 23, 24, version=3))

    assert kept == first
    assert session.memory["access_token"] != first
    assert shop.available("APPLE") == 23


async def test_a_shop_with_several_places_must_be_told_which_one(shop: World) -> None:
    with pytest.raises(CallFailed, match="S1 = gid://shopify/Location/") as failed:
        await publish(shop.with_settings(location=""), intent("APPLE", 25, 40))

    assert failed.value.verdict is Verdict.BROKEN


async def test_a_shop_with_one_place_needs_no_choice() -> None:
    plain = seed()
    one = plain.locations[:1]
    items = tuple(item for item in plain.items if "S1" not in item.stock)
    async with world(seed(locations=one, items=items)) as shop:
        outcomes = await publish(shop.with_settings(location=""), intent("APPLE", 25, 40))

        assert kinds(outcomes) == ["Landed"]
