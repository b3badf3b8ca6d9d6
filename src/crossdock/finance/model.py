"""Receipts in the books, store days and their runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, TypeAlias
from uuid import UUID

from crossdock.canonical.base import LocationCode
from crossdock.canonical.facts import StoreDayClosed
from crossdock.canonical.receipts import ReceiptRef, SaleRecorded


class DayKey(NamedTuple):
    """A store's business day. Its order is the order in which days are locked."""

    store: LocationCode
    business_day: date


class ReceiptKey(NamedTuple):
    """The natural key of a receipt. Its order is the order in which receipts are written."""

    store: LocationCode
    till: str
    business_day: date
    sequence: int

    @classmethod
    def of(cls, ref: ReceiptRef) -> "ReceiptKey":
        """The key that a reference means."""
        return cls(ref.store, ref.till, ref.business_day, ref.sequence)

    @property
    def day(self) -> DayKey:
        """The store's day it belongs to."""
        return DayKey(self.store, self.business_day)

    def __str__(self) -> str:
        return f"{self.store}/{self.till}/{self.business_day.isoformat()}/{self.sequence}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A receipt about to be written."""

    key: ReceiptKey
    id: UUID
    kind: str
    currency: str
    total: Decimal
    tendered: Decimal
    fingerprint: bytes
    document: SaleRecorded
    closing: int
    connection: str
    trace: UUID
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReceipt:
    """A receipt as it lies in the books."""

    store: LocationCode
    till: str
    business_day: date
    sequence: int
    id: UUID
    kind: str
    total: Decimal
    tendered: Decimal
    currency: str
    fingerprint: bytes
    document: object
    closing: int

    @property
    def key(self) -> ReceiptKey:
        """Its natural key."""
        return ReceiptKey(self.store, self.till, self.business_day, self.sequence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """It is in the books of its day now; *late* when the day had been closed before."""

    receipt_id: UUID
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """It was there already, with the same content."""

    receipt_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """It contradicts the receipt that stands; nothing was booked, a person is asked."""

    receipt_id: UUID
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalMissing:
    """A void whose receipt has not come: nothing was booked; tell it again when that one is here."""

    original: ReceiptRef


ReceiptOutcome: TypeAlias = Recorded | Repeated | Conflict | OriginalMissing


class Gap(NamedTuple):
    """Numbers that a till must have used and nobody has seen."""

    till: str
    missing_from: int
    missing_to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number a till has used, and when."""

    till: str
    sequence: int
    ended_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DayClosed:
    """The closing's facts, one per currency (nearly always one), and the gaps that are open at this moment."""

    runs: Sequence[StoreDayClosed]
    gaps: Sequence[Gap]


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingNew:
    """The day was closed before and nothing has come since."""

    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotBegun:
    """The day lies in the future where the store is: nothing was closed."""

    today: date
    """There."""


CloseOutcome: TypeAlias = DayClosed | NothingNew | NotBegun


class DayState(StrEnum):
    """Derived, never stored."""

    OPEN = "open"
    LATE = "late"
    """Closed, and receipts have come since: close it again."""
    CLOSED = "closed"
    POSTED = "posted"
    """Every run has its documents in the ERP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreDay:
    """A store's day as people see it. Amounts are per currency; a day in two currencies is two of these."""

    store: LocationCode
    business_day: date
    state: DayState
    currency: str
    closings: int
    runs: int
    receipts: int
    late: int
    """Receipts that no closing has taken yet, after the first one."""
    total: Decimal
    """Σ of its receipts."""
    tendered: Decimal
    """Σ of what changed hands; differs from the total only where receipts are unsound."""
    closed: Decimal
    """Σ of the tender lines of its journals: what was, or will be, posted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Store days of one currency, added up: for proofs. All three sums are equal once every day is closed and sound."""

    currency: str
    receipts: int
    total: Decimal
    tendered: Decimal
    closed: Decimal


class PostedDocument(StrEnum):
    """What a run becomes in the ERP."""

    JOURNAL = "journal"
    GOODS = "goods"
