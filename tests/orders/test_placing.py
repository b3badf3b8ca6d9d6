"""Laws of placing: what is promised stands on goods, what is not there waits, and no order fails another."""

import asyncio
from decimal import Decimal

from crossdock.canonical.base import OrderId, Sku
from crossdock.canonical.facts import OrderPlacedOnStock
from crossdock.canonical.orders import Mode, PaymentStatus
from crossdock.canonical.stock import FloorMovement
from crossdock.eventlog.service import Origin
from crossdock.foundation.ids import new_id
from crossdock.inventory import service as inventory
from crossdock.inventory.model import MovementKey, NewMovement
from crossdock.orders import service as orders
from crossdock.orders.model import Held, HoldCode, HoldReleased, NoSuchHold, NotFound, NothingToPlace, Placed
from crossdock.orders.states import OrderStatus
from orders.kit import DC, ESTATE, MUG, NORTH, NOW, POT, SOUTH, TEA, World, known, line, order


async def test_a_placed_order_stands_on_the_best_location_that_has_everything(world: World) -> None:
    await world.stock(TEA, dc=1, north=5, south=5)
    await world.stock(MUG, dc=5, north=5, south=5)

    (order_id,) = await world.bought(order("1", line(TEA, 2), line(MUG, 1)))

    view = await world.view(order_id)
    assert [(each.location, each.state) for each in view.fulfilments] == [(NORTH, "released")]
    assert view.status is OrderStatus.RELEASED
    assert (await world.positions(TEA))[TEA, NORTH].allocated == 2
    assert [fact for fact in await world.facts(order_id) if not fact.startswith("stock.")] == [
        "order.accepted",
        "order.placed",
        "fulfilment.released",
    ]


async def test_what_no_location_has_waits_and_is_released_when_goods_land(world: World) -> None:
    await world.stock(TEA, dc=1, north=1)
    (order_id,) = await world.bought(order("1", line(TEA, 5)))

    view = await world.view(order_id)
    assert (view.order.units.released, view.order.units.backordered) == (Decimal(2), Decimal(3))

    await world.stock(TEA, south=2)
    async with world.database.transaction() as tx:
        outcomes = await orders.retry_backorders(tx, ESTATE, [TEA], known=known, now=NOW)

    assert [type(outcome) for outcome in outcomes] == [Placed]
    view = await world.view(order_id)
    assert (view.order.units.released, view.order.units.backordered) == (Decimal(4), Decimal(1))
    assert [each.location for each in view.fulfilments] == [DC, NORTH, SOUTH]


async def test_who_waits_longest_is_served_first_when_goods_land(world: World) -> None:
    first, second = await world.bought(order("1", line(TEA, 2)), order("2", line(TEA, 2)))

    await world.land(TEA, dc=3)

    assert (await world.view(first)).order.units.backordered == 0
    assert (await world.view(second)).order.units.backordered == 1


async def test_goods_that_nobody_has_ask_nobody_and_write_nothing(world: World) -> None:
    (order_id,) = await world.bought(order("1", line(TEA, 2)))
    before = await world.facts(order_id)

    async with world.database.transaction() as tx:
        assert not await orders.retry_backorders(tx, ESTATE, [TEA], known=known, now=NOW)

    assert await world.facts(order_id) == before


async def test_goods_where_the_channel_is_not_served_from_ask_nobody(world: World) -> None:
    (order_id,) = await world.bought(order("1", line(TEA, 2), mode=Mode.PICKUP, pickup=SOUTH))
    await world.stock(TEA, dc=5)

    async with world.database.transaction() as tx:
        outcomes = await orders.retry_backorders(tx, ESTATE, [TEA], known=known, now=NOW)

    assert outcomes == [NothingToPlace(order_id)]


async def test_an_item_that_becomes_known_names_the_orders_that_waited_for_it(world: World) -> None:
    bad, _ = await world.bought(order("1", line("NEW")), order("2"))

    async with world.database.transaction() as tx:
        assert await orders.held_for_items(tx, [Sku("NEW"), TEA]) == [bad]
        assert await orders.held_for_items(tx, [TEA]) == []


async def test_an_order_of_an_unsplittable_channel_is_worked_on_by_one_location(world: World) -> None:
    await world.stock(TEA, dc=1, north=3, south=2)

    (order_id,) = await world.bought(order("1", line(TEA, 4), channel="whole"))

    view = await world.view(order_id)
    assert [each.location for each in view.fulfilments] == [NORTH]
    assert view.order.units.backordered == 1


