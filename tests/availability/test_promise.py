"""What channels may sell: the formulas on real stock, holds against one another, and the reasons."""

import asyncio
from decimal import Decimal

import pytest

from availability.shop_window import ESTATE, MARKET, WEB, ask, estate, held, hold, later
from crossdock.availability import service
from crossdock.availability.model import HoldLine, HoldRequest, Reason, Rule
from crossdock.canonical.base import ChannelCode, ReservationKey
from crossdock.canonical.orders import Mode
from crossdock.canonical.stock import Bucket, FloorMovement, ItemDescribed
from crossdock.catalog import service as catalog
from crossdock.estate.model import ChannelBuffer, SafetyStock
from crossdock.foundation.db import Database
from crossdock.inventory.model import NewMovement
from crossdock.inventory.reservations.model import Fill, OutOfStock, Reserved
from inventory.shop_floor import (
    DC,
    MINUTE,
    NOW,
    ORIGIN,
    SHOP,
    STORE,
    A,
    B,
    allocation,
    commit,
    differences,
    each,
    grant,
    line,
    movement,
    position,
    receive,
    record,
    reserve,
    units,
)


async def test_the_promise_is_the_sum_over_the_pool(database: Database) -> None:
    await receive(database, 5, location=DC)
    await receive(database, 3, location=STORE)
    await receive(database, 9, location=SHOP)

    assert (await ask(database)).sellable == 8
    assert (await ask(database, channel=MARKET)).sellable == 14


async def test_one_locations_lack_never_eats_anothers_stock(database: Database) -> None:
    await receive(database, 5, location=DC)
    await record(database, movement(FloorMovement.ISSUE, 7, location=STORE))

    assert (await ask(database)).sellable == 5


async def test_safety_stock_is_clamped_at_each_location_before_summing(database: Database) -> None:
    await receive(database, 5, location=DC)
    await receive(database, 1, location=STORE)

    answer = await ask(database, where=estate(safety=[SafetyStock(quantity=units(3))]))

    assert answer.sellable == 2
    assert [term.atp for term in answer.locations] == [2, 0]
    assert answer.locations[1].reason is Reason.SAFETY_STOCK


async def test_the_last_safety_rule_that_matches_wins(database: Database) -> None:
    await receive(database, 10, location=DC)
    rules = [
        SafetyStock(quantity=units(5), sku=A),
        SafetyStock(quantity=units(1), location=DC),
        SafetyStock(quantity=units(9), location=STORE),
        SafetyStock(quantity=units(8), mode=Mode.PICKUP),
        SafetyStock(quantity=units(7), sku=B),
        SafetyStock(quantity=units(6), category="toys"),
    ]

    answer = await ask(database, where=estate(safety=rules))

    assert answer.sellable == 9
    assert answer.locations[0].safety_rule == Rule("safety_stock", 1, units(1))


async def test_a_closed_location_takes_its_stock_and_its_safety_stock_with_it(database: Database) -> None:
    await receive(database, 5, location=DC)
    await receive(database, 4, location=STORE)

    answer = await ask(database, where=estate(safety=[SafetyStock(quantity=units(2))], closed=[STORE]))

    assert answer.sellable == 3
    assert answer.locations[1].reason is Reason.LOCATION_INACTIVE


async def test_only_locations_that_serve_the_mode_count(database: Database) -> None:
    await receive(database, 5, location=DC)
    await receive(database, 4, location=STORE)

    answer = await ask(database, mode=Mode.PICKUP)

    assert answer.sellable == 4
    assert answer.locations[0].reason is Reason.MODE_NOT_SERVED


async def test_a_buffer_is_taken_once_from_the_pool(database: Database) -> None:
    await receive(database, 5, location=DC)
    await receive(database, 4, location=STORE)
    buffers = [ChannelBuffer(quantity=units(1)), ChannelBuffer(quantity=units(2), channel=WEB)]

    assert (await ask(database, where=estate(buffers=buffers))).sellable == 7
    assert (await ask(database, channel=MARKET, where=estate(buffers=buffers))).sellable == 4


