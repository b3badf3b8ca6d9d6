"""Store days: one balanced journal, late receipts as a difference, gaps noticed and filled, sums that prove it."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from crossdock.canonical.base import Code
from crossdock.canonical.facts import ReceiptGapClosed, ReceiptGapFound, ReceiptRecorded, StoreDayClosed
from crossdock.canonical.receipts import ReceiptKind
from crossdock.estate.model import Location, LocationKind, Policies, TillPosting
from crossdock.eventlog.service import Origin
from crossdock.finance import service as finance
from crossdock.finance.model import DayClosed, DayState, Gap, NotBegun, NothingNew, PostedDocument
from crossdock.finance.service import Told
from crossdock.foundation.db import Database
from finance.tills import DAY, STORE, Books, blocked_or_done, line, nets, sale, void


@pytest.fixture
async def books(database: Database) -> Books:
    made = Books(database)
    await made.know("A", "B")
    return made


async def state(books: Books) -> DayState:
    async with books.database.transaction() as tx:
        (day,) = await finance.store_days(tx, location=STORE)
    return day.state


async def gaps(books: Books) -> list[Gap]:
    async with books.database.transaction() as tx:
        return list(await finance.check_gaps(tx, STORE, DAY, now=books.now))


async def test_a_day_closes_with_one_balanced_journal_and_its_net_goods(books: Books) -> None:
    await books.tell(
        sale(1, line("A", quantity="2"), line("B", "1.00", tax="0.16")),
        sale(2, line("A"), tender="card"),
        sale(3, line("A", back=True)),
    )

    run = await books.closed()

    assert {(entry.account, entry.debit, entry.credit) for entry in run.journal} == {
        ("tender.cash", Decimal("1.00"), Decimal(0)),
        ("tender.card", Decimal("11.90"), Decimal(0)),
        ("revenue.standard", Decimal(0), Decimal("10.84")),
        ("tax.standard", Decimal(0), Decimal("2.06")),
    }
    assert {goods.sku: goods.quantity for goods in run.goods} == {"A": Decimal(2), "B": Decimal(1)}
    assert (run.run, run.receipts, run.total) == (1, 3, Decimal("12.90"))
    assert await books.facts(StoreDayClosed) == [run]


async def test_a_day_that_has_not_begun_where_the_store_is_is_not_closed(books: Books) -> None:
    """It has begun in Tokyo and not yet in New York: the store's own zone decides."""
    await books.tell(sale(1, line("A")))
    tomorrow = DAY + timedelta(days=1)
    books.now = datetime(tomorrow.year, tomorrow.month, tomorrow.day, 2, tzinfo=UTC)
    store = Location(code=STORE, name="Store", kind=LocationKind.STORE)

    def move(zone: str) -> None:
        books.estate = msgspec.structs.replace(books.estate, locations=(msgspec.structs.replace(store, zone=zone),))

    move("America/New_York")
    assert await books.close(tomorrow) == NotBegun(today=DAY)
    assert await books.facts(StoreDayClosed) == []
    assert isinstance(await books.close(DAY), DayClosed), "a day may be closed before it is over"

    move("Asia/Tokyo")
    assert isinstance(await books.close(tomorrow), DayClosed)


async def test_an_empty_day_closes_without_a_journal(books: Books) -> None:
    run = await books.closed()

    assert (run.receipts, run.journal, run.goods, run.currency) == (0, (), (), "EUR")
    assert await books.close() == NothingNew(runs=1)
    assert await state(books) is DayState.POSTED


async def test_a_late_receipt_is_booked_alone_by_the_next_closing(books: Books) -> None:
    await books.tell(sale(1))
    first = await books.closed()
    assert await state(books) is DayState.CLOSED
    await books.tell(sale(2, line("B", "5.00", tax=None)))
    assert await state(books) is DayState.LATE

    second = await books.closed()

    assert (first.run, second.run) == (1, 2)
    assert (second.receipts, second.total) == (1, Decimal("5.00"))
    assert nets([second]) == {"tender.cash": Decimal("5.00"), "revenue.none": Decimal("-5.00")}
    late = [fact.late for fact in await books.facts(ReceiptRecorded) if isinstance(fact, ReceiptRecorded)]
    assert late == [False, True]
    assert await books.close() == NothingNew(runs=2)


async def test_a_late_void_takes_back_what_an_earlier_run_booked(books: Books) -> None:
    sold = sale(1)
    await books.tell(sold)
    first = await books.closed()
    await books.tell(void(2, sold))

    second = await books.closed()

    assert nets([first, second]) == {}
    assert second.total == Decimal("-11.90")


async def test_receipts_recorded_while_a_day_closes_are_in_one_run_or_the_next_never_lost(books: Books) -> None:
    receipts = [sale(number) for number in range(1, 61)]

    async def tell_all() -> None:
        for place in range(0, 60, 4):
            await books.tell(*receipts[place : place + 4])

    outcomes: list[object] = []

    async def close_often() -> None:
        outcomes.extend([await books.close() for _ in range(8)])

    await asyncio.gather(tell_all(), close_often())
    outcomes.append(await books.close())

    runs = [run for outcome in outcomes if isinstance(outcome, DayClosed) for run in outcome.runs]
    assert sum(run.receipts for run in runs) == 60
    assert sum((run.total for run in runs), Decimal(0)) == 60 * Decimal("11.90")
    assert [run.run for run in runs] == list(range(1, len(runs) + 1))


