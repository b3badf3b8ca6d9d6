"""Units of accepted orders are promised before they stand anywhere: what may be sold reckons with them until then."""

from decimal import Decimal

from crossdock.availability import service as availability
from crossdock.canonical.base import ChannelCode, OrderId
from crossdock.foundation.db import fetch_tuples
from crossdock.orders import service as orders
from orders.kit import ESTATE, MUG, NOW, POT, TEA, World, line, order

WEB, WHOLE = ChannelCode("web"), ChannelCode("whole")


async def waiting(world: World) -> dict[str, int]:
    """By item; inventory and orders agree on every line."""
    async with world.database.transaction() as tx:
        kept = await fetch_tuples(tx, "SELECT order_id, line_id, sku, quantity FROM inventory.unplaced ORDER BY 1, 2")
        meant = await fetch_tuples(
            tx, "SELECT order_id, line_id, sku, unplaced FROM orders.line WHERE unplaced > 0 ORDER BY 1, 2"
        )
    assert kept == meant
    found: dict[str, int] = {}
    for _, _, sku, units in kept:
        found[sku] = found.get(sku, 0) + int(units)
    return found


async def sellable(world: World, channel: ChannelCode = WEB) -> int:
    async with world.database.transaction() as tx:
        (found,) = await availability.query(tx, ESTATE, [(TEA, channel)], now=NOW)
    return int(found.sellable)


async def accept(world: World, quantity: int) -> OrderId:
    (outcome,) = await world.accept(order(f"W-{quantity}", line(TEA, quantity)))
    return outcome.order_id


async def test_an_accepted_order_lowers_what_every_channel_of_its_places_may_sell_until_it_is_placed(
    world: World,
) -> None:
    await world.stock(TEA, dc=5, north=4)
    order_id = await accept(world, 3)

    assert (await waiting(world), await sellable(world), await sellable(world, WHOLE)) == ({TEA: 3}, 6, 6)
    await world.place(order_id)

    assert (await waiting(world), await sellable(world), await sellable(world, WHOLE)) == ({}, 6, 6)


async def test_an_order_that_is_held_counts_until_it_is_placed(world: World) -> None:
    await world.stock(TEA, dc=5)
    (outcome,) = await world.accept(order("W-1", line(TEA, 2), total="1.00"))

    await world.place(outcome.order_id)
    assert (await waiting(world), await sellable(world)) == ({TEA: 2}, 3)
    async with world.database.transaction() as tx:
        view = await orders.get(tx, outcome.order_id)
        assert view is not None
        for hold in view.order.holds:
            await orders.release_hold(tx, outcome.order_id, hold.hold, who="ops", reason="fine", now=NOW)
    await world.place(outcome.order_id)

    assert (await waiting(world), await sellable(world)) == ({}, 3)


async def test_units_that_nobody_wants_any_more_do_not_wait(world: World) -> None:
    await world.stock(TEA, dc=5)
    (outcome,) = await world.accept(order("W-1", line(TEA, 4), line(MUG, 2)))
    async with world.database.transaction() as tx:
        await orders.cancel_lines(tx, outcome.order_id, {"l-TEA": Decimal(1)}, "one is enough", now=NOW)
    assert (await waiting(world), await sellable(world)) == ({TEA: 3, MUG: 2}, 2)

    async with world.database.transaction() as tx:
        await orders.cancel(tx, outcome.order_id, "gone", now=NOW)

    assert (await waiting(world), await sellable(world)) == ({}, 5)


async def test_an_order_that_is_told_twice_waits_once(world: World) -> None:
    await world.accept(order("W-1", line(TEA, 2)), order("W-1", line(TEA, 2)))
    await world.accept(order("W-1", line(TEA, 2)), order("W-2", line(POT)))

    assert await waiting(world) == {TEA: 2, POT: 1}


async def test_what_has_neither_place_nor_goods_does_not_wait_for_a_place(world: World) -> None:
    """It is a backorder, which has counters of its own."""
    await world.bought(order("W-1", line(TEA, 2)))

    assert await waiting(world) == {}
