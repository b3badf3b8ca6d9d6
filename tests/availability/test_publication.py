"""What channels are told: only changes, in versions that rise, urgent first, and what was said when."""

import asyncio
from decimal import Decimal

from availability.shop_window import ESTATE, MARKET, WEB, apply, estate, held, hold, later, refresh
from crossdock.availability import service
from crossdock.availability.model import Reason, Target, Told
from crossdock.canonical.base import ChannelCode, Sku
from crossdock.canonical.stock import Bucket, FloorMovement
from crossdock.foundation.db import Database
from crossdock.inventory import service as inventory
from inventory.shop_floor import (
    DC,
    NOW,
    ORIGIN,
    SHOP,
    A,
    B,
    C,
    allocation,
    each,
    movement,
    receive,
    record,
    release,
    reserve,
    units,
)


async def pending(database: Database, channel: ChannelCode = WEB) -> dict[Sku, Target]:
    async with database.transaction() as tx:
        return {target.sku: target for target in await service.pending(tx, channel)}


async def confirm(database: Database, target: Target, minutes: float = 0) -> None:
    async with database.transaction() as tx:
        await service.confirmed(tx, WEB, target.sku, target.version, target.quantity, now=later(minutes))


async def test_a_thousand_changes_of_one_item_are_one_number(database: Database) -> None:
    for _ in range(5):
        await record(database, *(movement(FloorMovement.RECEIVE, 1) for _ in range(20)))

    assert await refresh(database) == 1
    assert (await pending(database))[A].quantity == 100
    assert (await pending(database))[A].version == 1


async def test_a_number_that_comes_back_to_what_it_was_is_not_told(database: Database) -> None:
    await receive(database, 10)
    await refresh(database)
    await confirm(database, (await pending(database))[A])

    await reserve(database, allocation("order/1"))
    await release(database, "order/1")

    assert await refresh(database) == 1
    assert await pending(database) == {}


async def test_only_channels_that_share_the_location_are_told(database: Database) -> None:
    await receive(database, 10)
    await refresh(database)
    await receive(database, 10, location=SHOP)
    await refresh(database)

    assert (await pending(database, WEB))[A].version == 1
    assert (await pending(database, MARKET))[A].version == 2


async def test_versions_rise_and_an_old_confirmation_hides_nothing(database: Database) -> None:
    await receive(database, 10)
    await refresh(database)
    first = (await pending(database))[A]
    await receive(database, 5)
    await refresh(database)

    await confirm(database, first)
    second = (await pending(database))[A]
    await confirm(database, second)
    await confirm(database, first)

    assert (first.version, second.version) == (1, 2)
    assert await pending(database) == {}


async def test_urgent_news_goes_first(database: Database) -> None:
    await receive(database, 100, A)
    await receive(database, 100, B)
    await receive(database, 100, C)
    await refresh(database)
    for target in (await pending(database)).values():
        await confirm(database, target)

    await record(database, movement(FloorMovement.ISSUE, 1, A), now=later(1))
    await record(database, movement(FloorMovement.ISSUE, 1, B), now=later(2))
    await record(database, movement(FloorMovement.ISSUE, 100, C), now=later(3))
    await refresh(database, now=later(3))

    assert list(await pending(database)) == [C, A, B]


async def test_freshness_counts_from_the_earliest_fact_that_is_not_confirmed(database: Database) -> None:
    await receive(database, 10)
    await refresh(database)
    await record(database, movement(FloorMovement.ISSUE, 1, happened_at=later(-2)), now=later(5))
    await refresh(database, now=later(6))

    assert (await pending(database))[A].happened_at == later(-2)

    await confirm(database, (await pending(database))[A], 7)
    await record(database, movement(FloorMovement.ISSUE, 1, happened_at=later(8)), now=later(9))
    await refresh(database, now=later(9))

    assert (await pending(database))[A].happened_at == later(8)


async def test_what_a_channel_was_told_and_when_it_confirmed_is_known_for_ever(database: Database) -> None:
    await receive(database, 10)
    await refresh(database)
    await confirm(database, (await pending(database))[A], 5)
    await record(database, movement(FloorMovement.ISSUE, 4), now=later(10))
    await refresh(database, now=later(10))
    await confirm(database, (await pending(database))[A], 12)

    async with database.transaction() as tx:
        at_eleven = await service.told(tx, WEB, A, later(11))
        at_end = await service.told(tx, WEB, A, later(60))

    assert at_eleven.announced is not None
    assert at_eleven.confirmed is not None
    assert (at_eleven.announced.quantity, at_eleven.confirmed.quantity) == each(6, 10)
    assert at_end.confirmed is not None
    assert (at_end.confirmed.quantity, at_end.confirmed.confirmed_at) == (units(6), later(12))


async def test_what_a_channel_was_seen_to_hold_is_the_base_of_the_next_telling(database: Database) -> None:
    await receive(database, 10)
    await refresh(database)
    await confirm(database, (await pending(database))[A])
    await record(database, movement(FloorMovement.ISSUE, 3), now=later(1))
    await refresh(database, now=later(1))

    async with database.transaction() as tx:
        await service.found(tx, WEB, A, Decimal(8), now=later(2))
    still = (await pending(database))[A]
    async with database.transaction() as tx:
        await service.found(tx, WEB, A, Decimal(7), now=later(3))

    assert still.confirmed_quantity == 8
    assert await pending(database) == {}