async def test_a_closing_waits_for_receipts_that_are_being_recorded(books: Books) -> None:
    await books.tell(sale(2))
    async with books.database.transaction() as tx:
        await finance.record_receipts(
            tx, books.estate, [Told(receipt=sale(1), origin=Origin.begin("till"))], now=books.now
        )
        closing = asyncio.create_task(books.closed())
        await blocked_or_done(books.database, closing)

    assert (await closing).receipts == 2


async def test_closers_at_once_make_one_run(books: Books) -> None:
    await books.tell(sale(1))

    outcomes = await asyncio.gather(*(books.close() for _ in range(6)))

    assert sum(isinstance(outcome, DayClosed) for outcome in outcomes) == 1
    assert len(await books.facts(StoreDayClosed)) == 1


def book_in(books: Books, *currencies: str) -> None:
    posting = TillPosting(currencies=tuple(map(Code, currencies)))
    books.estate = msgspec.structs.replace(books.estate, till_posting=posting)


async def test_a_day_in_two_currencies_that_are_booked_has_a_run_for_each(books: Books) -> None:
    book_in(books, "CHF")
    await books.tell(sale(1), sale(2, currency="CHF"))

    outcome = await books.close()

    assert isinstance(outcome, DayClosed)
    assert [(run.run, run.currency, run.receipts) for run in outcome.runs] == [(1, "CHF", 1), (2, "EUR", 1)]


async def test_money_in_a_currency_that_nobody_books_is_left_out_and_its_goods_are_not(books: Books) -> None:
    await books.tell(sale(1), sale(2, line("B"), currency="USD"))

    outcome = await books.close()

    assert isinstance(outcome, DayClosed)
    assert [(run.currency, run.booked, bool(run.journal), run.total) for run in outcome.runs] == [
        ("EUR", True, True, Decimal("11.90")),
        ("USD", False, False, Decimal("11.90")),
    ]
    assert [goods.sku for run in outcome.runs for goods in run.goods] == ["A", "B"]
    told = [fact.booked for fact in await books.facts(ReceiptRecorded) if isinstance(fact, ReceiptRecorded)]
    assert told == [True, False]
    async with books.database.transaction() as tx:
        money = {each.currency: each.closed for each in await finance.money(tx)}
        for run in outcome.runs:
            for document in PostedDocument:
                await finance.mark_posted(tx, STORE, DAY, run.run, document=document, document_id="9")
        days = {day.currency: day.state for day in await finance.store_days(tx, location=STORE)}
    assert money == {"EUR": Decimal("11.90"), "USD": Decimal(0)}
    assert set(days.values()) == {DayState.CLOSED}, "what is left out is not posted"


async def test_money_that_was_left_out_is_booked_once_when_the_estate_books_its_currency(books: Books) -> None:
    sold = sale(2, currency="USD")
    await books.tell(sale(1), sold)
    await books.close()
    await books.tell(void(3, sold), sale(4, currency="USD"), sale(5))
    await books.close()
    assert await books.close() == NothingNew(runs=4)
    assert await left_out(books)

    book_in(books, "USD")
    outcome = await books.close()

    assert isinstance(outcome, DayClosed)
    assert [(run.run, run.currency, run.booked, run.goods) for run in outcome.runs] == [
        (5, "USD", True, ()),
        (6, "USD", True, ()),
    ]
    assert nets(outcome.runs) == {
        "tender.cash": Decimal("11.90"),
        "revenue.standard": Decimal("-10.00"),
        "tax.standard": Decimal("-1.90"),
    }
    assert await books.close() == NothingNew(runs=6)
    assert not await left_out(books)
    async with books.database.transaction() as tx:
        money = {each.currency: (each.total, each.closed) for each in await finance.money(tx)}
    assert money == {"EUR": (Decimal("23.80"),) * 2, "USD": (Decimal("11.90"),) * 2}


async def left_out(books: Books) -> bool:
    async with books.database.transaction() as tx:
        return await finance.leaves_out(tx, STORE, "USD")


async def test_a_day_is_posted_when_every_run_has_its_documents(books: Books) -> None:
    await books.tell(sale(1))
    await books.closed()
    states = []
    for document in PostedDocument:
        async with books.database.transaction() as tx:
            assert await finance.mark_posted(tx, STORE, DAY, 1, document=document, document_id="9")
        states.append(await state(books))

    assert states == [DayState.CLOSED, DayState.POSTED]
    async with books.database.transaction() as tx:
        assert not await finance.mark_posted(tx, STORE, DAY, 7, document=PostedDocument.GOODS, document_id="9")


