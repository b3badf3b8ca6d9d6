"""Receipts for tests, and a store to tell them to."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from crossdock.canonical.base import Document, LocationCode, Sku, Tax
from crossdock.canonical.facts import StoreDayClosed
from crossdock.canonical.receipts import (
    LineKind,
    ReceiptKind,
    ReceiptLine,
    ReceiptRef,
    ReceiptTender,
    SaleRecorded,
)
from crossdock.canonical.stock import ItemDescribed
from crossdock.catalog import service as catalog
from crossdock.estate.model import Company, Estate
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.model import START
from crossdock.eventlog.service import Origin
from crossdock.finance import service as finance
from crossdock.finance.model import CloseOutcome, DayClosed, ReceiptOutcome
from crossdock.finance.service import Told
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database
from crossdock.inventory import service as inventory

STORE = LocationCode("s1")
DAY = date(2026, 11, 27)
OPENING = datetime(2026, 11, 27, 8, tzinfo=UTC)
ESTATE = Estate(company=Company(name="T", currency="EUR"))


def line(
    sku: str = "A", amount: str = "11.90", *, tax: str | None = "1.90", quantity: str = "1", back: bool = False
) -> ReceiptLine:
    return ReceiptLine(
        number=1,
        sku=sku,
        quantity=Decimal(quantity),
        amount=Decimal(amount),
        kind=LineKind.RETURN if back else LineKind.SALE,
        taxes=() if tax is None else (Tax(code="standard", amount=Decimal(tax)),),
    )


def sale(
    sequence: int = 1,
    *lines: ReceiptLine,
    paid: str | None = None,
    total: str | None = None,
    day: date = DAY,
    till: str = "1",
    kind: ReceiptKind = ReceiptKind.SALE,
    tender: str = "cash",
    currency: str = "EUR",
) -> SaleRecorded:
    made = lines or ((line(),) if kind is ReceiptKind.SALE else ())
    owed = sum((each.sign * each.amount for each in made), Decimal(0))
    amount = owed if total is None else Decimal(total)
    tenders = () if kind is not ReceiptKind.SALE else (ReceiptTender(tender=tender, amount=Decimal(paid or amount)),)
    return SaleRecorded(
        store=STORE,
        till=till,
        business_day=day,
        sequence=sequence,
        ended_at=OPENING + timedelta(days=(day - DAY).days, minutes=sequence % 600),
        currency=currency,
        total=amount,
        kind=kind,
        lines=made,
        tenders=tenders,
    )


def void(sequence: int, of: SaleRecorded, *, day: date = DAY) -> SaleRecorded:
    return SaleRecorded(
        store=STORE,
        till=of.till,
        business_day=day,
        sequence=sequence,
        ended_at=OPENING + timedelta(hours=9),
        currency=of.currency,
        total=-of.total,
        kind=ReceiptKind.VOID,
        voids=of.ref,
    )


def ref(sequence: int, day: date = DAY) -> ReceiptRef:
    return ReceiptRef(store=STORE, till="1", business_day=day, sequence=sequence)


@dataclass
class Books:
    """Finance on a real database."""

    database: Database
    now: datetime = OPENING + timedelta(days=2, hours=12)
    """Late enough for a second day to have begun."""
    estate: Estate = field(default_factory=lambda: ESTATE)

    async def know(self, *skus: str) -> None:
        async with self.database.transaction() as tx:
            items = [ItemDescribed(sku=sku, name=sku) for sku in skus]
            await catalog.describe(tx, items, origin=Origin.begin("test"), now=self.now)

    async def tell(self, *receipts: SaleRecorded, source: str = "tills") -> Sequence[ReceiptOutcome]:
        told = [Told(receipt=receipt, origin=Origin.begin(source)) for receipt in receipts]
        async with self.database.transaction() as tx:
            return await finance.record_receipts(tx, self.estate, told, now=self.now)

    async def close(self, day: date = DAY) -> CloseOutcome:
        async with self.database.transaction() as tx:
            return await finance.close_day(tx, self.estate, STORE, day, now=self.now)

    async def closed(self, day: date = DAY) -> StoreDayClosed:
        outcome = await self.close(day)
        assert isinstance(outcome, DayClosed)
        (run,) = outcome.runs
        return run

    async def facts(self, kind: type[Document] = Document) -> Sequence[Document]:
        async with self.database.transaction() as tx:
            events = await eventlog.read_after(tx, START, limit=1000)
        return [event.fact for event in events if isinstance(event.fact, kind)]

    async def on_hand(self, sku: str) -> Decimal:
        async with self.database.transaction() as tx:
            positions = await inventory.positions(tx, [Sku(sku)], now=self.now)
        return sum((position.on_hand for position in positions), Decimal(0))


async def blocked_or_done(database: Database, task: "asyncio.Task[object]") -> None:
    """Return once the task's statement waits for somebody's lock, or the task has ended."""
    while not task.done():
        async with database.transaction() as tx:
            cursor = await tx.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if await cursor.fetchone() != (0,):
                return
        await SYSTEM_CLOCK.sleep(0.02)


def nets(runs: Iterable[StoreDayClosed]) -> dict[str, Decimal]:
    """Debit less credit per posting key, over all runs; what cancels out is left out."""
    summed: dict[str, Decimal] = {}
    for run in runs:
        for each in run.journal:
            summed[each.account] = summed.get(each.account, Decimal(0)) + each.debit - each.credit
    return {key: amount for key, amount in summed.items() if amount}
