"""Laws of busy positions: where the balances are written never shows, however long somebody looks at the past."""

import asyncio
from datetime import timedelta

import pytest

from crossdock.canonical.stock import FloorMovement
from crossdock.foundation.db import Database, fetch_tuples
from crossdock.inventory import service
from inventory.shop_floor import (
    NOW,
    ORIGIN,
    A,
    allocation,
    differences,
    hold,
    movement,
    position,
    receive,
    record,
    release,
    reserve,
)

MOMENT = timedelta(milliseconds=40)
LATER = NOW + timedelta(minutes=5)


async def rows(database: Database) -> tuple[int, int]:
    """Rows written for busy positions, and how far the position's own row lags behind."""
    async with database.transaction() as tx:
        ((running, lag),) = await fetch_tuples(
            tx,
            "SELECT (SELECT count(*) FROM inventory.running)::int,"
            " (SELECT coalesce(max(s.version - p.version), 0) FROM inventory.standing s"
            " JOIN inventory.position p USING (sku, location, condition))::int",
        )
    return running, lag


async def trade(database: Database, *, step: timedelta) -> None:
    """Eight events of all kinds, *step* apart."""
    await receive(database, 10)
    for number in range(1, 4):
        await reserve(database, allocation(f"order/{number}"), now=NOW + step * number)
    await reserve(database, hold("cart/1"), now=NOW + step * 4)
    await release(database, "order/2", now=NOW + step * 5)
    await record(database, movement(FloorMovement.ISSUE, 2), now=NOW + step * 6)
    await record(database, movement(FloorMovement.RECEIVE, 5), now=NOW + step * 7)


@pytest.mark.parametrize("step", [timedelta(0), MOMENT, timedelta(minutes=1)])
async def test_a_busy_position_and_a_quiet_one_have_the_same_balances(database: Database, step: timedelta) -> None:
    await trade(database, step=step)

    stood = await position(database)

    assert tuple(map(int, (stood.on_hand, stood.allocated, stood.held))) == (13, 2, 1)
    assert stood.version == 8
    assert await differences(database) == []


async def test_a_busy_positions_row_is_written_a_few_times_a_second_only(database: Database) -> None:
    await receive(database, 100)
    async with database.transaction() as tx:
        ((before,),) = await fetch_tuples(tx, "SELECT version FROM inventory.position")
    for number in range(20):
        await reserve(database, allocation(f"order/{number}"), now=NOW + MOMENT * number / 8)

    async with database.transaction() as tx:
        ((after,),) = await fetch_tuples(tx, "SELECT version FROM inventory.position")

    assert before == after
    assert await rows(database) == (20, 20)


async def test_settling_brings_the_row_up_to_date_and_changes_nothing_that_anybody_reads(database: Database) -> None:
    await trade(database, step=MOMENT / 8)
    before = await position(database)
    assert (await rows(database))[0] > 0

    async with database.transaction() as tx:
        assert await service.settle(tx, now=NOW) == 0, "it is busy still"
        assert await service.settle(tx, now=LATER) == 1
        assert await service.settle(tx, now=LATER) == 0

    assert await rows(database) == (0, 0)
    assert await position(database) == before
    assert await differences(database) == []
    assert (await reserve(database, allocation("order/9"), now=LATER))[0].key == "order/9"


async def test_a_transaction_that_waited_for_the_lock_sees_what_was_written_meanwhile(database: Database) -> None:
    """Balances are read after the lock is held: read together with it they would be those of before the wait."""
    await receive(database, 1)

    outcomes = await asyncio.gather(*(reserve(database, allocation(f"order/{number}")) for number in range(8)))

    assert sorted(type(outcome).__name__ for (outcome,) in outcomes) == ["OutOfStock"] * 7 + ["Reserved"]
    assert (await position(database)).short == 0


async def test_the_past_reads_the_same_whether_the_position_was_busy(database: Database) -> None:
    await trade(database, step=MOMENT)

    async with database.transaction() as tx:
        told = [
            tuple(map(int, (found.on_hand, found.allocated, found.held)))
            for number in range(8)
            for found in await service.positions_as_of(tx, [A], NOW + MOMENT * number)
        ]

    assert told == [(10, 0, 0), (10, 1, 0), (10, 2, 0), (10, 3, 0), (10, 3, 1), (10, 2, 1), (8, 2, 1), (13, 2, 1)]


async def test_the_ledger_tells_the_balances_after_each_row_of_a_batch(database: Database) -> None:
    await receive(database, 10)
    await reserve(database, *(allocation(f"order/{number}") for number in range(3)), hold("cart/1"))
    async with database.transaction() as tx:
        await service.record(
            tx, [movement(FloorMovement.ISSUE, 4), movement(FloorMovement.RECEIVE, 1)], origin=ORIGIN, now=NOW
        )

    async with database.transaction() as tx:
        told = [
            (row.version, *map(int, (row.on_hand, row.allocated, row.held, row.available)))
            for row in await service.ledger(tx, A, limit=6)
        ]

    assert told == [
        (7, 7, 3, 1, 3),
        (6, 6, 3, 1, 2),
        (5, 10, 3, 1, 6),
        (4, 10, 3, 0, 7),
        (3, 10, 2, 0, 8),
        (2, 10, 1, 0, 9),
    ]
