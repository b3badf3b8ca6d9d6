"""What the demo's retailer is and what happens there on one trading day. Frozen data, no behaviour but sums."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

CURRENCY = "USD"


class DayRules(Struct, frozen=True, kw_only=True):
    """The knobs of the day. Equal knobs make an equal day."""

    business_day: date
    seed: int = 1
    stores: int = 10
    source_first_day: date = date(2017, 4, 2)
    source_days: int = 20
    skus: int = 600
    web_orders: int = 150
    web_prices_include_tax: bool = True


class Dialect(StrEnum):
    POSLOG_2 = "poslog-2"
    POSLOG_6 = "poslog-6"
    NDJSON = "ndjson"


class Store(Struct, frozen=True, kw_only=True):
    code: str
    name: str
    zone: str
    tills: tuple[str, ...]
    dialect: Dialect


class Product(Struct, frozen=True, kw_only=True):
    sku: str
    barcode: str
    name: str
    brand: str
    department: str
    category: str
    size: str
    price: Decimal
    tax_code: str
    tax_percent: Decimal


class ReceiptKind(StrEnum):
    """Only the first three post; the others consume a number of their till and nothing else."""

    SALE = "sale"
    RETURN = "return"
    POST_VOID = "post_void"
    CANCELLED = "cancelled"
    SUSPENDED = "suspended"
    TRAINING = "training"


POSTING = frozenset({ReceiptKind.SALE, ReceiptKind.RETURN, ReceiptKind.POST_VOID})


class TenderKind(StrEnum):
    CASH = "cash"
    CARD = "card"
    VOUCHER = "voucher"


class TenderPurpose(StrEnum):
    SALE = "sale"
    CHANGE = "change"
    REFUND = "refund"


class Discount(Struct, frozen=True, kw_only=True):
    """*amount* is what the discount takes off the line, never negative."""

    reason: str
    amount: Decimal


class Line(Struct, frozen=True, kw_only=True):
    """*amount* is what the customer pays for the line: quantity x list price - discounts, tax included.

    All figures are magnitudes; the kind of the receipt says whether they come in or go out. A voided line was
    scanned and taken back before payment: it counts for nothing.
    """

    number: int
    sku: str
    barcode: str
    name: str
    department: str
    quantity: Decimal
    unit_price: Decimal
    discounts: tuple[Discount, ...]
    amount: Decimal
    tax_code: str
    tax_percent: Decimal
    tax: Decimal
    voided: bool = False


class Tender(Struct, frozen=True, kw_only=True):
    kind: TenderKind
    purpose: TenderPurpose
    amount: Decimal

    @property
    def incoming(self) -> Decimal:
        """The amount as the till's drawer sees it."""
        return self.amount if self.purpose is TenderPurpose.SALE else -self.amount


class ReceiptKey(Struct, frozen=True, kw_only=True, order=True):
    """How a receipt is known everywhere: a till counts its own numbers, a business day is the store's."""

    store: str
    till: str
    business_day: date
    sequence: int


class Receipt(Struct, frozen=True, kw_only=True):
    """A transaction with goods. *original* is what a return or a post-void takes back."""

    key: ReceiptKey
    kind: ReceiptKind
    at: datetime
    zone: str
    cashier: str
    currency: str = CURRENCY
    lines: tuple[Line, ...] = ()
    tenders: tuple[Tender, ...] = ()
    original: ReceiptKey | None = None

    @property
    def total(self) -> Decimal:
        """What was paid or given back, a magnitude like its lines."""
        return sum((line.amount for line in self.lines if not line.voided), Decimal(0))

    @property
    def tax(self) -> Decimal:
        return sum((line.tax for line in self.lines if not line.voided), Decimal(0))

    @property
    def incoming(self) -> Decimal:
        """What the tenders brought in, signed."""
        return sum((tender.incoming for tender in self.tenders), Decimal(0))


class Control(Struct, frozen=True, kw_only=True):
    """A till event without goods (sign-on, no-sale, sign-off). It consumes a number and posts nothing."""

    key: ReceiptKey
    at: datetime
    zone: str
    cashier: str
    reason: str
    currency: str = CURRENCY


TillEvent = Receipt | Control


class Customer(Struct, frozen=True, kw_only=True):
    """Invented from a seed. No such person, street or telephone exists."""

    number: str
    first_name: str
    last_name: str
    email: str
    phone: str
    street: str
    city: str
    postcode: str
    region: str
    country: str


class WebLine(Struct, frozen=True, kw_only=True):
    """*amount* and *unit_price* are with or without tax as the order says; *tax* is always the tax of the line."""

    sku: str
    name: str
    quantity: int
    unit_price: Decimal
    amount: Decimal
    tax_code: str
    tax_percent: Decimal
    tax: Decimal


class WebOrder(Struct, frozen=True, kw_only=True):
    number: int
    placed_at: datetime
    customer: Customer
    lines: tuple[WebLine, ...]
    prices_include_tax: bool
    currency: str = CURRENCY

    @property
    def tax(self) -> Decimal:
        return sum((line.tax for line in self.lines), Decimal(0))

    @property
    def total(self) -> Decimal:
        """What the customer pays, tax included."""
        amount = sum((line.amount for line in self.lines), Decimal(0))
        return amount if self.prices_include_tax else amount + self.tax


class OpeningStock(Struct, frozen=True, kw_only=True):
    location: str
    sku: str
    quantity: int


class LeftOut(Struct, frozen=True, kw_only=True):
    """Rows of the source that the day does not use, and why."""

    reason: str
    rows: int


class TradingDay(Struct, frozen=True, kw_only=True):
    """Everything the demo needs; till events and web orders stand in time order."""

    rules: DayRules
    opens_at: datetime
    closes_at: datetime
    stores: tuple[Store, ...]
    dc: str
    web_shop: str
    products: tuple[Product, ...]
    opening_stock: tuple[OpeningStock, ...]
    tight_skus: tuple[str, ...]
    events: tuple[TillEvent, ...]
    web_orders: tuple[WebOrder, ...]
    source_rows: int
    left_out: tuple[LeftOut, ...]

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        return tuple(event for event in self.events if isinstance(event, Receipt))
