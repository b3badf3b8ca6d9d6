"""Facts of the event log: what happened, frozen, versioned. A type's old versions stay readable through upcasters."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final, TypeAlias

from crossdock.canonical.base import Code, Document, LocationCode, Moment, Text, check_currency, check_finite
from crossdock.canonical.intents import GoodsLine, JournalLine, SaleLine
from crossdock.canonical.orders import Mode, Payment, PaymentStatus
from crossdock.canonical.plumbing import (
    ConnectionBroken,
    ConnectionRestored,
    FeedHeard,
    FeedSilent,
    IntentLanded,
    IntentParked,
    IntentRefused,
    MessageOverdue,
    MessageQuarantined,
    MessageRejected,
    MessageSettled,
)
from crossdock.canonical.receipts import ReceiptRef

__all__ = [
    "FACT_TYPES",
    "VERSIONS",
    "ConnectionBroken",
    "ConnectionRestored",
    "CountRecorded",
    "ExceptionClosed",
    "ExceptionOpened",
    "Fact",
    "FeedHeard",
    "FeedSilent",
    "FulfilmentCancelled",
    "FulfilmentReleased",
    "FulfilmentShipped",
    "IntentLanded",
    "IntentParked",
    "IntentRefused",
    "ItemChanged",
    "ItemUnknown",
    "MessageOverdue",
    "MessageQuarantined",
    "MessageRejected",
    "MessageSettled",
    "OrderAccepted",
    "OrderCancelled",
    "OrderCompleted",
    "OrderEdited",
    "OrderHeld",
    "OrderHoldReleased",
    "OrderPaymentChanged",
    "OrderPlacedOnStock",
    "PlacedLine",
    "ReceiptConflict",
    "ReceiptGapClosed",
    "ReceiptGapFound",
    "ReceiptRecorded",
    "ReceiptUnsound",
    "StockDiscrepancy",
    "StockShort",
    "StoreDayClosed",
    "TransferRecorded",
    "fact_type",
    "fact_version",
]


class OrderAccepted(Document, frozen=True, tag="order.accepted", tag_field="fact"):
    """An order is durable and acknowledged. Names and addresses are not here: `order_id` leads to them."""

    order_id: Code
    connection: Code
    channel: Code
    channel_order_id: Code
    number: Text
    placed_at: Moment
    currency: str
    prices_include_tax: bool
    lines: tuple[SaleLine, ...]
    total: Decimal
    mode: Mode
    payment_status: PaymentStatus
    payments: tuple[Payment, ...] = ()
    pickup_location: LocationCode | None = None

    def __post_init__(self) -> None:
        check_currency(self.currency)
        check_finite(self.total, "total")


class PlacedLine(Document, frozen=True):
    """Units of one order line claimed at one location."""

    line_id: Code
    sku: Code
    location: LocationCode
    quantity: Decimal

    def __post_init__(self) -> None:
        check_finite(self.quantity, "quantity")


class OrderPlacedOnStock(Document, frozen=True, tag="order.placed", tag_field="fact"):
    """The order's units stand on locations; `backordered` names what no location could give."""

    order_id: Code
    lines: tuple[PlacedLine, ...]
    backordered: tuple[GoodsLine, ...] = ()


class OrderHeld(Document, frozen=True, tag="order.held", tag_field="fact"):
    """The order waits for somebody: unknown SKU, payment, edit on the channel."""

    order_id: Code
    hold: Code
    reason: Text
    path: Text = ""


class OrderHoldReleased(Document, frozen=True, tag="order.hold_released", tag_field="fact"):
    """One hold is gone."""

    order_id: Code
    hold: Code
    reason: Text = ""


class OrderPaymentChanged(Document, frozen=True, tag="order.payment_changed", tag_field="fact"):
    """The channel told a new payment status."""

    order_id: Code
    payment_status: PaymentStatus


class OrderCancelled(Document, frozen=True, tag="order.cancelled", tag_field="fact"):
    """Nothing of the order will be shipped any more; claims were released in the same transaction."""

    order_id: Code
    reason: Text
    cancelled_at: Moment


class OrderEdited(Document, frozen=True, tag="order.edited", tag_field="fact"):
    """The channel changed lines or total after acceptance; the hub does not follow by itself: a person decides."""

    order_id: Code
    difference: Text


class OrderCompleted(Document, frozen=True, tag="order.completed", tag_field="fact"):
    """Everything that was ordered has been shipped or cancelled."""

    order_id: Code


class FulfilmentReleased(Document, frozen=True, tag="fulfilment.released", tag_field="fact"):
    """One location may start to work on its part of an order."""

    fulfilment_id: Code
    order_id: Code
    location: LocationCode
    mode: Mode
    lines: tuple[GoodsLine, ...]


class FulfilmentShipped(Document, frozen=True, tag="fulfilment.shipped", tag_field="fact"):
    """One location's part has left."""

    fulfilment_id: Code
    order_id: Code
    location: LocationCode
    lines: tuple[GoodsLine, ...]
    shipped_at: Moment
    carrier: Text = ""
    tracking: tuple[Text, ...] = ()


class FulfilmentCancelled(Document, frozen=True, tag="fulfilment.cancelled", tag_field="fact"):
    """The location need not do it any more."""

    fulfilment_id: Code
    order_id: Code
    reason: Text


class StockShort(Document, frozen=True, tag="stock.short", tag_field="fact"):
    """Units are promised that are not there: work to re-promise."""

    sku: Code
    location: LocationCode
    short: Decimal
    cause: Text

    def __post_init__(self) -> None:
        check_finite(self.short, "short")


