"""Laws of the ways out: claims are freed once, parcels count once, what has left is a fact."""

import asyncio
from decimal import Decimal

from crossdock.canonical.base import ChannelOrderId, ConnectionName, FulfilmentId, OrderId
from crossdock.canonical.orders import Mode, OrderChanged, PaymentStatus
from crossdock.eventlog.service import Origin
from crossdock.foundation.ids import new_id
from crossdock.fulfilment.model import AlreadyShipped, Exceeds, ShipOutcome, Shipped, Unknown
from crossdock.orders import service as orders
from crossdock.orders.model import (
    AlreadyCancelled,
    Applied,
    Cancelled,
    CancelledByChannel,
    CancelOutcome,
    ChangeOutcome,
    HoldCode,
    NotFound,
    ParentMissing,
    PaymentChanged,
    RestCancelled,
    TooLate,
)
from crossdock.orders.service import Shipping
from crossdock.orders.states import OrderStatus
from orders.kit import MUG, NORTH, NOW, SHOP, SOUTH, TEA, World, line, order


async def cancel(world: World, order_id: OrderId) -> CancelOutcome:
    async with world.database.transaction() as tx:
        return await orders.cancel(tx, order_id, "changed my mind", now=NOW)


async def ship(
    world: World, fulfilment_id: FulfilmentId, parcel: str = "P1", lines: dict[str, int] | None = None
) -> ShipOutcome:
    shipping = Shipping(
        fulfilment_id=fulfilment_id,
        reference=parcel,
        shipped_at=NOW,
        lines=None if lines is None else {name: Decimal(units) for name, units in lines.items()},
        carrier="dhl",
        tracking=(f"T-{parcel}",),
    )
    async with world.database.transaction() as tx:
        return await orders.ship(tx, shipping, now=NOW)


async def change(world: World, news: OrderChanged, connection: ConnectionName = SHOP) -> ChangeOutcome:
    async with world.database.transaction() as tx:
        return await orders.apply_change(tx, news, connection, origin=Origin.begin("shop"), now=NOW)


async def test_a_shipped_order_is_complete_and_its_goods_are_gone(world: World) -> None:
    await world.stock(TEA, dc=9)
    (order_id,) = await world.bought(order("1", line(TEA, 2)))

    outcome = await ship(world, (await world.work(order_id))[0])

    assert isinstance(outcome, Shipped)
    assert (await world.view(order_id)).status is OrderStatus.COMPLETED
    assert (await world.on_hand(TEA), await world.allocated(TEA)) == (7, 0)
    assert (await world.facts(order_id))[-2:] == ["fulfilment.shipped", "order.completed"]


async def test_a_shipment_that_is_told_again_ships_nothing_more(world: World) -> None:
    await world.stock(TEA, dc=9)
    (order_id,) = await world.bought(order("1", line(TEA, 2)))
    (work,) = await world.work(order_id)
    await ship(world, work)

    assert await ship(world, work) == AlreadyShipped(work)
    assert await ship(world, work, "P2") == AlreadyShipped(work)
    assert await world.on_hand(TEA) == 7
    assert (await world.facts(order_id)).count("fulfilment.shipped") == 1


async def test_parcels_of_one_fulfilment_leave_one_by_one(world: World) -> None:
    await world.stock(TEA, dc=9)
    await world.stock(MUG, dc=9)
    (order_id,) = await world.bought(order("1", line(TEA, 3), line(MUG, 1)))
    (work,) = await world.work(order_id)

    await ship(world, work, "P1", {"l-TEA": 2})
    view = await world.view(order_id)
    assert view.status is OrderStatus.PARTLY_SHIPPED
    assert (view.order.units.shipped, view.order.units.released) == (Decimal(2), Decimal(2))
    again = await ship(world, work, "P1", {"l-TEA": 2})
    too_many = await ship(world, work, "P2", {"l-TEA": 2, "l-MUG": 1})
    rest = await ship(world, work, "P3")

    assert again == AlreadyShipped(work)
    assert too_many == Exceeds(work, ("l-TEA",))
    assert isinstance(rest, Shipped)
    assert (await world.view(order_id)).status is OrderStatus.COMPLETED
    assert (await world.on_hand(TEA), await world.on_hand(MUG)) == (6, 8)


async def test_an_order_served_by_two_locations_is_complete_when_both_have_shipped(world: World) -> None:
    await world.stock(TEA, dc=1, north=1)
    (order_id,) = await world.bought(order("1", line(TEA, 2)))
    first, second = await world.work(order_id)

    await ship(world, first)
    assert (await world.view(order_id)).status is OrderStatus.PARTLY_SHIPPED
    await ship(world, second)

    assert (await world.view(order_id)).status is OrderStatus.COMPLETED
    assert (await world.facts(order_id)).count("order.completed") == 1


