"""SQL of store days and of gaps in tills' numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, LiteralString

import msgspec

from crossdock.canonical.base import LocationCode
from crossdock.canonical.facts import StoreDayClosed
from crossdock.finance.model import DayKey, Gap, Number
from crossdock.foundation.db import Tx, execute, fetch_all, fetch_one, fetch_tuples

OPEN: Final[LiteralString] = """
INSERT INTO finance.store_day (store, business_day)
SELECT store, business_day
  FROM unnest(%(stores)b::text[], %(days)b::date[]) AS new(store, business_day)
 ORDER BY store, business_day
    ON CONFLICT (store, business_day) DO NOTHING
"""

# Whoever records shares the day; whoever closes it waits for them, and they for him.
JOIN: Final[LiteralString] = """
SELECT store_day.store, store_day.business_day, store_day.closings
  FROM finance.store_day
 WHERE (store_day.store, store_day.business_day) IN (SELECT * FROM unnest(%(stores)b::text[], %(days)b::date[]))
 ORDER BY store_day.store, store_day.business_day
   FOR SHARE
"""

TAKE: Final[LiteralString] = """
SELECT closings, runs FROM finance.store_day WHERE store = %(store)s AND business_day = %(day)s FOR UPDATE
"""

OF_CLOSING: Final[LiteralString] = """
SELECT receipt.till, receipt.sequence, receipt.currency, receipt.total, receipt.document,
       original.document AS original
  FROM finance.receipt
  LEFT JOIN finance.void
    ON void.by_store = receipt.store
   AND void.by_till = receipt.till
   AND void.by_business_day = receipt.business_day
   AND void.by_sequence = receipt.sequence
  LEFT JOIN finance.receipt AS original
    ON original.store = void.store
   AND original.till = void.till
   AND original.business_day = void.business_day
   AND original.sequence = void.sequence
 WHERE receipt.store = %(store)s
   AND receipt.business_day = %(day)s
   AND receipt.closing = %(closing)s
   AND (receipt.till, receipt.sequence) > (%(after_till)s, %(after_sequence)s)
 ORDER BY receipt.till, receipt.sequence
 LIMIT %(limit)s
"""

ADD_RUN: Final[LiteralString] = """
INSERT INTO finance.store_day_run
       (store, business_day, run, closing, currency, receipts, total, tendered, journal, goods, closed_at, withheld)
VALUES (%(store)s, %(day)s, %(run)s, %(closing)s, %(currency)s, %(receipts)s, %(total)s, %(tendered)s,
        %(journal)s::text::jsonb, %(goods)s::text::jsonb, %(now)s, %(withheld)s)
"""

WITHHELD: Final[LiteralString] = """
SELECT run, closing, currency
  FROM finance.store_day_run
 WHERE store = %(store)s AND business_day = %(day)s AND withheld
 ORDER BY run
"""

NO_LONGER_WITHHELD: Final[LiteralString] = """
UPDATE finance.store_day_run SET withheld = false WHERE store = %(store)s AND business_day = %(day)s AND run = %(run)s
"""

LEAVES_OUT: Final[LiteralString] = """
SELECT EXISTS (SELECT FROM finance.store_day_run WHERE store = %(store)s AND currency = %(currency)s AND withheld)
"""

CLOSE: Final[LiteralString] = """
UPDATE finance.store_day
   SET closings = %(closings)s, runs = %(runs)s
 WHERE store = %(store)s AND business_day = %(day)s
"""

MARK_JOURNAL: Final[LiteralString] = """
UPDATE finance.store_day_run
   SET journal_document = %(document_id)s
 WHERE store = %(store)s AND business_day = %(day)s AND run = %(run)s
"""

MARK_GOODS: Final[LiteralString] = """
UPDATE finance.store_day_run
   SET goods_document = %(document_id)s
 WHERE store = %(store)s AND business_day = %(day)s AND run = %(run)s
"""

DAYS: Final[LiteralString] = """
SELECT store_day.store, store_day.business_day, store_day.closings, store_day.runs,
       coalesce(booked.currency, '') AS currency,
       coalesce(booked.receipts, 0) AS receipts,
       coalesce(booked.waiting, 0) AS waiting,
       coalesce(booked.total, 0) AS total,
       coalesce(booked.tendered, 0) AS tendered,
       coalesce((SELECT sum(run.tendered)
                   FROM finance.store_day_run AS run
                  WHERE run.store = store_day.store
                    AND run.business_day = store_day.business_day
                    AND run.currency = booked.currency), 0) AS closed,
       NOT EXISTS (SELECT
                     FROM finance.store_day_run AS run
                    WHERE run.store = store_day.store
                      AND run.business_day = store_day.business_day
                      AND (run.withheld
                           OR (run.journal <> '[]'::jsonb AND run.journal_document IS NULL)
                           OR (run.goods <> '[]'::jsonb AND run.goods_document IS NULL))) AS posted
  FROM finance.store_day
  LEFT JOIN LATERAL (
       SELECT receipt.currency, count(*) AS receipts, sum(receipt.total) AS total, sum(receipt.tendered) AS tendered,
              count(*) FILTER (WHERE receipt.closing > store_day.closings) AS waiting
         FROM finance.receipt
        WHERE receipt.store = store_day.store
          AND receipt.business_day = store_day.business_day
          AND receipt.kind IN ('sale', 'void')
        GROUP BY receipt.currency) AS booked ON true
 WHERE store_day.business_day BETWEEN %(since)s AND %(until)s
   AND (%(store)s = '' OR store_day.store = %(store)s)
 ORDER BY store_day.business_day, store_day.store, currency
 LIMIT %(limit)s
