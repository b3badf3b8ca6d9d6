"""Receipts lie in months by business day; making a month ready loses none, doubles none and hides none."""

import asyncio
from datetime import UTC, date, datetime

import psycopg
import pytest

from crossdock.finance import service as finance
from crossdock.finance.model import Recorded, Repeated
from crossdock.foundation.db import Database, fetch_tuples
from finance.tills import DAY, STORE, Books, sale, void

NOW = datetime(2026, 11, 27, 21, tzinfo=UTC)
AHEAD = {"receipt_2026_11", "receipt_2026_12", "receipt_2027_01"}


@pytest.fixture
async def books(database: Database) -> Books:
    made = Books(database)
    await made.know("A", "B")
    return made


async def lying(database: Database) -> dict[str, int]:
    """Receipts by the table they lie in."""
    async with database.transaction() as tx:
        rows = await fetch_tuples(tx, "SELECT tableoid::regclass::text, count(*) FROM finance.receipt GROUP BY 1")
    return {str(name).removeprefix("finance."): int(count) for name, count in rows}


async def partitions(database: Database) -> set[str]:
    async with database.transaction() as tx:
        rows = await fetch_tuples(
            tx, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'finance.receipt'::regclass"
        )
    return {str(name).removeprefix("finance.") for (name,) in rows}


async def test_this_month_and_the_next_two_are_made_ahead_once(database: Database) -> None:
    assert await finance.maintain(database, now=NOW) == ("2026_11", "2026_12", "2027_01")
    assert await finance.maintain(database, now=NOW) == ()
    assert await partitions(database) == {"receipt_default", *AHEAD}


async def test_receipts_told_before_their_month_was_made_move_into_it_and_are_known_as_before(
    database: Database, books: Books
) -> None:
    await books.tell(sale(1), sale(2), void(3, sale(1)))
    assert await lying(database) == {"receipt_default": 3}

    await finance.maintain(database, now=NOW)
    again = await books.tell(sale(1), sale(2), void(3, sale(1)), sale(4))

    assert await lying(database) == {"receipt_2026_11": 4}
    assert [type(outcome) for outcome in again] == [Repeated, Repeated, Repeated, Recorded]
    assert (await books.closed()).receipts == 4


async def test_a_late_receipt_gets_the_month_of_its_business_day(database: Database, books: Books) -> None:
    await finance.maintain(database, now=NOW)
    await books.tell(sale(1, day=date(2025, 2, 3)), sale(1, day=date(2025, 2, 4)))
    assert await lying(database) == {"receipt_default": 2}

    assert await finance.maintain(database, now=NOW) == ("2025_02",)

    assert await lying(database) == {"receipt_2025_02": 2}


@pytest.mark.parametrize("day", [date(1970, 1, 1), date(2199, 12, 31)])
async def test_a_till_with_an_absurd_calendar_makes_no_months_and_its_receipts_are_in_the_books(
    database: Database, books: Books, day: date
) -> None:
    await books.tell(sale(1, day=day))

    await finance.maintain(database, now=NOW)
    (again,) = await books.tell(sale(1, day=day))

    assert await partitions(database) == {"receipt_default", *AHEAD}
    assert await lying(database) == {"receipt_default": 1}
    assert isinstance(again, Repeated)


async def test_tills_that_tell_while_months_are_made_ready_lose_and_double_nothing(
    database: Database, books: Books
) -> None:
    """Upkeep gives up where tills keep it waiting, and comes again."""

    async def keep_up() -> None:
        for month in range(1, 11):
            for _ in range(20):
                try:
                    await finance.maintain(database, now=datetime(2026, month, 1, tzinfo=UTC))
                    break
                except psycopg.errors.LockNotAvailable:
                    continue

    async def till(name: str) -> list[object]:
        return [
            outcome
            for sequence in range(1, 31)
            for outcome in await books.tell(sale(sequence, till=name, day=date(2026, sequence % 12 + 1, 1)))
        ]

    upkeep = asyncio.create_task(keep_up())
    told = await asyncio.gather(*(till(str(number)) for number in range(6)))
    await upkeep
    await finance.maintain(database, now=NOW)

    assert {type(outcome) for outcomes in told for outcome in outcomes} == {Recorded}
    found = await lying(database)
    assert sum(found.values()) == 6 * 30
    assert "receipt_default" not in found


async def test_closing_a_day_reads_its_own_month_only(database: Database, books: Books) -> None:
    await books.tell(sale(1))
    for month in range(1, 12):
        await finance.maintain(database, now=datetime(2026, month, 1, tzinfo=UTC))

    async with database.transaction() as tx:
        plan = await fetch_tuples(
            tx,
            f"EXPLAIN SELECT FROM finance.receipt WHERE store = '{STORE}' AND business_day = '{DAY}' AND closing = 1",
        )

    assert {word for (row,) in plan for word in str(row).split() if word.startswith("receipt_2")} >= {"receipt_2026_11"}
    assert not any("receipt_2026_10" in str(row) or "receipt_default" in str(row) for (row,) in plan)
