"""What suppliers and own transfers will bring may be sold ahead, and what was promised from it may not be sold again."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from availability.shop_window import ESTATE, MARKET, WEB, apply, ask, estate, held, hold, later, refresh
from availability.test_publication import pending
from availability.test_standing import changed, horizon, standing
from crossdock.availability import service
from crossdock.availability.model import Availability, Explanation, HoldOutcome, Reason
from crossdock.canonical.base import ReservationKey
from crossdock.estate.model import BackorderLimit, ChannelBuffer, Estate, Segment
from crossdock.foundation.db import Database
from crossdock.inventory.reservations.model import (
    ClaimKind,
    OutOfStock,
    Reserved,
    ReserveLine,
    ReserveOutcome,
    ReserveRequest,
)
from crossdock.inventory.waiting.model import Reach
from inventory.shop_floor import DC, NOW, SHOP, STORE, A, each, receive, release, reserve, units
from inventory.test_expected import announce, bring, close, purchase

DAY = timedelta(days=1)
A_MOMENT = timedelta(microseconds=1)


def ahead(days: int, *, where: Estate = ESTATE) -> Estate:
    """The web shop may sell what comes within so many days; the market place only what is there."""
    web, *others = where.channels
    return msgspec.structs.replace(where, channels=(msgspec.structs.replace(web, horizon=f"{days}d"), *others))


async def promise(
    database: Database, quantity: int, days: int, *, key: str = "order/1", until: datetime | None = None
) -> ReserveOutcome:
    """Claim receipts that are due by a day: an order's, or a cart's that ends."""
    (outcome,) = await reserve(
        database,
        ReserveRequest(
            key=ReservationKey(key),
            kind=ClaimKind.ALLOCATION if until is None else ClaimKind.HOLD,
            lines=[ReserveLine(A, units(quantity), (DC,))],
            expires_at=until,
            reach=Reach(dated_until=NOW + days * DAY),
        ),
    )
    assert isinstance(outcome, Reserved), outcome
    return outcome


async def sellable(database: Database, where: Estate, *days: float) -> tuple[Decimal, ...]:
    return tuple([(await ask(database, where=where, now=NOW + day * DAY)).sellable for day in days])


async def test_a_channel_sells_what_comes_within_its_horizon_until_it_is_overdue(database: Database) -> None:
    await receive(database, 2)
    await announce(database, purchase(bring(5, days=3), bring(7, days=9, line="later")))

    assert await sellable(database, ahead(4), -1.5, 0, 3, 3.5, 5, 9.5) == each(2, 7, 7, 2, 9, 2)
    assert await sellable(database, ESTATE, 0, 2) == each(2, 2)


async def test_what_comes_to_a_location_that_may_not_serve_is_not_sold(database: Database) -> None:
    await receive(database, 2)
    await announce(database, purchase(bring(5), location=SHOP), purchase(bring(3), reference="PO-2", location=STORE))

    assert await sellable(database, ahead(4), 0) == each(5)
    assert await sellable(database, ahead(4, where=estate(closed=[STORE])), 0) == each(2)


async def test_what_is_promised_for_a_day_is_not_sold_again(database: Database) -> None:
    await announce(database, purchase(bring(5, days=3), bring(4, days=8, line="later")))
    await promise(database, 3, 4)

    answers = [await ask(database, where=ahead(days)) for days in (2, 3, 4, 9)]

    assert tuple(answer.sellable for answer in answers) == each(0, 2, 2, 6)


async def test_when_receipts_are_late_goods_in_hand_are_kept_for_whom_they_were_promised_to(
    database: Database,
) -> None:
    await announce(database, purchase(bring(5, days=3)))
    await promise(database, 5, 4)
    await receive(database, 4, location=STORE)

    answer = await ask(database, now=NOW + 5 * DAY)

    assert (answer.incoming, answer.sellable) == each(-5, 0)
    assert Reason.DATED in answer.reasons
    (outcome,) = await hold(database, held("cart/1", 1), now=NOW + 5 * DAY)
    assert isinstance(outcome, OutOfStock)


async def test_a_hold_of_goods_is_granted_up_to_what_was_answered(database: Database) -> None:
    """The buffer hides units of the whole pool, and what comes is part of it."""
    buffered = ahead(4, where=estate(buffers=[ChannelBuffer(quantity=units(3))]))
    await receive(database, 5)
    await announce(database, purchase(bring(10)))
    assert await sellable(database, buffered, 0) == each(12)

    (outcome,) = await hold(database, held("cart/1", 5), where=buffered)

    assert isinstance(outcome, Reserved)
    assert await sellable(database, buffered, 0) == each(7)


async def test_a_carts_own_claim_on_receipts_need_not_count(database: Database) -> None:
    await announce(database, purchase(bring(5)))
    await promise(database, 2, 3, key="cart/1", until=later(30))

    assert await sellable(database, ahead(4), 0) == each(3)
    assert (await ask(database, where=ahead(4), without_hold="cart/1")).sellable == units(5)
    assert (await ask(database, where=ahead(4), now=later(30))).sellable == units(5)
    assert (await standing(database, where=ahead(4))).until == later(30)


async def test_a_number_stands_until_goods_come_within_reach_and_until_they_are_due(database: Database) -> None:
    await announce(database, purchase(bring(5, days=3)))

    assert (await standing(database, where=ahead(2))).until == NOW + 1 * DAY
    assert (await standing(database, where=ahead(2), now=NOW + 2 * DAY)).until == NOW + 3 * DAY + A_MOMENT


async def test_another_day_for_the_same_units_is_followed_and_told(database: Database) -> None:
    where = ahead(5)
    await receive(database, 1)
    await announce(database, purchase(bring(5, days=3)))
    while await refresh(database, where=where):
        pass
    assert (await pending(database))[A].quantity == units(6)
    since = await horizon(database)

    await announce(database, purchase(bring(5, days=9), minute=1), now=later(1))

    assert await changed(database, since) == {A}
    while await refresh(database, where=where):
        pass
    assert (await pending(database))[A].quantity == units(1)


async def test_time_alone_is_told_too(database: Database) -> None:
    where = ahead(2)
    await receive(database, 1)
    await announce(database, purchase(bring(5, days=3)))

    async def told(since: float, now: float) -> Decimal:
        async with database.transaction() as tx:
            await service.mark_due(tx, where, after=NOW + since * DAY, now=NOW + now * DAY)
        while await refresh(database, where=where, now=NOW + now * DAY):
            pass
        return (await pending(database))[A].quantity

    spans = ((0, 0.5), (0.5, 1), (1, 3), (3, 3.1))
    assert tuple([await told(*span) for span in spans]) == each(1, 6, 6, 1)


async def explained(database: Database, where: Estate, at: datetime) -> Explanation:
    async with database.transaction() as tx:
        return await service.explain(tx, where, A, WEB, now=later(99), as_of=at)


def arrivals(answer: Availability) -> Sequence[tuple[str, datetime, Decimal]]:
    return [(each.reference, each.due_at, each.quantity) for each in answer.arrivals]


async def test_a_past_moment_knows_what_was_expected_then(database: Database) -> None:
    where = ahead(5)
    await apply(database, where, now=later(-60))
    await announce(database, purchase(bring(5, days=3)))
    await promise(database, 2, 3)
    await announce(database, purchase(bring(5, days=9), minute=10), now=later(10))
    await announce(database, purchase(bring(8, days=9), minute=20), now=later(20))
    await close(database, minute=30)

    found = {minute: (await explained(database, where, later(minute))).availability for minute in (-1, 0, 10, 20, 30)}

    assert tuple(answer.sellable for answer in found.values()) == each(0, 3, 0, 0, 0)
    assert arrivals(found[-1]) == []
    assert arrivals(found[0])[0] == ("PO-1", NOW + 3 * DAY, units(5))
    assert arrivals(found[0])[1][2] == units(-2), "for the day that the claim had last"
    assert ("PO-1", NOW + 9 * DAY, units(5)) in arrivals(found[10])
    assert ("PO-1", NOW + 9 * DAY, units(8)) in arrivals(found[20])
    assert not [reference for reference, _, _ in arrivals(found[30]) if reference]


async def test_the_rows_behind_what_is_expected_and_promised_are_named(database: Database) -> None:
    where = ahead(5)
    await announce(database, purchase(bring(5, days=3)))
    await promise(database, 2, 3)

    async with database.transaction() as tx:
        found = await service.explain(tx, where, A, WEB, now=NOW)

    dc = found.availability.locations[0]
    assert (dc.on_order, dc.dated) == each(5, 2)
    assert {(row.term, row.kind, row.key) for row in found.set_by} == {
        ("on_order", "expect", "PO-1"),
        ("dated", "allocate", "order/1"),
    }


# ------------------------------------------------------------------------------------------------------------- holds


def far(*limits: BackorderLimit, buffer: int = 0, split: bool = True) -> Estate:
    """The web shop may sell what comes within four days, and without goods within *limits*."""
    where = ahead(4, where=estate(split=split, buffers=[ChannelBuffer(quantity=units(buffer))] if buffer else ()))
    web, *others = where.channels
    web = msgspec.structs.replace(web, backorder=True)
    return msgspec.structs.replace(where, channels=(web, *others), backorder_limits=limits)


def bases(outcome: HoldOutcome) -> dict[str, int]:
    assert isinstance(outcome, Reserved), outcome
    return {grant.basis.value: int(grant.quantity) for grant in outcome.grants}


async def test_a_hold_gets_goods_then_receipts_then_a_place_in_the_queue_up_to_what_was_answered(
    database: Database,
) -> None:
    where = far(BackorderLimit(quantity=units(4)), buffer=2)
    await receive(database, 3)
    await announce(database, purchase(bring(5)))
    assert await sellable(database, where, 0) == each(10)

    (outcome,) = await hold(database, held("cart/1", 9), where=where)
    assert bases(outcome) == {"goods": 3, "dated": 3, "backorder": 3}
    assert await sellable(database, where, 0) == each(1)

    (outcome,) = await hold(database, held("cart/2", 2), where=where)
    assert isinstance(outcome, OutOfStock)
    (outcome,) = await hold(database, held("cart/3", 1), where=where)
    assert bases(outcome) == {"backorder": 1}
    assert await sellable(database, where, 0) == each(0)


async def test_requests_of_one_batch_do_not_share_a_buffer(database: Database) -> None:
    where = far(buffer=3)
    await announce(database, purchase(bring(10)))

    outcomes = await hold(database, held("cart/1", 5), held("cart/2", 5), held("cart/3", 2), where=where)

    assert [isinstance(outcome, Reserved) for outcome in outcomes] == [True, False, True]
    assert await sellable(database, where, 0) == each(0)


async def test_what_was_held_without_goods_is_given_back(database: Database) -> None:
    where = far(BackorderLimit(quantity=units(4)))
    await announce(database, purchase(bring(5)))
    await hold(database, held("cart/1", 7), where=where)
    assert await sellable(database, where, 0) == each(2)

    await release(database, "cart/1")

    assert await sellable(database, where, 0) == each(9)


async def test_only_channels_that_may_sell_ahead_hold_without_goods(database: Database) -> None:
    where = far(BackorderLimit(quantity=units(4)))
    await announce(database, purchase(bring(5)))

    (outcome,) = await hold(database, held("cart/1", 1, channel=MARKET), where=where)

    assert isinstance(outcome, OutOfStock)


async def test_where_all_must_stand_together_or_shares_are_kept_only_goods_are_held(database: Database) -> None:
    limit = BackorderLimit(quantity=units(4))
    shared = msgspec.structs.replace(far(limit), segments=(Segment(channel=WEB, units=units(1)),))
    await receive(database, 2)
    await announce(database, purchase(bring(5)))

    for number, where in enumerate((far(limit, split=False), shared)):
        (outcome,) = await hold(database, held(f"cart/{number}", 3), where=where)
        assert isinstance(outcome, OutOfStock)
    (outcome,) = await hold(database, held("cart/9", 3, location=DC), where=far(limit))
    assert isinstance(outcome, OutOfStock)


async def test_racing_carts_never_hold_more_than_was_answered(database: Database) -> None:
    where = far(BackorderLimit(quantity=units(3)), buffer=2)
    await receive(database, 4)
    await announce(database, purchase(bring(6)))

    outcomes = await asyncio.gather(*(hold(database, held(f"cart/{number}", 1), where=where) for number in range(20)))

    assert sum(isinstance(outcome, Reserved) for (outcome,) in outcomes) == 11
    assert await sellable(database, where, 0) == each(0)
