"""Laws of holds that become orders: their units are not claimed again, and one reservation serves one order."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest

from crossdock.canonical.base import LocationCode, OrderId, ReservationKey, Sku
from crossdock.canonical.facts import OrderPlacedOnStock
from crossdock.canonical.stock import Component, ItemDescribed
from crossdock.catalog import service as catalog
from crossdock.eventlog.service import Origin
from crossdock.fulfilment.model import Shipping
from crossdock.inventory import service as inventory
from crossdock.inventory.reservations.model import (
    ClaimKind,
    CommitHold,
    Committed,
    Release,
    Released,
    Reserved,
    ReserveLine,
    ReserveRequest,
    TakenOver,
)
from crossdock.inventory.states import State
from crossdock.orders import service as orders
from orders.kit import DC, NORTH, NOW, POT, TEA, World, line, order

CART = ReservationKey("api.web/cart-1")
SOON = timedelta(minutes=10)


async def hold(
    world: World,
    units: int,
    *,
    key: ReservationKey = CART,
    at: LocationCode = DC,
    until: timedelta = SOON,
    sku: Sku = TEA,
) -> None:
    """A customer's cart."""
    asked = ReserveRequest(
        key=key, kind=ClaimKind.HOLD, lines=[ReserveLine(sku, Decimal(units), [at])], expires_at=NOW + until
    )
    async with world.database.transaction() as tx:
        (outcome,) = await inventory.reserve(tx, [asked], origin=Origin.begin("shop"), now=min(NOW, NOW + until - SOON))
    assert isinstance(outcome, Reserved)


async def state(world: World, key: ReservationKey = CART) -> tuple[State, int]:
    """How the reservation stands, and how many units it still has."""
    async with world.database.transaction() as tx:
        found = (await inventory.find(tx, [key], now=NOW))[key]
    return found.state, int(sum(claim.remaining for claim in found.claims))


async def counters(world: World, at: LocationCode = DC) -> tuple[int, int, int]:
    """Held, allocated, available."""
    position = (await world.positions(TEA))[TEA, at]
    return int(position.held), int(position.allocated), int(position.available)


async def named(world: World, order_id: OrderId) -> Sequence[tuple[str, str]]:
    """What became of the reservations that the order named."""
    view = await world.view(order_id)
    facts = [event.fact for event in await world.events(view.order.header.correlation_id)]
    return [
        (each.reservation, each.outcome)
        for fact in facts
        if isinstance(fact, OrderPlacedOnStock)
        for each in fact.reservations
    ]


async def test_a_customers_own_hold_does_not_backorder_his_order(world: World) -> None:
    await world.stock(TEA, dc=5)
    await hold(world, 5)

    (order_id,) = await world.bought(order("1", line(TEA, 5), reservations=[CART]))

    assert (await world.view(order_id)).order.units.released == 5
    assert await counters(world) == (0, 5, 0)
    assert await state(world) == (State.ALLOCATED, 5)
    assert await named(world, order_id) == [(CART, "taken")]


async def test_its_goods_leave_on_the_reservation(world: World) -> None:
    await world.stock(TEA, dc=5)
    await hold(world, 2)
    (order_id,) = await world.bought(order("1", line(TEA, 2), reservations=[CART]))
    (work,) = await world.work(order_id)

    async with world.database.transaction() as tx:
        await orders.ship(tx, Shipping(fulfilment_id=work, reference="P", shipped_at=NOW), now=NOW)

    assert await state(world) == (State.CONSUMED, 0)
    assert await counters(world) == (0, 0, 3)


async def test_a_committed_reservation_is_consumed_by_its_order(world: World) -> None:
    await world.stock(TEA, dc=5)
    await hold(world, 2)
    async with world.database.transaction() as tx:
        await inventory.commit(tx, [CommitHold(CART)], origin=Origin.begin("shop"), now=NOW)

    await world.bought(order("1", line(TEA, 2), reservations=[CART]))

    assert await counters(world) == (0, 2, 3)


async def test_an_order_claims_only_what_its_reservation_lacks(world: World) -> None:
    await world.stock(TEA, dc=2, north=9)
    await hold(world, 2)

    (order_id,) = await world.bought(order("1", line(TEA, 5), reservations=[CART]))

    work = (await world.view(order_id)).fulfilments
    assert [(each.location, int(each.lines[0].quantity)) for each in work] == [(DC, 2), (NORTH, 3)]
    assert (await counters(world), await counters(world, NORTH)) == ((0, 2, 0), (0, 3, 6))


async def test_what_the_order_does_not_want_of_its_reservation_is_free_again(world: World) -> None:
    await world.stock(TEA, dc=5)
    await hold(world, 5)

    await world.bought(order("1", line(TEA, 2), reservations=[CART]))

    assert await counters(world) == (0, 2, 3)


async def test_a_hold_that_has_lapsed_is_passed_over(world: World) -> None:
    await world.stock(TEA, dc=5)
    await hold(world, 5, until=timedelta(0))

    (order_id,) = await world.bought(order("1", line(TEA, 3), reservations=[CART]))

    assert await named(world, order_id) == [(CART, "expired")]
    assert await counters(world) == (0, 3, 2)


