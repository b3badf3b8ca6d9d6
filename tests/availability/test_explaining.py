"""Every number can be explained, term by term, now and at any past moment, with what the channel had been told."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import msgspec

from availability.shop_window import MARKET, ONE_POOL, WEB, apply, ask, describe, held, hold, kit, later, refresh, stop
from crossdock.availability import service
from crossdock.availability.model import Availability, Explanation, Reason, Rule
from crossdock.availability.switches.model import Stop
from crossdock.canonical.base import ChannelCode, LocationCode, Sku
from crossdock.canonical.stock import Bucket, FloorMovement, ItemDescribed
from crossdock.estate import service as estates
from crossdock.estate.model import BackorderLimit, ChannelBuffer, Estate, SafetyStock, Segment
from crossdock.foundation.db import Database
from crossdock.inventory import service as inventory
from estate.estate_files import checked
from inventory.shop_floor import (
    ORIGIN,
    STORE,
    A,
    B,
    allocation,
    commit,
    line,
    movement,
    receive,
    record,
    release,
    reserve,
    units,
)

SET = Sku("SET")


async def explain(
    database: Database,
    *,
    sku: Sku = A,
    channel: ChannelCode = WEB,
    where: Estate = ONE_POOL,
    now: datetime | None = None,
    as_of: datetime | None = None,
) -> Explanation:
    async with database.transaction() as tx:
        return await service.explain(tx, where, sku, channel, now=now or later(999), as_of=as_of)


async def test_each_balance_names_the_ledger_row_that_set_it(database: Database) -> None:
    await apply(database, ONE_POOL, now=later(-1))
    await record(database, movement(FloorMovement.RECEIVE, 10, key="PO 17"))
    await record(database, movement(FloorMovement.REBUCKET, 2, key="broken/1", to_bucket=Bucket.DAMAGED))
    await reserve(database, allocation("order/1", line(3)), now=later(1))
    await hold(database, held("cart/1", 1), now=later(2))
    await record(database, movement(FloorMovement.ISSUE, 1, key="till/9"), now=later(3))

    found = await explain(database, now=later(4))

    assert {row.term: (row.kind, row.key, row.quantity) for row in found.set_by} == {
        "on_hand": ("issue", "till/9", units(1)),
        "damaged": ("rebucket", "broken/1", units(2)),
        "allocated": ("allocate", "order/1", units(3)),
        "held": ("hold", "cart/1", units(1)),
    }
    before = await explain(database, as_of=later(2))
    assert {row.term: row.key for row in before.set_by}["on_hand"] == "PO 17"


async def test_a_kits_explanation_holds_those_of_its_components(database: Database) -> None:
    await describe(database, kit(SET, A=2, B=1))
    await receive(database, 5)
    await receive(database, 9, B)

    found = await explain(database, sku=SET)

    assert [(c.quantity, c.availability.sku, c.availability.sellable) for c in found.availability.components] == [
        (units(2), A, units(5)),
        (units(1), B, units(9)),
    ]
    assert {(row.sku, row.term) for row in found.set_by} == {(A, "on_hand"), (B, "on_hand")}


async def test_each_rule_is_named_with_its_line_in_the_version_that_was_in_force(
    database: Database, tmp_path: Path
) -> None:
    rules = "safety_stock:\n  - quantity: 1\n  # the shop floor wants more\n  - {sku: A, quantity: 2}\n"
    first = checked(tmp_path, more=rules)
    second = checked(tmp_path, more="# moved\n" + rules.replace("quantity: 2", "quantity: 3"))
    now_in_force = second.estate
    assert first.estate is not None
    assert now_in_force is not None
    async with database.transaction() as tx:
        await estates.apply(tx, first.estate, note="", now=later(0), places=first.places)
        await estates.apply(tx, now_in_force, note="", now=later(10), places=second.places)
    await receive(database, 9, location=LocationCode("DC1"))

    async def rule(minutes: float | None) -> Rule | None:
        as_of = None if minutes is None else later(minutes)
        found = await explain(database, where=now_in_force, as_of=as_of)
        return found.availability.locations[0].safety_rule

    assert await rule(5) == Rule("safety_stock", 1, units(2), "more.yaml:4")
    assert await rule(10) == Rule("safety_stock", 1, units(3), "more.yaml:5")
    assert await rule(None) == Rule("safety_stock", 1, units(3), "more.yaml:5")
    async with database.transaction() as tx:
        await estates.roll_back(tx, 1, now=later(20))
    assert await rule(25) == Rule("safety_stock", 1, units(2), "more.yaml:4")


async def test_before_the_first_estate_nothing_could_be_sold(database: Database) -> None:
    await apply(database, ONE_POOL, now=later(10))
    await receive(database, 9)

    found = await explain(database, as_of=later(5))

    assert (found.estate_version, found.availability.reasons) == (0, (Reason.UNKNOWN_CHANNEL,))


async def test_what_was_told_at_a_moment_is_told_with_when_it_was_confirmed(database: Database) -> None:
    """What did we tell Amazon at 10:02, and when did they confirm?"""
    await apply(database, ONE_POOL)
    await receive(database, 9)
    await refresh(database, where=ONE_POOL, now=later(1))
    await record(database, movement(FloorMovement.ISSUE, 2), now=later(2))
    await refresh(database, where=ONE_POOL, now=later(3))
    async with database.transaction() as tx:
        await service.confirmed(tx, WEB, A, 1, units(9), now=later(4))
        await service.confirmed(tx, WEB, A, 2, units(7), now=later(6))

    at_two = (await explain(database, as_of=later(2))).told
    at_five = (await explain(database, as_of=later(5))).told

    assert at_two.announced is not None
    assert at_two.answered is not None
    assert at_two.confirmed is None
    assert (at_two.announced.quantity, at_two.answered.confirmed_at) == (units(9), later(4))
    assert at_five.announced is not None
    assert at_five.answered is not None
    assert at_five.confirmed is not None
    assert (at_five.announced.quantity, at_five.confirmed.quantity) == (units(7), units(9))
    assert at_five.answered.confirmed_at == later(6)


# ----------------------------------------------------------------------------------- the past is what it was


def plain(answer: Availability) -> dict[str, object]:
    """Without when on-hand last changed out there: the past only knows when something was last written."""
    told = msgspec.to_builtins(replace(answer, components=()))
    assert isinstance(told, dict)
    for term in told["locations"]:
        del term["happened_at"]
    return {**told, "components": [(term.quantity, plain(term.availability)) for term in answer.components]}


async def test_a_past_moment_is_explained_as_it_was_answered_then(database: Database) -> None:
    """Stock, claims by channel, holds that lapsed, items, kits, switches and rules: whatever has changed since."""
    estate = msgspec.structs.replace(
        ONE_POOL,
        segments=(Segment(channel=MARKET, units=units(3)), Segment(channel=WEB, percent=units(30), category="food")),
        safety_stock=(SafetyStock(quantity=units(1), category="food"),),
    )
    calmer = msgspec.structs.replace(
        estate,
        channel_buffers=(ChannelBuffer(quantity=units(1)),),
        backorder_limits=(BackorderLimit(quantity=units(2), until=later(95)),),
        channels=tuple(msgspec.structs.replace(channel, backorder=True) for channel in estate.channels),
    )
    in_force = estate

    async def apply_estate(where: Estate, now: datetime) -> None:
        nonlocal in_force
        await apply(database, where, now=now)
        in_force = where

    async def end_switch(now: datetime) -> None:
        async with database.transaction() as tx:
            standing = await service.switches.in_force(tx, at=now)
            await service.resume(tx, standing, by="ops", origin=ORIGIN, now=now)

    async def lapse(now: datetime) -> None:
        async with database.transaction() as tx:
            await inventory.lapse(tx, origin=ORIGIN, now=now)

    tea = ItemDescribed(sku=A, name="Tea", category="food.tea")
    steps: list[Callable[[datetime], Awaitable[object]]] = [
        lambda now: apply_estate(estate, now),
        lambda now: receive(database, 20, now=now),
        lambda now: receive(database, 6, location=STORE, now=now),
        lambda now: describe(database, tea, kit(SET, A=2, B=1), now=now),
        lambda now: receive(database, 9, B, now=now),
        lambda now: hold(database, held("w/1", 4, expires_at=now + (later(15) - later(0))), where=in_force, now=now),
        lambda now: hold(database, held("m/1", 2, channel=MARKET), where=in_force, now=now),
        lambda now: hold(database, held("s/1", 2, SET), where=in_force, now=now),
        lambda now: record(database, movement(FloorMovement.REBUCKET, 3, to_bucket=Bucket.DAMAGED), now=now),
        lambda now: commit(database, "m/1", now=now),
        lambda now: stop(database, Stop(category="food", location=STORE), now=now),
        lambda now: apply_estate(calmer, now),
        lambda now: describe(database, kit(SET, A=3), now=now),
        lapse,
        lambda now: release(database, "s/1", now=now),
        end_switch,
        lambda now: describe(database, ItemDescribed(sku=A, name="Tea", category="drinks"), now=now),
        lambda now: record(database, movement(FloorMovement.ISSUE, 12), now=now),
        lambda now: reserve(database, allocation("order/9", line(2)), now=now),
    ]
    answered: list[tuple[datetime, Estate, Sku, ChannelCode, Availability]] = []

    for number, step in enumerate(steps):
        await step(later(number * 5))
        now = later(number * 5 + 2)
        for sku in (A, B, SET):
            for channel in (WEB, MARKET):
                answer = await ask(database, sku, channel, where=in_force, now=now)
                answered.append((now, in_force, sku, channel, answer))

    assert len({answer.sellable for *_, answer in answered}) > 8
    for now, _, sku, channel, answer in answered:
        found = await explain(database, sku=sku, channel=channel, as_of=now)
        assert plain(found.availability) == plain(answer), (now, sku, channel)
