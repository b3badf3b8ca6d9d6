"""Segments, kits and order rules on real stock: what is granted under locks, by whomever, at the same time."""

import asyncio
from decimal import Decimal

import msgspec
import pytest

from availability.shop_window import MARKET, ONE_POOL, WEB, ask, describe, estate, held, hold, kit, later
from crossdock.availability.model import HoldLine, HoldRequest, QuantityRefused, Reason
from crossdock.canonical.base import ChannelCode, ReservationKey, Sku
from crossdock.canonical.stock import FloorMovement, HandlingUnit, ItemDescribed
from crossdock.catalog.model import OrderRule
from crossdock.estate.model import BackorderLimit, ChannelBuffer, Estate, Segment
from crossdock.foundation.db import Database
from crossdock.inventory.model import NEW, KeyReused
from crossdock.inventory.reservations.model import Fill, OutOfStock, Reserved, Shortage
from inventory.shop_floor import (
    DC,
    STORE,
    A,
    B,
    allocation,
    commit,
    each,
    line,
    movement,
    position,
    receive,
    record,
    reserve,
    units,
)
from inventory.shop_floor import release as let_go

SET = Sku("SET")


def shared(*segments: Segment) -> Estate:
    return msgspec.structs.replace(ONE_POOL, segments=segments)


MARKETS_FOUR = shared(Segment(channel=MARKET, units=units(4)))


async def numbers(database: Database, where: Estate, sku: Sku = A) -> tuple[Decimal, ...]:
    return tuple([(await ask(database, sku, channel, where=where)).sellable for channel in (WEB, MARKET)])


async def test_other_channels_cannot_use_what_a_segment_keeps(database: Database) -> None:
    await receive(database, 10)

    assert await numbers(database, MARKETS_FOUR) == each(6, 10)
    (greedy,) = await hold(database, held("cart/1", 10, fill=Fill.PARTIAL), where=MARKETS_FOUR)
    assert isinstance(greedy, Reserved)
    assert sum(grant.quantity for grant in greedy.grants) == 6
    assert await numbers(database, MARKETS_FOUR) == each(0, 4)
    assert (await ask(database, where=MARKETS_FOUR)).reasons == (Reason.SEGMENT,)


async def test_a_channels_claims_use_its_own_segment_first_and_give_it_back_when_released(database: Database) -> None:
    await receive(database, 10)

    await hold(database, held("cart/1", 3, channel=MARKET), where=MARKETS_FOUR)
    assert await numbers(database, MARKETS_FOUR) == each(6, 7)
    await commit(database, "cart/1")
    await hold(database, held("cart/2", 3, channel=MARKET), where=MARKETS_FOUR)
    assert await numbers(database, MARKETS_FOUR) == each(4, 4)
    await let_go(database, "cart/1")
    assert await numbers(database, MARKETS_FOUR) == each(6, 7)


async def test_requests_of_one_batch_see_what_those_before_them_took_of_a_segment(database: Database) -> None:
    await receive(database, 10)

    outcomes = await hold(
        database,
        held("cart/1", 5, channel=MARKET),
        held("cart/2", 5),
        held("cart/3", 1),
        held("cart/4", 1, channel=MARKET),
        where=MARKETS_FOUR,
    )

    assert [type(outcome) for outcome in outcomes] == [Reserved, Reserved, OutOfStock, OutOfStock]


async def test_a_lapsed_hold_uses_nothing_of_a_segment(database: Database) -> None:
    await receive(database, 10)
    await hold(database, held("cart/1", 4, channel=MARKET, expires_at=later(10)), where=MARKETS_FOUR)

    answer = await ask(database, where=MARKETS_FOUR, now=later(10))

    assert (answer.sellable, answer.kept) == each(6, 4)


async def test_a_query_with_a_holds_own_key_counts_it_neither_as_held_nor_as_used(database: Database) -> None:
    await receive(database, 10)
    await hold(database, held("cart/1", 3, channel=MARKET), where=MARKETS_FOUR)

    answer = await ask(database, channel=MARKET, where=MARKETS_FOUR, without_hold="cart/1")

    assert (answer.sellable, answer.own_segment) == each(10, 4)


