"""What the shop knows: catalogue, stock, orders, fulfilments, subscriptions. Plain data that only this process sees."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from crossdock.simulation.shop.pricing import OrderSum, PricedLine, PricedShipping, sum_up

ZERO: Final = Decimal(0)

Result = Literal["applied", "refused", "replayed", "error"]
"""What came of a mutation: done, denied by user errors, answered from memory, or broken off."""
FinancialStatus = Literal["pending", "authorized", "paid", "partially_refunded", "refunded", "voided"]
QuantityName = Literal[
    "available", "committed", "reserved", "damaged", "safety_stock", "quality_control", "incoming", "on_hand"
]
STATES: Final[tuple[QuantityName, ...]] = (
    "available",
    "committed",
    "reserved",
    "damaged",
    "safety_stock",
    "quality_control",
)
"""The states whose sum is `on_hand`; `incoming` is not here yet."""


@dataclass(frozen=True, slots=True)
class Location:
    """A place that holds stock and ships."""

    id: int
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Variant:
    """What a customer puts into the basket; one inventory item each."""

    id: int
    product_id: int
    inventory_item_id: int
    sku: str
    barcode: str
    product_title: str
    title: str
    price: Decimal
    tax_rate: Decimal
    grams: int
    oversell: bool
    """The vendor's `inventoryPolicy: CONTINUE`: sold on when nothing is available."""


@dataclass(frozen=True, slots=True)
class Product:
    """A title over its variants."""

    id: int
    title: str
    variant_ids: tuple[int, ...]
    created_at: datetime


@dataclass(slots=True)
class Level:
    """Stock of one item at one location, by state."""

    id: int
    item_id: int
    location_id: int
    quantities: dict[QuantityName, int]
    created_at: datetime
    updated_at: datetime

    def quantity(self, name: QuantityName) -> int:
        """Units in one state; `on_hand` is the sum of what is physically there."""
        if name == "on_hand":
            return sum(self.quantities.get(state, 0) for state in STATES)
        return self.quantities.get(name, 0)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a parcel goes; also the bill."""

    first_name: str
    last_name: str
    address1: str
    city: str
    zip: str
    country: str
    country_code: str
    province: str = ""
    province_code: str = ""
    phone: str = ""

    @property
    def name(self) -> str:
        """Both names as printed on a label."""
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True)
class Customer:
    """Who bought."""

    id: int
    email: str
    address: Address
    created_at: datetime


@dataclass(slots=True)
class OrderLine:
    """One line; `quantity` never changes after the order, edits and cancellations show in `removed`."""

    id: int
    variant: Variant
    quantity: int
    unit_price: Decimal
    discount: Decimal
    removed: int = 0
    fulfilled: int = 0

    @property
    def current_quantity(self) -> int:
        """Units still wanted."""
        return self.quantity - self.removed

    @property
    def fulfillable_quantity(self) -> int:
        """Units wanted and not yet sent."""
        return max(0, self.current_quantity - self.fulfilled)

    def priced(self, quantity: int) -> PricedLine:
        """The line as the arithmetic sees it; the discount follows the units that are left."""
        return PricedLine(self.unit_price, quantity, self.discount, self.quantity, self.variant.tax_rate)


@dataclass(frozen=True, slots=True)
class Payment:
    """One money movement with the gateway."""

    id: int
    kind: Literal["sale", "authorization", "capture", "refund", "void"]
    amount: Decimal
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RefundLine:
    """Units taken off an order again."""

    id: int
    line_id: int
    location_id: int | None
    quantity: int
    restock_type: Literal["cancel", "return", "no_restock"]
    subtotal: Decimal
    total_tax: Decimal


@dataclass(frozen=True, slots=True)
class Refund:
    """A cancellation's or removal's record, with or without money."""

    id: int
    created_at: datetime
    note: str
    restock: bool
    lines: tuple[RefundLine, ...]
    payments: tuple[Payment, ...]


@dataclass(slots=True)
class FulfillmentOrderLine:
    """Part of an order line that one location is to send."""

    id: int
    line_id: int
    total: int
    remaining: int


@dataclass(slots=True)
class FulfillmentOrder:
    """The vendor's unit of work: one location, some lines."""

    id: int
    order_id: int
    location_id: int
    lines: list[FulfillmentOrderLine]
    status: Literal["OPEN", "IN_PROGRESS", "CLOSED", "CANCELLED"]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Tracking:
    """How a parcel can be followed."""

    company: str | None = None
    numbers: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FulfillmentLine:
    """Units of an order line inside a parcel."""

    id: int
    line_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Fulfillment:
    """A parcel that left."""

    id: int
    order_id: int
    location_id: int
    fulfillment_order_ids: tuple[int, ...]
    lines: tuple[FulfillmentLine, ...]
    tracking: Tracking
    name: str
    created_at: datetime


