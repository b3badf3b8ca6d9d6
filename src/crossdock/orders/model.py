"""Orders as frozen data: ids, the quantity vector, outcomes."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from operator import attrgetter
from typing import Final, NamedTuple
from uuid import UUID

from crossdock.canonical.base import ChannelOrderId, FulfilmentId, OrderId, Tax
from crossdock.canonical.orders import Charge, Mode, OrderPlaced, Payment, PaymentStatus

ZERO: Final = Decimal(0)
SOURCE: Final = "orders"
"""Who says what this package finds out by itself."""
RECHECK: Final = "recheck"
"""Who released a hold whose reason had gone by itself."""


class Part(StrEnum):
    """Where a unit of an order line is: exactly one of these."""

    CANCELLED = "cancelled"
    BACKORDERED = "backordered"
    UNPLACED = "unplaced"
    ALLOCATED = "allocated"
    RELEASED = "released"
    PICKED = "picked"
    PACKED = "packed"
    SHIPPED = "shipped"
    COLLECTED = "collected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """How many units of a line are where. Moves keep the sum, so nothing is ever lost or doubled."""

    cancelled: Decimal = ZERO
    backordered: Decimal = ZERO
    unplaced: Decimal = ZERO
    allocated: Decimal = ZERO
    released: Decimal = ZERO
    picked: Decimal = ZERO
    packed: Decimal = ZERO
    shipped: Decimal = ZERO
    collected: Decimal = ZERO

    def of(self, part: Part) -> Decimal:
        """Units in that part."""
        value = getattr(self, part)  # a part's word is the name of its field
        assert isinstance(value, Decimal)
        return value

    @property
    def ordered(self) -> Decimal:
        """All units."""
        return self.open + self.cancelled + self.out

    @property
    def out(self) -> Decimal:
        """Units that have left us."""
        return self.shipped + self.collected

    @property
    def open(self) -> Decimal:
        """Units that something must still happen to."""
        return self.backordered + self.unplaced + self.allocated + self.released + self.picked + self.packed

    def moved(self, source: Part, target: Part, quantity: Decimal) -> "Vector":
        """*quantity* units from one part to another; more than there are is a broken invariant."""
        there = self.of(source)
        assert ZERO <= quantity <= there, (self, source, quantity)
        if source is target or not quantity:
            return self
        return replace(self, **{source: there - quantity, target: self.of(target) + quantity})


_PARTS: Final = tuple(part.value for part in Part)
_units: Final = attrgetter(*_PARTS)
assert tuple(field.name for field in fields(Vector)) == _PARTS


def total_of(vectors: Iterable[Vector]) -> Vector:
    """All lines' units together."""
    sums = (sum(column, ZERO) for column in zip(*map(_units, vectors), strict=True))
    return Vector(**dict(zip(_PARTS, sums, strict=False)))


