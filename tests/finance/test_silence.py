"""A till is missed when it sends nothing in a time in which it always sends something, and never while it is closed."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from crossdock.canonical.facts import TillsHeard, TillsSilent
from crossdock.estate.model import Location, LocationKind, Policies
from crossdock.finance import service as finance
from crossdock.finance.pace.rules import stretches
from crossdock.finance.service import Heard
from crossdock.foundation.db import Database
from finance.tills import STORE, Books

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
WEEK = timedelta(weeks=1)


@pytest.fixture
async def books(database: Database) -> Books:
    made = Books(database)
    store = Location(code=STORE, name="Store", kind=LocationKind.STORE)
    made.estate = msgspec.structs.replace(made.estate, locations=(store,))
    return made


async def hear(books: Books, till: str, moments: Iterable[datetime]) -> None:
    heard = [Heard(store=STORE, till=till, heard_at=at) for at in moments]
    async with books.database.transaction() as tx:
        await finance.hear(tx, heard, now=books.now)


def day(of: datetime, first: float, last: float, *, minutes: int = 10) -> list[datetime]:
    """A receipt every so often from one hour of a day to another."""
    return [of + timedelta(hours=first, minutes=place * minutes) for place in range(int((last - first) * 60 / minutes))]


async def weeks(books: Books, till: str, *, first: float = 9, last: float = 20, minutes: int = 10) -> None:
    """What the till sent on the two Mondays before, and on the days before this one."""
    for back in (1, 2):
        await hear(books, till, day(MONDAY - back * WEEK, first, last, minutes=minutes))
    await hear(books, till, day(MONDAY - timedelta(days=2), first, last, minutes=minutes))


async def silent(books: Books, hour: float) -> list[TillsSilent]:
    async with books.database.transaction() as tx:
        return list(await finance.tell_silent(tx, books.estate, now=MONDAY + timedelta(hours=hour)))


async def test_a_till_that_sends_nothing_when_it_always_does_is_told_once_and_again_when_it_speaks(
    books: Books,
) -> None:
    await weeks(books, "1")
    await hear(books, "1", day(MONDAY, 9, 12))

    assert await silent(books, 12.5) == [], "not for half an hour"
    (told,) = await silent(books, 14)
    assert (told.store, told.tills) == (STORE, ("1",))
    assert told.silent_since == MONDAY + timedelta(hours=11, minutes=50)
    assert await silent(books, 15) == []

    await hear(books, "1", [MONDAY + timedelta(hours=16)])
    (heard,) = await books.facts(TillsHeard)
    assert heard == TillsHeard(store=STORE, tills=("1",))
    await hear(books, "1", [MONDAY + timedelta(hours=16, minutes=1)])
    assert len(await books.facts(TillsHeard)) == 1


async def test_nobody_is_missed_while_the_store_is_usually_closed(books: Books) -> None:
    await weeks(books, "1")

    assert [hour for hour in range(10) if await silent(books, hour)] == []
    assert await silent(books, 11) != []


async def test_a_till_that_sends_its_day_at_night_is_missed_at_night(books: Books) -> None:
    await weeks(books, "1", first=22, last=23, minutes=1)

    assert [hour for hour in range(23) if await silent(books, hour)] == []
    assert await silent(books, 23.5) != []


async def test_a_till_that_is_seldom_used_and_one_that_is_new_are_not_missed(books: Books) -> None:
    await weeks(books, "seldom", minutes=360)
    await hear(books, "new", day(MONDAY, 9, 12))
    await hear(books, "once", day(MONDAY - WEEK, 9, 20))

    assert await silent(books, 13) == []


async def test_tills_of_one_store_are_one_matter_that_names_all_of_them(books: Books) -> None:
    for till in ("1", "2"):
        await weeks(books, till)
    await hear(books, "2", day(MONDAY, 9, 12))

    (first,) = await silent(books, 11)
    (second,) = await silent(books, 14)
    assert (first.tills, second.tills) == (("1",), ("1", "2"))

    await hear(books, "1", [MONDAY + timedelta(hours=15)])
    await hear(books, "2", [MONDAY + timedelta(hours=15)])
    still = [fact.still_silent for fact in await books.facts(TillsHeard) if isinstance(fact, TillsHeard)]
    assert still == [("2",), ()]


async def test_how_long_a_till_may_be_silent_is_the_estates(books: Books) -> None:
    books.estate = msgspec.structs.replace(books.estate, policies=Policies(till_silent_after="5h"))
    await weeks(books, "1")
    await hear(books, "1", day(MONDAY, 9, 12))

    assert await silent(books, 16) == []
    assert await silent(books, 17) != []


def test_a_week_back_is_the_same_hour_on_the_stores_clock_also_when_clocks_have_changed() -> None:
    """In Berlin the clock went back on 25 October 2026: nine o'clock is an hour later in UTC than a week before."""
    opening = datetime(2026, 10, 26, 8, tzinfo=UTC)

    (last_week, *_) = stretches(opening, opening + timedelta(hours=2), "Europe/Berlin")

    assert last_week == (datetime(2026, 10, 19, 7, tzinfo=UTC), datetime(2026, 10, 19, 9, tzinfo=UTC))


async def test_what_is_too_old_to_compare_with_is_forgotten(books: Books) -> None:
    await weeks(books, "1")
    async with books.database.transaction() as tx:
        await finance.forget(tx, now=MONDAY + 10 * WEEK)
        cursor = await tx.execute(
            "SELECT (SELECT count(*) FROM finance.till_hour), (SELECT count(*) FROM finance.till_watch)"
        )
        assert await cursor.fetchone() == (0, 0)
