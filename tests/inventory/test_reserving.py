"""Nothing is promised twice: reservations against one another, against facts, against time."""

import asyncio

import pytest

from crossdock.canonical.base import ReservationKey
from crossdock.canonical.stock import FloorMovement
from crossdock.foundation.db import Database
from crossdock.inventory import service
from crossdock.inventory.model import KeyReused
from crossdock.inventory.reservations.model import (
    ArrivedExpired,
    Committed,
    ExtendHold,
    Fill,
    HoldExpired,
    OutOfStock,
    Reserved,
    ReserveOutcome,
    Shortage,
)
from inventory.shop_floor import (
    DC,
    MINUTE,
    NOW,
    ORIGIN,
    SHOP,
    STORE,
    A,
    B,
    C,
    allocation,
    at,
    commit,
    differences,
    grant,
    hold,
    line,
    movement,
    position,
    receive,
    record,
    release,
    reserve,
    units,
)


def granted(outcomes: list[ReserveOutcome]) -> list[Reserved]:
    return [outcome for outcome in outcomes if isinstance(outcome, Reserved)]


@pytest.fixture
async def ten(database: Database) -> Database:
    """Ten units of A in the distribution centre."""
    await receive(database, 10)
    return database


async def test_many_buyers_of_the_last_unit_make_one_sale(database: Database) -> None:
    await receive(database, 1)

    answers = await asyncio.gather(*(reserve(database, allocation(f"order/{n}")) for n in range(40)))

    assert len(granted([outcome for (outcome,) in answers])) == 1
    assert (await position(database)).available == 0
    assert await differences(database) == []


async def test_a_batch_serves_in_the_order_of_arrival(ten: Database) -> None:
    outcomes = await reserve(ten, *(hold(f"cart/{n}", line(4)) for n in range(4)), hold("cart/small", line(2)))

    assert [isinstance(outcome, Reserved) for outcome in outcomes] == [True, True, False, False, True]


async def test_lines_of_one_item_are_summed_before_they_are_judged(ten: Database) -> None:
    (outcome,) = await reserve(ten, allocation("order/1", line(6), line(6)))

    assert isinstance(outcome, OutOfStock)
    assert (await position(ten)).available == 10


async def test_lines_of_one_item_that_fit_together_make_one_claim(ten: Database) -> None:
    (outcome,) = await reserve(ten, allocation("order/1", line(6), line(4)))

    assert outcome == Reserved(ReservationKey("order/1"), (grant(10),), None)


async def test_all_or_nothing_takes_nothing_when_one_line_lacks(ten: Database) -> None:
    (outcome,) = await reserve(ten, allocation("order/1", line(1), line(1, B)))

    assert outcome == OutOfStock(ReservationKey("order/1"), (Shortage(B, at().condition, units(1), units(0)),))
    assert (await position(ten)).allocated == 0


async def test_a_partial_request_gets_what_is_there_and_is_told_the_rest(ten: Database) -> None:
    (outcome,) = await reserve(ten, allocation("order/1", line(12), line(1, B), fill=Fill.PARTIAL))

    assert isinstance(outcome, Reserved)
    assert outcome.grants == (grant(10),)
    assert [(short.sku, short.available) for short in outcome.shortages] == [(A, units(10)), (B, units(0))]


async def test_demand_above_any_one_location_is_met_from_several(database: Database) -> None:
    await receive(database, 6, location=DC)
    await receive(database, 20, location=STORE)

    (outcome,) = await reserve(database, allocation("order/1", line(10, A, DC, STORE)))

    assert isinstance(outcome, Reserved)
    assert outcome.grants == (grant(6, location=DC), grant(4, location=STORE))


async def test_the_sum_over_locations_is_never_promised_at_one_of_them(database: Database) -> None:
    await receive(database, 6, location=DC)
    await receive(database, 20, location=STORE)

    (outcome,) = await reserve(database, allocation("order/1", line(10, A, DC)))

    assert isinstance(outcome, OutOfStock)


