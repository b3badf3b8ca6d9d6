"""Laws of shipments that are reported to the shop."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest

from connectors.shopify.shopify_world import World, seed, world
from crossdock.canonical.base import LocationCode
from crossdock.canonical.intents import GoodsLine, ReportFulfilment
from crossdock.connector_kit.model import Absent, Found, Landed, Outcome, Refused
from crossdock.connector_kit.verdict import CallFailed, LookupMissing, Verdict
from crossdock.connectors.shopify import CONNECTOR
from crossdock.simulation.shop import Fault, FaultKind, Order

SEND = CONNECTOR.send("fulfilment.report")


@pytest.fixture
async def shop() -> AsyncIterator[World]:
    async with world() as opened:
        yield opened


def intent(
    shop: World, order: Order, *units: int, tracking: tuple[str, ...] = (), carrier: str = ""
) -> ReportFulfilment:
    """Units of the order's lines, in their order; none for a line is zero."""
    return ReportFulfilment(
        reference=f"{order.id}/{units}",
        order_id="019a",
        channel_order_id=str(order.id),
        location=LocationCode("DC"),
        lines=tuple(
            GoodsLine(sku=line.variant.sku, quantity=Decimal(quantity), line_id=str(line.id))
            for line, quantity in zip(order.lines, units, strict=False)
            if quantity
        ),
        shipped_at=shop.clock.now(),
        tracking=tracking,
        carrier=carrier,
    )


async def report(shop: World, document: ReportFulfilment) -> Outcome:
    assert SEND is not None
    (outcome,) = await SEND.run(shop.session, [document])
    return outcome


async def look(shop: World, document: ReportFulfilment) -> Found:
    assert SEND is not None
    assert SEND.probe is not None
    return await SEND.probe(shop.session, document)


async def test_a_parcel_is_reported_with_its_carrier_in_the_shop_s_words(shop: World) -> None:
    order = shop.buy(("APPLE", 3), ("LAMP", 1))

    outcome = await report(shop, intent(shop, order, 3, 1, tracking=("JD014",), carrier="dhl"))

    (parcel,) = order.fulfillments
    assert outcome == Landed(document_id=str(parcel.id), number="#1001.1")
    assert (parcel.tracking.company, parcel.tracking.numbers) == ("DHL Express", ("JD014",))
    assert order.fulfillment_status == "fulfilled"


async def test_a_part_is_reported_and_then_the_rest(shop: World) -> None:
    order = shop.buy(("APPLE", 3), ("LAMP", 1))

    await report(shop, intent(shop, order, 2))
    between = order.fulfillment_status
    await report(shop, intent(shop, order, 1, 1))

    assert (between, order.fulfillment_status) == ("partial", "fulfilled")
    assert [[line.quantity for line in parcel.lines] for parcel in order.fulfillments] == [[2], [1, 1]]


async def test_units_over_two_places_of_the_shop_are_not_guessed(shop: World) -> None:
    order = shop.buy(("PEAR", 5))

    outcome = await report(shop, intent(shop, order, 5))

    assert isinstance(outcome, Refused)
    assert "5 are" in outcome.reason
    assert not order.fulfillments


async def test_more_than_is_open_is_refused(shop: World) -> None:
    order = shop.buy(("APPLE", 3))

    outcome = await report(shop, intent(shop, order, 4))

    assert isinstance(outcome, Refused)
    assert outcome.path == "$.lines"


async def test_a_cancelled_order_takes_no_parcel(shop: World) -> None:
    order = shop.buy(("APPLE", 3))
    shop.opened.shop.cancel_order(order.id)

    assert isinstance(await report(shop, intent(shop, order, 3)), Refused)


async def test_an_unknown_order_is_refused(shop: World) -> None:
    order = shop.buy(("APPLE", 3))
    document = intent(shop, order, 3)
    lost = ReportFulfilment(
        reference="x",
        order_id="019a",
        channel_order_id="1",
        location=document.location,
        lines=document.lines,
        shipped_at=document.shipped_at,
    )

    assert await report(shop, lost) == Refused(reason="the shop has no such order", path="$.channel_order_id")


async def test_an_unmapped_carrier_waits_for_its_lookup(shop: World) -> None:
    order = shop.buy(("APPLE", 3))

    with pytest.raises(LookupMissing, match="pigeon"):
        await report(shop, intent(shop, order, 3, carrier="pigeon"))
    assert not order.fulfillments


@pytest.mark.parametrize("tracking", [(), ("JD014",)])
@pytest.mark.parametrize("kind", [FaultKind.DISCONNECT_AFTER, FaultKind.ERROR_AFTER])
async def test_a_lost_answer_leaves_doubt_and_the_probe_finds_the_parcel(
    shop: World, kind: FaultKind, tracking: tuple[str, ...]
) -> None:
    order = shop.buy(("APPLE", 3))
    document = intent(shop, order, 2, tracking=tracking)
    shop.opened.shop.faults.arm(Fault(kind=kind, on="fulfillmentCreate"))

    with pytest.raises(CallFailed) as failed:
        await report(shop, document)
    found = await look(shop, document)

    assert failed.value.verdict is Verdict.UNKNOWN
    assert found == Landed(document_id=str(order.fulfillments[0].id))
    assert len(order.fulfillments) == 1


@pytest.mark.parametrize("tracking", [(), ("JD014",)])
async def test_the_probe_does_not_take_an_earlier_parcel_for_this_one(shop: World, tracking: tuple[str, ...]) -> None:
    order = shop.buy(("APPLE", 4))
    await report(shop, intent(shop, order, 2, tracking=("JD001",) if tracking else ()))
    await shop.clock.advance(timedelta(hours=1).total_seconds())
    document = intent(shop, order, 2, tracking=tracking)
    shop.opened.shop.faults.arm(Fault(kind=FaultKind.DISCONNECT_BEFORE, on="fulfillmentCreate"))

    with pytest.raises(CallFailed):
        await report(shop, document)

    assert await look(shop, document) == Absent()


async def test_a_parcel_with_a_known_tracking_number_is_not_sent_again(shop: World) -> None:
    order = shop.buy(("APPLE", 4))
    document = intent(shop, order, 2, tracking=("JD014",))

    first, second = await report(shop, document), await report(shop, document)

    assert isinstance(first, Landed)
    assert isinstance(second, Landed)
    assert first.document_id == second.document_id
    assert len(order.fulfillments) == 1


async def test_a_long_order_is_reported_whole() -> None:
    async with world(seed()) as shop:
        order = shop.buy(*((f"I{n:02}", 1) for n in range(1, 31)))

        outcome = await report(shop, intent(shop, order, *[1] * 30))

        assert isinstance(outcome, Landed)
        assert order.fulfillment_status == "fulfilled"