class StockDiscrepancy(Document, frozen=True, tag="stock.discrepancy", tag_field="fact"):
    """On-hand and the floor disagree: negative on-hand, or a system of record that says otherwise."""

    sku: Code
    location: LocationCode
    ours: Decimal
    theirs: Decimal
    cause: Text

    def __post_init__(self) -> None:
        check_finite(self.ours, "ours")
        check_finite(self.theirs, "theirs")


class TransferRecorded(Document, frozen=True, tag="stock.transferred", tag_field="fact"):
    """Goods moved between two own locations."""

    transfer_id: Code
    from_location: LocationCode
    to_location: LocationCode
    transferred_on: date
    lines: tuple[GoodsLine, ...]


class CountRecorded(Document, frozen=True, tag="stock.counted", tag_field="fact"):
    """People counted a location; on-hand was set."""

    count_id: Code
    location: LocationCode
    counted_on: date
    lines: tuple[GoodsLine, ...]


class ReceiptRecorded(Document, frozen=True, tag="receipt.recorded", tag_field="fact"):
    """A till receipt is in the books of its store day."""

    receipt_id: Code
    ref: ReceiptRef
    total: Decimal
    currency: str
    late: bool = False
    """It came after its store day had been closed and posted."""

    def __post_init__(self) -> None:
        check_currency(self.currency)
        check_finite(self.total, "total")


class ReceiptGapFound(Document, frozen=True, tag="receipt.gap_found", tag_field="fact"):
    """Numbers are missing in a till's sequence."""

    store: LocationCode
    till: Code
    business_day: date
    missing_from: int
    missing_to: int


class ReceiptUnsound(Document, frozen=True, tag="receipt.unsound", tag_field="fact"):
    """A receipt's lines, total and tenders do not agree; the difference is booked to the store's over/short account."""

    receipt_id: Code
    ref: ReceiptRef
    difference: Decimal
    currency: str

    def __post_init__(self) -> None:
        check_currency(self.currency)
        check_finite(self.difference, "difference")


class ReceiptGapClosed(Document, frozen=True, tag="receipt.gap_closed", tag_field="fact"):
    """Numbers that were missing are there, or the gap is smaller now and told anew."""

    store: LocationCode
    till: Code
    business_day: date
    missing_from: int
    missing_to: int


class ReceiptConflict(Document, frozen=True, tag="receipt.conflict", tag_field="fact"):
    """A receipt contradicts what is in the books: the same number with other content, a second void. Not booked."""

    receipt_id: Code
    """The receipt that stands."""
    ref: ReceiptRef
    """The receipt that does not."""
    reason: Text
    total: Decimal
    currency: str

    def __post_init__(self) -> None:
        check_currency(self.currency)
        check_finite(self.total, "total")


class ItemUnknown(Document, frozen=True, tag="item.unknown", tag_field="fact"):
    """Goods moved that no catalogue knows: recorded all the same."""

    sku: Code
    location: LocationCode
    subject: Text


class StoreDayClosed(Document, frozen=True, tag="store_day.closed", tag_field="fact"):
    """A store's business day is final: its journal and its goods, ready to be posted. `run` counts late re-closings."""

    store: LocationCode
    business_day: date
    run: int
    currency: str
    receipts: int
    total: Decimal
    journal: tuple[JournalLine, ...]
    goods: tuple[GoodsLine, ...]

    def __post_init__(self) -> None:
        check_currency(self.currency)
        check_finite(self.total, "total")


class ItemChanged(Document, frozen=True, tag="item.described", tag_field="fact"):
    """Master data of an item is known or has changed."""

    sku: Code
    name: Text
    active: bool


class ExceptionOpened(Document, frozen=True, tag="exception.opened", tag_field="fact"):
    """A matter needs a person."""

    exception_id: Code
    type: Code
    subject: Text
    owner: Code


class ExceptionClosed(Document, frozen=True, tag="exception.closed", tag_field="fact"):
    """The matter is settled."""

    exception_id: Code
    resolution: Text


Fact: TypeAlias = (
    OrderAccepted
    | OrderPlacedOnStock
    | OrderHeld
    | OrderHoldReleased
    | OrderPaymentChanged
    | OrderCancelled
    | OrderEdited
    | OrderCompleted
    | FulfilmentReleased
    | FulfilmentShipped
    | FulfilmentCancelled
    | StockShort
    | StockDiscrepancy
    | TransferRecorded
    | CountRecorded
    | ReceiptRecorded
    | ReceiptGapFound
    | ReceiptUnsound
    | ReceiptGapClosed
    | ReceiptConflict
    | ItemUnknown
    | StoreDayClosed
    | ItemChanged
    | IntentLanded
    | IntentRefused
    | IntentParked
    | MessageQuarantined
    | MessageOverdue
    | MessageRejected
    | MessageSettled
    | FeedHeard
    | FeedSilent
    | ConnectionBroken
    | ConnectionRestored
    | ExceptionOpened
    | ExceptionClosed
)

FACT_TYPES: Final[Mapping[str, type[Document]]] = {str(kind.__struct_config__.tag): kind for kind in Fact.__args__}

VERSIONS: Final[Mapping[str, int]] = {}
"""Types beyond their first version; all others are at 1."""


def fact_type(fact: Document) -> str:
    """The name a fact is stored under, e.g. order.accepted."""
    return str(fact.__struct_config__.tag)


def fact_version(type_name: str) -> int:
    """The schema version that this release writes."""
    return VERSIONS.get(type_name, 1)