async def test_two_pools_that_share_a_location_share_its_units(ten: Database) -> None:
    await receive(ten, 1, location=STORE)
    await receive(ten, 1, location=SHOP)

    pools = (DC, STORE), (DC, SHOP)
    answers = await asyncio.gather(
        *(reserve(ten, allocation(f"order/{n}", line(1, A, *pools[n % 2]))) for n in range(30))
    )

    assert len(granted([outcome for (outcome,) in answers])) == 12
    assert await differences(ten) == []


async def test_holds_and_allocations_count_together(ten: Database) -> None:
    await reserve(ten, hold("cart/1", line(4)), allocation("order/1", line(4)))

    (outcome,) = await reserve(ten, allocation("order/2", line(3)))

    assert isinstance(outcome, OutOfStock)


async def test_the_same_key_gets_the_same_answer_for_ever(ten: Database) -> None:
    (first,) = await reserve(ten, allocation("order/1", line(10)))
    (refused,) = await reserve(ten, allocation("order/2", line(1)))
    await release(ten, "order/1")

    again = await reserve(ten, allocation("order/1", line(10)), allocation("order/2", line(1)))

    assert again == [first, refused]
    assert (await position(ten)).allocated == 0


async def test_the_same_key_twice_in_one_batch_is_one_reservation(ten: Database) -> None:
    first, second = await reserve(ten, allocation("order/1", line(7)), allocation("order/1", line(7)))

    assert first == second
    assert (await position(ten)).allocated == 7


async def test_the_same_key_racing_itself_is_one_reservation(ten: Database) -> None:
    answers = await asyncio.gather(*(reserve(ten, allocation("order/1", line(3))) for _ in range(20)))

    assert len({repr(outcome) for (outcome,) in answers}) <= 2  # numbers may be written 3 or 3.000000
    assert all(outcome == answers[0][0] for (outcome,) in answers)
    assert (await position(ten)).allocated == 3


async def test_a_key_never_stands_for_two_requests(ten: Database) -> None:
    (_, reused_at_once) = await reserve(ten, allocation("order/1", line(3)), allocation("order/1", line(4)))
    (reused_later,) = await reserve(ten, hold("order/1", line(3)))

    assert reused_at_once == reused_later == KeyReused(ReservationKey("order/1"))
    assert (await position(ten)).allocated == 3


async def test_an_unknown_item_is_out_of_stock_and_leaves_no_trace(database: Database) -> None:
    (outcome,) = await reserve(database, allocation("order/1", line(1, C)))

    assert isinstance(outcome, OutOfStock)
    assert await differences(database) == []


async def test_carts_in_opposite_order_of_rows_do_not_deadlock(database: Database) -> None:
    for sku in (A, B, C):
        await receive(database, 1000, sku)

    orders = [(A, B, C), (C, B, A), (B, C, A)]
    await asyncio.gather(
        *(reserve(database, allocation(f"order/{n}", *(line(1, sku) for sku in orders[n % 3]))) for n in range(60))
    )

    assert (await position(database, B)).allocated == 60
    assert await differences(database) == []


async def test_batches_of_new_positions_in_opposite_order_do_not_deadlock(database: Database) -> None:
    skus = [type(A)(f"N{n:02}") for n in range(20)]

    await asyncio.gather(
        *(
            record(database, *(movement(FloorMovement.RECEIVE, 1, sku) for sku in (skus if n % 2 else skus[::-1])))
            for n in range(20)
        )
    )

    assert (await position(database, skus[7])).on_hand == 20


# ------------------------------------------------------------------- deadlines


async def test_a_hold_that_arrives_expired_is_refused_for_ever(ten: Database) -> None:
    (outcome,) = await reserve(ten, hold("cart/1", expires_at=NOW))
    (again,) = await reserve(ten, hold("cart/1", expires_at=NOW + MINUTE))

    assert outcome == again == ArrivedExpired(ReservationKey("cart/1"), NOW)
    assert (await position(ten)).held == 0


async def test_a_lapsed_hold_does_not_count_though_nobody_ended_it(ten: Database) -> None:
    await reserve(ten, hold("cart/1", line(10), expires_at=NOW + MINUTE))

    assert (await position(ten, now=NOW + MINUTE)).available == 10
    (outcome,) = await reserve(ten, allocation("order/1", line(10)), now=NOW + MINUTE)
    assert isinstance(outcome, Reserved)
    assert await differences(ten) == []


