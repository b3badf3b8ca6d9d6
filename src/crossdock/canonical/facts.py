"""Facts of the event log: what happened, frozen, versioned. A type's old versions stay readable through upcasters.

They are described by noun: `order_facts`, `stock_facts`, `receipt_facts`, and `plumbing` for the hub's own work.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from crossdock.canonical.base import Document
from crossdock.canonical.order_facts import (
    CustomerErased,
    FulfilmentCancelled,
    FulfilmentReduced,
    FulfilmentReleased,
    FulfilmentShipped,
    NamedReservation,
    OrderAccepted,
    OrderBackordered,
    OrderBackorderEnded,
    OrderCancelled,
    OrderCompleted,
    OrderEdited,
    OrderGoodsGone,
    OrderHeld,
    OrderHoldReleased,
    OrderLinesCancelled,
    OrderPaymentChanged,
    OrderPlacedOnStock,
    OrderRepromised,
    PlacedLine,
    RepromisedLine,
)
from crossdock.canonical.plumbing import (
    ConnectionBroken,
    ConnectionRestored,
    ExceptionClosed,
    ExceptionOpened,
    FeedHeard,
    FeedSilent,
    FileChanged,
    IntentLanded,
    IntentParked,
    IntentRefused,
    LogMonthDropped,
    MessageOverdue,
    MessageQuarantined,
    MessageRejected,
    MessageSettled,
    MessageUnmatched,
)
from crossdock.canonical.receipt_facts import (
    ReceiptConflict,
    ReceiptGapClosed,
    ReceiptGapFound,
    ReceiptRecorded,
    ReceiptUnsound,
    StoreDayClosed,
    TillsHeard,
    TillsSilent,
)
from crossdock.canonical.stock_facts import (
    CountRecorded,
    ItemChanged,
    ItemUnknown,
    SellingResumed,
    SellingStopped,
    StockCovered,
    StockDiscrepancy,
    StockLanded,
    StockLate,
    StockShort,
    TransferDiscrepancy,
    TransferRecorded,
    TransferSettled,
    TransferShipped,
)

__all__ = [
    "FACT_TYPES",
    "VERSIONS",
    "ConnectionBroken",
    "ConnectionRestored",
    "CountRecorded",
    "CustomerErased",
    "ExceptionClosed",
    "ExceptionOpened",
    "Fact",
    "FeedHeard",
    "FeedSilent",
    "FileChanged",
    "FulfilmentCancelled",
    "FulfilmentReduced",
    "FulfilmentReleased",
    "FulfilmentShipped",
    "IntentLanded",
    "IntentParked",
    "IntentRefused",
    "ItemChanged",
    "ItemUnknown",
    "LogMonthDropped",
    "MessageOverdue",
    "MessageQuarantined",
    "MessageRejected",
    "MessageSettled",
    "MessageUnmatched",
    "NamedReservation",
    "OrderAccepted",
    "OrderBackorderEnded",
    "OrderBackordered",
    "OrderCancelled",
    "OrderCompleted",
    "OrderEdited",
    "OrderGoodsGone",
    "OrderHeld",
    "OrderHoldReleased",
    "OrderLinesCancelled",
    "OrderPaymentChanged",
    "OrderPlacedOnStock",
    "OrderRepromised",
    "PlacedLine",
    "ReceiptConflict",
    "ReceiptGapClosed",
    "ReceiptGapFound",
    "ReceiptRecorded",
    "ReceiptUnsound",
    "RepromisedLine",
    "SellingResumed",
    "SellingStopped",
    "StockCovered",
    "StockDiscrepancy",
    "StockLanded",
    "StockLate",
    "StockShort",
    "StoreDayClosed",
    "TillsHeard",
    "TillsSilent",
    "TransferDiscrepancy",
    "TransferRecorded",
    "TransferSettled",
    "TransferShipped",
    "fact_type",
    "fact_version",
]


Fact: TypeAlias = (
    OrderAccepted
    | OrderPlacedOnStock
    | OrderRepromised
    | OrderGoodsGone
    | OrderBackordered
    | OrderBackorderEnded
    | OrderHeld
    | OrderHoldReleased
    | OrderPaymentChanged
    | OrderCancelled
    | OrderLinesCancelled
    | OrderEdited
    | OrderCompleted
    | CustomerErased
    | FulfilmentReleased
    | FulfilmentShipped
    | FulfilmentReduced
    | FulfilmentCancelled
    | StockShort
    | StockCovered
    | StockLanded
    | StockLate
    | StockDiscrepancy
    | TransferShipped
    | TransferRecorded
    | TransferDiscrepancy
    | TransferSettled
    | CountRecorded
    | SellingStopped
    | SellingResumed
    | ReceiptRecorded
    | ReceiptGapFound
    | ReceiptUnsound
    | ReceiptGapClosed
    | ReceiptConflict
    | ItemUnknown
    | StoreDayClosed
    | TillsSilent
    | TillsHeard
    | ItemChanged
    | IntentLanded
    | IntentRefused
    | IntentParked
    | MessageQuarantined
    | MessageOverdue
    | MessageRejected
    | MessageSettled
    | FileChanged
    | MessageUnmatched
    | FeedHeard
    | FeedSilent
    | LogMonthDropped
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
