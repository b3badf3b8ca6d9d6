"""Facts from the floor are never refused: movements, counts, transfers, and what they leave for people."""

import asyncio
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest

from crossdock.canonical.facts import CountRecorded, StockDiscrepancy, StockShort
from crossdock.canonical.stock import Bucket, FloorMovement, MovementKind
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.model import START
from crossdock.foundation.db import Database
from crossdock.inventory import service
from crossdock.inventory.model import (
    AlreadyRecorded,
    BeyondTolerance,
    Counted,
    CountOutcome,
    KeyReused,
    LedgerCursor,
    MovementKey,
    MovementOutcome,
    NewCount,
    NewMovement,
    OutdatedCount,
    Recorded,
    StaleCount,
    StockCount,
    Unchanged,
)
from inventory.shop_floor import (
    DC,
    MINUTE,
    NOW,
    ORIGIN,
    A,
    B,
    C,
    allocation,
    differences,
    each,
    hold,
    line,
    movement,
    position,
    receive,
    record,
    reserve,
    units,
)

ISSUE, RECEIVE, ADJUST, REBUCKET = (
    FloorMovement.ISSUE,
    FloorMovement.RECEIVE,
    FloorMovement.ADJUST,
    FloorMovement.REBUCKET,
)


async def told(database: Database) -> Sequence[object]:
    async with database.transaction() as tx:
        return [event.fact for event in await eventlog.read_after(tx, START)]


async def put(database: Database, *movements: NewMovement) -> Sequence[MovementOutcome]:
    async with database.transaction() as tx:
        return await service.record(tx, movements, origin=ORIGIN, now=NOW)


async def count(
    database: Database,
    on_hand: int,
    *,
    key: str = "count/1",
    as_of: int = 0,
    now: int = 0,
    base: int | None = None,
    correct_max: int | None = None,
) -> CountOutcome:
    new = NewCount(
        key=MovementKey(key),
        sku=A,
        location=DC,
        on_hand=units(on_hand),
        as_of=NOW + as_of * MINUTE,
        base=None if base is None else units(base),
    )
    most = None if correct_max is None else units(correct_max)
    async with database.transaction() as tx:
        (outcome,) = await service.count(tx, [new], origin=ORIGIN, now=NOW + now * MINUTE, correct_max=most)
    return outcome


# ----------------------------------------------------------------------- movements


async def test_a_movement_told_twice_is_booked_once(database: Database) -> None:
    outcomes = await put(
        database,
        movement(RECEIVE, 5, key="m/1"),
        movement(RECEIVE, 5, key="m/1"),
        movement(RECEIVE, 6, key="m/1"),
    )
    (later,) = await put(database, movement(RECEIVE, 5, key="m/1"))

    key = MovementKey("m/1")
    assert outcomes == [Recorded(key), AlreadyRecorded(key), KeyReused(key)]
    assert later == AlreadyRecorded(key)
    assert (await position(database)).on_hand == 5


async def test_a_movement_told_by_many_at_once_is_booked_once(database: Database) -> None:
    batches = [movement(RECEIVE, 1, key=f"m/{n}") for n in range(10)]

    await asyncio.gather(*(record(database, *(batches[::-1] if n % 2 else batches)) for n in range(10)))

    assert (await position(database)).on_hand == 10


async def test_a_till_may_sell_what_the_books_do_not_know(database: Database) -> None:
    await put(database, movement(ISSUE, 2))

    found = await position(database)
    assert (found.on_hand, found.available, found.short) == each(-2, -2, 0)
    (fact,) = await told(database)
    assert isinstance(fact, StockDiscrepancy)
    assert (fact.ours, fact.theirs) == each(-2, 0)


async def test_goods_that_are_gone_make_promises_short_and_tell_so(database: Database) -> None:
    await receive(database, 5)
    await reserve(database, allocation("order/1", line(4)))

    await put(database, movement(ISSUE, 3))

    found = await position(database)
    assert (found.on_hand, found.available, found.short) == each(2, -2, 2)
    (fact,) = await told(database)
    assert isinstance(fact, StockShort)
    assert (fact.short, fact.location) == (units(2), DC)


async def test_nothing_more_is_promised_while_a_position_is_short_and_receipts_heal_it(database: Database) -> None:
    await receive(database, 2)
    await reserve(database, allocation("order/1", line(2)))
    await put(database, movement(ISSUE, 1))
    (refused,) = await reserve(database, allocation("order/2"))

    await receive(database, 2)
    (granted,) = await reserve(database, allocation("order/3"))

    assert (type(refused).__name__, type(granted).__name__) == ("OutOfStock", "Reserved")
    assert (await position(database)).short == 0
    assert await differences(database) == []


