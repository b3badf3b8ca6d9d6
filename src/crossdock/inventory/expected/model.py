"""Expected receipts as frozen data: their lines, what is told about them, what is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from crossdock.canonical.base import LocationCode, Sku, check_moment, check_not_negative
from crossdock.canonical.stock import ReceiptExpected
from crossdock.inventory.model import NEW, ZERO, Account, Condition, PositionKey


class ExpectedKind(StrEnum):
    """Where the goods come from."""

    PURCHASE = "purchase"
    """A supplier."""
    TRANSFER = "transfer"
    """Another own location: they are on their way."""


ACCOUNT_OF: Final[Mapping[ExpectedKind, Account]] = {
    ExpectedKind.PURCHASE: Account.ON_ORDER,
    ExpectedKind.TRANSFER: Account.IN_TRANSIT,
}


class ExpectedRef(NamedTuple):
    """Which line of which document."""

    kind: ExpectedKind
    reference: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A line under way: so many units at one position by some day."""

    kind: ExpectedKind
    reference: str
    line: str
    sku: Sku
    location: LocationCode
    condition: Condition = NEW
    due_at: datetime | None = None
    """None when nobody knows."""
    quantity: Decimal
    """Announced; 0 when goods came before the announcement."""
    received: Decimal = ZERO
    closed_at: datetime | None = None
    """No more is expected since then."""
    close_reason: str = ""

    @property
    def ref(self) -> ExpectedRef:
        """Its name."""
        return ExpectedRef(self.kind, self.reference, self.line)

    @property
    def position(self) -> PositionKey:
        """Where it is to arrive."""
        return PositionKey(self.sku, self.location, self.condition)

    @property
    def account(self) -> Account:
        """Where its open units stand in the books."""
        return ACCOUNT_OF[self.kind]

    @property
    def open(self) -> Decimal:
        """Units still to come."""
        return ZERO if self.closed_at is not None else max(ZERO, self.quantity - self.received)


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseLine:
    """Units of an item that a supplier will bring."""

    sku: Sku
    quantity: Decimal
    due_at: datetime | None
    line: str = ""
    """The sender's own name of the line; absent: the item, which then stands once in the document."""

    def __post_init__(self) -> None:
        check_not_negative(self.quantity, "quantity")
        check_moment(self.due_at, "due_at")

    @property
    def name(self) -> str:
        """Under which it is received."""
        return self.line or self.sku


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """All that is known of a supplier's document as of *revised_at*: what it does not name is not expected any more."""

    reference: str
    location: LocationCode
    revised_at: datetime
    lines: Sequence[PurchaseLine]
    supplier: str = ""

    def __post_init__(self) -> None:
        check_moment(self.revised_at, "revised_at")
        if len({line.name for line in self.lines}) != len(self.lines):
            raise ValueError("`lines` names a line twice")

    @classmethod
    def of(cls, document: ReceiptExpected) -> "Purchase":
        """What another system told."""
        return cls(
            reference=document.reference,
            location=document.location,
            revised_at=document.revised_at,
            supplier=document.supplier,
            lines=tuple(
                PurchaseLine(sku=Sku(line.sku), quantity=line.quantity, due_at=line.due_at, line=line.line)
                for line in document.lines
            ),
        )


@dataclass(frozen=True, slots=True)
class Announced:
    """The books say now what the document says; `open` units are expected of it."""

    reference: str
    open: Decimal


@dataclass(frozen=True, slots=True)
class NothingNew:
    """The document says what we knew: nothing was written."""

    reference: str


@dataclass(frozen=True, slots=True)
class Outdated:
    """A newer statement about the document came before: nothing was written."""

    reference: str
    revised_at: datetime


AnnounceOutcome: TypeAlias = Announced | NothingNew | Outdated


@dataclass(frozen=True, slots=True)
class Closed:
    """So many units are not expected any more; none when they were not before."""

    reference: str
    given_up: Decimal


@dataclass(frozen=True, slots=True)
class UnknownPurchase:
    """Nobody ever told us of that document."""

    reference: str


CloseOutcome: TypeAlias = Closed | UnknownPurchase


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseView:
    """A supplier's document as it stands."""

    reference: str
    supplier: str
    revised_at: datetime | None
    """None: goods came, and nobody has announced it yet."""
    lines: tuple[Expected, ...]