async def test_units_at_a_place_that_cannot_serve_the_order_are_not_used(world: World) -> None:
    await world.stock(TEA, dc=5, attic=5)
    await hold(world, 5, at=LocationCode("attic"))

    await world.bought(order("1", line(TEA, 3), reservations=[CART]))

    assert (await counters(world), await counters(world, LocationCode("attic"))) == ((0, 3, 2), (0, 0, 5))


async def test_a_reservation_serves_one_order(world: World) -> None:
    await world.stock(TEA, dc=5)
    await hold(world, 2)
    placed = [order(f"{n}", line(TEA, 2), reservations=[CART]) for n in range(4)]
    ids = [outcome.order_id for outcome in await world.accept(*placed)]

    await asyncio.gather(*(world.place(each) for each in ids))

    outcomes = sorted([said for each in ids for said in await named(world, each)])
    assert outcomes == [(CART, "taken"), *[(CART, "taken_by_other")] * 3]
    assert await counters(world) == (0, 5, 0), "one of five is left for the third, none for the fourth"


async def test_nobody_but_its_order_ends_a_reservation_that_became_one(world: World) -> None:
    await world.stock(TEA, dc=5)
    await hold(world, 2)
    (order_id,) = await world.bought(order("1", line(TEA, 2), reservations=[CART]))
    letting_go = Release(key=CART, unowned=True)

    async with world.database.transaction() as tx:
        (outcome,) = await inventory.release(tx, [letting_go], origin=Origin.begin("shop"), now=NOW)
    assert outcome == TakenOver(CART, f"order/{order_id}")
    assert await counters(world) == (0, 2, 3)

    async with world.database.transaction() as tx:
        await orders.cancel(tx, order_id, "no", now=NOW)
    assert await counters(world) == (0, 0, 5)


async def test_a_committed_reservation_without_an_order_stands_until_it_is_released(world: World) -> None:
    await world.stock(TEA, dc=5)
    await hold(world, 2)
    async with world.database.transaction() as tx:
        (committed,) = await inventory.commit(tx, [CommitHold(CART)], origin=Origin.begin("shop"), now=NOW)
    assert isinstance(committed, Committed)

    async with world.database.transaction() as tx:
        await inventory.lapse(tx, origin=Origin.begin("holds"), now=NOW + timedelta(days=400))
    assert await state(world) == (State.ALLOCATED, 2)

    async with world.database.transaction() as tx:
        (released,) = await inventory.release(
            tx, [Release(key=CART, unowned=True)], origin=Origin.begin("shop"), now=NOW
        )
    assert isinstance(released, Released)
    assert await counters(world) == (0, 0, 5)


async def test_placing_again_takes_nothing_twice(world: World) -> None:
    await world.stock(TEA, dc=5)
    await hold(world, 2)
    (order_id,) = await world.bought(order("1", line(TEA, 4), reservations=[CART]))

    await world.place(order_id)

    assert await counters(world) == (0, 4, 1)
    assert len((await world.view(order_id)).fulfilments) == 2


async def test_units_that_its_locations_work_on_are_not_taken_again_when_others_look_for_a_place(world: World) -> None:
    await world.stock(TEA, dc=2)
    await hold(world, 2)
    (order_id,) = await world.bought(order("1", line(TEA, 4), reservations=[CART]))
    async with world.database.transaction() as tx:  # nothing is kept any more for those that wait
        (waiting,) = await inventory.waiting(tx, [TEA])
        await inventory.release(tx, [Release(key=waiting.claim.key)], origin=Origin.begin("test"), now=NOW)

    await world.place(order_id)

    view = await world.view(order_id)
    assert (int(view.order.units.released), int(view.order.units.backordered)) == (2, 2)
    assert len(view.fulfilments) == 1


def test_an_order_names_a_reservation_once() -> None:
    with pytest.raises(ValueError, match="once"):
        order("1", line(TEA, 1), reservations=[CART, CART])


async def test_what_a_kit_is_made_of_stays_with_the_order_that_its_hold_became(world: World) -> None:
    """Nobody takes the order apart yet: until a person has, the customer's goods are not sold to somebody else."""
    await world.stock(TEA, dc=5)
    hamper = ItemDescribed(sku=POT, name="Hamper", components=(Component(sku=TEA, quantity=Decimal(2)),))
    async with world.database.transaction() as tx:
        await catalog.describe(tx, [hamper], origin=Origin.begin("test"), now=NOW)
    await hold(world, 2)

    (order_id,) = await world.bought(order("1", line(POT), reservations=[CART]))

    assert (await world.view(order_id)).order.units.backordered == 1
    assert await counters(world) == (0, 2, 3)
    async with world.database.transaction() as tx:
        await orders.cancel(tx, order_id, "no", now=NOW)
    assert await counters(world) == (0, 0, 5)