async def test_a_lapsed_hold_makes_nothing_short(database: Database) -> None:
    await receive(database, 5)
    await reserve(database, hold("cart/1", line(5), expires_at=NOW + MINUTE))

    async with database.transaction() as tx:
        await service.record(tx, [movement(ISSUE, 3)], origin=ORIGIN, now=NOW + MINUTE)

    assert await told(database) == []
    assert (await position(database, now=NOW + MINUTE)).available == 2


async def test_a_batch_that_ends_well_raises_nothing(database: Database) -> None:
    await put(database, movement(ISSUE, 2), movement(RECEIVE, 5))

    assert await told(database) == []


@pytest.mark.parametrize("bucket", list(Bucket))
async def test_a_bucket_keeps_units_from_sale_until_they_come_back(database: Database, bucket: Bucket) -> None:
    await receive(database, 5)

    await put(database, movement(REBUCKET, 2, to_bucket=bucket))
    kept = await position(database)
    await put(database, movement(REBUCKET, 1, from_bucket=bucket), movement(ISSUE, 1, from_bucket=bucket))
    found = await position(database)

    assert (kept.on_hand, kept.unavailable, kept.available) == each(5, 2, 3)
    assert (found.on_hand, found.unavailable, found.available) == each(4, 0, 4)
    assert await differences(database) == []


async def test_a_bucket_never_gives_more_than_it_has(database: Database) -> None:
    await receive(database, 5)
    await put(database, movement(REBUCKET, 1, to_bucket=Bucket.DAMAGED))

    await put(
        database,
        movement(REBUCKET, 3, from_bucket=Bucket.DAMAGED),
        movement(REBUCKET, 2, from_bucket=Bucket.REPAIR, to_bucket=Bucket.DISPLAY),
        movement(ISSUE, 2, from_bucket=Bucket.QUARANTINE),
    )

    found = await position(database)
    assert (found.on_hand, found.damaged, found.display, found.available) == each(3, 0, 2, 1)
    assert [type(fact) for fact in await told(database)] == [StockDiscrepancy] * 3
    assert await differences(database) == []


async def test_an_adjustment_goes_the_way_of_its_sign(database: Database) -> None:
    await put(database, movement(ADJUST, 5), movement(ADJUST, -2), movement(ADJUST, 1, to_bucket=Bucket.DAMAGED))

    found = await position(database)
    assert (found.on_hand, found.damaged, found.available) == each(4, 1, 3)


async def test_returns_come_back_to_sale_or_into_a_bucket(database: Database) -> None:
    returned = FloorMovement.RETURN_RECEIVE
    await put(database, movement(returned, 2), movement(returned, 1, to_bucket=Bucket.QUALITY_HOLD))

    found = await position(database)
    assert (found.on_hand, found.quality_hold, found.available) == each(3, 1, 2)


async def test_quantities_are_exact(database: Database) -> None:
    tenth = movement(RECEIVE, 1)
    await put(
        database,
        *(
            NewMovement(
                key=MovementKey(f"m/{n}"),
                kind=tenth.kind,
                sku=A,
                location=DC,
                quantity=Decimal("0.1"),
                happened_at=NOW,
            )
            for n in range(10)
        ),
    )

    assert (await position(database)).on_hand == 1


# -------------------------------------------------------------------------- counts


async def test_the_first_count_opens_the_books_whatever_the_difference(database: Database) -> None:
    assert await count(database, 500, correct_max=5) == Counted(MovementKey("count/1"), units(500))
    assert (await position(database)).on_hand == 500


async def test_an_unchanged_count_writes_nothing(database: Database) -> None:
    await count(database, 5)
    before = await position(database)

    assert await count(database, 5, key="count/2", as_of=1, now=1) == Unchanged(MovementKey("count/2"))
    assert await position(database) == before


async def test_movements_since_the_count_stay_on_top_of_it(database: Database) -> None:
    await count(database, 10)
    await record(database, movement(ISSUE, 3, happened_at=NOW + 10 * MINUTE), now=NOW + 10 * MINUTE)

    outcome = await count(database, 12, key="count/2", as_of=5, now=15)

    assert outcome == Counted(MovementKey("count/2"), units(2))
    assert (await position(database)).on_hand == 9


async def test_a_count_told_again_changes_nothing(database: Database) -> None:
    await count(database, 10, as_of=0, now=1)
    await record(database, movement(ISSUE, 3, happened_at=NOW + 2 * MINUTE), now=NOW + 2 * MINUTE)

    again = await count(database, 10, as_of=0, now=3)

    assert again == Unchanged(MovementKey("count/1"))
    assert (await position(database)).on_hand == 7


async def test_an_older_count_does_not_undo_a_newer_one(database: Database) -> None:
    await count(database, 10, as_of=5, now=6)

    outcome = await count(database, 99, key="count/0", as_of=1, now=7)

    assert outcome == OutdatedCount(MovementKey("count/0"), NOW + 5 * MINUTE)
    assert (await position(database)).on_hand == 10


