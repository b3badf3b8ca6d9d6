"""Close store days into journals, notice what is missing, know what was posted."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from crossdock.canonical.base import LocationCode
from crossdock.canonical.facts import ReceiptGapClosed, ReceiptGapFound, StoreDayClosed
from crossdock.canonical.receipts import SaleRecorded
from crossdock.estate.model import Estate, duration
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.finance import rules
from crossdock.finance.days import store
from crossdock.finance.days.store import DayRow, Withheld
from crossdock.finance.model import (
    CloseOutcome,
    DayClosed,
    DayKey,
    Gap,
    Money,
    NotBegun,
    NothingNew,
    PostedDocument,
    StoreDay,
)
from crossdock.finance.rules import DayBook
from crossdock.foundation.db import Tx

PAGE: Final = 1_000
LOOK_BACK: Final = timedelta(days=14)
SOURCE: Final = "finance"
DAYS_MAX: Final = 10_000


async def join(tx: Tx, days: Sequence[DayKey]) -> Mapping[DayKey, int]:
    """Take part in days as one who records: how often each was closed. A closer waits until the transaction ends."""
    if not days:
        return {}
    await store.open_days(tx, days)
    return await store.join(tx, days)


async def close_day(
    tx: Tx, estate: Estate, location: LocationCode, business_day: date, *, now: datetime
) -> CloseOutcome:
    """Make a store's day final: one balanced journal and its goods, as facts that outbound posts.

    Receipts that come later are late; closing again books only them, as the next run. A day without receipts closes
    with an empty run. Whoever is recording receipts of the day is waited for. A day that has not begun is not closed.
    Money in a currency that the estate does not book is left out, its goods are not; a later closing books it when the
    estate does.
    """
    today = rules.today(estate, location, now)
    if business_day > today:
        return NotBegun(today=today)
    day = DayKey(location, business_day)
    await store.open_days(tx, [day])
    taken = await store.take(tx, day)
    closing = taken.closings + 1
    new = await _add_up(tx, estate, day, closing)
    before = await _left_out_before(tx, estate, day)
    if not new and not before and taken.closings:
        return NothingNew(runs=taken.runs)
    if not new and not before:
        new = {estate.company.currency: DayBook(keys=estate.till_posting)}
    planned = [
        *((currency, book, book.goods(), closing) for currency, book in sorted(new.items())),
        *((withheld.currency, book, (), withheld.closing) for withheld, book in before),
    ]
    runs: list[StoreDayClosed] = []
    for number, (currency, book, goods, of_closing) in enumerate(planned, taken.runs + 1):
        booked = estate.books_in(currency)
        run = StoreDayClosed(
            store=location,
            business_day=business_day,
            run=number,
            currency=currency,
            receipts=book.receipts,
            total=book.total,
            journal=book.journal(f"{location} {business_day.isoformat()}") if booked else (),
            goods=goods,
            booked=booked,
        )
        tendered = book.tendered if booked else rules.ZERO
        await store.add_run(tx, run, closing=of_closing, tendered=tendered, now=now)
        runs.append(run)
    await store.close(tx, day, closings=closing, runs=taken.runs + len(runs))
    origin = Origin.begin(SOURCE)
    stream = f"store_day/{location}/{business_day.isoformat()}"
    await eventlog.append(tx, [NewFact(stream=stream, fact=run, happened_at=now, origin=origin) for run in runs])
    return DayClosed(runs=runs, gaps=await check_gaps(tx, location, business_day, now=now))


async def _add_up(tx: Tx, estate: Estate, day: DayKey, closing: int) -> dict[str, DayBook]:
    """The receipts that this closing takes, per currency. What posts nothing opens no book."""
    books: dict[str, DayBook] = {}
    after = ("", -1)
    while True:
        page = await store.of_closing(tx, day, closing, after, limit=PAGE)
        for row in page:
            receipt = msgspec.convert(row.document, SaleRecorded)
            original = None if row.original is None else msgspec.convert(row.original, SaleRecorded)
            if rules.posts(receipt):
                currency = receipt.currency if original is None else original.currency
                book = books.setdefault(currency, DayBook(keys=estate.till_posting))
                book.add(receipt, original, row.total)
        if len(page) < PAGE:
            return books
        after = (page[-1].till, page[-1].sequence)


async def _left_out_before(tx: Tx, estate: Estate, day: DayKey) -> Sequence[tuple[Withheld, DayBook]]:
    """Money that earlier closings left out and that is booked now: added up anew from the receipts that they took."""
    found: list[tuple[Withheld, DayBook]] = []
    for withheld in await store.withheld(tx, day):
        if estate.books_in(withheld.currency):
            books = await _add_up(tx, estate, day, withheld.closing)
            await store.no_longer_withheld(tx, day, withheld.run)
            found.append((withheld, books[withheld.currency]))
    return found


async def leaves_out(tx: Tx, location: str, currency: str) -> bool:
    """Is money of the store in that currency left out of the journals of closed days?"""
    return await store.leaves_out(tx, location, currency)


async def mark_posted(
    tx: Tx, location: LocationCode, business_day: date, run: int, *, document: PostedDocument, document_id: str
) -> bool:
    """The ERP has a run's journal or goods issue, as *document_id*; False when there is no such run."""
    day = DayKey(location, business_day)
    if document is PostedDocument.JOURNAL:
        return await store.mark_journal(tx, day, run, document_id)
    return await store.mark_goods(tx, day, run, document_id)