async def test_lapsed_holds_are_published_once_they_are_written_down(database: Database) -> None:
    await receive(database, 1)
    await hold(database, held("cart/1", 1))
    await refresh(database)
    await confirm(database, (await pending(database))[A])

    async with database.transaction() as tx:
        assert await inventory.lapse(tx, origin=ORIGIN, now=later(31)) == 1
    await refresh(database, now=later(31))

    target = (await pending(database))[A]
    assert (target.quantity, target.happened_at) == (units(1), later(30))


async def test_a_change_that_commits_late_is_still_told(database: Database) -> None:
    """The reader stays below the horizon: an early, slow writer is not skipped."""
    async with database.transaction() as slow:
        await inventory.record(slow, [movement(FloorMovement.RECEIVE, 7, B)], origin=ORIGIN, now=NOW)
        await receive(database, 5, A)
        await refresh(database)
    await refresh(database)

    assert {sku: target.quantity for sku, target in (await pending(database)).items()} == {A: 5, B: 7}


async def test_racing_refreshers_and_sellers_end_with_the_true_number(database: Database) -> None:
    await receive(database, 30)

    async def sell(n: int) -> None:
        await reserve(database, allocation(f"order/{n}"))

    async def publish() -> None:
        for _ in range(5):
            await refresh(database)

    await asyncio.gather(*(sell(n) for n in range(20)), publish(), publish(), publish())
    while await refresh(database):
        pass

    assert (await pending(database))[A].quantity == 10


async def test_reading_on_in_small_steps_misses_nothing(database: Database) -> None:
    skus = [Sku(f"N{n:02}") for n in range(25)]
    await record(database, *(movement(FloorMovement.RECEIVE, 5, sku) for sku in skus))

    steps = 0
    while await refresh(database, limit=4):
        steps += 1

    assert steps == 7
    assert len(await pending(database)) == 25


async def test_a_sweep_follows_a_changed_estate(database: Database) -> None:
    for sku in (A, B, C):
        await receive(database, 5, sku)
    while await refresh(database):
        pass

    async with database.transaction() as tx:
        smaller = estate(publish_max=Decimal(2))
        after = None
        pages = 0
        while (after := await service.sweep(tx, smaller, now=NOW, after=after, limit=2)) is not None:
            pages += 1

    assert pages == 2
    assert {target.quantity for target in (await pending(database)).values()} == {2}


# ------------------------------------------------------------------------ explain


async def test_the_past_is_rebuilt_from_the_ledger(database: Database) -> None:
    await apply(database, ESTATE, now=later(-60))
    await receive(database, 10)
    await record(database, movement(FloorMovement.REBUCKET, 3, to_bucket=Bucket.DAMAGED), now=later(10))
    await reserve(database, allocation("order/1"), now=later(20))

    async def sellable(minutes: float) -> Decimal:
        async with database.transaction() as tx:
            found = await service.explain(tx, ESTATE, A, WEB, now=later(99), as_of=later(minutes))
        return found.availability.sellable

    assert [await sellable(minutes) for minutes in (-1, 0, 10, 19, 20, 50)] == [0, 10, 7, 7, 6, 6]


async def test_a_hold_that_had_lapsed_then_does_not_count_in_the_past_either(database: Database) -> None:
    await apply(database, ESTATE, now=later(-60))
    await receive(database, 10)
    await hold(database, held("cart/1", 4, expires_at=later(10)), held("cart/2", 1, expires_at=later(40)))

    async def sellable(minutes: float) -> Decimal:
        async with database.transaction() as tx:
            found = await service.explain(tx, ESTATE, A, WEB, now=later(99), as_of=later(minutes))
        return found.availability.sellable

    before = [await sellable(minutes) for minutes in (5, 10, 20)]
    async with database.transaction() as tx:
        await inventory.lapse(tx, origin=ORIGIN, now=later(30))
    after = [await sellable(minutes) for minutes in (5, 10, 20, 30, 40)]

    assert before == [5, 9, 9]
    assert after == [5, 9, 9, 9, 10]


async def test_an_explanation_names_every_term(database: Database) -> None:
    await receive(database, 10, location=DC)
    await record(database, movement(FloorMovement.REBUCKET, 2, to_bucket=Bucket.DISPLAY))
    await hold(database, held("cart/1", 1))
    await reserve(database, allocation("order/1"))

    async with database.transaction() as tx:
        found = await service.explain(tx, ESTATE, A, WEB, now=NOW)

    (centre, store) = found.availability.locations
    assert (centre.on_hand, centre.held, centre.allocated, centre.available, centre.atp) == each(10, 1, 1, 6, 6)
    assert (centre.unavailable, centre.changed_at) == ({"display": units(2)}, NOW)
    assert store.reason is Reason.NEVER_SEEN
    assert found.availability.sellable == 6
    assert found.told == Told(None, None)
