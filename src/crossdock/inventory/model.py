"""What inventory is made of: positions, the accounts of their ledger, movements."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple, NewType, TypeAlias
from uuid import UUID

from crossdock.canonical.base import LocationCode, ReservationKey, Sku, check_decimal, check_moment, check_positive
from crossdock.canonical.stock import Bucket, FloorMovement, MovementKind, MovementRecorded, StockCounted

Condition = NewType("Condition", str)
"""The grade of goods: new, or a grade that returns and repairs give."""
MovementKey = NewType("MovementKey", str)
"""Idempotency key of something that happened once: the same key is recorded once."""

NEW: Final = Condition("new")
ZERO: Final = Decimal(0)
DOCUMENT_ID_MAX: Final = 64


class PositionKey(NamedTuple):
    """Where a quantity stands. Its order is the order in which rows are locked."""

    sku: Sku
    location: LocationCode
    condition: Condition = NEW


class Account(StrEnum):
    """Where units are, in the books: each movement takes from one account of a position and gives to another.

    What lies inside (`available` to `return_to_vendor`) sums up to on-hand. The others are expectations and claims
    on them; `outside` is the rest of the world.
    """

    OUTSIDE = "outside"
    AVAILABLE = "available"
    HELD = "held"
    ALLOCATED = "allocated"
    DAMAGED = "damaged"
    QUALITY_HOLD = "quality_hold"
    QUARANTINE = "quarantine"
    DISPLAY = "display"
    REPAIR = "repair"
    RETURN_TO_VENDOR = "return_to_vendor"
    IN_TRANSIT = "in_transit"
    ON_ORDER = "on_order"
    DATED = "dated"
    BACKORDERED = "backordered"


UNAVAILABLE: Final = tuple(Account(bucket.value) for bucket in Bucket)
FLOOR_KINDS: Final = frozenset(
    {
        MovementKind.RECEIVE,
        MovementKind.ISSUE,
        MovementKind.ADJUST,
        MovementKind.COUNT,
        MovementKind.TRANSFER_OUT,
        MovementKind.TRANSFER_IN,
        MovementKind.REBUCKET,
        MovementKind.RETURN_RECEIVE,
    }
)
"""Facts from the floor: they are never refused, and only they may raise `short`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One SKU at one location in one condition. `held` counts live holds only."""

    sku: Sku
    location: LocationCode
    condition: Condition = NEW
    on_hand: Decimal = ZERO
    damaged: Decimal = ZERO
    quality_hold: Decimal = ZERO
    quarantine: Decimal = ZERO
    display: Decimal = ZERO
    repair: Decimal = ZERO
    return_to_vendor: Decimal = ZERO
    held: Decimal = ZERO
    allocated: Decimal = ZERO
    in_transit: Decimal = ZERO
    on_order: Decimal = ZERO
    dated: Decimal = ZERO
    backordered: Decimal = ZERO
    version: int = 0
    """How many ledger rows made it."""
    changed_at: datetime
    happened_at: datetime
    """When the latest known change of on-hand happened out there."""
    counted_at: datetime | None = None
    """As of when somebody last set on-hand."""

    @property
    def key(self) -> PositionKey:
        """Its place."""
        return PositionKey(self.sku, self.location, self.condition)

    @property
    def unavailable(self) -> Decimal:
        """Units that are there but cannot be sold, over all buckets."""
        return self.damaged + self.quality_hold + self.quarantine + self.display + self.repair + self.return_to_vendor

    @property
    def available(self) -> Decimal:
        """Signed: what may still be promised; below zero when more is promised than is there."""
        return self.on_hand - self.unavailable - self.allocated - self.held

    @property
    def short(self) -> Decimal:
        """Units promised beyond what is there."""
        return max(ZERO, self.allocated + self.held - max(ZERO, self.on_hand - self.unavailable))

    @property
    def late(self) -> Decimal:
        """Units promised for a day that nothing under way will bring."""
        return max(ZERO, self.dated - self.on_order - self.in_transit)


class ExpectedLine(NamedTuple):
    """The line of a supplier's document that goods belong to."""

    reference: str
    line: str = ""
    """Absent: the line of the item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMovement:
    """Something that happened to goods. `quantity` is positive, except for `adjust`, whose sign is the direction.

    Goods come into `to_bucket` and leave from `from_bucket`; absent means sellable stock.
    """

    key: MovementKey
    kind: FloorMovement
    sku: Sku
    location: LocationCode
    quantity: Decimal
    happened_at: datetime
    condition: Condition = NEW
    reason: str = ""
    from_bucket: Bucket | None = None
    to_bucket: Bucket | None = None
    expects: ExpectedLine | None = None
    """What was expected arrives: only of a receipt."""
    correlation_id: UUID | None = None
    """Its own trace, when movements of several traces share a batch."""

    def __post_init__(self) -> None:
        check_moment(self.happened_at, "happened_at")
        if self.kind is FloorMovement.ADJUST:
            check_decimal(self.quantity, "quantity")
        else:
            check_positive(self.quantity, "quantity")
        if self.kind is FloorMovement.REBUCKET and self.from_bucket is self.to_bucket:
            raise ValueError("`to_bucket` must differ from `from_bucket`")
        if self.expects is not None and self.kind is not FloorMovement.RECEIVE:
            raise ValueError("`expected` is for receipts only")

    @classmethod
    def of(cls, document: MovementRecorded, key: MovementKey) -> "NewMovement":
        """What another system reported; *key* is its reference made unique among all senders."""
        return cls(
            key=key,
            kind=document.kind,
            sku=Sku(document.sku),
            location=document.location,
            quantity=document.quantity,
            happened_at=document.happened_at,
            reason=document.reason,
            from_bucket=document.from_bucket,
            to_bucket=document.to_bucket,
            expects=ExpectedLine(document.expected, document.expected_line) if document.expected else None,
        )

    @property
    def position(self) -> PositionKey:
        """Where it happened."""
        return PositionKey(self.sku, self.location, self.condition)


@dataclass(frozen=True, slots=True)
class Recorded:
    """It is in the ledger."""

    key: MovementKey


@dataclass(frozen=True, slots=True)
class AlreadyRecorded:
    """The same key came before, with the same content: nothing was done."""

    key: MovementKey


@dataclass(frozen=True, slots=True)
class KeyReused:
    """The key stands for something else: nothing was done, and the sender is confused."""

    key: MovementKey | ReservationKey


MovementOutcome: TypeAlias = Recorded | AlreadyRecorded | KeyReused


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCount:
    """How many units somebody says are at a position, as of a moment. Movements since then are kept on top of it."""

    key: MovementKey
    sku: Sku
    location: LocationCode
    on_hand: Decimal
    as_of: datetime
    condition: Condition = NEW
    base: Decimal | None = None
    """The on-hand that the counter saw in our books; when we meant another number then, the count is stale."""

    def __post_init__(self) -> None:
        check_moment(self.as_of, "as_of")
        check_decimal(self.on_hand, "on_hand")

    @classmethod
    def of(cls, document: StockCounted, key: MovementKey) -> "NewCount":
        """What another system reported; *key* is its reference made unique among all senders."""
        return cls(
            key=key,
            sku=Sku(document.sku),
            location=document.location,
            on_hand=document.on_hand,
            as_of=document.as_of,
        )

    @property
    def position(self) -> PositionKey:
        """Where it was counted."""
        return PositionKey(self.sku, self.location, self.condition)


@dataclass(frozen=True, slots=True)
class Counted:
    """On-hand was set; by how much it changed."""

    key: MovementKey
    difference: Decimal


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The count says what we knew: nothing was written."""

    key: MovementKey