"""

NUMBERS: Final[LiteralString] = """
SELECT till, sequence, ended_at, recorded_at FROM finance.receipt WHERE store = %(store)s AND business_day = %(day)s
"""

RECORDED_BETWEEN: Final[LiteralString] = """
SELECT DISTINCT store, business_day
  FROM finance.receipt
 WHERE recorded_at > %(since)s AND recorded_at <= %(until)s
 ORDER BY store, business_day
"""

LAST_BEFORE: Final[LiteralString] = """
SELECT DISTINCT ON (till) till, sequence
  FROM finance.receipt
 WHERE store = %(store)s AND business_day < %(day)s AND business_day >= %(since)s
 ORDER BY till, business_day DESC, ended_at DESC, sequence DESC
"""

# One at a time per till: two that each fill a part of a gap must see each other.
LOCK_TILL: Final[LiteralString] = """
SELECT pg_advisory_xact_lock(1704, hashtext(%(store)s || '/' || %(till)s))
"""

OPEN_GAPS: Final[LiteralString] = """
SELECT till, missing_from, missing_to
  FROM finance.till_gap
 WHERE store = %(store)s AND business_day = %(day)s AND closed_at IS NULL
 ORDER BY till, missing_from
"""

DAYS_WITH_GAPS: Final[LiteralString] = """
SELECT DISTINCT store, business_day
  FROM finance.till_gap
 WHERE closed_at IS NULL
   AND (store, till) IN (SELECT * FROM unnest(%(stores)b::text[], %(tills)b::text[]))
 ORDER BY store, business_day
"""

OPEN_GAP: Final[LiteralString] = """
INSERT INTO finance.till_gap (store, till, business_day, missing_from, missing_to, found_at)
VALUES (%(store)s, %(till)s, %(day)s, %(missing_from)s, %(missing_to)s, %(now)s)
    ON CONFLICT (store, till, business_day, missing_from, missing_to)
    DO UPDATE SET closed_at = NULL, found_at = excluded.found_at
