"""Laws of expected receipts: what suppliers will bring is in the books, line by line, however the news comes."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import LiteralString

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.base import LocationCode, Sku
from crossdock.canonical.stock import Bucket, FloorMovement, MovementKind
from crossdock.foundation.db import Database, execute
from crossdock.inventory import service
from crossdock.inventory.expected import rules
from crossdock.inventory.expected.model import (
    Announced,
    AnnounceOutcome,
    Closed,
    CloseOutcome,
    Expected,
    ExpectedKind,
    NothingNew,
    Outdated,
    Purchase,
    PurchaseLine,
    UnknownPurchase,
)
from crossdock.inventory.model import AlreadyRecorded, ExpectedLine, MovementKey, NewMovement, Position, Recorded
from inventory.shop_floor import DC, MINUTE, NOW, ORIGIN, STORE, A, B, differences, each, position, record, units

DAY = timedelta(days=1)


def purchase(*lines: PurchaseLine, minute: int = 0, reference: str = "PO-1", location: LocationCode = DC) -> Purchase:
    return Purchase(reference=reference, location=location, revised_at=NOW + minute * MINUTE, lines=lines)


def bring(quantity: int, sku: Sku = A, *, days: int = 3, line: str = "") -> PurchaseLine:
    return PurchaseLine(sku=sku, quantity=units(quantity), due_at=NOW + days * DAY, line=line)


def arrival(
    quantity: int,
    key: str,
    *,
    sku: Sku = A,
    location: LocationCode = DC,
    line: str = "",
    to_bucket: Bucket | None = None,
) -> NewMovement:
    return NewMovement(
        key=MovementKey(key),
        kind=FloorMovement.RECEIVE,
        sku=sku,
        location=location,
        quantity=units(quantity),
        happened_at=NOW,
        to_bucket=to_bucket,
        expects=ExpectedLine("PO-1", line),
    )


async def announce(database: Database, *purchases: Purchase, now: datetime = NOW) -> Sequence[AnnounceOutcome]:
    async with database.transaction() as tx:
        return await service.announce(tx, purchases, origin=ORIGIN, now=now)


async def close(database: Database, *, minute: int = 5, reference: str = "PO-1") -> CloseOutcome:
    at = NOW + minute * MINUTE
    async with database.transaction() as tx:
        return await service.close_purchase(tx, reference, reason="no more", at=at, origin=ORIGIN, now=at)


async def stock(database: Database, location: LocationCode = DC) -> tuple[Decimal, Decimal]:
    found: Position = await position(database, location=location)
    assert await differences(database) == []
    return found.on_order, found.on_hand


async def open_lines(database: Database, *skus: Sku) -> list[tuple[Sku, str, Decimal]]:
    async with database.transaction() as tx:
        return [(line.sku, line.reference, line.open) for line in await service.expected(tx, skus or (A,))]


async def test_what_is_announced_is_on_order_and_arrives_in_parts(database: Database) -> None:
    assert await announce(database, purchase(bring(10))) == [Announced("PO-1", units(10))]
    assert await stock(database) == each(10, 0)

    await record(database, arrival(4, "r/1"))
    await record(database, arrival(4, "r/1"))
    assert await stock(database) == each(6, 4)

    await record(database, arrival(6, "r/2"))
    assert await stock(database) == each(0, 10)
    assert await open_lines(database) == []


async def test_more_than_announced_is_taken_in_and_nothing_is_on_order_twice(database: Database) -> None:
    await announce(database, purchase(bring(3)))
    await record(database, arrival(5, "r/1"))

    assert await stock(database) == each(0, 5)


async def test_goods_that_come_before_their_announcement_are_counted_for_it(database: Database) -> None:
    await record(database, arrival(4, "r/1"))
    await announce(database, purchase(bring(10)))

    assert await stock(database) == each(6, 4)


async def test_a_document_says_all_that_is_expected(database: Database) -> None:
    await announce(database, purchase(bring(10), bring(5, B)))
    outcomes = await announce(database, purchase(bring(7), minute=1))

    assert outcomes == [Announced("PO-1", units(7))]
    assert await open_lines(database, A, B) == [(A, "PO-1", units(7))]
    assert await announce(database, purchase(minute=2)) == [Announced("PO-1", units(0))]
    assert await stock(database) == each(0, 0)


async def test_the_newest_statement_holds_whatever_comes_first(database: Database) -> None:
    await announce(database, purchase(bring(7), minute=2))

    assert await announce(database, purchase(bring(10), minute=1)) == [Outdated("PO-1", NOW + 2 * MINUTE)]
    assert await announce(database, purchase(bring(7), minute=2)) == [NothingNew("PO-1")]
    assert await announce(database, purchase(bring(7), minute=3)) == [NothingNew("PO-1")]
    assert await announce(database, purchase(bring(10), minute=2)) == [Outdated("PO-1", NOW + 3 * MINUTE)]
    assert await stock(database) == each(7, 0)


async def test_statements_of_one_batch_are_taken_in_turn(database: Database) -> None:
    outcomes = await announce(database, purchase(bring(7)), purchase(bring(9), minute=1), purchase(bring(8)))

    assert [type(outcome) for outcome in outcomes] == [Announced, Announced, Outdated]
    assert await stock(database) == each(9, 0)


async def test_closing_ends_what_is_open_once_and_what_comes_late_is_still_there(database: Database) -> None:
    await announce(database, purchase(bring(10)))
    await record(database, arrival(4, "r/1"))

    assert await close(database) == Closed("PO-1", units(6))
    assert await close(database) == Closed("PO-1", units(0))
    assert await stock(database) == each(0, 4)
    await record(database, arrival(2, "r/2"))
    assert await stock(database) == each(0, 6)


async def test_a_redelivered_announcement_does_not_reopen_what_was_closed_and_a_newer_one_does(
    database: Database,
) -> None:
    await announce(database, purchase(bring(10)))
    await close(database, minute=5)

    assert isinstance((await announce(database, purchase(bring(10))))[0], Outdated)
    assert await announce(database, purchase(bring(10), minute=6)) == [Announced("PO-1", units(10))]


async def test_closing_what_nobody_announced_is_answered(database: Database) -> None:
    assert await close(database) == UnknownPurchase("PO-1")


async def test_a_line_that_moves_to_another_location_is_expected_there(database: Database) -> None:
    await announce(database, purchase(bring(10)))
    await announce(database, purchase(bring(10), minute=1, location=STORE))

    assert await stock(database) == each(0, 0)
    assert await stock(database, STORE) == each(10, 0)


async def test_goods_that_arrive_elsewhere_end_the_expectation_where_it_stood(database: Database) -> None:
    await announce(database, purchase(bring(10)))
    await record(database, arrival(10, "r/1", location=STORE))

    assert await stock(database) == each(0, 0)
    assert await stock(database, STORE) == each(0, 10)


async def test_lines_of_one_item_are_received_by_their_names(database: Database) -> None:
    await announce(database, purchase(bring(3, line="1"), bring(4, line="2", days=9)))
    await record(database, arrival(3, "r/1", line="1"), arrival(1, "r/2", line="2"))

    async with database.transaction() as tx:
        found = await service.purchase(tx, "PO-1")
    assert found is not None
    assert [(line.line, line.received, line.open) for line in found.lines] == [
        ("1", units(3), units(0)),
        ("2", units(1), units(3)),
    ]


async def test_goods_that_arrive_damaged_are_not_expected_any_more(database: Database) -> None:
    await announce(database, purchase(bring(3)))
    await record(database, arrival(2, "r/1", to_bucket=Bucket.DAMAGED))

    found = await position(database)
    assert (found.on_order, found.damaged, found.available) == each(1, 2, 0)


async def test_only_a_receipt_can_fulfil_an_expectation() -> None:
    with pytest.raises(ValueError, match="receipts only"):
        NewMovement(
            key=MovementKey("i/1"),
            kind=FloorMovement.ISSUE,
            sku=A,
            location=DC,
            quantity=units(1),
            happened_at=NOW,
            expects=ExpectedLine("PO-1"),
        )


async def test_arrivals_and_announcements_at_once_lose_nothing(database: Database) -> None:
    await announce(database, purchase(bring(20)))

    async def take(number: int) -> Sequence[object]:
        async with database.transaction() as tx:
            return await service.record(tx, [arrival(1, f"r/{number % 8}")], origin=ORIGIN, now=NOW)

    async def revise(minute: int) -> Sequence[object]:
        return await announce(database, purchase(bring(20 + minute), minute=minute))

    outcomes = await asyncio.gather(*map(take, range(16)), *map(revise, range(1, 5)))

    recorded = [outcome for batch in outcomes[:16] for outcome in batch]
    assert sum(isinstance(outcome, Recorded) for outcome in recorded) == 8
    assert sum(isinstance(outcome, AlreadyRecorded) for outcome in recorded) == 8
    assert await stock(database) == each(16, 8)


async def test_the_table_reckons_open_units_itself(database: Database) -> None:
    await announce(database, purchase(bring(3)))

    with pytest.raises(psycopg.errors.GeneratedAlways):
        async with database.transaction() as tx:
            await execute(tx, "UPDATE inventory.expected SET open = 99")


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE inventory.expected SET received = 1",
        "UPDATE inventory.expected SET closed_at = now()",
        "UPDATE inventory.expected SET kind = 'transfer'",
        "DELETE FROM inventory.expected",
    ],
)
async def test_the_auditor_finds_expectations_that_the_counters_do_not_know(
    database: Database, damage: LiteralString
) -> None:
    await announce(database, purchase(bring(3)))
    async with database.transaction() as tx:
        await execute(tx, damage)

    assert {found.check for found in await differences(database)} == {"on order and in transit = Σ open lines"}


# ------------------------------------------------------------------------------------------------------- pure laws

quantities = st.integers(0, 9).map(Decimal)
places = st.sampled_from([DC, STORE])
lines = st.builds(
    Expected,
    kind=st.just(ExpectedKind.PURCHASE),
    reference=st.just("PO-1"),
    line=st.just("1"),
    sku=st.sampled_from([A, B]),
    location=places,
    quantity=quantities,
    received=quantities,
    closed_at=st.none() | st.just(NOW),
)


@given(before=st.none() | lines, after=lines)
def test_entries_bring_the_books_from_what_was_open_to_what_is(before: Expected | None, after: Expected) -> None:
    books = {after.position: units(0)} if before is None else {before.position: before.open, after.position: units(0)}
    if before is not None and before.position == after.position:
        books = {before.position: before.open}

    for posting in rules.postings(before, after, NOW):
        books[posting.position] += posting.quantity if posting.target is after.account else -posting.quantity

    assert books[after.position] == after.open
    assert sum(books.values()) == after.open


@given(line=lines, quantity=st.integers(1, 12))
def test_an_arrival_is_booked_in_full_and_takes_no_more_than_was_expected(line: Expected, quantity: int) -> None:
    movement = arrival(quantity, "r/1", sku=line.sku, location=line.location)

    postings, after = rules.received(movement, line, MovementKind.RECEIVE)

    assert sum(posting.quantity for posting in postings) == quantity
    taken = sum(posting.quantity for posting in postings if posting.source is line.account)
    assert taken == line.open - after.open == min(line.open, quantity)
    assert after.received == line.received + quantity


@given(now=st.lists(st.tuples(st.sampled_from("123"), quantities), unique_by=lambda pair: pair[0]), then=st.data())
def test_after_a_statement_open_is_what_it_says_less_what_came(
    now: list[tuple[str, Decimal]], then: st.DataObject
) -> None:
    came = then.draw(quantities)
    standing = [
        Expected(
            kind=ExpectedKind.PURCHASE, reference="PO-1", line="1", sku=A, location=DC, quantity=units(9), received=came
        )
    ]
    told = purchase(*(PurchaseLine(sku=A, quantity=units_, due_at=None, line=name) for name, units_ in now))

    after = {line.line: line for line in rules.announced(told, standing)}

    assert {name: line.open for name, line in after.items()} == {
        "1": units(0),
        **{name: max(units(0), said - (came if name == "1" else 0)) for name, said in now},
    }
    assert after["1"].received == came
