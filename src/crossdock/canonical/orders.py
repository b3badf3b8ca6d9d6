"""Orders as channels tell them."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec

from crossdock.canonical.base import (
    ChannelCode,
    ChannelOrderId,
    Code,
    Currency,
    Document,
    LocationCode,
    Moment,
    NotNegative,
    Number,
    OptionalCode,
    Positive,
    Sku,
    Tax,
    Text,
    check_currency,
    check_decimal,
    check_moment,
    check_not_negative,
    check_once,
    check_positive,
    mask,
)

LINES_MAX = 1000
RESERVATIONS_MAX = 20
ReservationName = Annotated[
    str,
    msgspec.Meta(pattern=r"^[A-Za-z0-9._:~-]{1,128}(?!\n)$", extra={"wanted": "1 to 128 letters, digits or . _ : ~ -"}),
]


class Mode(StrEnum):
    """How the goods reach the customer."""

    SHIP = "ship"
    PICKUP = "pickup"


class PaymentStatus(StrEnum):
    """What the channel says about the money."""

    PENDING = "pending"
    AUTHORISED = "authorised"
    PAID = "paid"
    REFUNDED = "refunded"
    VOIDED = "voided"


class OrderLine(Document, frozen=True):
    """One position of an order. Amounts follow the order's `prices_include_tax`."""

    line_id: Code
    sku: Code
    quantity: Positive
    unit_price: NotNegative
    discount: NotNegative = Decimal(0)
    """Off the whole line, not per unit; in the same tax mode as the price."""
    taxes: tuple[Tax, ...] = ()
    name: Text = ""

    def __post_init__(self) -> None:
        check_positive(self.quantity, "quantity")
        check_not_negative(self.unit_price, "unit_price")
        check_not_negative(self.discount, "discount")

    @property
    def amount(self) -> Decimal:
        """What the line costs after its discount, in the order's tax mode."""
        return self.quantity * self.unit_price - self.discount

    @property
    def tax(self) -> Decimal:
        """All taxes of the line."""
        return sum((tax.amount for tax in self.taxes), Decimal(0))


class Charge(Document, frozen=True):
    """Shipping, gift wrap and the like; in the order's tax mode."""

    code: Code
    amount: Number
    discount: NotNegative = Decimal(0)
    taxes: tuple[Tax, ...] = ()

    def __post_init__(self) -> None:
        check_decimal(self.amount, "amount")
        check_not_negative(self.discount, "discount")

    @property
    def tax(self) -> Decimal:
        """All taxes of the charge."""
        return sum((tax.amount for tax in self.taxes), Decimal(0))


class Payment(Document, frozen=True):
    """One tender of an order. No card numbers, ever: they are masked where they stand in a reference."""

    tender: Code
    amount: Number
    status: PaymentStatus = PaymentStatus.PAID
    reference: Text = ""

    def __post_init__(self) -> None:
        check_decimal(self.amount, "amount")
        mask(self, "reference")


class Person(Document, frozen=True):
    """The customer as the channel knows them. Kept apart from facts, encrypted per person."""

    channel_customer_id: Text = ""
    name: Text = ""
    email: Text = ""
    phone: Text = ""


class Address(Document, frozen=True):
    """Where parcels go. Kept apart from facts, like the person."""

    name: Text = ""
    lines: tuple[Text, ...] = ()
    city: Text = ""
    region: Text = ""
    postal_code: Text = ""
    country: Annotated[
        str, msgspec.Meta(pattern=r"^([A-Z]{2})?(?!\n)$", extra={"wanted": "an ISO 3166 country code like DE"})
    ] = ""
    phone: Text = ""


class OrderPlaced(Document, frozen=True, tag="order_placed", tag_field="document"):
    """An order as its channel holds it at one revision. Redelivery, poll and API all bring this same document."""

    channel: ChannelCode
    channel_order_id: Code
    placed_at: Moment
    currency: Currency
    lines: Annotated[tuple[OrderLine, ...], msgspec.Meta(min_length=1, max_length=LINES_MAX)]
    total: NotNegative
    """What the customer pays, tax and charges included."""
    prices_include_tax: bool = False
    number: OptionalCode = ""
    """What people call it, e.g. #1042; empty means the channel order id."""
    updated_at: Moment | None = None
    """The channel's revision time: a later one replaces an earlier one, an equal one is a repetition."""
    charges: Annotated[tuple[Charge, ...], msgspec.Meta(max_length=50)] = ()
    payments: Annotated[tuple[Payment, ...], msgspec.Meta(max_length=50)] = ()
    payment_status: PaymentStatus = PaymentStatus.PAID
    mode: Mode = Mode.SHIP
    pickup_location: LocationCode | None = None
    customer: Person | None = None
    ship_to: Address | None = None
    cancelled_at: Moment | None = None
    note: Text = ""
    """What the customer wrote; card numbers in it are masked."""
    promised_by: Moment | None = None
    """By when the customer was promised the goods: who was promised earlier comes first when they do not suffice."""
    reservations: Annotated[tuple[ReservationName, ...], msgspec.Meta(max_length=RESERVATIONS_MAX)] = ()
    """Holds of the sender's that become this order, by their keys: their units are not claimed again."""

    def __post_init__(self) -> None:
        mask(self, "note")
        check_currency(self.currency)
        check_not_negative(self.total, "total")
        check_moment(self.placed_at, "placed_at")
        check_moment(self.updated_at, "updated_at")
        check_moment(self.cancelled_at, "cancelled_at")
        check_moment(self.promised_by, "promised_by")
        check_once(self.reservations, "reservations[{}]")
        check_once([line.line_id for line in self.lines], "lines[{}].line_id")
        if self.mode is Mode.PICKUP and self.pickup_location is None:
            raise ValueError("`pickup_location` is required when mode is pickup")

    @property
    def computed_total(self) -> Decimal:
        """The lines' and charges' own sum; differs from `total` by what the channel rounded."""
        goods = sum((line.amount for line in self.lines), Decimal(0))
        charges = sum((charge.amount - charge.discount for charge in self.charges), Decimal(0))
        taxes = sum((part.tax for part in self.lines), Decimal(0)) + sum(
            (part.tax for part in self.charges), Decimal(0)
        )
        return goods + charges + (Decimal(0) if self.prices_include_tax else taxes)


class OrderChanged(Document, frozen=True, tag="order_changed", tag_field="document"):
    """News about an order that must already exist: it waits for the order when it comes first."""

    channel: ChannelCode
    channel_order_id: ChannelOrderId
    updated_at: Moment
    payment_status: PaymentStatus | None = None
    cancelled_at: Moment | None = None
    lines: tuple[OrderLine, ...] | None = None
    """The lines as they are now, when the message carries them: an edit on the channel shows as a difference."""
    total: NotNegative | None = None

    def __post_init__(self) -> None:
        check_moment(self.updated_at, "updated_at")
        check_moment(self.cancelled_at, "cancelled_at")
        if self.total is not None:
            check_not_negative(self.total, "total")


def sku_of(line: OrderLine) -> Sku:
    """The line's item in our words."""
    return Sku(line.sku)