class HoldCode(StrEnum):
    """Why an order waits. Mirrors the database's enum."""

    UNKNOWN_CHANNEL = "unknown_channel"
    """The estate has no such channel."""
    UNKNOWN_LOCATION = "unknown_location"
    """No active location serves the order: the pickup location, or the channel's pool in that mode."""
    UNKNOWN_SKU = "unknown_sku"
    """No catalogue knows an item of it."""
    CURRENCY = "currency"
    """It is not in the channel's currency."""
    TOTAL_MISMATCH = "total_mismatch"
    """Its total differs from its lines by more than the channel tolerates."""
    PAYMENT = "payment"
    """It is neither paid nor authorised."""
    EDITED = "edited"
    """The channel changed it after acceptance by more than taking units off; a person decides."""
    CANCELLED_LATE = "cancelled_late"
    """Cancelled after units of it had left."""
    SHIPPED_AFTER_CANCEL = "shipped_after_cancel"
    """Units left though it was cancelled."""
    UNPLACEABLE = "unplaceable"
    """Placing breaks on it: the database cannot hold what it asks for, or the hub fails."""
    MANUAL = "manual"
    """A person stopped it."""
    PAYMENT_MISMATCH = "payment_mismatch"
    """It is called paid, and its payments do not come to its total."""
    AMOUNTS = "amounts"
    """A line or charge takes more off than it costs, or bears a tax that is larger than its price."""
    FRACTION = "fraction"
    """It asks for a part of an item that is counted one by one (unit `each`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """An order without its lines."""

    order_id: OrderId
    connection: str
    channel: str
    channel_order_id: str
    number: str
    placed_at: datetime
    currency: str
    prices_include_tax: bool
    total: Decimal
    mode: Mode
    pickup_location: str | None
    charges: tuple[Charge, ...]
    payments: tuple[Payment, ...]
    payment_status: PaymentStatus
    contact_id: UUID | None
    address_mark: bytes | None
    content_mark: bytes
    revised_at: datetime
    payment_at: datetime
    correlation_id: UUID
    accepted_at: datetime
    cancelled_at: datetime | None
    cancel_reason: str | None
    completed_at: datetime | None
    forgotten_at: datetime | None = None
    """When its customer was erased: nothing that is told of them since is kept."""
    placements: int = 0
    promised_by: datetime | None = None
    reservations: tuple[str, ...] = ()


class NewOrder(NamedTuple):
    """An order about to be written, with what was prepared for it. A tuple: hundreds are made per commit."""

    order_id: OrderId
    connection: str
    order: OrderPlaced
    contact_id: UUID | None
    address_mark: bytes | None
    content_mark: bytes
    revised_at: datetime
    correlation_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One reason to wait; it stands until `released_at`."""

    order_id: OrderId
    hold: HoldCode
    reason: str
    path: str
    placed_at: datetime
    released_at: datetime | None = None
    released_by: str | None = None
    released_reason: str | None = None

    @property
    def stands(self) -> bool:
        """Is it still there?"""
        return self.released_at is None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about an order that does not let it be placed."""

    hold: HoldCode
    reason: str
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One position with its quantity vector."""

    order_id: OrderId
    position: int
    line_id: str
    sku: str
    name: str
    unit_price: Decimal
    discount: Decimal
    taxes: tuple[Tax, ...]
    vector: Vector

    @property
    def ordered(self) -> Decimal:
        """Units the customer asked for."""
        return self.vector.ordered


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it stands now."""

    header: Header
    lines: tuple[Line, ...]
    holds: tuple[Hold, ...] = ()
    """All there ever were, oldest first."""

    @property
    def units(self) -> Vector:
        """All lines together."""
        return total_of(line.vector for line in self.lines)

    @property
    def open(self) -> bool:
        """Must anything still happen?"""
        return any(line.vector.open for line in self.lines)

    @property
    def standing(self) -> tuple[Hold, ...]:
        """Holds that are still there."""
        return tuple(hold for hold in self.holds if hold.stands)


@dataclass(frozen=True, slots=True)
class PaymentChanged:
    """The channel told a new payment status."""

    status: PaymentStatus


@dataclass(frozen=True, slots=True)
class CancelledByChannel:
    """The channel cancelled; what came of it is in `outcome`."""

    outcome: "CancelOutcome"


@dataclass(frozen=True, slots=True)
class EditedByChannel:
    """Lines or total differ from what was accepted: a person decides."""

    difference: str


class LessByChannel(NamedTuple):
    """The channel wants less of these lines: they were cancelled as far."""

    line_ids: tuple[str, ...]


Change = PaymentChanged | CancelledByChannel | EditedByChannel | LessByChannel


@dataclass(frozen=True, slots=True)
class Accepted:
    """A new order; durable when the transaction commits."""

    order_id: OrderId


@dataclass(frozen=True, slots=True)
class Repeated:
    """The order was known, and this message says nothing new."""

    order_id: OrderId
    identical: bool
    """False when its content differs although its revision is not newer: an older state, or a careless sender."""


@dataclass(frozen=True, slots=True)
class Revised:
    """A newer revision of a known order, and what it changed (nothing that matters, when empty)."""

    order_id: OrderId
    changes: tuple[Change, ...]


AcceptOutcome = Accepted | Repeated | Revised


@dataclass(frozen=True, slots=True)
class Applied:
    """News was taken in; `changes` is empty when it was old news."""

    order_id: OrderId
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class ParentMissing:
    """News of an order that has not arrived yet: keep it, ask again later."""

    channel_order_id: ChannelOrderId


ChangeOutcome = Applied | ParentMissing


@dataclass(frozen=True, slots=True)
class Placed:
    """Units stand on locations; `backordered` names the units no location could give."""

    order_id: OrderId
    fulfilments: tuple[FulfilmentId, ...]
    backordered: Decimal


@dataclass(frozen=True, slots=True)
class Held:
    """The order waits."""

    order_id: OrderId
    holds: tuple[HoldCode, ...]


@dataclass(frozen=True, slots=True)
class NothingToPlace:
    """No unit waits for a place: placed before, cancelled or shipped."""

    order_id: OrderId


@dataclass(frozen=True, slots=True)
class NotFound:
    """No such order."""

    order_id: OrderId


PlaceOutcome = Placed | Held | NothingToPlace | NotFound


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Nothing of the order will be shipped; its claims are free again."""

    order_id: OrderId


@dataclass(frozen=True, slots=True)
class RestCancelled:
    """Part had left already; what had not is cancelled, and a person looks at the rest."""

    order_id: OrderId
    shipped: Decimal


@dataclass(frozen=True, slots=True)
class AlreadyCancelled:
    """It was cancelled before; nothing was released twice."""

    order_id: OrderId


@dataclass(frozen=True, slots=True)
class TooLate:
    """Everything has left: taking it back is a return, not a cancellation."""

    order_id: OrderId


CancelOutcome = Cancelled | RestCancelled | AlreadyCancelled | TooLate | NotFound


@dataclass(frozen=True, slots=True)
class HoldReleased:
    """The hold is gone; the order can be placed again."""

    order_id: OrderId


@dataclass(frozen=True, slots=True)
class NoSuchHold:
    """No such hold stands on the order."""

    order_id: OrderId


ReleaseOutcome = HoldReleased | NoSuchHold
