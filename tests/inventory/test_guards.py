"""The last guards stand in the database. Each is shown to refuse, and to be what refused: without it, the damage is done
and only the auditor sees it.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

import psycopg
import pytest

from crossdock.canonical.base import ReservationKey
from crossdock.canonical.stock import FloorMovement, MovementKind
from crossdock.foundation.db import Database, Tx, execute
from crossdock.inventory import service, store
from crossdock.inventory.model import Account, Posting
from crossdock.inventory.posting import store as posting
from crossdock.inventory.reservations.model import Placement, Release, ReserveRequest, Shelf
from inventory.shop_floor import (
    MINUTE,
    NOW,
    ORIGIN,
    allocation,
    at,
    differences,
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

OVERPROMISE = "UPDATE inventory.position SET allocated = allocated + 3"
PROMISES_STAND_ON_GOODS: tuple[LiteralString, ...] = (
    "ALTER TABLE inventory.position DROP CONSTRAINT position_promises_stand_on_goods",
    "ALTER TABLE inventory.running DROP CONSTRAINT running_promises_stand_on_goods",
)
BUSY, QUIET = NOW, NOW + MINUTE
"""A moment after the position was last written, and long after: its balances go to another table."""
ONLY_THE_FLOOR = "ALTER TABLE inventory.movement DROP CONSTRAINT movement_only_the_floor_raises_short"
UNITS_END_ONCE = "ALTER TABLE inventory.claim DROP CONSTRAINT claim_units_end_once"


@pytest.fixture
async def two(database: Database) -> Database:
    await receive(database, 2)
    return database


async def run(database: Database, *statements: LiteralString) -> None:
    async with database.transaction() as tx:
        for statement in statements:
            await execute(tx, statement)


async def checks(database: Database) -> Sequence[str]:
    return sorted({difference.check for difference in await differences(database)})


def promise(quantity: int, key: str = "order/1") -> Posting:
    return Posting(
        at(), MovementKind.ALLOCATE, Account.AVAILABLE, Account.ALLOCATED, units(quantity), ReservationKey(key), NOW
    )


async def overpromise(database: Database, now: datetime = NOW) -> None:
    """A program that holds the lock but counts wrongly."""
    async with database.transaction() as tx:
        await store.lock(tx, {at()}, make=False)
        await posting.write(tx, [promise(3)], origin=ORIGIN, now=now, facts=False)


async def test_the_table_refuses_a_promise_beyond_the_goods(two: Database) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="position_promises_stand_on_goods"):
        await run(two, OVERPROMISE)


async def test_without_that_guard_the_same_statement_oversells_and_only_the_auditor_sees_it(two: Database) -> None:
    await run(two, *PROMISES_STAND_ON_GOODS, OVERPROMISE)

    assert "short = promises beyond goods" in await checks(two)


@pytest.mark.parametrize(("now", "guard"), [(BUSY, "running_promises"), (QUIET, "position_promises")])
async def test_a_program_that_counts_wrongly_is_refused(two: Database, now: datetime, guard: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match=guard):
        await overpromise(two, now)

    assert (await position(two)).allocated == 0


@pytest.mark.parametrize("now", [BUSY, QUIET])
async def test_without_its_guards_the_wrong_count_is_written_and_found(two: Database, now: datetime) -> None:
    await run(two, *PROMISES_STAND_ON_GOODS, ONLY_THE_FLOOR)
    await overpromise(two, now)

    assert {"short = promises beyond goods", "only the floor raises short"} <= set(await checks(two))


async def test_the_ledger_alone_refuses_a_promise_that_raises_short(two: Database) -> None:
    await run(two, *PROMISES_STAND_ON_GOODS)

    with pytest.raises(psycopg.errors.CheckViolation, match="movement_only_the_floor_raises_short"):
        await overpromise(two)


async def test_a_policy_that_takes_too_much_is_stopped(two: Database) -> None:
    def greedy(request: ReserveRequest, shelf: Shelf) -> Placement:
        return Placement(dict.fromkeys(shelf, request.lines[0].quantity))

    with pytest.raises(AssertionError):
        async with two.transaction() as tx:
            await service.reserve(tx, [allocation("order/1", line(3))], origin=ORIGIN, now=NOW, placer=greedy)


@pytest.mark.parametrize("now", [BUSY, QUIET])
async def test_who_writes_without_the_lock_fails_instead_of_losing_an_update(database: Database, now: datetime) -> None:
    """Both decide on what they read before either wrote: the later one finds that the version has moved on."""
    await receive(database, 1)
    ready = asyncio.Barrier(2)

    async def decide_without_lock(key: str) -> bool:
        async with database.transaction() as tx:
            await execute(tx, "SELECT 1 FROM inventory.position")
            await ready.wait()
            await posting.write(tx, [promise(1, key)], origin=ORIGIN, now=now, facts=False)
        return True

    outcomes = await asyncio.gather(*map(decide_without_lock, ("order/1", "order/2")), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) in (
        ["AssertionError", "bool"],
        ["CheckViolation", "bool"],
        ["UniqueViolation", "bool"],
    )
    assert (await position(database)).allocated == 1


async def test_the_ledger_cannot_be_rewritten(two: Database) -> None:
    for statement in ("UPDATE inventory.movement SET quantity = 1", "DELETE FROM inventory.movement"):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="never changed"):
            await run(two, statement)


async def test_a_claims_units_cannot_end_twice(two: Database) -> None:
    await reserve(two, allocation("order/1", line(2)))
    await release(two, "order/1")

    with pytest.raises(psycopg.errors.CheckViolation, match="claim_units_end_once"):
        await run(two, "UPDATE inventory.claim SET released = released + 2")


async def test_without_that_guard_the_auditor_still_counts(two: Database) -> None:
    await reserve(two, allocation("order/1", line(2)))
    await run(two, UNITS_END_ONCE, "UPDATE inventory.claim SET remaining = 1")

    assert await checks(two) == ["claim = Σ its ledger rows", "claimed units = Σ open claims"]


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        ("UPDATE inventory.running SET on_hand = on_hand + 1", "counter = Σ ledger"),
        ("DELETE FROM inventory.running", "counter = Σ ledger"),
        ("UPDATE inventory.position SET on_hand = on_hand + 1", "counter = Σ ledger"),
        ("UPDATE inventory.position SET damaged = 1", "counter = Σ ledger"),
        ("DELETE FROM inventory.position", "counter = Σ ledger"),
        ("DELETE FROM inventory.claim", "claimed units = Σ open claims"),
        ("UPDATE inventory.claim SET kind = 'hold', expires_at = now()", "claimed units = Σ open claims"),
    ],
)
async def test_the_auditor_finds_what_was_changed_by_hand(two: Database, damage: LiteralString, check: str) -> None:
    await reserve(two, allocation("order/1"), now=BUSY if "running" in damage else QUIET)

    await run(two, damage)

    assert check in await checks(two)


async def test_the_auditor_finds_a_missing_ledger_row(two: Database) -> None:
    await record(two, movement(FloorMovement.ISSUE, 1), movement(FloorMovement.RECEIVE, 1))

    await run(
        two,
        "ALTER TABLE inventory.movement DISABLE TRIGGER movement_is_append_only",
        "DELETE FROM inventory.movement WHERE version = 2",
    )

    assert await checks(two) == ["counter = Σ ledger", "each balance follows from the last"]


async def test_the_auditor_is_content_with_a_sound_shop(two: Database) -> None:
    await reserve(two, hold("cart/1"), allocation("order/1"))
    await record(two, movement(FloorMovement.ISSUE, 5))

    assert await differences(two) == []


# ------------------------------------------------------------------------- crashes


async def kill(tx: Tx) -> None:
    """The connection is cut, as by a crash of either side."""
    await execute(tx, "SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.parametrize("act", ["record", "reserve", "release"])
async def test_a_crash_leaves_all_or_nothing(two: Database, act: str) -> None:
    await reserve(two, allocation("order/1"))
    before = await position(two)

    async def crash() -> None:
        async with two.transaction() as tx:
            if act == "record":
                await service.record(tx, [movement(FloorMovement.ISSUE, 1)], origin=ORIGIN, now=NOW)
            elif act == "reserve":
                await service.reserve(tx, [allocation("order/2")], origin=ORIGIN, now=NOW)
            else:
                await service.release(tx, [Release(key=ReservationKey("order/1"))], origin=ORIGIN, now=NOW)
            await kill(tx)

    with pytest.raises(psycopg.OperationalError):
        await crash()

    assert await position(two) == before
    assert await differences(two) == []
    (granted,) = await reserve(two, allocation("order/2"))
    assert granted.key == "order/2"