async def test_a_count_on_a_stale_base_is_detected_not_written(database: Database) -> None:
    await count(database, 10)
    await record(database, movement(ISSUE, 4, happened_at=NOW + MINUTE), now=NOW + MINUTE)

    stale = await count(database, 11, key="count/2", as_of=2, now=2, base=10)
    fresh = await count(database, 7, key="count/3", as_of=2, now=2, base=6)

    assert stale == StaleCount(MovementKey("count/2"), units(6))
    assert fresh == Counted(MovementKey("count/3"), units(1))


async def test_counts_of_one_position_in_one_batch_are_taken_in_their_order(database: Database) -> None:
    await receive(database, 3)
    counts = [
        NewCount(key=MovementKey(f"count/{n}"), sku=sku, location=DC, on_hand=units(n), as_of=NOW + n * MINUTE)
        for n, sku in enumerate([A, B, A, A, B], start=4)
    ]

    async with database.transaction() as tx:
        outcomes = await service.count(tx, counts, origin=ORIGIN, now=NOW + 9 * MINUTE)

    assert outcomes == [
        Counted(new.key, units(difference)) for new, difference in zip(counts, (1, 5, 2, 1, 3), strict=True)
    ]
    assert (await position(database)).on_hand == 7
    assert await differences(database) == []


async def test_of_two_counts_on_one_base_the_second_is_stale(database: Database) -> None:
    await count(database, 10)

    outcomes = await asyncio.gather(
        *(count(database, 20 + n, key=f"count/{n}", as_of=1, now=1, base=10) for n in range(2, 8))
    )

    assert sum(isinstance(outcome, Counted) for outcome in outcomes) == 1


async def test_beyond_the_tolerance_a_person_is_asked(database: Database) -> None:
    await count(database, 10)

    outcome = await count(database, 20, key="count/2", as_of=1, now=1, correct_max=5)

    assert outcome == BeyondTolerance(MovementKey("count/2"), units(10), units(10))
    assert (await position(database)).on_hand == 10
    (fact,) = await told(database)
    assert isinstance(fact, StockDiscrepancy)
    assert (fact.ours, fact.theirs) == each(10, 20)


async def test_people_count_a_location_once_and_others_hear_of_it(database: Database) -> None:
    await receive(database, 5)
    counted = StockCount(
        key=MovementKey("stocktake/1"),
        location=DC,
        counted_on=date(2026, 11, 27),
        as_of=NOW,
        on_hand={A: units(4), B: units(2), C: units(0)},
    )
    async with database.transaction() as tx:
        outcomes = await service.count_stock(tx, counted, origin=ORIGIN, now=NOW)
        again = await service.count_stock(tx, counted, origin=ORIGIN, now=NOW)

    assert isinstance(outcomes, list)
    assert [type(outcome) for outcome in outcomes] == [Counted, Counted, Unchanged]
    assert again == AlreadyRecorded(MovementKey("stocktake/1"))
    (fact,) = await told(database)
    assert isinstance(fact, CountRecorded)
    assert {line.sku: line.quantity for line in fact.lines} == {A: 4, B: 2, C: 0}


# ----------------------------------------------------------------------- the ledger


async def test_the_ledger_tells_what_each_row_left_behind(database: Database) -> None:
    await receive(database, 5)
    await reserve(database, allocation("order/1", line(4)))
    await put(database, movement(ISSUE, 3))

    async with database.transaction() as tx:
        rows = await service.ledger(tx, A, DC)

    assert [row.kind for row in rows] == [MovementKind.ISSUE, MovementKind.ALLOCATE, MovementKind.RECEIVE]
    assert [row.version for row in rows] == [3, 2, 1]
    assert [(row.on_hand, row.available, row.short) for row in rows] == [each(2, -2, 2), each(5, 1, 0), each(5, 5, 0)]


async def test_ledger_time_never_goes_back_though_clocks_do(database: Database) -> None:
    await record(database, movement(RECEIVE, 1), now=NOW + 5 * MINUTE)
    await record(database, movement(RECEIVE, 1, happened_at=NOW + 99 * MINUTE), now=NOW)

    async with database.transaction() as tx:
        newest, oldest = await service.ledger(tx, A)

    assert newest.recorded_at == oldest.recorded_at == NOW + 5 * MINUTE
    assert newest.happened_at == NOW


async def test_changes_are_read_once_in_commit_order(database: Database) -> None:
    await receive(database, 5, A)
    await receive(database, 5, B)

    async with database.transaction() as tx:
        first = await service.changed_after(tx, LedgerCursor(), limit=1)
        rest = await service.changed_after(tx, first.cursor)
        none = await service.changed_after(tx, rest.cursor)

    assert (list(first.skus), list(rest.skus), dict(none.skus)) == ([A], [B], {})
    assert none.cursor == rest.cursor