async def test_percentages_follow_the_goods_in_hand_and_are_rounded_down(database: Database) -> None:
    half = shared(Segment(channel=MARKET, percent=units(50)))
    await receive(database, 5)
    assert await numbers(database, half) == each(3, 5)
    await reserve(database, allocation("order/1", line(2)))
    assert (await ask(database, where=half)).segments[0].size == 2
    await record(database, movement(FloorMovement.ISSUE, 1))
    assert (await ask(database, where=half)).segments[0].size == 2
    await receive(database, 4, location=STORE)
    assert (await ask(database, where=half)).segments[0].size == 4


async def test_a_segment_is_given_back_at_its_time_and_by_stock(database: Database) -> None:
    await receive(database, 10)
    timely = shared(Segment(channel=MARKET, units=units(4), until=later(5)))
    assert (await ask(database, where=timely, now=later(4))).sellable == 6
    assert (await ask(database, where=timely, now=later(5))).sellable == 10

    last = shared(Segment(channel=MARKET, units=units(4), give_back_at=units(8)))
    assert (await ask(database, where=last)).sellable == 8
    await reserve(database, allocation("order/1", line(3)))
    assert (await ask(database, where=last)).sellable == 7


async def test_however_many_ask_at_once_a_segment_protects_and_nothing_is_sold_twice(database: Database) -> None:
    """Each hold is a transaction of its own: without the look under the locks, some would not see the others' claims."""
    await receive(database, 20)
    await receive(database, 10, location=STORE)
    protected = shared(Segment(channel=MARKET, units=units(12)))

    async def buy(channel: ChannelCode, number: int) -> Decimal:
        (outcome,) = await hold(
            database, held(f"{channel}/{number}", 2, channel=channel, fill=Fill.PARTIAL), where=protected
        )
        return sum((g.quantity for g in outcome.grants), Decimal(0)) if isinstance(outcome, Reserved) else Decimal(0)

    web = await asyncio.gather(*(buy(WEB, number) for number in range(16)))
    market = await asyncio.gather(*(buy(MARKET, number) for number in range(16)))

    assert (sum(web), sum(market)) == (18, 12)


async def test_channels_that_race_for_one_pool_leave_each_other_what_is_theirs(database: Database) -> None:
    await receive(database, 20)
    await receive(database, 10, location=STORE)
    protected = shared(Segment(channel=MARKET, units=units(12)), Segment(channel=WEB, units=units(9)))

    async def buy(channel: ChannelCode, number: int) -> Decimal:
        (outcome,) = await hold(
            database, held(f"{channel}/{number}", 2, channel=channel, fill=Fill.PARTIAL), where=protected
        )
        return sum((g.quantity for g in outcome.grants), Decimal(0)) if isinstance(outcome, Reserved) else Decimal(0)

    turns = [(channel, number) for number in range(20) for channel in (WEB, MARKET)]
    sold = await asyncio.gather(*(buy(*turn) for turn in turns))

    by_channel = {
        channel: sum((units for (who, _), units in zip(turns, sold, strict=True) if who == channel), Decimal(0))
        for channel in (WEB, MARKET)
    }
    assert sum(by_channel.values()) == 30
    assert by_channel[MARKET] >= 12
    assert by_channel[WEB] >= 9


# -------------------------------------------------------------------------------------------------------------- kits


async def test_a_hold_of_a_kit_holds_its_components(database: Database) -> None:
    await describe(database, kit(SET, A=2, B="0.5"))
    await receive(database, 7)
    await receive(database, 9, B)

    assert (await ask(database, SET)).sellable == 3
    (outcome,) = await hold(database, held("cart/1", 2, SET))

    assert isinstance(outcome, Reserved)
    assert {grant.position.sku: grant.quantity for grant in outcome.grants} == {A: 4, B: 1}
    assert ((await position(database)).held, (await position(database, B)).held) == each(4, 1)
    assert (await ask(database, SET)).sellable == 1
    assert (await ask(database, SET, without_hold="cart/1")).sellable == 3