async def test_a_channel_is_never_told_more_than_its_maximum(database: Database) -> None:
    await receive(database, 500)

    answer = await ask(database, where=estate(publish_max=Decimal(99)))

    assert (answer.sellable, answer.published) == each(500, 99)


@pytest.mark.parametrize(
    ("taken", "reason"),
    [
        (movement(FloorMovement.ISSUE, 4), Reason.NO_STOCK),
        (movement(FloorMovement.REBUCKET, 4, to_bucket=Bucket.DAMAGED), Reason.UNAVAILABLE),
        (movement(FloorMovement.ISSUE, 2), Reason.SAFETY_STOCK),
        (movement(FloorMovement.ISSUE, 1), Reason.CHANNEL_BUFFER),
    ],
)
async def test_zero_has_a_reason(database: Database, taken: NewMovement, reason: Reason) -> None:
    await receive(database, 4)
    await record(database, taken)

    answer = await ask(
        database,
        where=estate(
            safety=[SafetyStock(quantity=units(2))], buffers=[ChannelBuffer(quantity=units(1))], pools=((DC,), ())
        ),
    )

    assert (answer.sellable, answer.reasons) == (units(0), (reason,))


async def test_claims_empty_channels_unknown_items_and_pools_have_reasons_too(database: Database) -> None:
    await receive(database, 1)
    await reserve(database, allocation("order/1"))

    assert (await ask(database, where=estate(pools=((DC,), ())))).reasons == (Reason.CLAIMED,)
    assert (await ask(database, channel=MARKET, where=estate(pools=((DC,), ())))).reasons == (Reason.EMPTY_POOL,)
    assert (await ask(database, B)).reasons == (Reason.NEVER_SEEN,)
    assert (await ask(database, channel=ChannelCode("nowhere"))).reasons == (Reason.UNKNOWN_CHANNEL,)


async def test_a_query_with_the_callers_own_hold_does_not_count_it(database: Database) -> None:
    await receive(database, 5)
    await hold(database, held("cart/1", 3), held("cart/2", 1))

    assert (await ask(database)).sellable == 1
    assert (await ask(database, without_hold="cart/1")).sellable == 4


async def describe_untracked(database: Database) -> None:
    async with database.transaction() as tx:
        await catalog.describe(tx, [ItemDescribed(sku=A, name="Gift card", tracked=False)], origin=ORIGIN, now=NOW)


async def test_an_untracked_item_has_no_number_only_a_maximum(database: Database) -> None:
    await describe_untracked(database)

    answer = await ask(database)
    limited = await ask(database, where=estate(publish_max=units(99)))

    assert (answer.tracked, answer.published) == (False, None)
    assert limited.published == 99


async def test_untracked_items_need_no_units_to_be_held(database: Database) -> None:
    await describe_untracked(database)
    await receive(database, 1, B)
    both = HoldRequest(key=ReservationKey("cart/2"), channel=WEB, lines=[HoldLine(A, units(5)), HoldLine(B, units(1))])

    card, mixed, refused = await hold(database, held("cart/1", 5), both, held("cart/3", 1, B))

    assert card == Reserved(ReservationKey("cart/1"), (), later(30))
    assert mixed == Reserved(ReservationKey("cart/2"), (grant(1, B),), later(30))
    assert isinstance(refused, OutOfStock)


# ------------------------------------------------------------------------- holds


async def test_a_hold_is_granted_up_to_what_the_channel_may_sell_and_orders_up_to_what_is_there(
    database: Database,
) -> None:
    await receive(database, 10)
    guarded = estate(safety=[SafetyStock(quantity=units(2))], buffers=[ChannelBuffer(quantity=units(3))])

    (too_much,) = await hold(database, held("cart/1", 6), where=guarded)
    (fits,) = await hold(database, held("cart/2", 5), where=guarded)
    (order,) = await reserve(database, allocation("order/1", line(5)))

    assert isinstance(too_much, OutOfStock)
    assert too_much.shortages[0].available == 5
    assert isinstance(fits, Reserved)
    assert isinstance(order, Reserved)