async def test_what_a_customer_collects_is_collected_not_shipped(world: World) -> None:
    await world.stock(TEA, south=2)
    (order_id,) = await world.bought(order("1", line(TEA, 2), mode=Mode.PICKUP, pickup=SOUTH))

    await ship(world, (await world.work(order_id))[0])

    view = await world.view(order_id)
    assert (view.order.units.collected, view.order.units.shipped) == (Decimal(2), Decimal(0))
    assert view.fulfilments[0].state == "collected"


async def test_a_shipment_of_something_unknown_is_said_to_be_unknown(world: World) -> None:
    nobody = FulfilmentId(new_id())

    assert await ship(world, nobody) == Unknown(nobody)


async def test_cancelling_frees_the_goods_once(world: World) -> None:
    await world.stock(TEA, dc=2, north=2)
    (order_id,) = await world.bought(order("1", line(TEA, 5)))
    assert await world.allocated(TEA) == 4

    assert await cancel(world, order_id) == Cancelled(order_id)
    assert await cancel(world, order_id) == AlreadyCancelled(order_id)

    view = await world.view(order_id)
    assert view.status is OrderStatus.CANCELLED
    assert view.order.units.cancelled == 5
    assert {each.state for each in view.fulfilments} == {"cancelled"}
    assert (await world.allocated(TEA), await world.on_hand(TEA)) == (0, 4)
    facts = await world.facts(order_id)
    assert (facts.count("fulfilment.cancelled"), facts.count("order.cancelled")) == (2, 1)


async def test_an_order_can_be_cancelled_before_it_was_placed_and_is_not_placed_afterwards(world: World) -> None:
    await world.stock(TEA, dc=2)
    (accepted,) = await world.accept(order("1", payment=PaymentStatus.PENDING))
    await world.place(accepted.order_id)

    await cancel(world, accepted.order_id)
    await world.place(accepted.order_id)

    view = await world.view(accepted.order_id)
    assert view.status is OrderStatus.CANCELLED
    assert not view.order.standing
    assert await world.allocated(TEA) == 0


async def test_what_has_left_cannot_be_cancelled(world: World) -> None:
    await world.stock(TEA, dc=2)
    (order_id,) = await world.bought(order("1"))
    await ship(world, (await world.work(order_id))[0])

    assert await cancel(world, order_id) == TooLate(order_id)
    nobody = OrderId(new_id())
    assert await cancel(world, nobody) == NotFound(nobody)
    assert (await world.view(order_id)).status is OrderStatus.COMPLETED


async def test_a_channel_that_cancels_too_late_gets_a_person(world: World) -> None:
    await world.stock(TEA, dc=2)
    (order_id,) = await world.bought(order("1", minutes=1))
    await ship(world, (await world.work(order_id))[0])

    news = OrderChanged(channel="web", channel_order_id=ChannelOrderId("1"), updated_at=NOW, cancelled_at=NOW)  # type: ignore[arg-type]
    outcome = await change(world, news)
    again = await change(world, news)

    assert outcome == Applied(order_id, (CancelledByChannel(TooLate(order_id)),))
    assert again == Applied(order_id, ())
    view = await world.view(order_id)
    assert [hold.hold for hold in view.order.standing] == [HoldCode.CANCELLED_LATE]
    assert view.status is OrderStatus.COMPLETED


async def test_cancelling_after_a_part_has_left_stops_the_rest_and_asks_a_person(world: World) -> None:
    await world.stock(TEA, dc=1, north=1)
    (order_id,) = await world.bought(order("1", line(TEA, 3)))
    await ship(world, (await world.work(order_id))[0])

    outcome = await cancel(world, order_id)

    assert outcome == RestCancelled(order_id, Decimal(1))
    view = await world.view(order_id)
    assert (view.order.units.shipped, view.order.units.cancelled) == (Decimal(1), Decimal(2))
    assert view.status is OrderStatus.COMPLETED
    assert [hold.hold for hold in view.order.standing] == [HoldCode.CANCELLED_LATE]
    assert (await world.on_hand(TEA), await world.allocated(TEA)) == (1, 0)


