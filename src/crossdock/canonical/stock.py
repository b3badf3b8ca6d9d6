"""Items and stock as other systems tell them."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec

from crossdock.canonical.base import (
    Code,
    Document,
    LocationCode,
    Moment,
    Text,
    check_decimal,
    check_moment,
    check_positive,
)


class MovementKind(StrEnum):
    """Why a quantity changed; append-only, double entry between buckets."""

    RECEIVE = "receive"
    ISSUE = "issue"
    ADJUST = "adjust"
    COUNT = "count"
    TRANSFER_OUT = "transfer_out"
    TRANSFER_IN = "transfer_in"
    REBUCKET = "rebucket"
    HOLD = "hold"
    HOLD_RELEASE = "hold_release"
    ALLOCATE = "allocate"
    RELEASE = "release"
    CONSUME = "consume"
    RETURN_RECEIVE = "return_receive"


class Bucket(StrEnum):
    """Units that are there but cannot be sold."""

    DAMAGED = "damaged"
    QUALITY_HOLD = "quality_hold"
    QUARANTINE = "quarantine"
    DISPLAY = "display"
    REPAIR = "repair"
    RETURN_TO_VENDOR = "return_to_vendor"


class FloorMovement(StrEnum):
    """The kinds that people and systems outside may report: facts from the floor."""

    RECEIVE = "receive"
    ISSUE = "issue"
    ADJUST = "adjust"
    REBUCKET = "rebucket"
    RETURN_RECEIVE = "return_receive"


class MovementRecorded(Document, frozen=True, tag="movement_recorded", tag_field="document"):
    """Something happened to goods: a receipt, an issue, an adjustment.

    `quantity` is positive, except for `adjust`, whose sign is the direction. `rebucket` needs `from_bucket` or
    `to_bucket` (absent means sellable stock).
    """

    reference: Code
    """The sender's idempotency key: the same reference is recorded once."""
    kind: FloorMovement
    sku: Code
    location: LocationCode
    quantity: Decimal
    happened_at: Moment
    reason: Text = ""
    from_bucket: Bucket | None = None
    to_bucket: Bucket | None = None

    def __post_init__(self) -> None:
        check_moment(self.happened_at, "happened_at")
        if self.kind is FloorMovement.ADJUST:
            check_decimal(self.quantity, "quantity")
            if self.quantity == 0:
                raise ValueError("`quantity` of an adjustment must not be 0")
        else:
            check_positive(self.quantity, "quantity")
        if self.kind is FloorMovement.REBUCKET and self.from_bucket is self.to_bucket:
            raise ValueError("`to_bucket` must differ from `from_bucket`")


class StockCounted(Document, frozen=True, tag="stock_counted", tag_field="document"):
    """How much of an item a system or person says is at a location: absolute, as of a moment."""

    sku: Code
    location: LocationCode
    on_hand: Decimal
    as_of: Moment
    reference: Code

    def __post_init__(self) -> None:
        check_decimal(self.on_hand, "on_hand")
        check_moment(self.as_of, "as_of")


class ItemDescribed(Document, frozen=True, tag="item_described", tag_field="document"):
    """Master data of one item, from the system that owns it."""

    sku: Code
    name: Text
    unit: Code = "each"
    tax_class: Text = ""
    price: Decimal | None = None
    barcodes: Annotated[tuple[Code, ...], msgspec.Meta(max_length=50)] = ()
    active: bool = True
    tracked: bool = True

    def __post_init__(self) -> None:
        if self.price is not None:
            check_decimal(self.price, "price")


class ShipmentReported(Document, frozen=True, tag="shipment_reported", tag_field="document"):
    """The system that ships says goods have left; identified by our fulfilment reference or by its own document."""

    reference: Code
    """Our reference on their document (the fulfilment's)."""
    document_id: Code
    shipped_at: Moment
    number: Text = ""
    carrier: Text = ""
    tracking: tuple[Text, ...] = ()

    def __post_init__(self) -> None:
        check_moment(self.shipped_at, "shipped_at")


class DocumentSeen(Document, frozen=True, tag="document_seen", tag_field="document"):
    """A document of the ERP came by in a poll: known ones are recognised as our own writes, others are news."""

    kind: Code
    """sale, shipment, invoice, journal, transfer, count, goods_issue"""
    document_id: Code
    reference: Text
    """Our reference on it; empty when somebody made it by hand."""
    state: Code
    changed_at: Moment
    number: Text = ""
    total: Decimal | None = None

    def __post_init__(self) -> None:
        check_moment(self.changed_at, "changed_at")
        if self.total is not None:
            check_decimal(self.total, "total")