@dataclass(frozen=True, slots=True)
class StaleCount:
    """Our on-hand as of then was not the base that the counter started from: look again."""

    key: MovementKey
    expected: Decimal


@dataclass(frozen=True, slots=True)
class OutdatedCount:
    """A later count of the same position is already in the books."""

    key: MovementKey
    counted_at: datetime


@dataclass(frozen=True, slots=True)
class BeyondTolerance:
    """The difference is larger than may be corrected without a person: raised as a discrepancy, not written."""

    key: MovementKey
    expected: Decimal
    difference: Decimal


CountOutcome: TypeAlias = (
    Counted | Unchanged | StaleCount | OutdatedCount | BeyondTolerance | AlreadyRecorded | KeyReused
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StockCount:
    """A location was counted by people; lines must name each position once."""

    key: MovementKey
    location: LocationCode
    counted_on: date
    as_of: datetime
    on_hand: Mapping[Sku, Decimal]

    def __post_init__(self) -> None:
        check_moment(self.as_of, "as_of")
        _check_document_id(self.key)


def _check_document_id(key: str) -> None:
    """The key is told to other systems as the document's id."""
    if not 0 < len(key) <= DOCUMENT_ID_MAX:
        raise ValueError(f"`key` must have 1 to {DOCUMENT_ID_MAX} characters")


class LedgerCursor(NamedTuple):
    """A place in the ledger's commit order."""

    xid: int = 0
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Changed:
    """SKUs that moved after a cursor, each with the moment its first change happened; where to go on."""

    skus: Mapping[Sku, datetime]
    cursor: LedgerCursor


class Posting(NamedTuple):
    """One row of the ledger to be: units leave one account of a position and enter another."""

    position: PositionKey
    kind: MovementKind
    source: Account
    target: Account
    quantity: Decimal
    key: str
    happened_at: datetime
    reason: str = ""
    correlation_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A row of the ledger: what moved between which accounts, why, and what it left behind."""

    id: UUID
    kind: MovementKind
    sku: Sku
    location: LocationCode
    condition: Condition
    version: int
    from_account: Account
    to_account: Account
    quantity: Decimal
    on_hand: Decimal
    held: Decimal
    allocated: Decimal
    available: Decimal
    short: Decimal
    key: str
    """The movement's key, or the reservation's for claims."""
    reason: str
    happened_at: datetime
    recorded_at: datetime
    correlation_id: UUID
    source: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Two records of the same truth disagree: the auditor's finding."""

    check: str
    sku: Sku
    location: LocationCode
    condition: Condition
    subject: str
    expected: Decimal
    found: Decimal
