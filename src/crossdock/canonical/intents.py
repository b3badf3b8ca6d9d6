"""What the hub wants another system to do: one frozen document per kind of intent."""

from datetime import date
from decimal import Decimal
from typing import Annotated

import msgspec

from crossdock.canonical.base import (
    Code,
    Currency,
    Document,
    LocationCode,
    Moment,
    Number,
    Tax,
    Text,
    check_currency,
    check_decimal,
    check_moment,
)
from crossdock.canonical.orders import Address, Payment, Person


class SaleLine(Document, frozen=True):
    """A line of a sale document; charges (shipping) are lines with an empty sku."""

    line_id: Code
    quantity: Number
    unit_price: Number
    sku: Text = ""
    charge: Text = ""
    discount: Number = Decimal(0)
    taxes: tuple[Tax, ...] = ()
    name: Text = ""

    def __post_init__(self) -> None:
        check_decimal(self.quantity, "quantity")
        check_decimal(self.unit_price, "unit_price")
        check_decimal(self.discount, "discount")


class PostSale(Document, frozen=True, tag="sale.post", tag_field="intent"):
    """Create the ERP's sale for one order, once."""

    reference: Code
    order_id: Code
    channel: Code
    channel_order_id: Code
    number: Text
    placed_at: Moment
    currency: Currency
    prices_include_tax: bool
    lines: tuple[SaleLine, ...]
    total: Number
    payments: tuple[Payment, ...] = ()
    customer: Person | None = None
    ship_to: Address | None = None

    def __post_init__(self) -> None:
        check_currency(self.currency)
        check_moment(self.placed_at, "placed_at")
        check_decimal(self.total, "total")


class GoodsLine(Document, frozen=True):
    """Goods of one item; `line_id` names the order line where there is one."""

    sku: Code
    quantity: Number
    """Signed for goods issues: negative means goods came back."""
    line_id: Text = ""
    tracked: bool = True
    """False: nobody counts it (gift wrapping, a service, a download); no stock moves with it."""

    def __post_init__(self) -> None:
        check_decimal(self.quantity, "quantity")


class PostShipment(Document, frozen=True, tag="shipment.post", tag_field="intent"):
    """Ship one fulfilment of an order from one location, through all steps to done."""

    reference: Code
    sale_reference: Code
    order_id: Code
    location: LocationCode
    lines: tuple[GoodsLine, ...]
    released_at: Moment

    def __post_init__(self) -> None:
        check_moment(self.released_at, "released_at")


class PostInvoice(Document, frozen=True, tag="invoice.post", tag_field="intent"):
    """Invoice what was kept of a sale, once nothing more of it will be shipped, and post the invoice."""

    reference: Code
    sale_reference: Code
    order_id: Code
    invoice_date: date
    total: Number
    currency: Currency
    lines: tuple[SaleLine, ...] = ()
    """Every line of the sale in its order, with what was kept of it (zero included); empty: all of the sale."""

    def __post_init__(self) -> None:
        check_currency(self.currency)
        check_decimal(self.total, "total")


class CancelSale(Document, frozen=True, tag="sale.cancel", tag_field="intent"):
    """Nothing more of a sale will be shipped or invoiced: undo what has been done for that, close what is left."""

    reference: Code
    sale_reference: Code
    order_id: Code
    reason: Text
    cancelled_on: date


class KeptLine(Document, frozen=True):
    """What is left of an order's line."""

    line_id: Code
    sku: Code
    ordered: Number
    left: Number

    def __post_init__(self) -> None:
        check_decimal(self.ordered, "ordered")
        check_decimal(self.left, "left")


class CancelOrder(Document, frozen=True, tag="order.cancel", tag_field="intent"):
    """Tell the channel that its order is cancelled, or how much is left of its lines."""

    reference: Code
    order_id: Code
    channel_order_id: Code
    reason: Text
    lines: tuple[KeptLine, ...] = ()
    """Every line of the order; empty: nothing of it is left."""


class JournalLine(Document, frozen=True):
    """One side of a journal: `account` is a posting key that the estate's lookup maps to the ERP's account."""

    account: Code
    debit: Number = Decimal(0)
    credit: Number = Decimal(0)
    text: Text = ""

    def __post_init__(self) -> None:
        check_decimal(self.debit, "debit")
        check_decimal(self.credit, "credit")
        if self.debit < 0 or self.credit < 0 or (self.debit > 0) == (self.credit > 0):
            raise ValueError("a journal line has either a `debit` or a `credit` above 0")


class PostJournal(Document, frozen=True, tag="journal.post", tag_field="intent"):
    """Post one balanced journal."""

    reference: Code
    posting_date: date
    currency: Currency
    text: Text
    lines: Annotated[tuple[JournalLine, ...], msgspec.Meta(min_length=2)]

    def __post_init__(self) -> None:
        check_currency(self.currency)
        balance = sum((line.debit - line.credit for line in self.lines), Decimal(0))
        if balance != 0:
            raise ValueError(f"`lines` do not balance: debit - credit = {balance}")


class PostGoodsIssue(Document, frozen=True, tag="goods_issue.post", tag_field="intent"):
    """Take a store day's sold goods (net of returns) out of one location, as one document."""

    reference: Code
    location: LocationCode
    posting_date: date
    text: Text
    lines: tuple[GoodsLine, ...]


class PostTransfer(Document, frozen=True, tag="transfer.post", tag_field="intent"):
    """Move goods between two own locations."""

    reference: Code
    from_location: LocationCode
    to_location: LocationCode
    posting_date: date
    lines: tuple[GoodsLine, ...]


class PostCount(Document, frozen=True, tag="count.post", tag_field="intent"):
    """Set the ERP's stock of items at a location to counted figures."""

    reference: Code
    location: LocationCode
    counted_on: date
    lines: tuple[GoodsLine, ...]


class PublishStock(Document, frozen=True, tag="stock.publish", tag_field="intent"):
    """Tell a channel how many units of an item it may sell: absolute, versioned, the newest wins."""

    reference: Code
    channel: Code
    sku: Code
    quantity: Number
    version: int
    location: LocationCode | None = None
    """The channel-side location, when the channel has several; None means its only one."""
    last_confirmed: Number | None = None
    """What the channel last confirmed: the base of compare-and-set."""
    urgent: bool = False
    """To zero, last units, back in stock."""

    def __post_init__(self) -> None:
        check_decimal(self.quantity, "quantity")
        if self.last_confirmed is not None:
            check_decimal(self.last_confirmed, "last_confirmed")


class ReportFulfilment(Document, frozen=True, tag="fulfilment.report", tag_field="intent"):
    """Tell the channel what was shipped."""

    reference: Code
    order_id: Code
    channel_order_id: Code
    location: LocationCode
    lines: tuple[GoodsLine, ...]
    shipped_at: Moment
    carrier: Text = ""
    tracking: tuple[Text, ...] = ()

    def __post_init__(self) -> None:
        check_moment(self.shipped_at, "shipped_at")


IntentDocument = (
    PostSale
    | PostShipment
    | PostInvoice
    | CancelSale
    | CancelOrder
    | PostJournal
    | PostGoodsIssue
    | PostTransfer
    | PostCount
    | PublishStock
    | ReportFulfilment
)
UNDOES = {"sale.cancel": ("sale.post", "shipment.post", "invoice.post")}
"""Kinds that take back what others have made, where it was made and is not wanted any more."""
INTENT_KINDS = {str(kind.__struct_config__.tag): kind for kind in IntentDocument.__args__}
