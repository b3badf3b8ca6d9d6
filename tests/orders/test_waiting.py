"""Laws of orders without goods: they stand on claims, goods go to the oldest promise, and people hear of it in time."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import msgspec

from crossdock.canonical.base import OrderId
from crossdock.canonical.facts import OrderBackordered
from crossdock.canonical.orders import Mode
from crossdock.estate.model import BackorderLimit, Estate
from crossdock.eventlog.service import Origin
from crossdock.inventory import service as inventory
from crossdock.inventory.expected.model import Purchase, PurchaseLine
from crossdock.inventory.model import Position
from crossdock.inventory.reservations.model import Release
from crossdock.inventory.waiting.model import Basis
from crossdock.orders import service as orders
from crossdock.orders.model import HoldCode, Placed, PlaceOutcome
from orders.kit import DC, ESTATE, NORTH, NOW, SOUTH, TEA, World, known, line, order

PATIENT = msgspec.structs.replace(
    ESTATE,
    channels=tuple(msgspec.structs.replace(channel, backorder=True) for channel in ESTATE.channels),
    backorder_limits=(BackorderLimit(quantity=Decimal(3)),),
)
"""The same retailer, whose channels sell three units of an item without goods."""
DAY = timedelta(days=1)


async def waiting(world: World) -> list[tuple[OrderId, str, int]]:
    """Orders that wait for tea, the first ranked first: where, and how many units."""
    async with world.database.transaction() as tx:
        found = await inventory.waiting(tx, [TEA])
        whose = await orders.orders_of(tx, {each.claim.key for each in found})
    return [(whose[each.claim.key], each.claim.location, int(each.claim.remaining)) for each in found]


def counted(position: Position) -> tuple[int, int, int, int]:
    """Allocated, backordered, available, short."""
    return int(position.allocated), int(position.backordered), int(position.available), int(position.short)


async def told(world: World, order_id: OrderId) -> Sequence[OrderBackordered]:
    """What people heard of the order."""
    view = await world.view(order_id)
    facts = [event.fact for event in await world.events(view.order.header.correlation_id)]
    return [fact for fact in facts if isinstance(fact, OrderBackordered)]


async def look(world: World, *, estate: Estate = ESTATE, after: timedelta = timedelta()) -> None:
    """The clock that looks at those who wait."""
    async with world.database.transaction() as tx:
        await orders.look_at_waiting(tx, estate, known=known, now=NOW + after)


async def bought(world: World, estate: Estate = PATIENT, **wanted: int) -> list[OrderId]:
    """Orders of tea, by name."""
    placed = [order(name, line(TEA, units)) for name, units in wanted.items()]
    ids = [outcome.order_id for outcome in await world.accept(*placed)]
    await world.place(*ids, estate=estate)
    return ids


async def test_what_is_missing_is_claimed_where_the_rest_was_found(world: World) -> None:
    await world.stock(TEA, north=2)

    (order_id,) = await world.bought(order("1", line(TEA, 5)))

    assert await waiting(world) == [(order_id, NORTH, 3)]
    position = (await world.positions(TEA))[TEA, NORTH]
    assert counted(position) == (2, 3, 0, 0)


async def test_goods_that_land_go_to_the_oldest_promise_and_not_to_who_asked_first(world: World) -> None:
    late = order("late", line(TEA, 2), promised_by=NOW + 9 * DAY)
    soon = order("soon", line(TEA, 2), promised_by=NOW + 2 * DAY)
    dear = order("dear", line(TEA, 2, price="90"), promised_by=NOW + 2 * DAY)
    a_late, a_soon, a_dear = await world.bought(late, soon, dear)

    assert [order_id for order_id, _, _ in await waiting(world)] == [a_dear, a_soon, a_late]
    await world.land(TEA, dc=3)

    assert [(await world.view(each)).order.units.backordered for each in (a_dear, a_soon, a_late)] == [0, 1, 2]


async def test_who_comes_later_cannot_take_what_has_landed_for_those_who_wait(world: World) -> None:
    await world.bought(order("1", line(TEA, 2)))

    await world.stock(TEA, dc=2)
    (second,) = await world.bought(order("2", line(TEA, 1)))

    assert (await world.view(second)).order.units.backordered == 1


async def test_goods_anywhere_in_the_pool_reach_who_waits_elsewhere(world: World) -> None:
    first, second = await world.bought(order("1", line(TEA, 2)), order("2", line(TEA, 2)))

    await world.land(TEA, south=3)

    assert [each.location for each in (await world.view(first)).fulfilments] == [SOUTH]
    assert (await world.view(second)).order.units.backordered == 1
    assert await waiting(world) == [(second, DC, 1)]


async def test_goods_where_the_order_may_not_be_served_from_are_left_alone(world: World) -> None:
    (order_id,) = await world.bought(order("1", line(TEA, 2), mode=Mode.PICKUP, pickup=SOUTH))

    assert await world.land(TEA, dc=5) == []
    assert (await world.view(order_id)).order.units.backordered == 2


async def test_many_who_cannot_be_served_do_not_hide_one_who_can(world: World) -> None:
    pickups = [order(f"p{n}", line(TEA), mode=Mode.PICKUP, pickup=SOUTH, promised_by=NOW - DAY) for n in range(230)]
    await world.bought(*pickups)
    (order_id,) = await world.bought(order("1", line(TEA)))

    await world.land(TEA, north=1)

    assert (await world.view(order_id)).order.units.backordered == 0


async def test_a_held_order_gets_its_goods_but_no_location_starts(world: World) -> None:
    (order_id,) = await world.bought(order("1", line(TEA, 2)))
    async with world.database.transaction() as tx:
        await orders.hold_order(tx, order_id, "ask first", now=NOW)

    await world.land(TEA, dc=2)
    assert (await world.view(order_id)).fulfilments == ()
    assert (await world.positions(TEA))[TEA, DC].allocated == 2

    async with world.database.transaction() as tx:
        await orders.release_hold(tx, order_id, HoldCode.MANUAL, who="ann", reason="fine", now=NOW)
    await world.place(order_id)

    assert [each.location for each in (await world.view(order_id)).fulfilments] == [DC]
    assert await world.allocated(TEA) == 2


async def test_a_cancelled_order_waits_for_nothing(world: World) -> None:
    await world.stock(TEA, dc=1)
    (order_id,) = await world.bought(order("1", line(TEA, 3)))

    async with world.database.transaction() as tx:
        await orders.cancel(tx, order_id, "no", now=NOW)

    position = (await world.positions(TEA))[TEA, DC]
    assert counted(position) == (0, 0, 1, 0)
    assert await waiting(world) == []
    assert "order.backorder_ended" in await world.facts(order_id)


async def test_who_waits_gets_the_first_day_that_something_comes(world: World) -> None:
    receipt = Purchase(
        reference="PO-1",
        location=DC,
        revised_at=NOW,
        lines=[PurchaseLine(sku=TEA, quantity=Decimal(4), due_at=NOW + 3 * DAY)],
    )
    async with world.database.transaction() as tx:
        await inventory.announce(tx, [receipt], origin=Origin.begin("test"), now=NOW)

    (order_id,) = await world.bought(order("1", line(TEA, 2)))

    async with world.database.transaction() as tx:
        (found,) = await inventory.waiting(tx, [TEA])
    assert (found.claim.basis, found.claim.due_by) == (Basis.DATED, NOW + 3 * DAY)
    assert await told(world, order_id) == [], "it has a day"


# ------------------------------------------------------------------------------------------- people hear of it


async def test_where_nothing_is_sold_without_goods_people_hear_of_it_at_once(world: World) -> None:
    (order_id,) = await world.bought(order("1", line(TEA, 5)))

    (fact,) = await told(world, order_id)
    assert (fact.number, fact.reason) == ("1", "web does not sell without goods")
    assert [(each.sku, int(each.quantity)) for each in fact.lines] == [("TEA", 5)]


async def test_where_it_is_people_hear_of_it_when_it_takes_longer_than_the_estate_says(world: World) -> None:
    (order_id,) = await bought(world, o1=2)

    await look(world, estate=PATIENT, after=DAY - timedelta(seconds=1))
    assert await told(world, order_id) == []

    await look(world, estate=PATIENT, after=DAY)
    await look(world, estate=PATIENT, after=DAY + timedelta(hours=1))
    assert len(await told(world, order_id)) == 1, "once"


async def test_people_hear_at_once_of_an_order_beyond_what_may_be_owed(world: World) -> None:
    (within,) = await bought(world, o1=3)
    (beyond,) = await bought(world, o2=1)

    assert await told(world, within) == []
    assert [each.reason for each in await told(world, beyond)] == ["4 x TEA are owed, 3 may be"]


async def test_it_is_over_when_the_last_unit_has_its_goods(world: World) -> None:
    (order_id,) = await world.bought(order("1", line(TEA, 2)))

    await world.land(TEA, dc=1)
    assert "order.backorder_ended" not in await world.facts(order_id)

    await world.land(TEA, dc=1)
    assert (await world.facts(order_id)).count("order.backorder_ended") == 1


async def test_units_that_waited_before_there_were_claims_get_one_at_the_next_look(world: World) -> None:
    (order_id,) = await bought(world, o1=2)
    async with world.database.transaction() as tx:  # as the release before left it
        (found,) = await inventory.waiting(tx, [TEA])
        await inventory.release(tx, [Release(key=found.claim.key)], origin=Origin.begin("test"), now=NOW)
    assert await waiting(world) == []

    await look(world, estate=PATIENT, after=DAY)

    assert await waiting(world) == [(order_id, DC, 2)]


async def test_units_that_are_cancelled_wait_no_longer_and_the_others_do(world: World) -> None:
    await world.stock(TEA, dc=1)
    (order_id,) = await world.bought(order("1", line(TEA, 4)))

    async with world.database.transaction() as tx:
        await orders.cancel_lines(tx, order_id, {"l-TEA": Decimal(2)}, "no", now=NOW)
    assert await waiting(world) == [(order_id, DC, 1)]

    async with world.database.transaction() as tx:
        await orders.cancel_lines(tx, order_id, {"l-TEA": Decimal(3)}, "no", now=NOW)
    assert await waiting(world) == []
    assert counted((await world.positions(TEA))[TEA, DC]) == (1, 0, 0, 0)
    assert (await world.facts(order_id)).count("order.backorder_ended") == 1


async def test_what_moves_where_no_channel_ships_from_sets_nobody_who_waits_in_motion(world: World) -> None:
    alone = msgspec.structs.replace(
        PATIENT, channels=tuple(msgspec.structs.replace(each, pool=(DC, SOUTH)) for each in PATIENT.channels)
    )
    await bought(world, alone, first=1)
    await world.stock(TEA, north=5)

    async def retried() -> Sequence[PlaceOutcome]:
        async with world.database.transaction() as tx:
            return await orders.retry_backorders(tx, alone, [TEA], known=known, now=NOW)

    assert await retried() == []
    await world.stock(TEA, south=1)
    assert [type(each) for each in await retried()] == [Placed]