async def test_the_sums_of_receipts_tenders_and_journals_agree_to_the_cent(books: Books) -> None:
    tomorrow = DAY + timedelta(days=1)
    sold = sale(4, line("B", "3.33", tax="0.53"))
    await books.tell(sale(1), sale(2, line(back=True)), sale(3, kind=ReceiptKind.CONTROL), sold, sale(9, day=tomorrow))
    await books.close()
    await books.tell(void(5, sold), sale(6))
    await books.close()
    await books.close(tomorrow)

    async with books.database.transaction() as tx:
        (money,) = await finance.money(tx)

    assert money.receipts == 6
    assert money.total == money.tendered == money.closed == Decimal("23.80")


async def test_a_missing_number_is_told_once_and_settled_when_it_comes(books: Books) -> None:
    await books.tell(sale(1), sale(2), sale(5))
    outcome = await books.close()
    assert isinstance(outcome, DayClosed)
    assert outcome.gaps == [Gap("1", 3, 4)]
    assert await gaps(books) == [Gap("1", 3, 4)]
    assert len(await books.facts(ReceiptGapFound)) == 1

    await books.tell(sale(3))
    assert await gaps(books) == [Gap("1", 4, 4)]
    await books.tell(sale(4))

    assert await gaps(books) == []
    found, closed = await books.facts(ReceiptGapFound), await books.facts(ReceiptGapClosed)
    assert [(fact.missing_from, fact.missing_to) for fact in found if isinstance(fact, ReceiptGapFound)] == [
        (3, 4),
        (4, 4),
    ]
    assert len(closed) == 2


async def look(books: Books, *, hours: float) -> None:
    """What the worker does, so long after the receipts were recorded."""
    now = books.now + timedelta(hours=hours)
    async with books.database.transaction() as tx:
        days, _ = await finance.days_to_judge(tx, books.estate, since=now - timedelta(days=3), now=now)
        for day in days:
            await finance.late_gaps(tx, books.estate, day, now=now)


async def told(books: Books) -> list[tuple[int, int]]:
    """The gaps that were told, in their order."""
    found = await books.facts(ReceiptGapFound)
    return [(fact.missing_from, fact.missing_to) for fact in found if isinstance(fact, ReceiptGapFound)]


async def test_a_number_that_stays_missing_is_told_by_itself_after_the_patience_of_the_estate(books: Books) -> None:
    await books.tell(sale(1), sale(2), sale(5))

    await look(books, hours=1.9)
    assert await told(books) == []

    await look(books, hours=2)
    await look(books, hours=3)
    assert await told(books) == [(3, 4)]

    await books.tell(sale(3), sale(4))
    assert len(await books.facts(ReceiptGapClosed)) == 1


async def test_a_young_gap_is_not_told_because_an_old_one_is_open(books: Books) -> None:
    """What is left of the old one is told at once; the others may still be on their way."""
    await books.tell(sale(1), sale(4))
    await look(books, hours=2)
    books.now += timedelta(hours=2)
    await books.tell(sale(7))
    await books.tell(sale(2))
    assert await told(books) == [(2, 3), (3, 3)]

    await look(books, hours=2)
    assert await told(books) == [(2, 3), (3, 3), (5, 6)]


async def test_what_is_left_of_a_young_gap_stays_told_when_the_day_was_closed_over_it(books: Books) -> None:
    await books.tell(sale(1), sale(4))
    await books.close()
    await books.tell(sale(2))

    assert await told(books) == [(2, 3), (3, 3)]


async def test_the_patience_with_gaps_is_the_estates(books: Books) -> None:
    books.estate = msgspec.structs.replace(books.estate, policies=Policies(receipt_gap_after="5m"))
    await books.tell(sale(1), sale(3))

    await look(books, hours=0.1)

    assert await told(books) == [(2, 2)]


async def test_two_who_fill_a_gap_together_leave_none(books: Books) -> None:
    await books.tell(sale(1), sale(4))
    await books.close()

    async with books.database.transaction() as tx:
        await finance.record_receipts(
            tx, books.estate, [Told(receipt=sale(2), origin=Origin.begin("one"))], now=books.now
        )
        other = asyncio.create_task(books.tell(sale(3, line("B"))))
        await blocked_or_done(books.database, other)
    await other

    async with books.database.transaction() as tx:
        cursor = await tx.execute("SELECT count(*) FROM finance.till_gap WHERE closed_at IS NULL")
        assert await cursor.fetchone() == (0,)


async def test_numbers_missing_between_two_days_are_missed_until_they_come(books: Books) -> None:
    tomorrow = DAY + timedelta(days=1)
    await books.tell(sale(1), sale(2), sale(5, day=tomorrow))
    outcome = await books.close(tomorrow)
    assert isinstance(outcome, DayClosed)
    assert outcome.gaps == [Gap("1", 3, 4)]

    await books.tell(sale(3), sale(4))

    assert len(await books.facts(ReceiptGapClosed)) == 1


async def test_a_thousand_receipts_and_more_close_page_by_page(books: Books) -> None:
    receipts = [sale(number) for number in range(1, 1206)]
    for place in range(0, len(receipts), 200):
        await books.tell(*receipts[place : place + 200])

    run = await books.closed()

    assert (run.receipts, run.total) == (1205, 1205 * Decimal("11.90"))