async def test_a_parcel_that_left_although_it_was_cancelled_is_booked_and_a_person_hears_of_it(world: World) -> None:
    await world.stock(TEA, dc=5)
    (order_id,) = await world.bought(order("1", line(TEA, 2)))
    (work,) = await world.work(order_id)
    await cancel(world, order_id)

    outcome = await ship(world, work)

    assert isinstance(outcome, Shipped)
    assert outcome.revived == {"l-TEA": Decimal(2)}
    view = await world.view(order_id)
    assert (view.order.units.shipped, view.order.units.cancelled) == (Decimal(2), Decimal(0))
    assert [hold.hold for hold in view.order.standing] == [HoldCode.SHIPPED_AFTER_CANCEL]
    assert (await world.on_hand(TEA), await world.allocated(TEA)) == (3, 0)


async def test_cancelling_twice_at_once_frees_once(world: World) -> None:
    await world.stock(TEA, dc=4)
    first, second = await world.bought(order("1", line(TEA, 2)), order("2", line(TEA, 2)))

    outcomes = await asyncio.gather(*(cancel(world, first) for _ in range(6)))

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyCancelled"] * 5 + ["Cancelled"]
    assert await world.allocated(TEA) == (await world.view(second)).order.units.released == 2


async def test_when_cancel_and_ship_race_every_unit_ends_in_one_place(world: World) -> None:
    await world.stock(TEA, dc=40)
    ids = await world.bought(*(order(f"r{n}", line(TEA, 2)) for n in range(12)))
    work = {order_id: (await world.work(order_id))[0] for order_id in ids}

    await asyncio.gather(
        *(cancel(world, order_id) for order_id in ids), *(ship(world, work[order_id]) for order_id in reversed(ids))
    )

    shipped = 0
    for order_id in ids:
        units = (await world.view(order_id)).order.units
        assert (units.shipped, units.cancelled) in {(Decimal(2), Decimal(0)), (Decimal(0), Decimal(2))}
        shipped += int(units.shipped)
    assert (await world.on_hand(TEA), await world.allocated(TEA)) == (40 - shipped, 0)


async def test_news_waits_for_an_order_that_has_not_come(world: World) -> None:
    news = OrderChanged(
        channel="web",  # type: ignore[arg-type]
        channel_order_id=ChannelOrderId("1"),
        updated_at=NOW,
        payment_status=PaymentStatus.PAID,
    )

    assert await change(world, news) == ParentMissing(ChannelOrderId("1"))
    (accepted,) = await world.accept(order("1", minutes=-1, payment=PaymentStatus.PENDING))
    assert await change(world, news) == Applied(accepted.order_id, (PaymentChanged(PaymentStatus.PAID),))
    assert await change(world, news) == Applied(accepted.order_id, ())
    assert await change(world, news, ConnectionName("market")) == ParentMissing(ChannelOrderId("1"))


async def test_an_order_is_found_by_every_name_it_has(world: World) -> None:
    await world.stock(TEA, dc=5)
    (order_id, _) = await world.bought(order("WEB-7"), order("WEB-8"))
    (work,) = await world.work(order_id)
    await ship(world, work, "P1")

    async with world.database.transaction() as tx:
        for name in ("WEB-7", str(order_id), str(work), "T-P1"):
            assert await orders.find(tx, name) == [order_id], name
        assert await orders.find(tx, "nobody") == []
        newest = [view.order.header.order_id for view in await orders.list_orders(tx, limit=1)]
        rest = [view.order.header.order_id for view in await orders.list_orders(tx, before=newest[0])]
        still_open = [view.order.header.order_id for view in await orders.open_orders(tx)]
    assert rest == [order_id]
    assert still_open == newest


async def test_documents_say_what_was_bought_and_what_each_location_ships(world: World) -> None:
    await world.stock(TEA, dc=1, north=5)
    (order_id,) = await world.bought(order("1", line(TEA, 2), shipping="4.90"))
    first, second = [each.fulfilment_id for each in (await world.view(order_id)).fulfilments] * 2
    await ship(world, first, "P1")

    async with world.database.transaction() as tx:
        sale = await orders.sale_document(tx, world.vault, order_id)
        shipment = await orders.shipment_document(tx, second)
        report = await orders.fulfilment_report(tx, first, "P1")

    assert sale is not None
    assert [(each.sku, each.charge, each.quantity * each.unit_price) for each in sale.lines] == [
        (TEA, "", Decimal("9.00")),
        ("", "shipping", Decimal("4.90")),
    ]
    assert sale.total == Decimal("13.90")
    assert sale.customer is not None
    assert sale.customer.name == "Zyxella Quibberton"
    assert shipment is not None
    assert (shipment.location, shipment.sale_reference) == (NORTH, str(order_id))
    assert report is not None
    assert (report.channel_order_id, report.tracking) == ("1", ("T-P1",))
