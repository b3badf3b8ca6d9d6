"""What each kind of document does when it arrives: one row per kind, one service call per row."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import assert_never
from uuid import UUID

from crossdock.assembly.hub import Hub
from crossdock.canonical.base import Document, FulfilmentId, Sku
from crossdock.canonical.orders import OrderChanged, OrderPlaced
from crossdock.canonical.receipts import SaleRecorded
from crossdock.canonical.stock import (
    DocumentSeen,
    ItemDescribed,
    MovementRecorded,
    ReceiptExpected,
    ShipmentReported,
    StockCounted,
)
from crossdock.catalog import service as catalog
from crossdock.catalog.service import Met
from crossdock.crossref import service as crossref
from crossdock.eventlog.service import Origin
from crossdock.finance import service as finance
from crossdock.finance.model import Conflict, OriginalMissing, ReceiptOutcome
from crossdock.finance.model import Recorded as Booked
from crossdock.finance.model import Repeated as BookedBefore
from crossdock.finance.service import Told
from crossdock.foundation.db import Tx
from crossdock.fulfilment.model import AlreadyShipped, Exceeds, Shipped, Shipping, Unexpected, Unknown
from crossdock.inbound import service as inbound
from crossdock.inbound.model import Applied, Arrived, Outcome, Rejected, Repeated, Waits
from crossdock.inbound.service import Applier, Appliers, ApplyContext
from crossdock.inventory import service as inventory
from crossdock.inventory.expected.model import Announced, Purchase
from crossdock.inventory.model import (
    AlreadyRecorded,
    BeyondTolerance,
    Counted,
    CountOutcome,
    KeyReused,
    MovementKey,
    NewCount,
    NewMovement,
    OutdatedCount,
    Recorded,
    StaleCount,
    Unchanged,
)
from crossdock.operations import service as operations
from crossdock.operations.model import Matter
from crossdock.operations.skew import service as skew
from crossdock.operations.skew.service import Said
from crossdock.orders import service as orders
from crossdock.orders.model import Accepted, ParentMissing, Revised
from crossdock.orders.model import Applied as OrderApplied
from crossdock.orders.model import Repeated as OrderRepeated
from crossdock.orders.service import Acceptance


def appliers(hub: Hub) -> Appliers:
    """The table: document → service call."""

    async def take_orders(tx: Tx, records: Sequence[Arrived], context: ApplyContext) -> Sequence[Outcome]:
        told = [Acceptance(_order(record), record.connection, context.origin(record)) for record in records]
        outcomes = await orders.accept_many(tx, hub.vault, told, now=context.now)
        return [_taken(outcome) for outcome in outcomes]

    async def know_items(tx: Tx, records: Sequence[Arrived], context: ApplyContext) -> Sequence[Outcome]:
        for connection, group in groupby(records, key=lambda record: record.connection):
            described = [record.document for record in group if isinstance(record.document, ItemDescribed)]
            await catalog.describe(tx, described, origin=Origin.begin(connection), now=context.now)
        return [Applied()] * len(records)

    by_type: Mapping[type[Document], Applier] = {
        OrderPlaced: take_orders,
        OrderChanged: inbound.each(_change_order),
        SaleRecorded: _record_receipts,
        MovementRecorded: _record_movements,
        StockCounted: _count_stock,
        ReceiptExpected: _expect_receipts,
        ItemDescribed: know_items,
        ShipmentReported: inbound.each(_ship),
        DocumentSeen: inbound.each(_see_document),
    }
    return Appliers(
        by_type={kind: _minding_clocks(applier) for kind, applier in by_type.items()}, vault=hub.vault, own=_own_writes
    )


def _minding_clocks(applier: Applier) -> Applier:
    """What was taken in and says that it is of tomorrow asks for a person, whatever it is."""

    async def apply(tx: Tx, records: Sequence[Arrived], context: ApplyContext) -> Sequence[Outcome]:
        outcomes = await applier(tx, records, context)
        told = [
            Said(subject=record.key, times=skew.times_of(record.document), origin=context.origin(record))
            for record, outcome in zip(records, outcomes, strict=True)
            if isinstance(outcome, Applied)
        ]
        await skew.mind(tx, context.estate, told, now=context.now)
        return outcomes

    return apply


async def apply_news(tx: Tx, news: Document, origin: Origin, now: datetime) -> None:
    """What a connector learnt while sending: a shipment done in the same breath as it was posted."""
    match news:
        case ShipmentReported():
            await _left(tx, news, source=origin.source, causation_id=origin.causation_id, now=now)
        case _:
            raise TypeError(f"no connector may report {type(news).__name__} while sending")


def _order(record: Arrived) -> OrderPlaced:
    assert isinstance(record.document, OrderPlaced)
    return record.document


def _taken(outcome: Accepted | OrderRepeated | Revised) -> Outcome:
    match outcome:
        case Accepted() | Revised():
            return Applied()
        case OrderRepeated():
            return Repeated()
        case _:
            assert_never(outcome)


async def _change_order(tx: Tx, record: Arrived, context: ApplyContext) -> Outcome:
    assert isinstance(record.document, OrderChanged)
    origin = context.origin(record)
    outcome = await orders.apply_change(tx, record.document, record.connection, origin=origin, now=context.now)
    match outcome:
        case OrderApplied():
            return Applied() if outcome.changes else Repeated()
        case ParentMissing():
            return Waits(key=record.waits_for or record.key)
        case _:
            assert_never(outcome)


async def _record_receipts(tx: Tx, records: Sequence[Arrived], context: ApplyContext) -> Sequence[Outcome]:
    told = [Told(receipt=_receipt(record), origin=context.origin(record)) for record in records]
    outcomes = await finance.record_receipts(tx, context.estate, told, now=context.now)
    await _ask_about_stores(tx, told, outcomes, context)
    return [_booked(record, outcome) for record, outcome in zip(records, outcomes, strict=True)]


async def _ask_about_stores(
    tx: Tx, told: Sequence[Told], outcomes: Sequence[ReceiptOutcome], context: ApplyContext
) -> None:
    """Takings of a store that the estate does not know are kept; somebody must say which store that is."""
    known = {location.code for location in context.estate.locations}
    for each, outcome in zip(told, outcomes, strict=True):
        if each.receipt.store in known or not isinstance(outcome, Booked):
            continue
        matter = Matter(
            type="store_unknown",
            key=f"store/{each.receipt.store}",
            subject=f"store/{each.receipt.store}",
            path="$.store",
            detail=f'receipts of store "{each.receipt.store}" come in, which is not among the estate\'s locations',
            amount=abs(each.receipt.total),
            currency=each.receipt.currency,
        )
        await operations.open_exception(tx, context.estate, matter, origin=each.origin, now=context.now)


def _receipt(record: Arrived) -> SaleRecorded:
    assert isinstance(record.document, SaleRecorded)
    return record.document


def _booked(record: Arrived, outcome: ReceiptOutcome) -> Outcome:
    match outcome:
        case Booked():
            return Applied()
        case BookedBefore():
            return Repeated()
        case Conflict():
            return Rejected(reason=outcome.reason, path="$.sequence")
        case OriginalMissing():
            return Waits(key=record.waits_for or record.key)
        case _:
            assert_never(outcome)


async def _record_movements(tx: Tx, records: Sequence[Arrived], context: ApplyContext) -> Sequence[Outcome]:
    movements = [_movement(record) for record in records]
    origin = context.origin(records[0])
    outcomes = await inventory.record(tx, movements, origin=origin, now=context.now)
    met = [
        Met(sku=moved.sku, location=moved.location, subject=f"movement/{moved.key}", origin=context.origin(record))
        for record, moved, outcome in zip(records, movements, outcomes, strict=True)
        if isinstance(outcome, Recorded)
    ]
    await catalog.tell_unknown(tx, met, now=context.now)
    return [_moved(outcome) for outcome in outcomes]


def _movement(record: Arrived) -> NewMovement:
    assert isinstance(record.document, MovementRecorded)
    movement = NewMovement.of(record.document, MovementKey(f"{record.connection}/{record.document.reference}"))
    return replace(movement, correlation_id=record.trace)


def _moved(outcome: Recorded | AlreadyRecorded | KeyReused) -> Outcome:
    match outcome:
        case Recorded():
            return Applied()
        case AlreadyRecorded():
            return Repeated()
        case KeyReused():
            return Rejected(reason="this reference stands for another movement", path="$.reference")
        case _:
            assert_never(outcome)


async def _count_stock(tx: Tx, records: Sequence[Arrived], context: ApplyContext) -> Sequence[Outcome]:
    counts = [_count(record) for record in records]
    outcomes = await inventory.count(
        tx,
        counts,
        origin=context.origin(records[0]),
        now=context.now,
        correct_max=context.estate.policies.count_correct_max,
    )
    return [_counted(outcome) for outcome in outcomes]


def _count(record: Arrived) -> NewCount:
    assert isinstance(record.document, StockCounted)
    return NewCount.of(record.document, MovementKey(f"{record.connection}/{record.document.reference}"))


def _counted(
    outcome: CountOutcome,
) -> Outcome:
    match outcome:
        case Counted() | Unchanged() | BeyondTolerance():
            return Applied()
        case AlreadyRecorded() | OutdatedCount():
            return Repeated()
        case KeyReused():
            return Rejected(reason="this reference stands for another count", path="$.reference")
        case StaleCount():
            return Rejected(
                reason="the count was made on figures that have changed since: count again", path="$.on_hand"
            )
        case _:
            assert_never(outcome)


async def _expect_receipts(tx: Tx, records: Sequence[Arrived], context: ApplyContext) -> Sequence[Outcome]:
    purchases = [Purchase.of(record.document) for record in records if isinstance(record.document, ReceiptExpected)]
    outcomes = await inventory.announce(tx, purchases, origin=context.origin(records[0]), now=context.now)
    return [Applied() if isinstance(outcome, Announced) else Repeated() for outcome in outcomes]


async def _ship(tx: Tx, record: Arrived, context: ApplyContext) -> Outcome:
    assert isinstance(record.document, ShipmentReported)
    return await _left(tx, record.document, source=record.connection, causation_id=record.message_id, now=context.now)


async def _left(tx: Tx, told: ShipmentReported, *, source: str, causation_id: UUID | None, now: datetime) -> Outcome:
    try:
        fulfilment = FulfilmentId(UUID(told.reference))
    except ValueError:
        return Rejected(reason=f'"{told.reference}" is no fulfilment of ours', path="$.reference")
    shipping = Shipping(
        fulfilment_id=fulfilment,
        reference=told.document_id,
        shipped_at=told.shipped_at,
        carrier=told.carrier,
        tracking=told.tracking,
        units=_units(told),
        source=source,
        causation_id=causation_id,
    )
    outcome = await orders.ship(tx, shipping, now=now)
    match outcome:
        case Shipped():
            return Applied()
        case AlreadyShipped():
            return Repeated()
        case Exceeds():
            return Rejected(reason="more left than was asked for", path="$.lines")
        case Unexpected():
            return Rejected(reason="the fulfilment is not in a state to ship", path="$.reference")
        case Unknown():
            return Rejected(reason=f'"{told.reference}" is no fulfilment of ours', path="$.reference")
        case _:
            assert_never(outcome)


def _units(told: ShipmentReported) -> Mapping[Sku, Decimal] | None:
    units: dict[Sku, Decimal] = {}
    for line in told.lines:
        units[Sku(line.sku)] = units.get(Sku(line.sku), Decimal(0)) + line.quantity
    return units or None


async def _see_document(_tx: Tx, record: Arrived, _context: ApplyContext) -> Outcome:
    """A document that somebody made by hand in the ERP: noted with its message, no effect of its own here."""
    assert isinstance(record.document, DocumentSeen)
    return Applied()


async def _own_writes(tx: Tx, records: Sequence[Arrived]) -> Sequence[bool]:
    """Documents that we have landed ourselves come back by poll: known, not news."""
    return [
        isinstance(record.document, DocumentSeen)
        and record.document.reference != ""
        and await crossref.is_ours(tx, record.connection, record.document.document_id)
        for record in records
    ]
