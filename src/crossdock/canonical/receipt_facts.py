"""Facts about till receipts and the store days that they make."""

from datetime import date
from decimal import Decimal

from crossdock.canonical.base import Code, Document, LocationCode, Moment, Text, check_currency, check_finite
from crossdock.canonical.intents import GoodsLine, JournalLine
from crossdock.canonical.receipts import ReceiptRef


class ReceiptRecorded(Document, frozen=True, tag="receipt.recorded", tag_field="fact"):
    """A till receipt is in the books of its store day."""

    receipt_id: Code
    ref: ReceiptRef
    total: Decimal
    currency: str
    late: bool = False
    """It came after its store day had been closed and posted."""
    booked: bool = True
    """False: the estate does not book its currency. Its goods count; its money is kept and left out of the journals."""

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


class TillsSilent(Document, frozen=True, tag="tills.silent", tag_field="fact"):
    """Tills of a store have sent nothing in a time in which they usually do."""

    store: LocationCode
    tills: tuple[Code, ...]
    """All that are silent now."""
    silent_since: Moment


class TillsHeard(Document, frozen=True, tag="tills.heard", tag_field="fact"):
    """Tills that were silent speak again."""

    store: LocationCode
    tills: tuple[Code, ...]
    still_silent: tuple[Code, ...] = ()
    """Others of the store that do not."""


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
    booked: bool = True
    """False: the estate does not book this currency, so the goods are issued and the money is left out. A later run of the
    day books it, once the estate does: its journal then, and no goods."""

    def __post_init__(self) -> None:
        check_currency(self.currency)
        check_finite(self.total, "total")
