"""Laws of orders whose goods are gone: the last ranked give way, to goods elsewhere or to the queue, and people hear of it."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from decimal import Decimal

from crossdock.canonical.base import FulfilmentId, LocationCode, OrderId, ReservationKey
from crossdock.canonical.facts import OrderBackordered, OrderGoodsGone, OrderRepromised, StockShort
from crossdock.canonical.orders import Mode
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.model import Cursor
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.fulfilment.model import Shipping
from crossdock.inventory import service as inventory
from crossdock.inventory.model import PositionKey
from crossdock.inventory.reservations.model import ClaimKind, ReserveLine, ReserveRequest
from crossdock.orders import service as orders
from crossdock.orders.model import HoldCode
from orders.kit import DC, ESTATE, NORTH, NOW, SOUTH, TEA, WRAP, World, known, line, order

DAY = timedelta(days=1)


async def gone(world: World, *, told: Collection[FulfilmentId] = (), **units: int) -> None:
    """A till sells what was promised, and the hub reacts."""
    await world.sold(TEA, **units)
    await react(world, told=told)


async def react(world: World, *, told: Collection[FulfilmentId] = ()) -> None:
    async def told_of(_tx: Tx, _orders: Collection[OrderId]) -> Collection[FulfilmentId]:
        return told

    async with world.database.transaction() as tx:
        events = await eventlog.read_after(tx, Cursor(0, 0), limit=10_000, types=["stock.short"])
        found = [
            orders.Shortage(PositionKey(TEA, fact.location), fact.cause)
            for fact in (event.fact for event in events)
            if isinstance(fact, StockShort)
        ]
        await orders.repromise(tx, ESTATE, found, told=told_of, known=known, now=NOW)


async def work(world: World, order_id: OrderId) -> list[tuple[str, str, int]]:
    """What locations have to do: where, state, units."""
    return [
        (each.location, each.state.value, int(sum(line.open for line in each.lines)))
        for each in (await world.view(order_id)).fulfilments
    ]


async def said(world: World, order_id: OrderId) -> Sequence[object]:
    """Facts of the order that people hear of."""
    view = await world.view(order_id)
    facts = [event.fact for event in await world.events(view.order.header.correlation_id)]
    return [fact for fact in facts if isinstance(fact, OrderRepromised | OrderBackordered | OrderGoodsGone)]


async def counted(world: World, at: LocationCode) -> tuple[int, int, int, int]:
    """Available, allocated, backordered, short."""
    here = (await world.positions(TEA))[TEA, at]
    return int(here.available), int(here.allocated), int(here.backordered), int(here.short)


async def test_goods_at_another_location_take_the_place_of_those_that_are_gone(world: World) -> None:
    await world.stock(TEA, dc=2, south=5)
    (order_id,) = await world.bought(order("1", line(TEA, 2)))

    await gone(world, dc=1)

    assert await work(world, order_id) == [(DC, "released", 1), (SOUTH, "released", 1)]
    assert (await counted(world, DC), await counted(world, SOUTH)) == ((0, 1, 0, 0), (4, 1, 0, 0))
    (fact,) = await said(world, order_id)
    assert isinstance(fact, OrderRepromised)
    assert [(each.location, each.quantity, each.now_at) for each in fact.lines] == [(DC, Decimal(1), SOUTH)]
    assert fact.cause.startswith("issue ")


async def test_an_order_without_goods_anywhere_waits_and_people_hear_which_and_why(world: World) -> None:
    await world.stock(TEA, dc=2)
    (order_id,) = await world.bought(order("1", line(TEA, 2), promised_by=NOW + DAY))

    await gone(world, dc=2)

    view = await world.view(order_id)
    assert (int(view.order.units.backordered), int(view.order.units.released)) == (2, 0)
    assert await work(world, order_id) == [(DC, "cancelled", 0)]
    assert await counted(world, DC) == (0, 0, 2, 0)
    _, told = await said(world, order_id)
    assert isinstance(told, OrderBackordered)
    assert (told.number, told.promised_by) == ("1", NOW + DAY)
    assert told.reason.startswith("gone at dc: issue ")


async def test_the_last_promise_gives_way_and_the_first_keeps_its_goods(world: World) -> None:
    await world.stock(TEA, dc=3)
    first, last, dear = await world.bought(
        order("first", line(TEA), promised_by=NOW + DAY),
        order("last", line(TEA), promised_by=NOW + 9 * DAY),
        order("dear", line(TEA, price="90"), promised_by=NOW + 9 * DAY),
    )

    await gone(world, dc=1)
    assert [int((await world.view(each)).order.units.backordered) for each in (first, dear, last)] == [0, 0, 1]

    await gone(world, dc=1)
    assert [int((await world.view(each)).order.units.backordered) for each in (first, dear, last)] == [0, 1, 1]


async def test_a_cart_gives_way_before_any_order(world: World) -> None:
    await world.stock(TEA, dc=2)
    (order_id,) = await world.bought(order("1", line(TEA)))
    cart = ReserveRequest(
        key=ReservationKey("cart"),
        kind=ClaimKind.HOLD,
        lines=[ReserveLine(TEA, Decimal(1), [DC])],
        expires_at=NOW + DAY,
    )
    async with world.database.transaction() as tx:
        await inventory.reserve(tx, [cart], origin=Origin.begin("shop"), now=NOW)

    await gone(world, dc=1)

    assert await work(world, order_id) == [(DC, "released", 1)]
    assert await counted(world, DC) == (0, 1, 1, 0)


async def test_a_cart_whose_goods_are_gone_takes_others_when_it_becomes_an_order(world: World) -> None:
    await world.stock(TEA, dc=1)
    cart = ReserveRequest(
        key=ReservationKey("cart"),
        kind=ClaimKind.HOLD,
        lines=[ReserveLine(TEA, Decimal(1), [DC])],
        expires_at=NOW + DAY,
    )
    async with world.database.transaction() as tx:
        await inventory.reserve(tx, [cart], origin=Origin.begin("shop"), now=NOW)
    await gone(world, dc=1)
    await world.stock(TEA, north=1)

    (order_id,) = await world.bought(order("1", line(TEA), reservations=["cart"]))

    assert await work(world, order_id) == [(NORTH, "released", 1)]
    assert await counted(world, DC) == (0, 0, 0, 0)


async def test_a_pickup_does_not_move_to_another_store(world: World) -> None:
    await world.stock(TEA, south=1, north=9)
    (order_id,) = await world.bought(order("1", line(TEA), mode=Mode.PICKUP, pickup=SOUTH))

    await gone(world, south=1)

    assert int((await world.view(order_id)).order.units.backordered) == 1
    assert await counted(world, NORTH) == (9, 0, 0, 0)


async def test_what_nobody_counts_goes_along_with_the_goods_to_their_new_place(world: World) -> None:
    await world.stock(TEA, dc=1, north=1)
    (order_id,) = await world.bought(order("1", line(TEA), line(WRAP)))

    await gone(world, dc=1)

    assert await work(world, order_id) == [(DC, "cancelled", 0), (NORTH, "released", 2)]


async def test_work_that_another_system_was_told_of_is_left_to_people(world: World) -> None:
    await world.stock(TEA, dc=1, north=5)
    (order_id,) = await world.bought(order("1", line(TEA), promised_by=NOW + DAY))

    await gone(world, told=await world.work(order_id), dc=1)

    assert await work(world, order_id) == [(DC, "released", 1)]
    assert await counted(world, DC) == (-1, 1, 0, 1)
    (fact,) = await said(world, order_id)
    assert isinstance(fact, OrderGoodsGone)
    assert (fact.number, fact.location, int(fact.quantity), fact.promised_by) == ("1", DC, 1, NOW + DAY)


async def test_reacting_twice_changes_nothing(world: World) -> None:
    await world.stock(TEA, dc=2, south=5)
    (order_id,) = await world.bought(order("1", line(TEA, 2)))
    await gone(world, dc=1)
    before = (await work(world, order_id), len(await world.facts(order_id)))

    await react(world)

    assert (await work(world, order_id), len(await world.facts(order_id))) == before


async def test_goods_that_come_back_serve_those_who_lost_theirs(world: World) -> None:
    await world.stock(TEA, dc=1)
    (order_id,) = await world.bought(order("1", line(TEA)))
    await gone(world, dc=1)

    await world.land(TEA, dc=1)

    assert await work(world, order_id) == [(DC, "cancelled", 0), (DC, "released", 1)]
    assert "order.backorder_ended" in await world.facts(order_id)


async def test_a_parcel_that_leaves_all_the_same_takes_the_work_from_the_other_location(world: World) -> None:
    await world.stock(TEA, dc=1, north=1)
    (order_id,) = await world.bought(order("1", line(TEA)))
    (first,) = await world.work(order_id)
    await gone(world, dc=1)

    async with world.database.transaction() as tx:
        await orders.ship(tx, Shipping(fulfilment_id=first, reference="P", shipped_at=NOW), now=NOW)

    view = await world.view(order_id)
    assert (int(view.order.units.shipped), int(view.order.units.open)) == (1, 0)
    assert await work(world, order_id) == [(DC, "shipped", 0), (NORTH, "cancelled", 0)]
    assert await counted(world, NORTH) == (1, 0, 0, 0), "its goods are free again"
    assert [hold.hold for hold in view.order.standing] == [HoldCode.SHIPPED_AFTER_CANCEL]


async def test_a_parcel_that_leaves_all_the_same_ends_the_wait(world: World) -> None:
    await world.stock(TEA, dc=1)
    (order_id,) = await world.bought(order("1", line(TEA)))
    (first,) = await world.work(order_id)
    await gone(world, dc=1)

    async with world.database.transaction() as tx:
        await orders.ship(tx, Shipping(fulfilment_id=first, reference="P", shipped_at=NOW), now=NOW)

    assert int((await world.view(order_id)).order.units.shipped) == 1
    assert (await counted(world, DC))[1:] == (0, 0, 0)
    assert (await world.facts(order_id)).count("order.backorder_ended") == 1
