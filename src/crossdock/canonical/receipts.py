"""Till receipts: what a store has sold, taken back or voided. Facts from the floor, never refused."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from hashlib import blake2b
from typing import Annotated, Final

import msgspec

from crossdock.canonical.base import (
    Code,
    Currency,
    Document,
    LocationCode,
    Moment,
    Number,
    OptionalCode,
    Positive,
    Tax,
    Text,
    check_currency,
    check_day,
    check_decimal,
    check_moment,
    check_positive,
    mask,
)

SEQUENCE_MAX: Final = 2**53 - 1
"""The largest whole number that every reader of JSON keeps exact."""
Sequence = Annotated[int, msgspec.Meta(ge=0, le=SEQUENCE_MAX)]


class ReceiptKind(StrEnum):
    """What a number of the till's sequence was used for."""

    SALE = "sale"
    """Goods sold, returned or both."""
    VOID = "void"
    """Takes back a whole earlier receipt (`voids`)."""
    CONTROL = "control"
    """Sign-on, no-sale, till count: uses a number, posts nothing."""
    CANCELLED = "cancelled"
    """Begun and given up: uses a number, posts nothing."""
    TRAINING = "training"
    """Practice: never posts."""


class LineKind(StrEnum):
    """Direction of goods."""

    SALE = "sale"
    RETURN = "return"


class ReceiptRef(Document, frozen=True):
    """The natural key of a till receipt."""

    store: LocationCode
    till: Code
    business_day: date
    sequence: Sequence

    def __post_init__(self) -> None:
        check_day(self.business_day, "business_day")


class ReceiptLine(Document, frozen=True):
    """Goods that passed the till. Quantity and amount are positive; the kind gives the direction."""

    number: int
    sku: Code
    quantity: Positive
    amount: Number
    """For the whole line after every discount, in the receipt's tax mode."""
    kind: LineKind = LineKind.SALE
    discount: Number = Decimal(0)
    """Already taken off `amount`; for the records."""
    taxes: tuple[Tax, ...] = ()
    unit: Code = "each"
    voided: bool = False
    """Struck out before payment: no goods, no money."""
    original: ReceiptRef | None = None
    reason: Text = ""
    name: Text = ""

    def __post_init__(self) -> None:
        check_positive(self.quantity, "quantity")
        check_decimal(self.amount, "amount")
        check_decimal(self.discount, "discount")
        mask(self, "reason")

    @property
    def sign(self) -> int:
        """1 for a sale, -1 for a return, 0 when voided."""
        if self.voided:
            return 0
        return 1 if self.kind is LineKind.SALE else -1

    @property
    def tax(self) -> Decimal:
        """All taxes of the line, positive."""
        return sum((tax.amount for tax in self.taxes), Decimal(0))


class ReceiptTender(Document, frozen=True):
    """Money that changed hands: positive into the till, negative out of it (change, refund)."""

    tender: Code
    amount: Number
    reference: Text = ""

    def __post_init__(self) -> None:
        check_decimal(self.amount, "amount")
        mask(self, "reference")


class SaleRecorded(Document, frozen=True, tag="sale_recorded", tag_field="document"):
    """One transaction of a till, whatever its kind; numbered so that a missing one is noticed."""

    store: LocationCode
    till: Code
    business_day: date
    sequence: Sequence
    ended_at: Moment
    currency: Currency
    total: Number
    """What the customer paid in all, tax included; negative when money went back."""
    kind: ReceiptKind = ReceiptKind.SALE
    transaction_id: OptionalCode = ""
    prices_include_tax: bool = True
    lines: tuple[ReceiptLine, ...] = ()
    tenders: tuple[ReceiptTender, ...] = ()
    rounding: Number = Decimal(0)
    """Cash rounding: total = lines (+ tax when exclusive) + rounding."""
    voids: ReceiptRef | None = None
    operator: Text = ""

    def __post_init__(self) -> None:
        check_currency(self.currency)
        check_day(self.business_day, "business_day")
        check_moment(self.ended_at, "ended_at")
        check_decimal(self.total, "total")
        check_decimal(self.rounding, "rounding")
        if self.kind is ReceiptKind.VOID and self.voids is None:
            raise ValueError("`voids` is required when kind is void")

    @property
    def ref(self) -> ReceiptRef:
        """The natural key."""
        return ReceiptRef(store=self.store, till=self.till, business_day=self.business_day, sequence=self.sequence)

    @property
    def lines_total(self) -> Decimal:
        """What the lines come to with tax, before rounding; equals total - rounding and Σ tenders when sound."""
        return sum(
            (line.sign * (line.amount + (Decimal(0) if self.prices_include_tax else line.tax)) for line in self.lines),
            Decimal(0),
        )


def content_of(receipt: SaleRecorded) -> str:
    """A digest of what must not differ when a receipt comes again; names, operators and times may.

    Two receipts of one number with different digests contradict each other: they are two events, and a person is asked.
    """
    parts = [
        receipt.kind.value,
        receipt.currency,
        _plain(receipt.total),
        _plain(receipt.rounding),
        str(receipt.prices_include_tax),
        _ref_content(receipt.voids) if receipt.voids is not None else "",
        *sorted(_line_content(line) for line in receipt.lines if not line.voided),
        *sorted(f"{tender.tender}={_plain(tender.amount)}" for tender in receipt.tenders),
    ]
    return blake2b(msgspec.json.encode(parts), digest_size=16).hexdigest()


def _ref_content(ref: ReceiptRef) -> str:
    return f"{ref.store}/{ref.till}/{ref.business_day.isoformat()}/{ref.sequence}"


def _line_content(line: ReceiptLine) -> str:
    taxes = sorted(f"{tax.code}={_plain(tax.amount)}" for tax in line.taxes)
    return "|".join([line.kind.value, line.sku, _plain(line.quantity), _plain(line.amount), *taxes])


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}" if value else "0"