async def test_a_pickup_is_served_where_the_customer_goes_and_nowhere_else(world: World) -> None:
    await world.stock(TEA, dc=9, south=1)

    (order_id,) = await world.bought(order("1", line(TEA, 2), mode=Mode.PICKUP, pickup=SOUTH))

    view = await world.view(order_id)
    assert [each.location for each in view.fulfilments] == [SOUTH]
    assert view.order.units.backordered == 1


async def test_placing_twice_claims_once(world: World) -> None:
    await world.stock(TEA, dc=9)
    (order_id,) = await world.bought(order("1", line(TEA, 2)))

    (again,) = await world.place(order_id)
    twice = await world.place(order_id, order_id)

    assert again == NothingToPlace(order_id)
    assert twice == [NothingToPlace(order_id)] * 2
    assert await world.allocated(TEA) == 2


async def test_an_unknown_sku_holds_its_order_with_the_exact_path_and_no_neighbour(world: World) -> None:
    await world.stock(TEA, dc=9)
    bad, good = [
        outcome.order_id
        for outcome in await world.accept(order("1", line(TEA), line("NONSENSE")), order("2", line(TEA)))
    ]

    outcomes = await world.place(bad, good)

    assert outcomes[0] == Held(bad, (HoldCode.UNKNOWN_SKU,))
    assert isinstance(outcomes[1], Placed)
    (hold,) = (await world.view(bad)).order.standing
    assert (hold.path, hold.reason) == ("$.lines[1].sku", "no item NONSENSE")
    assert (await world.view(bad)).status is OrderStatus.HELD


async def test_a_hold_whose_reason_is_gone_goes_by_itself(world: World) -> None:
    await world.stock(TEA, dc=9)
    (order_id,) = await world.bought(order("1", payment=PaymentStatus.PENDING, minutes=1))
    assert [hold.hold for hold in (await world.view(order_id)).order.standing] == [HoldCode.PAYMENT]

    await world.accept(order("1", payment=PaymentStatus.PAID, minutes=2))
    (placed,) = await world.place(order_id)

    assert isinstance(placed, Placed)
    assert not (await world.view(order_id)).order.standing
    facts = await world.facts(order_id)
    assert facts.index("order.payment_changed") < facts.index("order.hold_released") < facts.index("order.placed")


async def test_a_reason_that_stays_is_told_once(world: World) -> None:
    (order_id,) = await world.bought(order("1", payment=PaymentStatus.PENDING))

    await world.place(order_id)
    await world.place(order_id)

    assert (await world.facts(order_id)).count("order.held") == 1


async def test_a_reason_that_went_by_itself_holds_again_when_it_comes_back(world: World) -> None:
    (order_id,) = await world.bought(order("1", payment=PaymentStatus.PENDING, minutes=1))
    await world.accept(order("1", payment=PaymentStatus.PAID, minutes=2))
    await world.place(order_id)

    await world.accept(order("1", payment=PaymentStatus.PENDING, minutes=3))
    (outcome,) = await world.place(order_id)

    assert outcome == Held(order_id, (HoldCode.PAYMENT,))


async def test_what_a_person_overrules_does_not_hold_again(world: World) -> None:
    await world.stock(TEA, dc=9)
    (order_id,) = await world.bought(order("1", total="99"))
    assert [hold.hold for hold in (await world.view(order_id)).order.standing] == [HoldCode.TOTAL_MISMATCH]

    async with world.database.transaction() as tx:
        released = await orders.release_hold(
            tx, order_id, HoldCode.TOTAL_MISMATCH, who="ann", reason="a voucher", now=NOW
        )
        again = await orders.release_hold(tx, order_id, HoldCode.TOTAL_MISMATCH, who="ann", reason="a voucher", now=NOW)
    (placed,) = await world.place(order_id)

    assert (released, again) == (HoldReleased(order_id), NoSuchHold(order_id))
    assert isinstance(placed, Placed)


