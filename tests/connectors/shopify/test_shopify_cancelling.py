"""Laws of cancellations that are told to the shop."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from connectors.shopify.shopify_world import World, order_in, poll, seed, world
from crossdock.canonical.intents import CancelOrder, KeptLine
from crossdock.connector_kit.model import Absent, Found, Landed, Outcome, Refused
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.connectors.shopify import CONNECTOR
from crossdock.simulation.shop import Fault, FaultKind, Order, Tracking

SEND = CONNECTOR.send("order.cancel")


@pytest.fixture
async def shop() -> AsyncIterator[World]:
    async with world() as opened:
        yield opened


def whole(order: Order) -> CancelOrder:
    return CancelOrder(reference="o", order_id="o", channel_order_id=str(order.id), reason="out of stock")


def less(order: Order, *kept: int, reference: str = "o/1") -> CancelOrder:
    """What is left of each line, in their order."""
    return CancelOrder(
        reference=reference,
        order_id="o",
        channel_order_id=str(order.id),
        reason="one is broken",
        lines=tuple(
            KeptLine(line_id=str(line.id), sku=line.variant.sku, ordered=Decimal(line.quantity), left=Decimal(quantity))
            for line, quantity in zip(order.lines, kept, strict=True)
        ),
    )


async def tell(shop: World, document: CancelOrder, session: Session | None = None) -> Outcome:
    assert SEND is not None
    (outcome,) = await SEND.run(session or shop.session, [document])
    return outcome


async def look(shop: World, document: CancelOrder) -> Found:
    assert SEND is not None
    assert SEND.probe is not None
    return await SEND.probe(shop.session, document)


def left(order: Order) -> list[int]:
    return [line.current_quantity for line in order.lines]


async def test_a_whole_order_is_cancelled_its_stock_is_free_and_its_money_stays_unless_told(shop: World) -> None:
    order = shop.buy(("APPLE", 3), ("LAMP", 1))
    before = shop.available("APPLE")

    outcome = await tell(shop, whole(order))

    assert outcome == Landed(document_id=str(order.id))
    assert (order.cancelled_at is not None, order.cancel_reason, order.financial_status) == (True, "other", "paid")
    assert shop.available("APPLE") == before + 3


async def test_the_shop_gives_the_money_back_where_the_connection_says_so(shop: World) -> None:
    order, other = shop.buy(("APPLE", 3)), shop.buy(("APPLE", 3), ("LAMP", 2))
    session = shop.with_settings(refund_cancelled="yes")

    await tell(shop, whole(order), session)
    await tell(shop, less(other, 2, 0), session)

    assert order.financial_status == "refunded"
    assert other.financial_status == "partially_refunded"
    # one apple of 1.99 with 7 %, two lamps of 99.00 with 19 %: what is left is worth what was not given back
    assert other.held == other.current_sum().total
    assert other.original_sum().total - other.held == Decimal("237.75")


async def test_units_of_some_lines_are_taken_off_and_the_rest_is_still_wanted(shop: World) -> None:
    order = shop.buy(("APPLE", 3), ("LAMP", 1))
    apples, lamps = shop.available("APPLE"), shop.available("LAMP")

    outcome = await tell(shop, less(order, 2, 1))

    assert isinstance(outcome, Landed)
    assert (left(order), order.cancelled_at, order.financial_status) == ([2, 1], None, "paid")
    assert (shop.available("APPLE"), shop.available("LAMP")) == (apples + 1, lamps)
    (polled,), _ = await poll(shop)
    assert [int(line.quantity) for line in order_in(polled).lines] == [2, 1]


async def test_units_that_stand_at_two_places_are_free_again_where_they_stood(shop: World) -> None:
    order = shop.buy(("PEAR", 5))

    await tell(shop, less(order, 1))

    assert left(order) == [1]
    assert shop.available("PEAR", "DC") + shop.available("PEAR", "S1") == 4


@pytest.mark.parametrize("kept", [(), (1, 1)])
async def test_what_the_shop_knows_already_is_not_done_twice(shop: World, kept: tuple[int, ...]) -> None:
    order = shop.buy(("APPLE", 3), ("LAMP", 1))
    document = less(order, *kept) if kept else whole(order)

    first, again = await tell(shop, document), await tell(shop, document)

    assert isinstance(first, Landed)
    assert isinstance(again, Landed)
    assert len(order.refunds) == 1


async def test_a_later_word_takes_off_only_what_the_earlier_did_not(shop: World) -> None:
    order = shop.buy(("APPLE", 3), ("LAMP", 1))

    await tell(shop, less(order, 2, 1))
    await tell(shop, less(order, 1, 0, reference="o/2"))

    assert left(order) == [1, 0]
    assert [[line.quantity for line in refund.lines] for refund in order.refunds] == [[1], [1, 1]]


async def test_the_rest_of_an_order_that_left_in_part_is_taken_off(shop: World) -> None:
    order = shop.buy(("APPLE", 3))
    (work,) = order.fulfillment_orders
    shop.opened.shop.fulfil({work.id: {work.lines[0].id: 2}}, Tracking())
    await tell(shop, less(order, 2))

    assert left(order) == [2]


async def test_units_that_have_been_sent_are_not_taken_off(shop: World) -> None:
    order = shop.buy(("APPLE", 3))
    (work,) = order.fulfillment_orders
    shop.opened.shop.fulfil({work.id: None}, Tracking())

    outcome = await tell(shop, less(order, 2))

    assert isinstance(outcome, Refused)
    assert outcome.code == "sent"
    refused = await tell(shop, whole(order))
    assert isinstance(refused, Refused)
    assert not order.refunds


async def test_an_order_that_was_made_larger_in_the_shop_is_left_to_people(shop: World) -> None:
    order = shop.buy(("APPLE", 3))
    document = less(order, 2)
    order.lines[0].quantity = 5

    outcome = await tell(shop, document)

    assert isinstance(outcome, Refused)
    assert outcome.code == "edited"
    assert not order.refunds


async def test_an_unknown_order_is_refused(shop: World) -> None:
    document = CancelOrder(reference="o", order_id="o", channel_order_id="1", reason="x")

    assert await tell(shop, document) == Refused(reason="the shop has no such order", path="$.channel_order_id")
    assert await look(shop, document) == Absent()


@pytest.mark.parametrize("kept", [(), (2,)])
@pytest.mark.parametrize("kind", [FaultKind.DISCONNECT_AFTER, FaultKind.ERROR_AFTER])
async def test_a_lost_answer_leaves_doubt_and_the_probe_finds_what_was_done(
    shop: World, kind: FaultKind, kept: tuple[int, ...]
) -> None:
    order = shop.buy(("APPLE", 3))
    document = less(order, *kept) if kept else whole(order)
    shop.opened.shop.faults.arm(Fault(kind=kind, on="refundCreate" if kept else "orderCancel"))

    with pytest.raises(CallFailed) as failed:
        await tell(shop, document)

    assert failed.value.verdict is Verdict.UNKNOWN
    assert await look(shop, document) == Landed(document_id=str(order.id))
    assert len(order.refunds) == 1


@pytest.mark.parametrize("kept", [(), (2,)])
async def test_the_probe_sees_what_was_not_done(shop: World, kept: tuple[int, ...]) -> None:
    order = shop.buy(("APPLE", 3))
    document = less(order, *kept) if kept else whole(order)
    shop.opened.shop.faults.arm(Fault(kind=FaultKind.DISCONNECT_BEFORE, on="refundCreate" if kept else "orderCancel"))

    with pytest.raises(CallFailed):
        await tell(shop, document)

    assert await look(shop, document) == Absent()
    assert isinstance(await tell(shop, document), Landed)
    assert len(order.refunds) == 1


async def test_a_long_order_is_made_less_in_every_line() -> None:
    async with world(seed()) as shop:
        order = shop.buy(*((f"I{n:02}", 2) for n in range(1, 31)))

        outcome = await tell(shop, less(order, *[1] * 30))

        assert isinstance(outcome, Landed)
        assert left(order) == [1] * 30
