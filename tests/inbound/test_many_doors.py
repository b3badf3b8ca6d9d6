"""One receipt by file, upload and re-sent file, through many connections at once: one receipt in the books."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from crossdock.canonical.base import ConnectionName, LocationCode, Sku
from crossdock.canonical.receipts import ReceiptKind, ReceiptLine, ReceiptRef, ReceiptTender, SaleRecorded, content_of
from crossdock.connector_kit.model import Connector, Decoded, FileDrop, Limits, Received, Role
from crossdock.estate.model import Company, DropRules, Estate
from crossdock.finance import service as finance
from crossdock.finance.model import Conflict, DayClosed, OriginalMissing, Recorded
from crossdock.finance.service import Told
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.db import Database, Tx
from crossdock.foundation.vault import Vault
from crossdock.inbound import service as inbound
from crossdock.inbound.model import Applied, Arrived, NewMessage, Outcome, Rejected, Repeated, Route, Waits
from crossdock.inbound.service import Appliers, ApplyContext, Desk, Drop
from crossdock.inventory import service as inventory
from inbound.shopfloor import write

NOW = datetime(2026, 11, 27, 20, tzinfo=UTC)
DAY = date(2026, 11, 27)
STORE = LocationCode("s1")
VAULT = Vault(bytes(32))
DOORS = tuple(ConnectionName(f"door{number}") for number in range(8))
ESTATE = Estate(company=Company(name="T", currency="EUR"))


def decode_receipts(received: Received) -> Iterator[Decoded]:
    for line in received.body.splitlines():
        receipt = msgspec.json.decode(line, type=SaleRecorded)
        yield Decoded(
            document=receipt,
            key=key_of(receipt.ref),
            event_id=f"{key_of(receipt.ref)}/{content_of(receipt)}",
            waits_for=key_of(receipt.voids) if receipt.voids is not None else "",
        )


def key_of(ref: ReceiptRef) -> str:
    return f"receipt/{ref.store}/{ref.till}/{ref.business_day}/{ref.sequence}"


DROP = FileDrop(name="receipts", pattern="*.jsonl", decode=decode_receipts)
TILLS = Connector(
    name="tills",
    title="Tills",
    role=Role.TILLS,
    summary="Tells receipts as JSON lines.",
    settings=(),
    limits=Limits(requests_per_s=1, burst=1, concurrency=1),
    drops=(DROP,),
    uploads=(DROP,),
)


@dataclass
class Hub:
    database: Database
    clock: VirtualClock

    async def take(self, tx: Tx, arrived: Sequence[Arrived], context: ApplyContext) -> Sequence[Outcome]:
        told = [
            Told(receipt=record.document, origin=context.origin(record))
            for record in arrived
            if isinstance(record.document, SaleRecorded)
        ]
        outcomes = await finance.record_receipts(tx, context.estate, told, now=context.now)
        return [
            Applied()
            if isinstance(outcome, Recorded)
            else Waits(key=record.waits_for)
            if isinstance(outcome, OriginalMissing)
            else Rejected(reason=outcome.reason)
            if isinstance(outcome, Conflict)
            else Repeated()
            for record, outcome in zip(arrived, outcomes, strict=True)
        ]

    async def upload(self, door: ConnectionName, *receipts: SaleRecorded) -> None:
        message = NewMessage(connection=door, route=Route.UPLOAD, feed="receipts", body=lines(*receipts).encode())
        async with self.database.transaction() as tx:
            await inbound.receive(tx, VAULT, [message], now=NOW)

    async def drop(self, door: ConnectionName, folder: Path, name: str, *receipts: SaleRecorded) -> None:
        write(folder / door, name, lines(*receipts))
        drop = Drop(connection=door, declared=DROP, folder=folder / door, vault=VAULT, rules=DropRules(settle_s=0))
        await inbound.sweep(self.database, drop, self.clock)

    async def work(self) -> None:
        desk = Desk(estate=ESTATE, connectors=dict.fromkeys(DOORS, TILLS), settings={}, vault=VAULT)
        appliers = Appliers(by_type={SaleRecorded: self.take}, vault=VAULT)
        more = True
        while more:
            done = await inbound.decode_waiting(self.database, desk, self.clock)
            done += await inbound.apply_waiting(self.database, appliers, ESTATE, self.clock)
            more = done.more

    async def units(self, sku: str) -> Decimal:
        async with self.database.transaction() as tx:
            positions = await inventory.positions(tx, [Sku(sku)], now=NOW)
        return sum((position.on_hand for position in positions), Decimal(0))

    async def close(self) -> DayClosed:
        async with self.database.transaction() as tx:
            outcome = await finance.close_day(tx, ESTATE, STORE, DAY, now=NOW)
        assert isinstance(outcome, DayClosed)
        return outcome


@pytest.fixture
def hub(database: Database) -> Hub:
    return Hub(database, VirtualClock(NOW))


def lines(*receipts: SaleRecorded) -> str:
    return "\n".join(msgspec.json.encode(receipt).decode() for receipt in receipts)


def receipt(sequence: int, amount: str = "9.99", **more: object) -> SaleRecorded:
    fields: dict[str, object] = {
        "store": STORE,
        "till": "1",
        "business_day": DAY,
        "sequence": sequence,
        "ended_at": NOW,
        "currency": "EUR",
        "total": Decimal(amount),
        "lines": (ReceiptLine(number=1, sku=f"S{sequence % 5}", quantity=Decimal(1), amount=Decimal(amount)),),
        "tenders": (ReceiptTender(tender="cash", amount=Decimal(amount)),),
    }
    return SaleRecorded(**(fields | more))  # type: ignore[arg-type]  # every field stands above


async def test_a_receipt_by_eight_doors_is_in_the_books_once(hub: Hub, tmp_path: Path) -> None:
    receipts = [receipt(number) for number in range(1, 26)]
    for number, door in enumerate(DOORS):
        if number % 2:
            await hub.upload(door, *receipts)
        else:
            await hub.drop(door, tmp_path, "day.jsonl", *receipts)
            await hub.drop(door, tmp_path, "day-resent.jsonl", *receipts)

    await asyncio.gather(*(hub.work() for _ in range(8)))
    await hub.work()

    assert await hub.units("S1") == -5
    (run,) = (await hub.close()).runs
    assert (run.receipts, run.total) == (25, 25 * Decimal("9.99"))
    async with hub.database.transaction() as tx:
        tally = await inbound.tally(tx)
    assert sum(entry.count for entry in tally if entry.state == "applied") == 25
    assert sum(entry.count for entry in tally if entry.state == "repeated") == 7 * 25 + 4
    assert {entry.state for entry in tally} == {"applied", "repeated"}


async def test_a_contradiction_is_seen_whichever_door_it_takes(hub: Hub) -> None:
    await hub.upload(DOORS[0], receipt(1))
    await hub.work()
    await hub.upload(DOORS[0], receipt(1, "8.88"))
    await hub.upload(DOORS[1], receipt(1, "7.77"))
    await hub.work()

    async with hub.database.transaction() as tx:
        tally = {(entry.connection, entry.state): entry.count for entry in await inbound.tally(tx)}
    assert tally == {("door0", "applied"): 1, ("door0", "rejected"): 1, ("door1", "rejected"): 1}


async def test_a_void_that_comes_first_waits_and_then_leaves_nothing(hub: Hub) -> None:
    undone = receipt(2, kind=ReceiptKind.VOID, voids=receipt(1).ref, lines=(), tenders=(), total=Decimal("-9.99"))
    await hub.upload(DOORS[0], undone)
    await hub.work()
    await hub.upload(DOORS[0], receipt(1))
    await hub.work()

    (run,) = (await hub.close()).runs
    assert (run.receipts, run.total) == (2, Decimal(0))
    assert await hub.units("S1") == 0