"""

CLOSE_GAP: Final[LiteralString] = """
UPDATE finance.till_gap
   SET closed_at = %(now)s
 WHERE store = %(store)s AND till = %(till)s AND business_day = %(day)s AND missing_from = %(missing_from)s
   AND missing_to = %(missing_to)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A day that is being closed."""

    closings: int
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A run whose money no journal has."""

    run: int
    closing: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A receipt of a closing, a void with its original."""

    till: str
    sequence: int
    currency: str
    total: Decimal
    document: object
    original: object | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """A store day in one currency, as it adds up."""

    store: LocationCode
    business_day: date
    closings: int
    runs: int
    currency: str
    receipts: int
    waiting: int
    total: Decimal
    tendered: Decimal
    closed: Decimal
    posted: bool


def _arrays(days: Sequence[DayKey]) -> Mapping[str, object]:
    return {"stores": [day.store for day in days], "days": [day.business_day for day in days]}


def _place(day: DayKey) -> dict[str, object]:
    return {"store": day.store, "day": day.business_day}


async def open_days(tx: Tx, days: Sequence[DayKey]) -> None:
    """Make days known."""
    await execute(tx, OPEN, _arrays(days))


async def join(tx: Tx, days: Sequence[DayKey]) -> Mapping[DayKey, int]:
    """How often each day was closed, shared until the transaction ends."""
    rows = await fetch_tuples(tx, JOIN, _arrays(days))
    return {DayKey(store, day): int(closings) for store, day, closings in rows}


async def take(tx: Tx, day: DayKey) -> Taken:
    """The day, for the closer alone until the transaction ends."""
    taken = await fetch_one(tx, TAKE, Taken, _place(day))
    assert taken is not None, day
    return taken


async def of_closing(tx: Tx, day: DayKey, closing: int, after: tuple[str, int], *, limit: int) -> Sequence[Posting]:
    """A page of the receipts that a closing takes."""
    params = {
        **_place(day),
        "closing": closing,
        "after_till": after[0],
        "after_sequence": after[1],
        "limit": limit,
    }
    return await fetch_all(tx, OF_CLOSING, Posting, params)


async def add_run(tx: Tx, run: StoreDayClosed, *, closing: int, tendered: Decimal, now: datetime) -> None:
    """Keep what a closing made."""
    params = {
        "store": run.store,
        "day": run.business_day,
        "run": run.run,
        "closing": closing,
        "currency": run.currency,
        "receipts": run.receipts,
        "total": run.total,
        "tendered": tendered,
        "journal": msgspec.json.encode(run.journal).decode(),
        "goods": msgspec.json.encode(run.goods).decode(),
        "now": now,
        "withheld": not run.booked,
    }
    await execute(tx, ADD_RUN, params)


async def withheld(tx: Tx, day: DayKey) -> Sequence[Withheld]:
    """Runs of a day whose money was left out."""
    return await fetch_all(tx, WITHHELD, Withheld, _place(day))


async def no_longer_withheld(tx: Tx, day: DayKey, run: int) -> None:
    """Another run books it."""
    await execute(tx, NO_LONGER_WITHHELD, {**_place(day), "run": run})


async def leaves_out(tx: Tx, location: str, currency: str) -> bool:
    """Is any run of the store in that currency withheld?"""
    rows = await fetch_tuples(tx, LEAVES_OUT, {"store": location, "currency": currency})
    return bool(rows[0][0])


async def close(tx: Tx, day: DayKey, *, closings: int, runs: int) -> None:
    """Count a closing."""
    await execute(tx, CLOSE, {**_place(day), "closings": closings, "runs": runs})


async def mark_journal(tx: Tx, day: DayKey, run: int, document_id: str) -> bool:
    """The run's journal is in the ERP; False when there is no such run."""
    return await execute(tx, MARK_JOURNAL, {**_place(day), "run": run, "document_id": document_id}) == 1


async def mark_goods(tx: Tx, day: DayKey, run: int, document_id: str) -> bool:
    """The run's goods issue is in the ERP; False when there is no such run."""
    return await execute(tx, MARK_GOODS, {**_place(day), "run": run, "document_id": document_id}) == 1


async def days(tx: Tx, *, store: str, since: date, until: date, limit: int) -> Sequence[DayRow]:
    """Store days with their sums."""
    params = {"store": store, "since": since, "until": until, "limit": limit}
    return await fetch_all(tx, DAYS, DayRow, params)


async def numbers(tx: Tx, day: DayKey) -> Sequence[Number]:
    """Every number used on a day."""
    return await fetch_all(tx, NUMBERS, Number, _place(day))


async def recorded_between(tx: Tx, since: datetime, until: datetime) -> Sequence[DayKey]:
    """Days of which a receipt was recorded in that time."""
    rows = await fetch_tuples(tx, RECORDED_BETWEEN, {"since": since, "until": until})
    return [DayKey(store, day) for store, day in rows]


async def last_before(tx: Tx, day: DayKey, since: date) -> Mapping[str, int]:
    """The last number of each till before a day, not looking back beyond *since*."""
    rows = await fetch_tuples(tx, LAST_BEFORE, {**_place(day), "since": since})
    return {str(till): int(sequence) for till, sequence in rows}


async def lock_till(tx: Tx, store: str, till: str) -> None:
    """Judge this till's gaps alone until the transaction ends."""
    await fetch_tuples(tx, LOCK_TILL, {"store": store, "till": till})


async def open_gaps(tx: Tx, day: DayKey) -> Sequence[Gap]:
    """Gaps of a day that nobody has filled."""
    return [Gap(*row) for row in await fetch_tuples(tx, OPEN_GAPS, _place(day))]


async def days_with_gaps(tx: Tx, tills: Sequence[tuple[str, str]]) -> Sequence[DayKey]:
    """Days on which one of the tills (store, till) has an open gap."""
    params = {"stores": [store for store, _ in tills], "tills": [till for _, till in tills]}
    return [DayKey(store, day) for store, day in await fetch_tuples(tx, DAYS_WITH_GAPS, params)]


def _gap(day: DayKey, gap: Gap, now: datetime) -> Mapping[str, object]:
    return {**_place(day), "till": gap.till, "missing_from": gap.missing_from, "missing_to": gap.missing_to, "now": now}


async def open_gap(tx: Tx, day: DayKey, gap: Gap, now: datetime) -> None:
    """Numbers are missing."""
    await execute(tx, OPEN_GAP, _gap(day, gap, now))


async def close_gap(tx: Tx, day: DayKey, gap: Gap, now: datetime) -> None:
    """They are there, or told anew as smaller gaps."""
    await execute(tx, CLOSE_GAP, _gap(day, gap, now))