async def test_holds_are_placed_in_the_order_of_the_pool_without_touching_safety_stock(database: Database) -> None:
    await receive(database, 5, location=DC)
    await receive(database, 5, location=STORE)

    (outcome,) = await hold(database, held("cart/1", 6), where=estate(safety=[SafetyStock(quantity=units(1))]))

    assert isinstance(outcome, Reserved)
    assert outcome.grants == (grant(4, location=DC), grant(2, location=STORE))


async def test_a_channel_that_does_not_split_gets_everything_from_one_location(database: Database) -> None:
    await receive(database, 3, location=DC)
    await receive(database, 5, location=STORE)
    whole = estate(split=False)

    (outcome, refused) = await hold(database, held("cart/1", 4), held("cart/2", 4), where=whole)

    assert isinstance(outcome, Reserved)
    assert outcome.grants == (grant(4, location=STORE),)
    assert isinstance(refused, OutOfStock)


async def test_a_pickup_is_held_at_its_store(database: Database) -> None:
    await receive(database, 3, location=STORE)

    (outcome,) = await hold(database, held("cart/1", 3, mode=Mode.PICKUP, location=STORE))
    (elsewhere,) = await hold(database, held("cart/2", 1, mode=Mode.PICKUP, location=SHOP))

    assert isinstance(outcome, Reserved)
    assert isinstance(elsewhere, OutOfStock)


async def test_a_partial_hold_gets_what_the_channel_may_sell(database: Database) -> None:
    await receive(database, 3)

    (outcome,) = await hold(database, held("cart/1", 5, fill=Fill.PARTIAL))

    assert isinstance(outcome, Reserved)
    assert outcome.grants == (grant(3),)


async def test_racing_channels_never_hold_more_than_the_shared_location_has(database: Database) -> None:
    await receive(database, 10, location=DC)
    guarded = estate(buffers=[ChannelBuffer(quantity=units(2), channel=MARKET)])

    answers = await asyncio.gather(
        *(hold(database, held(f"cart/{n}", 1, channel=(WEB, MARKET)[n % 2]), where=guarded) for n in range(40))
    )

    assert sum(isinstance(outcome, Reserved) for (outcome,) in answers) == 10
    assert (await position(database)).available == 0
    assert await differences(database) == []


async def test_a_hold_lives_as_long_as_its_channel_says(database: Database) -> None:
    await receive(database, 1)

    (outcome,) = await hold(database, held("cart/1", 1))

    assert isinstance(outcome, Reserved)
    assert outcome.expires_at == later(30)
    assert (await ask(database, now=later(29))).sellable == 0
    assert (await ask(database, now=later(30))).sellable == 1


async def test_the_same_hold_asked_again_gets_the_same_answer_under_a_changed_estate(database: Database) -> None:
    await receive(database, 5)
    (first,) = await hold(database, held("cart/1", 5))

    (again,) = await hold(database, held("cart/1", 5), where=estate(closed=[DC]), now=NOW + MINUTE)

    assert again == first


async def test_a_committed_hold_keeps_its_units(database: Database) -> None:
    await receive(database, 1)
    await hold(database, held("cart/1", 1))
    await commit(database, "cart/1")

    assert (await ask(database, now=later(60))).reasons[0] is Reason.CLAIMED


async def test_a_thousand_pairs_are_one_question(database: Database) -> None:
    skus = [type(A)(f"N{n:04}") for n in range(1000)]
    await record(database, *(movement(FloorMovement.RECEIVE, 1 + n % 7, sku) for n, sku in enumerate(skus)))

    async with database.transaction() as tx:
        answers = await service.query(tx, ESTATE, [(sku, WEB) for sku in skus], now=NOW)

    assert [answer.sellable for answer in answers] == [1 + n % 7 for n in range(1000)]