async def test_a_hold_counts_until_just_before_its_deadline(ten: Database) -> None:
    await reserve(ten, hold("cart/1", line(10), expires_at=NOW + MINUTE))

    just_before = NOW + MINUTE - MINUTE / 60_000_000
    assert (await position(ten, now=just_before)).available == 0


@pytest.mark.parametrize("late", [0, 1])
async def test_a_commit_at_or_after_the_deadline_is_refused(ten: Database, late: int) -> None:
    await reserve(ten, hold("cart/1", expires_at=NOW + MINUTE))

    outcome = await commit(ten, "cart/1", now=NOW + MINUTE * (1 + late))

    assert outcome == HoldExpired(ReservationKey("cart/1"), NOW + MINUTE)


async def test_deadline_and_commit_are_decided_in_one_order(ten: Database) -> None:
    """Buyers who are late and buyers who take the lapsed units race: each unit ends with exactly one of them."""
    holds = [hold(f"cart/{n}", expires_at=NOW + MINUTE) for n in range(10)]
    await reserve(ten, *holds)

    async def pay(n: int) -> object:
        return await commit(ten, f"cart/{n}", now=NOW + (MINUTE / 2 if n % 2 else MINUTE))

    async def snatch(n: int) -> object:
        (outcome,) = await reserve(ten, allocation(f"order/{n}"), now=NOW + MINUTE)
        return outcome

    outcomes = await asyncio.gather(*(act(n) for n in range(10) for act in (pay, snatch)))

    kept = sum(isinstance(outcome, Committed | Reserved) for outcome in outcomes)
    assert kept == 10
    assert (await position(ten, now=NOW + MINUTE)).allocated == 10
    assert await differences(ten) == []


async def test_an_extended_hold_lives_until_the_later_deadline(ten: Database) -> None:
    await reserve(ten, hold("cart/1", line(10), expires_at=NOW + MINUTE))

    async with ten.transaction() as tx:
        await service.extend(tx, [extension("cart/1", 5), extension("cart/1", 3)], origin=ORIGIN, now=NOW)

    assert isinstance(await commit(ten, "cart/1", now=NOW + 4 * MINUTE), Committed)


async def test_a_lapsed_hold_cannot_be_extended(ten: Database) -> None:
    await reserve(ten, hold("cart/1", expires_at=NOW + MINUTE))

    async with ten.transaction() as tx:
        (outcome,) = await service.extend(tx, [extension("cart/1", 5)], origin=ORIGIN, now=NOW + MINUTE)

    assert outcome == HoldExpired(ReservationKey("cart/1"), NOW + MINUTE)


def extension(key: str, minutes: int) -> ExtendHold:
    return ExtendHold(ReservationKey(key), NOW + minutes * MINUTE)


async def test_a_hold_made_by_somebody_whose_clock_is_behind_ends_all_the_same(database: Database) -> None:
    """Whoever writes a position looks for lapsed holds only since it was last written: this one lapsed long before."""
    await receive(database, 10)
    await record(database, movement(FloorMovement.ISSUE, 1), now=NOW + 20 * MINUTE)
    await reserve(database, hold("cart/1", line(2), expires_at=NOW + 5 * MINUTE), now=NOW)

    async with database.transaction() as tx:
        ended = await service.lapse(tx, origin=ORIGIN, now=NOW + 30 * MINUTE)

    assert ended == 1
    assert (await position(database, now=NOW + 30 * MINUTE)).held == 0
    assert await differences(database) == []


async def test_a_look_at_lapsed_holds_goes_on_where_the_last_one_ended(database: Database) -> None:
    await receive(database, 10)
    deadlines = [NOW + minutes * MINUTE for minutes in (5, 9)]
    await reserve(database, *(hold(f"cart/{at}", expires_at=at) for at in deadlines))

    async with database.transaction() as tx:
        later = await service.lapse(tx, origin=ORIGIN, now=NOW + 8 * MINUTE, since=NOW + 6 * MINUTE)
        both = await service.lapse(tx, origin=ORIGIN, now=NOW + 10 * MINUTE)

    assert (later, both) == (0, 2)
