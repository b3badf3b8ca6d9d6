"""Who remembers a number is told until when it stands and what makes it fall before: time, rules, stock, items, stops."""

from collections.abc import Collection
from datetime import datetime

import msgspec

from availability.shop_window import (
    ESTATE,
    MARKET,
    ONE_POOL,
    WEB,
    describe,
    estate,
    held,
    hold,
    kit,
    later,
    stop,
)
from availability.test_staleness import HALF_AN_HOUR, hear, listening
from crossdock.availability import service
from crossdock.availability.model import Standing
from crossdock.availability.switches.model import Stop
from crossdock.canonical.base import ChannelCode, Sku
from crossdock.canonical.stock import ItemDescribed
from crossdock.estate.model import Estate, Segment, StopSell
from crossdock.foundation.db import Database
from crossdock.foundation.ids import new_id
from crossdock.inventory import service as inventory
from crossdock.inventory.unplaced.model import UnplacedLine
from inventory.shop_floor import NOW, ORIGIN, STORE, A, B, receive, units

SET = Sku("SET")


async def standing(
    database: Database, sku: Sku = A, *, where: Estate = ESTATE, channel: ChannelCode = WEB, now: datetime = NOW
) -> Standing:
    async with database.transaction() as tx:
        (found,) = await service.standing(tx, where, [(sku, channel)], now=now)
    return found


async def horizon(database: Database) -> int:
    async with database.transaction() as tx:
        return (await service.changed_since(tx, None, limit=1000)).horizon


async def changed(database: Database, since: int) -> Collection[Sku] | None:
    """None: everything may have."""
    async with database.transaction() as tx:
        found = (await service.changed_since(tx, since, limit=1000)).items
    return None if found is None else found.keys()


async def test_what_nothing_but_a_booking_changes_stands_until_then(database: Database) -> None:
    await receive(database, 5)

    assert (await standing(database)).until is None


async def test_a_number_stands_until_a_hold_lapses_that_lowers_it(database: Database) -> None:
    await receive(database, 5)
    await hold(database, held("cart/1", 2, expires_at=later(7)))

    assert (await standing(database)).until == later(7)


async def test_a_number_stands_until_the_next_rule_or_switch_begins_or_ends(database: Database) -> None:
    await receive(database, 5)
    window = estate(stops=[StopSell(sku=B, since=later(10), until=later(20))])

    assert [(await standing(database, where=window, now=later(minutes))).until for minutes in (0, 10, 20)] == [
        later(10),
        later(20),
        None,
    ]
    await stop(database, Stop(sku=A), until=later(5))
    assert (await standing(database, where=window)).until == later(5)


async def test_where_silence_counts_a_number_stands_for_a_minute_even_before_anybody_was_heard(
    database: Database,
) -> None:
    """It shrinks with every minute of silence, and the first who is heard starts the clock."""
    where = listening(HALF_AN_HOUR)
    await receive(database, 5, location=STORE)

    assert (await standing(database, where=where)).until == later(1)
    await hear(database, NOW, "tills", f"@{STORE}")
    assert (await standing(database, where=where)).until == later(1)


async def test_a_segments_number_names_the_item_that_the_other_channels_claims_lower(database: Database) -> None:
    shared = msgspec.structs.replace(ONE_POOL, segments=(Segment(channel=MARKET, units=units(3)),))
    await receive(database, 10)
    since = await horizon(database)

    await hold(database, held("cart/1", 3, channel=MARKET), where=shared)

    assert await changed(database, since) == {A}


async def test_a_kits_number_is_made_of_its_components(database: Database) -> None:
    await describe(database, kit("SET", A=1, B=2))
    await receive(database, 5)
    await receive(database, 5, B)

    assert set((await standing(database, SET)).parts) == {A, B}


async def test_a_component_that_is_described_anew_changes_its_kits(database: Database) -> None:
    await describe(database, kit("SET", A=1))
    since = await horizon(database)

    await describe(database, ItemDescribed(sku=A, name="Tea", tracked=False))

    assert await changed(database, since) == {A, SET}


async def test_a_switch_set_ended_or_run_out_may_change_everything(database: Database) -> None:
    since = await horizon(database)
    switch = await stop(database, Stop(category="food"))
    assert await changed(database, since) is None

    since = await horizon(database)
    assert await changed(database, since) == set()
    async with database.transaction() as tx:
        await service.resume(tx, [switch], by="ops", origin=ORIGIN, now=later(1))
    assert await changed(database, since) is None


async def test_more_changes_than_are_worth_telling_apart_are_everything(database: Database) -> None:
    since = await horizon(database)
    await receive(database, 5)

    async with database.transaction() as tx:
        assert (await service.changed_since(tx, since, limit=1)).items is None
        assert (await service.changed_since(tx, since, limit=2)).items is not None


async def test_orders_that_wait_for_a_place_are_followed_and_their_number_stands_for_a_second(
    database: Database,
) -> None:
    await receive(database, 5)
    since = await horizon(database)

    async with database.transaction() as tx:
        await inventory.wait_for_place(tx, [UnplacedLine(new_id(), "1", A, WEB, units(2))])

    assert await changed(database, since) == {A}
    found = await standing(database)
    assert (found.availability.sellable, found.until) == (units(3), later(1 / 60))