async def test_kits_and_singles_of_one_cart_share_their_components(database: Database) -> None:
    await describe(database, kit(SET, A=2))
    await receive(database, 5)
    cart = [HoldLine(SET, units(2)), HoldLine(A, units(2))]

    def asked(key: str, fill: Fill) -> HoldRequest:
        return HoldRequest(key=ReservationKey(key), channel=WEB, lines=cart, fill=fill)

    whole, part = await hold(database, asked("cart/1", Fill.ALL), asked("cart/2", Fill.PARTIAL))

    assert isinstance(whole, OutOfStock)
    assert whole.shortages == (Shortage(A, NEW, units(2), units(1)),)
    assert isinstance(part, Reserved)
    assert sum(grant.quantity for grant in part.grants) == 5


async def test_a_partial_hold_gives_whole_kits_only(database: Database) -> None:
    await describe(database, kit(SET, A=2, B=1))
    await receive(database, 5)
    await receive(database, 9, B)

    (outcome,) = await hold(database, held("cart/1", 4, SET, fill=Fill.PARTIAL))

    assert isinstance(outcome, Reserved)
    assert {grant.position.sku: grant.quantity for grant in outcome.grants} == {A: 4, B: 2}
    assert outcome.shortages == (Shortage(SET, NEW, units(4), units(2)),)


async def test_a_kits_key_stands_for_the_kit_whatever_it_is_made_of_later(database: Database) -> None:
    await describe(database, kit(SET, A=2))
    await receive(database, 9)
    first = await hold(database, held("cart/1", 2, SET))

    await describe(database, kit(SET, A=3), now=later(1))
    again = await hold(database, held("cart/1", 2, SET))
    other = await hold(database, held("cart/1", 3, SET))

    assert again == first
    assert isinstance(other[0], KeyReused)


async def test_kits_are_hidden_by_their_own_buffer(database: Database) -> None:
    await describe(database, kit(SET, A=2))
    await receive(database, 9)
    careful = estate(buffers=[ChannelBuffer(quantity=units(1), sku=SET)])

    assert (await ask(database, SET, where=careful)).sellable == 3
    (outcome,) = await hold(database, held("cart/1", 9, SET, fill=Fill.PARTIAL), where=careful)
    assert isinstance(outcome, Reserved)
    assert sum(grant.quantity for grant in outcome.grants) == 6


# -------------------------------------------------------------------------------------------- order rules, no goods


@pytest.mark.parametrize(
    ("quantity", "rule", "limit"),
    [(1, OrderRule.MINIMUM, 2), (14, OrderRule.MAXIMUM, 12), (5, OrderRule.MULTIPLE, 2)],
)
async def test_a_quantity_that_customers_may_not_order_is_refused_before_anything_is_held(
    database: Database, quantity: int, rule: OrderRule, limit: int
) -> None:
    pairs = ItemDescribed(
        sku=A, name="Socks", order_minimum=units(2), order_maximum=units(12), order_multiple=units(2),
        units=(HandlingUnit(code="box", factor=units(6)),),
    )  # fmt: skip
    await describe(database, pairs)
    await receive(database, 50)

    (outcome,) = await hold(database, held("cart/1", quantity))

    assert outcome == QuantityRefused(A, units(quantity), rule, units(limit))
    assert (await position(database)).held == 0


async def test_what_is_owed_already_uses_a_backorder_limit_up(database: Database) -> None:
    await receive(database, 2, location=DC)
    selling = msgspec.structs.replace(
        estate(),
        channels=tuple(msgspec.structs.replace(channel, backorder=True) for channel in estate().channels),
        backorder_limits=(
            BackorderLimit(quantity=units(5), pool=WEB),
            BackorderLimit(quantity=units(9), pool=WEB, since=later(60), until=later(90)),
        ),
    )

    assert (await ask(database, where=selling)).sellable == 7
    assert (await ask(database, channel=MARKET, where=selling)).sellable == 2
    assert (await ask(database, where=selling, now=later(60))).sellable == 11
    assert (await ask(database, where=selling, now=later(90))).sellable == 7

    await reserve(database, allocation("order/1", line(2)))
    await record(database, movement(FloorMovement.ISSUE, 1))
    answer = await ask(database, where=selling)
    assert (answer.physical, answer.backorder) == each(0, 4)
    await record(database, movement(FloorMovement.ISSUE, 9))
    assert (await ask(database, where=selling)).sellable == 3
