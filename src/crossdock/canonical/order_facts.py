"""Facts about orders and their fulfilments."""

from decimal import Decimal

from crossdock.canonical.base import Code, Document, LocationCode, Moment, Text, check_currency, check_finite
from crossdock.canonical.intents import GoodsLine, SaleLine
from crossdock.canonical.orders import Mode, Payment, PaymentStatus


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


class NamedReservation(Document, frozen=True):
    """What became of a reservation that the order named."""

    reservation: Text
    outcome: Text
    """taken, taken_by_other, expired, released, consumed or unknown; all but the first: goods were looked for anew"""


class OrderPlacedOnStock(Document, frozen=True, tag="order.placed", tag_field="fact"):
    """The order's units stand on locations; `backordered` names what no location could give."""

    order_id: Code
    lines: tuple[PlacedLine, ...]
    backordered: tuple[GoodsLine, ...] = ()
    reservations: tuple[NamedReservation, ...] = ()
    """What became of the reservations that the order named."""


class RepromisedLine(Document, frozen=True):
    """Units of one order line whose goods are gone at a location."""

    line_id: Code
    sku: Code
    location: LocationCode
    quantity: Decimal
    now_at: LocationCode | None = None
    """Where they stand on goods now; absent: nowhere, they wait."""

    def __post_init__(self) -> None:
        check_finite(self.quantity, "quantity")


class OrderRepromised(Document, frozen=True, tag="order.repromised", tag_field="fact"):
    """Goods that the order was promised are gone: units of it come from elsewhere now, or wait."""

    order_id: Code
    lines: tuple[RepromisedLine, ...]
    cause: Text
    """What took the goods: the movement's kind and reference."""


class OrderGoodsGone(Document, frozen=True, tag="order.goods_gone", tag_field="fact"):
    """Goods that the order was promised are gone, and another system has been told to ship them: people decide."""

    order_id: Code
    number: Text
    sku: Code
    location: LocationCode
    quantity: Decimal
    cause: Text
    """What took the goods: the movement's kind and reference."""
    promised_by: Moment | None = None

    def __post_init__(self) -> None:
        check_finite(self.quantity, "quantity")


class OrderBackordered(Document, frozen=True, tag="order.backordered", tag_field="fact"):
    """Units of the order have neither goods nor a day, and that is a matter for people."""

    order_id: Code
    number: Text
    lines: tuple[GoodsLine, ...]
    since: Moment
    reason: Text
    promised_by: Moment | None = None


class OrderBackorderEnded(Document, frozen=True, tag="order.backorder_ended", tag_field="fact"):
    """All units of the order have goods or a day again, or nobody wants them any more."""

    order_id: Code


class CustomerErased(Document, frozen=True, tag="customer.erased", tag_field="fact"):
    """A person was forgotten: nobody can read any more who they were. What they bought stays. Told to each of their orders."""

    subject_id: Code
    request: Text
    """Where the retailer keeps the request; not whose it was."""
    who: Text
    """Who did it."""


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


class OrderLinesCancelled(Document, frozen=True, tag="order.lines_cancelled", tag_field="fact"):
    """Part of the order will not be shipped any more, the rest still is or has left; claims were released with it."""

    order_id: Code
    lines: tuple[GoodsLine, ...]
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


class FulfilmentReduced(Document, frozen=True, tag="fulfilment.reduced", tag_field="fact"):
    """The location has less to do than it was given; `lines` is what need not leave any more."""

    fulfilment_id: Code
    order_id: Code
    location: LocationCode
    lines: tuple[GoodsLine, ...]
    reason: Text


class FulfilmentCancelled(Document, frozen=True, tag="fulfilment.cancelled", tag_field="fact"):
    """The location need not do it any more."""

    fulfilment_id: Code
    order_id: Code
    reason: Text