@dataclass(slots=True)
class Order:
    """A customer's request as the shop holds it."""

    id: int
    number: int
    currency: str
    presentment_currency: str
    presentment_rate: Decimal
    taxes_included: bool
    lines: list[OrderLine]
    shipping: PricedShipping
    shipping_line_id: int
    shipping_title: str
    discount_code: str
    customer: Customer
    financial_status: FinancialStatus
    payments: list[Payment]
    token: str
    note: str
    tags: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    closed_at: datetime | None = None
    edited: bool = False
    refunds: list[Refund] = field(default_factory=list)
    fulfillments: list[Fulfillment] = field(default_factory=list)
    fulfillment_orders: list[FulfillmentOrder] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The number as customers see it."""
        return f"#{self.number}"

    def line(self, line_id: int) -> OrderLine:
        """The line of that id; the caller knows that it exists."""
        return next(line for line in self.lines if line.id == line_id)

    @property
    def held(self) -> Decimal:
        """Money that was taken and not given back."""
        signs = {"sale": 1, "capture": 1, "refund": -1}
        return sum((each.amount * signs.get(each.kind, 0) for each in self.payments), ZERO)

    def original_sum(self) -> OrderSum:
        """Totals as bought."""
        return self._sum((line.priced(line.quantity) for line in self.lines), self.shipping)

    def current_sum(self) -> OrderSum:
        """Totals after edits and cancellation; a cancelled order ships nothing."""
        shipping = self.shipping if self.cancelled_at is None else PricedShipping(ZERO, self.shipping.tax_rate)
        return self._sum((line.priced(line.current_quantity) for line in self.lines), shipping)

    def _sum(self, lines: Iterable[PricedLine], shipping: PricedShipping) -> OrderSum:
        return sum_up(tuple(lines), shipping, currency=self.currency, taxes_included=self.taxes_included)

    @property
    def fulfillment_status(self) -> Literal["fulfilled", "partial", "restocked"] | None:
        """Derived from the lines, never stored."""
        if self.cancelled_at is not None and not any(line.fulfilled for line in self.lines):
            return "restocked"
        if not any(line.fulfilled for line in self.lines):
            return None
        return "partial" if any(line.fulfillable_quantity for line in self.lines) else "fulfilled"


@dataclass(slots=True)
class Subscription:
    """Who wants to hear of a topic, and how well that has gone."""

    id: int
    topic: str
    """As GraphQL spells it: ORDERS_CREATE."""
    uri: str
    include_fields: tuple[str, ...]
    name: str | None
    created_at: datetime
    updated_at: datetime
    heard_at_s: float = float("-inf")
    """Monotonic time of the last accepted message."""
    accepted: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class StockEntry:
    """One change of one number, for the auditor."""

    at: datetime
    sku: str
    location_id: int
    name: QuantityName
    delta: int
    cause: str
    reference: str


@dataclass(frozen=True, slots=True)
class Oversold:
    """Units a customer bought that did not exist, or that the shop did not believe to have."""

    at: datetime
    order_id: int
    sku: str
    quantity: int
    believed: int
    """What the shop had `available` at the moment of sale, all locations."""
    truth: int | None
    """What really existed, if the rehearsal told."""


@dataclass(frozen=True, slots=True)
class MutationRecord:
    """What the API was asked to change, and what came of it."""

    at: datetime
    name: str
    idempotency_key: str | None
    arguments: str
    """Canonical JSON of the arguments."""
    result: Result
    reasons: tuple[str, ...]
