"""Laws of items that nobody counts: they need no goods, go along with those of their order, or are issued at once."""

from decimal import Decimal

from crossdock.canonical.base import OrderId
from crossdock.canonical.facts import FulfilmentReleased, FulfilmentShipped, OrderPlacedOnStock
from crossdock.fulfilment.model import Shipped
from crossdock.orders import service as orders
from crossdock.orders.model import Cancelled, Placed, RestCancelled
from crossdock.orders.service import Shipping
from crossdock.orders.states import OrderStatus
from orders.kit import CARD, DC, MUG, NOW, TEA, WRAP, World, line, order


async def ship(world: World, order_id: OrderId, at: int = 0, **lines: int) -> None:
    shipping = Shipping(
        fulfilment_id=(await world.work(order_id))[at],
        reference=f"P{at}{lines}",
        shipped_at=NOW,
        lines={f"l-{sku}": Decimal(units) for sku, units in lines.items()} or None,
    )
    async with world.database.transaction() as tx:
        assert isinstance(await orders.ship(tx, shipping, now=NOW), Shipped)


async def told(world: World, order_id: OrderId, kind: type) -> list[list[tuple[str, int, bool]]]:
    header = (await world.view(order_id)).order.header
    facts = [event.fact for event in await world.events(header.correlation_id)]
    return [
        sorted((str(each.sku), int(each.quantity), each.tracked) for each in fact.lines)
        for fact in facts
        if isinstance(fact, kind) and isinstance(fact, FulfilmentReleased | FulfilmentShipped)
    ]


async def status(world: World, order_id: OrderId) -> OrderStatus:
    return (await world.view(order_id)).status


async def test_gift_wrapping_needs_no_goods_and_goes_along_with_the_goods(world: World) -> None:
    await world.stock(TEA, dc=9)

    (order_id,) = await world.bought(order("1", line(WRAP), line(TEA, 2)))

    assert await told(world, order_id, FulfilmentReleased) == [[(TEA, 2, True), (WRAP, 1, False)]]
    assert await status(world, order_id) is OrderStatus.RELEASED
    await ship(world, order_id)
    assert await status(world, order_id) is OrderStatus.COMPLETED
    assert await told(world, order_id, FulfilmentShipped) == [[(TEA, 2, True), (WRAP, 1, False)]]
    assert await world.positions(WRAP) == {}, "no stock has moved"
    assert (await world.on_hand(TEA), await world.allocated(TEA)) == (7, 0)


async def test_it_goes_with_the_first_goods_of_a_split_order_and_only_once(world: World) -> None:
    await world.stock(TEA, dc=1, north=1)

    (order_id,) = await world.bought(order("1", line(TEA, 3), line(WRAP, 2)))
    await world.land(TEA, south=1)

    released = await told(world, order_id, FulfilmentReleased)
    assert [(sku, units) for each in released for sku, units, _ in each] == [(TEA, 1), (WRAP, 2), (TEA, 1), (TEA, 1)]


async def test_it_waits_when_its_goods_are_missing_and_goes_when_they_land(world: World) -> None:
    (order_id,) = await world.bought(order("1", line(TEA, 1), line(WRAP)))

    header = (await world.view(order_id)).order.header
    (placed,) = [
        event.fact for event in await world.events(header.correlation_id) if isinstance(event.fact, OrderPlacedOnStock)
    ]
    assert [each.sku for each in placed.backordered] == [TEA], "nobody waits for wrapping to come in"
    assert await status(world, order_id) is OrderStatus.BACKORDERED

    await world.land(TEA, dc=1)

    assert await told(world, order_id, FulfilmentReleased) == [[(TEA, 1, True), (WRAP, 1, False)]]


async def test_an_order_of_nothing_that_is_counted_is_issued_when_it_is_placed(world: World) -> None:
    (accepted,) = await world.accept(order("1", line(CARD, 2)))

    (outcome,) = await world.place(accepted.order_id)
    (again,) = await world.place(accepted.order_id)

    assert isinstance(outcome, Placed)
    assert not isinstance(again, Placed)
    view = await world.view(accepted.order_id)
    assert view.status is OrderStatus.COMPLETED
    assert [(each.location, len(each.parcels)) for each in view.fulfilments] == [(DC, 1)]
    assert await world.facts(accepted.order_id) == [
        "order.accepted",
        "order.placed",
        "fulfilment.shipped",
        "order.completed",
    ]
    assert await world.positions(CARD) == {}


async def test_who_ships_tells_of_goods_and_the_rest_goes_with_the_last_of_them(world: World) -> None:
    await world.stock(TEA, dc=9)
    await world.stock(MUG, dc=9)
    (order_id,) = await world.bought(order("1", line(TEA, 2), line(MUG), line(WRAP)))

    await ship(world, order_id, TEA=1)
    assert await status(world, order_id) is OrderStatus.PARTLY_SHIPPED
    await ship(world, order_id, TEA=1, MUG=1)

    assert await status(world, order_id) is OrderStatus.COMPLETED
    assert await told(world, order_id, FulfilmentShipped) == [
        [(TEA, 1, True)],
        [(MUG, 1, True), (TEA, 1, True), (WRAP, 1, False)],
    ]


async def test_cancelling_frees_the_goods_and_nothing_else(world: World) -> None:
    await world.stock(TEA, dc=9)
    whole, rest = await world.bought(order("1", line(TEA), line(WRAP)), order("2", line(TEA, 2), line(WRAP)))
    await ship(world, rest, TEA=1)

    async with world.database.transaction() as tx:
        outcomes = [await orders.cancel(tx, each, "no", now=NOW) for each in (whole, rest)]

    assert outcomes == [Cancelled(whole), RestCancelled(rest, Decimal(1))]
    assert await world.allocated(TEA) == 0
    assert await world.positions(WRAP) == {}


async def test_issued_goods_of_an_order_whose_payment_is_missing_wait_like_any(world: World) -> None:
    (held,) = await world.bought(order("1", line(CARD), total="99"))

    assert await status(world, held) is OrderStatus.HELD
    assert await world.work(held) == []