async def test_nobody_can_overrule_an_item_that_does_not_exist(world: World) -> None:
    (order_id,) = await world.bought(order("1", line("NONSENSE")))

    async with world.database.transaction() as tx:
        await orders.release_hold(tx, order_id, HoldCode.UNKNOWN_SKU, who="ann", reason="send it", now=NOW)
    (outcome,) = await world.place(order_id)

    assert outcome == Held(order_id, (HoldCode.UNKNOWN_SKU,))


async def test_a_difference_within_the_channels_tolerance_is_rounding(world: World) -> None:
    await world.stock(TEA, dc=9)
    within, beyond = await world.bought(order("1", total="4.55"), order("2", total="4.56"))

    assert not (await world.view(within)).order.holds
    assert [hold.hold for hold in (await world.view(beyond)).order.standing] == [HoldCode.TOTAL_MISMATCH]


async def test_channel_currency_and_pickup_location_must_be_known(world: World) -> None:
    strange, nowhere = await world.bought(order("1", channel="bazaar"), order("2", mode=Mode.PICKUP, pickup=DC))

    assert [hold.hold for hold in (await world.view(strange)).order.standing] == [HoldCode.UNKNOWN_CHANNEL]
    assert [hold.hold for hold in (await world.view(nowhere)).order.standing] == [HoldCode.UNKNOWN_LOCATION]


async def test_an_order_the_database_refuses_is_held_and_its_neighbours_are_placed(world: World) -> None:
    await world.stock(TEA, dc=9)
    await world.stock(POT, dc=9)
    ids = [outcome.order_id for outcome in await world.accept(order("1"), order("2", line(POT)), order("3"))]
    async with world.database.transaction() as tx:
        await tx.execute("ALTER TABLE fulfilment.line ADD CONSTRAINT no_pots CHECK (sku <> 'POT')")

    outcomes = await world.place(*ids, OrderId(new_id()))

    assert [type(outcome) for outcome in outcomes] == [Placed, Held, Placed, NotFound]
    (hold,) = (await world.view(ids[1])).order.standing
    assert hold.hold is HoldCode.UNPLACEABLE
    assert "no_pots" in hold.reason
    assert await world.allocated(POT) == 0


async def test_more_units_than_the_books_hold_wait_for_a_person(world: World) -> None:
    most = "999999999999999999"
    lines = [line(TEA, most, line_id=name, price="0") for name in ("a", "b")]

    (order_id,) = await world.bought(order("1", *lines))

    assert [hold.hold for hold in (await world.view(order_id)).order.standing] == [HoldCode.UNPLACEABLE]


async def test_the_last_units_are_never_sold_twice_while_tills_sell_them_too(world: World) -> None:
    await world.stock(TEA, dc=20, north=20)
    ids = [outcome.order_id for outcome in await world.accept(*(order(f"o{n}", line(TEA, 2)) for n in range(30)))]

    async def till(number: int) -> None:
        movement = NewMovement(
            key=MovementKey(f"till-{number}"),
            kind=FloorMovement.ISSUE,
            sku=TEA,
            location=NORTH if number % 2 else DC,
            quantity=Decimal(1),
            happened_at=NOW,
        )
        async with world.database.transaction() as tx:
            await inventory.record(tx, [movement], origin=Origin.begin("till"), now=NOW)

    await asyncio.gather(*(world.place(*ids[n::6]) for n in range(6)), *(till(n) for n in range(10)))

    positions = await world.positions(TEA)
    released = Decimal(0)
    for order_id in ids:
        units = (await world.view(order_id)).order.units
        assert units.released + units.backordered == 2
        released += units.released
    assert released == await world.allocated(TEA)
    assert all(each.available + each.short >= 0 for each in positions.values())
    assert released - sum(each.short for each in positions.values()) <= 30


async def test_the_plan_says_where_each_unit_of_two_lines_of_one_item_stands(world: World) -> None:
    await world.stock(POT, dc=2, north=2)

    (order_id,) = await world.bought(order("1", line(POT, 1, line_id="a"), line(POT, 3, line_id="b")))

    header = (await world.view(order_id)).order.header
    facts = [event.fact for event in await world.events(header.correlation_id)]
    (placed,) = [fact for fact in facts if isinstance(fact, OrderPlacedOnStock)]
    assert [(each.line_id, each.location, each.quantity) for each in placed.lines] == [
        ("a", DC, Decimal(1)),
        ("b", DC, Decimal(1)),
        ("b", NORTH, Decimal(2)),
    ]
    assert await world.allocated(POT) == 4
