"""A stop acts at once on what is granted and published, ends as it says, and is remembered."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import psycopg
import pytest

from availability.shop_window import (
    ESTATE,
    MARKET,
    WEB,
    apply,
    ask,
    describe,
    estate,
    held,
    hold,
    kit,
    later,
    refresh,
    stop,
)
from availability.test_publication import confirm, pending
from crossdock.availability import service
from crossdock.availability.model import Reason
from crossdock.availability.switches.model import Stop, Switch
from crossdock.canonical.base import ChannelCode, Sku
from crossdock.canonical.facts import SellingResumed, SellingStopped
from crossdock.canonical.stock import ItemDescribed
from crossdock.estate.model import PublishLimit, StopSell
from crossdock.eventlog import service as eventlog
from crossdock.foundation.db import Database
from crossdock.inventory.reservations.model import OutOfStock, Reserved
from inventory.shop_floor import DC, NOW, ORIGIN, SHOP, STORE, A, B, each, receive


async def resume(database: Database, *switches: Switch, minutes: float = 0) -> Sequence[Switch]:
    async with database.transaction() as tx:
        return await service.resume(tx, switches, by="ops", origin=ORIGIN, now=later(minutes))


async def told(database: Database, channel: ChannelCode = WEB) -> dict[Sku, Decimal]:
    while await refresh(database):
        pass
    return {sku: target.quantity for sku, target in (await pending(database, channel)).items()}


async def test_a_stopped_item_is_neither_granted_nor_published_until_it_is_resumed(database: Database) -> None:
    await receive(database, 9)
    await receive(database, 5, B)
    assert await told(database) == {A: 9, B: 5}

    switch = await stop(database, Stop(sku=A))
    (outcome,) = await hold(database, held("cart/1", 1))

    assert isinstance(outcome, OutOfStock)
    assert await told(database) == {A: 0, B: 5}
    answer = await ask(database)
    assert (answer.reasons, {cause.switch for cause in answer.causes}) == ((Reason.STOP_SELL,), {switch.id})

    (ended,) = await resume(database, switch)
    assert (ended.id, ended.ended_by, await resume(database, switch)) == (switch.id, "ops", [])
    assert await told(database) == {A: 9, B: 5}
    (outcome,) = await hold(database, held("cart/2", 1))
    assert isinstance(outcome, Reserved)


async def test_a_stop_is_for_its_channel_and_its_location_only(database: Database) -> None:
    await receive(database, 5, location=DC)
    await receive(database, 3, location=STORE)
    await receive(database, 2, location=SHOP)

    await stop(database, Stop(channel=WEB))
    assert ((await ask(database)).sellable, (await ask(database, channel=MARKET)).sellable) == each(0, 7)
    await stop(database, Stop(location=SHOP))
    assert (await ask(database, channel=MARKET)).sellable == 5
    assert await told(database) == {A: 0}
    assert await told(database, MARKET) == {A: 5}


async def test_a_stop_of_a_category_is_for_everything_below_it(database: Database) -> None:
    await describe(
        database,
        ItemDescribed(sku=A, name="Tea", category="food.tea"),
        ItemDescribed(sku=B, name="Foodstuff", category="foodstuff"),
    )
    await receive(database, 9)
    await receive(database, 5, B)

    await stop(database, Stop(category="food"))

    assert await told(database) == {A: 0, B: 5}


async def test_a_kit_is_stopped_with_its_component_and_by_itself(database: Database) -> None:
    await describe(database, kit("SET", A=2))
    await receive(database, 9)
    assert await told(database) == {A: 9, Sku("SET"): 4}

    switch = await stop(database, Stop(sku=A))
    assert await told(database) == {A: 0, Sku("SET"): 0}
    assert (await ask(database, Sku("SET"))).reasons == (Reason.COMPONENT,)
    await resume(database, switch)
    await stop(database, Stop(sku="SET"))

    assert await told(database) == {A: 9, Sku("SET"): 0}
    assert (await ask(database, Sku("SET"))).reasons == (Reason.STOP_SELL,)
    (outcome,) = await hold(database, held("cart/1", 1, Sku("SET")))
    assert isinstance(outcome, OutOfStock)


async def test_what_nobody_counts_can_be_stopped_too(database: Database) -> None:
    await describe(database, ItemDescribed(sku=A, name="Gift card", tracked=False))
    limited = estate(publish_max=Decimal(99))
    async with database.transaction() as tx:
        await service.sweep(tx, limited, now=NOW)
    assert (await pending(database))[A].quantity == 99

    await stop(database, Stop(sku=A))

    assert await refresh(database, where=limited) == 1
    assert (await pending(database))[A].quantity == 0
    (outcome,) = await hold(database, held("cart/1", 1), where=limited)
    assert isinstance(outcome, OutOfStock)


async def test_a_stop_ends_by_its_own_clock(database: Database) -> None:
    await receive(database, 9)
    await stop(database, Stop(sku=A), until=later(30))

    assert [(await ask(database, now=later(minutes))).sellable for minutes in (0, 29, 30)] == [0, 0, 9]
    async with database.transaction() as tx:
        assert await service.turning(tx, ESTATE, after=later(29), now=later(30))
        assert not await service.turning(tx, ESTATE, after=later(30), now=later(31))


async def test_the_past_keeps_the_stops_that_were_in_force(database: Database) -> None:
    await apply(database, ESTATE, now=later(-60))
    await receive(database, 9)
    switch = await stop(database, Stop(sku=A), now=later(10))
    await resume(database, switch, minutes=20)

    async def sellable(minutes: float) -> Decimal:
        async with database.transaction() as tx:
            found = await service.explain(tx, ESTATE, A, WEB, now=later(99), as_of=later(minutes))
        assert [each.id for each in found.switches] == ([switch.id] if 10 <= minutes < 20 else [])
        return found.availability.sellable

    assert [await sellable(minutes) for minutes in (9, 10, 19, 20)] == [9, 0, 0, 9]


async def test_who_stopped_what_and_who_let_it_go_are_facts(database: Database) -> None:
    switch = await stop(database, Stop(sku=A, channel=WEB), until=later(30))
    await resume(database, switch, minutes=5)

    async with database.transaction() as tx:
        facts = [event.fact for event in await eventlog.of_stream(tx, f"switch/{switch.id}")]

    assert facts == [
        SellingStopped(switch_id=str(switch.id), sku=A, channel=WEB, owner="ops", reason="recall", until=later(30)),
        SellingResumed(switch_id=str(switch.id), by="ops"),
    ]


async def test_two_who_resume_at_once_end_it_once(database: Database) -> None:
    switch = await stop(database, Stop(sku=A))

    ended = await asyncio.gather(*(resume(database, switch) for _ in range(4)))

    assert sorted(len(each) for each in ended) == [0, 0, 0, 1]


def test_a_stop_of_nothing_and_one_of_two_things_are_refused() -> None:
    with pytest.raises(ValueError, match="needs an item, a category, a channel or a location"):
        Stop()
    with pytest.raises(ValueError, match="for an item or for a category"):
        Stop(sku="A", category="food")


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("owner = ''", "switch_owner_check"),
        ("sku = NULL", "switch_stops_something"),
        ("category = 'food'", "switch_is_for_an_item_or_a_category"),
        ("ended_at = since", "switch_was_ended_by_somebody"),
        ("until = since", "switch_check"),
    ],
)
async def test_the_table_refuses_switches_that_nobody_could_explain(
    database: Database, change: str, constraint: str
) -> None:
    await stop(database, Stop(sku=A))

    with pytest.raises(psycopg.errors.CheckViolation, match=constraint):
        async with database.transaction() as tx:
            await tx.execute(b"UPDATE availability.switch SET " + change.encode())


# ------------------------------------------------------------------------------------------- rules of the estate


async def test_rules_of_the_estate_stop_in_their_windows_and_a_later_one_excepts(database: Database) -> None:
    await receive(database, 5, location=DC)
    await receive(database, 3, location=STORE)
    rules = [StopSell(sku=A, since=later(10), until=later(20)), StopSell(location=STORE, stop=False)]
    stopping = estate(stops=rules)

    answers = [await ask(database, where=stopping, now=later(minutes)) for minutes in (9, 10, 20)]

    assert [answer.sellable for answer in answers] == [8, 3, 8]
    cause = answers[1].locations[0].cause
    assert cause is not None
    assert cause.rule is not None
    assert (cause.rule.list, cause.rule.index) == ("stop_sell", 0)
    async with database.transaction() as tx:
        assert await service.turning(tx, stopping, after=later(9), now=later(11))
        assert not await service.turning(tx, stopping, after=later(11), now=later(19))


async def test_below_its_minimum_a_channel_is_told_nothing(database: Database) -> None:
    await receive(database, 5)
    careful = estate(
        limits=[
            PublishLimit(minimum=Decimal(3)),
            PublishLimit(maximum=Decimal(4)),
            PublishLimit(maximum=Decimal(9), sku=B),
        ]
    )

    answer = await ask(database, where=careful)
    assert (answer.published, answer.publish_min, answer.publish_max) == each(4, 3, 4)
    await hold(database, held("cart/1", 3))
    answer = await ask(database, where=careful)
    assert (answer.sellable, answer.published) == each(2, 0)
    assert answer.reasons == (Reason.PUBLISH_MIN,)


async def test_an_item_is_told_to_nobody_before_its_goods_were_seen_and_to_all_from_then_on(
    database: Database,
) -> None:
    """While the first stock is still being loaded, zeros would empty the shops."""
    await describe(database, ItemDescribed(sku=A, name="Tea"))
    async with database.transaction() as tx:
        await service.mark(tx, [A], now=NOW)
    assert await told(database) == {}

    await receive(database, 4, location=SHOP)

    assert await told(database) == {A: 0}
    assert await told(database, MARKET) == {A: 4}
    target = (await pending(database))[A]
    await confirm(database, target)