async def store_days(
    tx: Tx,
    *,
    location: LocationCode | None = None,
    since: date = date.min,
    until: date = date.max,
    limit: int = DAYS_MAX,
) -> Sequence[StoreDay]:
    """Store days with their state and sums, by day and store."""
    rows = await store.days(tx, store=location or "", since=since, until=until, limit=limit)
    return [_store_day(row) for row in rows]


async def money(tx: Tx, *, since: date = date.min, until: date = date.max) -> Sequence[Money]:
    """What all receipts of a time come to, and what journals say of them, per currency."""
    return rules.money(await store_days(tx, since=since, until=until))


def _store_day(row: DayRow) -> StoreDay:
    return StoreDay(
        store=row.store,
        business_day=row.business_day,
        state=rules.day_state(closings=row.closings, waiting=row.waiting, posted=row.posted),
        currency=row.currency,
        closings=row.closings,
        runs=row.runs,
        receipts=row.receipts,
        late=row.waiting if row.closings else 0,
        total=row.total,
        tendered=row.tendered,
        closed=row.closed,
    )


async def check_gaps(
    tx: Tx, location: LocationCode, business_day: date, *, now: datetime, patience: timedelta = timedelta(0)
) -> Sequence[Gap]:
    """The numbers that are missing on a day; filled gaps are told, and new ones. At closing, and whenever wanted.

    With *patience*, a gap is new only when the number behind it came so long ago; what is left of a known one is told
    at once.
    """
    day = DayKey(location, business_day)
    numbers = await store.numbers(tx, day)
    for till in sorted({number.till for number in numbers}):
        await store.lock_till(tx, location, till)
    numbers = await store.numbers(tx, day)
    found = set(rules.gaps(numbers, await store.last_before(tx, day, business_day - LOOK_BACK)))
    known = set(await store.open_gaps(tx, day))
    due = rules.due_gaps(found, known, numbers, now - patience)
    facts: list[ReceiptGapClosed | ReceiptGapFound] = []
    for gap in sorted(known - found):
        await store.close_gap(tx, day, gap, now)
        facts.append(_told(ReceiptGapClosed, day, gap))
    for gap in sorted(due - known):
        await store.open_gap(tx, day, gap, now)
        facts.append(_told(ReceiptGapFound, day, gap))
    await eventlog.append(tx, [_note(day, fact, now) for fact in facts])
    return sorted(found)


async def refill(tx: Tx, estate: Estate, tills: Sequence[tuple[str, str]], *, now: datetime) -> None:
    """Receipts of these tills (store, till) have come: judge again the days on which they have gaps."""
    for day in await store.days_with_gaps(tx, tills) if tills else ():
        await check_gaps(tx, day.store, day.business_day, now=now, patience=_patience(estate))


async def days_to_judge(tx: Tx, estate: Estate, *, since: datetime, now: datetime) -> tuple[Sequence[DayKey], datetime]:
    """Days of receipts that have become old enough since *since* to miss numbers before them.

    What is old enough now is where the next look goes on.
    """
    until = now - _patience(estate)
    return await store.recorded_between(tx, since, until), until


async def late_gaps(tx: Tx, estate: Estate, day: DayKey, *, now: datetime) -> None:
    """Tell of a day's numbers that are missing too long. Until the transaction ends its tills' gaps are judged by nobody else."""
    await check_gaps(tx, day.store, day.business_day, now=now, patience=_patience(estate))


def _patience(estate: Estate) -> timedelta:
    return duration(estate.policies.receipt_gap_after)


def _told(
    kind: type[ReceiptGapClosed] | type[ReceiptGapFound], day: DayKey, gap: Gap
) -> ReceiptGapClosed | ReceiptGapFound:
    return kind(
        store=day.store,
        till=gap.till,
        business_day=day.business_day,
        missing_from=gap.missing_from,
        missing_to=gap.missing_to,
    )


def _note(day: DayKey, fact: ReceiptGapClosed | ReceiptGapFound, now: datetime) -> NewFact:
    stream = f"till/{day.store}/{fact.till}"
    return NewFact(stream=stream, fact=fact, happened_at=now, origin=Origin.begin(SOURCE))
