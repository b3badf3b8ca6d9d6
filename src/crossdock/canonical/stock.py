"""Items and stock as other systems tell them."""

from enum import StrEnum
from typing import Annotated

import msgspec

from crossdock.canonical.base import (
    CategoryPath,
    Code,
    Document,
    LocationCode,
    Moment,
    NotNegative,
    Number,
    OptionalCode,
    Positive,
    Text,
    check_decimal,
    check_moment,
    check_not_negative,
    check_once,
    check_positive,
)
from crossdock.canonical.intents import GoodsLine


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
    EXPECT = "expect"
    """What is expected changes: a supplier or a transfer will bring more, or less, than we thought."""


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
    quantity: Number
    happened_at: Moment
    reason: Text = ""
    from_bucket: Bucket | None = None
    to_bucket: Bucket | None = None
    expected: OptionalCode = ""
    """Of a receipt: the reference of the expected receipt whose goods these are."""
    expected_line: OptionalCode = ""
    """Which of its lines; absent: the line of the item."""

    def __post_init__(self) -> None:
        check_moment(self.happened_at, "happened_at")
        if self.expected and self.kind is not FloorMovement.RECEIVE:
            raise ValueError("`expected` is for receipts only")
        if self.kind is FloorMovement.ADJUST:
            check_decimal(self.quantity, "quantity")
            if self.quantity == 0:
                raise ValueError("`quantity` of an adjustment must not be 0")
        else:
            check_positive(self.quantity, "quantity")
        if self.kind is FloorMovement.REBUCKET and self.from_bucket is self.to_bucket:
            raise ValueError("`to_bucket` must differ from `from_bucket`")


class ExpectedReceiptLine(Document, frozen=True):
    """Units of an item that will come."""

    sku: Code
    quantity: NotNegative
    """All that was ordered, come or not; 0 cancels the line."""
    due_at: Moment | None = None
    """Absent: nobody knows when."""
    line: OptionalCode = ""
    """The sender's own name of the line; absent: the item, which then stands once in the document."""

    def __post_init__(self) -> None:
        check_not_negative(self.quantity, "quantity")
        check_moment(self.due_at, "due_at")


class ReceiptExpected(Document, frozen=True, tag="receipt_expected", tag_field="document"):
    """A supplier's document as of a moment: what will come to a location, and when.

    It says all that is expected: lines that it does not name are not expected any more, and without lines it is
    cancelled. Goods that come are movements of kind `receive` that name it in `expected`.
    """

    reference: Code
    """The document's number, the same for everybody who speaks of it."""
    location: LocationCode
    revised_at: Moment
    """The newest statement about a document holds."""
    lines: Annotated[tuple[ExpectedReceiptLine, ...], msgspec.Meta(max_length=5000)] = ()
    supplier: Text = ""

    def __post_init__(self) -> None:
        check_moment(self.revised_at, "revised_at")
        check_once([line.line or line.sku for line in self.lines], "lines[{}]")


class StockCounted(Document, frozen=True, tag="stock_counted", tag_field="document"):
    """How much of an item a system or person says is at a location: absolute, as of a moment."""

    sku: Code
    location: LocationCode
    on_hand: Number
    as_of: Moment
    reference: Code

    def __post_init__(self) -> None:
        check_decimal(self.on_hand, "on_hand")
        check_moment(self.as_of, "as_of")


class Component(Document, frozen=True):
    """What one unit of a kit takes of another item."""

    sku: Code
    quantity: Positive

    def __post_init__(self) -> None:
        check_positive(self.quantity, "quantity")


class HandlingUnit(Document, frozen=True):
    """Another unit in which an item is handled: a case of 12, a pallet, a gram of what is counted in kilograms."""

    code: Code
    factor: Positive
    """How many of the item's own `unit` it holds, exactly."""

    def __post_init__(self) -> None:
        check_positive(self.factor, "factor")


class ItemDescribed(Document, frozen=True, tag="item_described", tag_field="document"):
    """Master data of one item, from the system that owns it."""

    sku: Code
    name: Text
    unit: Code = "each"
    tax_class: Text = ""
    price: Number | None = None
    barcodes: Annotated[tuple[Code, ...], msgspec.Meta(max_length=50)] = ()
    active: bool = True
    tracked: bool = True
    """False: its stock has no number (a service, a gift card)."""
    category: CategoryPath = ""
    """Rules for a category hold for everything below it."""
    components: Annotated[tuple[Component, ...], msgspec.Meta(max_length=100)] = ()
    """A kit has no stock of its own: selling it takes these."""
    units: Annotated[tuple[HandlingUnit, ...], msgspec.Meta(max_length=20)] = ()
    """Besides `unit`, in which all quantities of the item are counted."""
    order_minimum: Positive | None = None
    """Customers order at least this much…"""
    order_maximum: Positive | None = None
    """…at most this much…"""
    order_multiple: Positive | None = None
    """…and only multiples of this."""

    def __post_init__(self) -> None:
        if self.price is not None:
            check_decimal(self.price, "price")
        for name in ("order_minimum", "order_maximum", "order_multiple"):
            if (value := getattr(self, name)) is not None:
                check_positive(value, name)
        check_once([component.sku for component in self.components], "components[{}].sku")
        check_once([unit.code for unit in self.units], "units[{}].code")
        for at, unit in enumerate(self.units):
            if unit.code == self.unit:
                raise ValueError(f"`units[{at}].code` must differ from the item's own `unit`")
        for at, component in enumerate(self.components):
            if component.sku == self.sku:
                raise ValueError(f"`components[{at}].sku` must not name the item itself")


class ShipmentReported(Document, frozen=True, tag="shipment_reported", tag_field="document"):
    """The system that ships says goods have left; identified by our fulfilment reference or by its own document."""

    reference: Code
    """Our reference on their document (the fulfilment's)."""
    document_id: Code
    shipped_at: Moment
    number: Text = ""
    carrier: Text = ""
    tracking: tuple[Text, ...] = ()
    lines: tuple[GoodsLine, ...] = ()
    """What has left, as they say, by item; empty: everything that was to leave."""

    def __post_init__(self) -> None:
        check_moment(self.shipped_at, "shipped_at")
        for line in self.lines:
            check_positive(line.quantity, "quantity")


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
    total: Number | None = None

    def __post_init__(self) -> None:
        check_moment(self.changed_at, "changed_at")
        if self.total is not None:
            check_decimal(self.total, "total")
