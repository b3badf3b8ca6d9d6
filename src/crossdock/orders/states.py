"""Life cycles of an order as tables: its units, its payment; its status is derived from both."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from crossdock.canonical.orders import PaymentStatus
from crossdock.orders.model import Part, Vector


class UnitFact(StrEnum):
    """What happens to units of an order line."""

    ALLOCATED = "allocated"
    """Claimed at a location."""
    MISSING = "missing"
    """No location could give them."""
    RELEASED = "released"
    """A location may start."""
    PICKED = "picked"
    PACKED = "packed"
    SHIPPED = "shipped"
    COLLECTED = "collected"
    REJECTED = "rejected"
    """A location cannot or will not."""
    CANCELLED = "cancelled"


UNITS: Final[Mapping[tuple[Part, UnitFact], Part]] = {
    (Part.UNPLACED, UnitFact.ALLOCATED): Part.ALLOCATED,
    (Part.UNPLACED, UnitFact.MISSING): Part.BACKORDERED,
    (Part.UNPLACED, UnitFact.CANCELLED): Part.CANCELLED,
    (Part.UNPLACED, UnitFact.SHIPPED): Part.SHIPPED,  # taken back from a location that had it all the same
    (Part.UNPLACED, UnitFact.COLLECTED): Part.COLLECTED,  # the same at the counter
    (Part.BACKORDERED, UnitFact.MISSING): Part.BACKORDERED,  # looked again, still nothing
    (Part.BACKORDERED, UnitFact.ALLOCATED): Part.ALLOCATED,  # goods landed
    (Part.BACKORDERED, UnitFact.REJECTED): Part.UNPLACED,  # nothing is kept for them any more: look again
    (Part.BACKORDERED, UnitFact.CANCELLED): Part.CANCELLED,
    (Part.BACKORDERED, UnitFact.SHIPPED): Part.SHIPPED,  # believed gone, and found
    (Part.BACKORDERED, UnitFact.COLLECTED): Part.COLLECTED,  # the same at the counter
    (Part.ALLOCATED, UnitFact.ALLOCATED): Part.ALLOCATED,  # moved to another location
    (Part.ALLOCATED, UnitFact.RELEASED): Part.RELEASED,
    (Part.ALLOCATED, UnitFact.REJECTED): Part.UNPLACED,
    (Part.ALLOCATED, UnitFact.CANCELLED): Part.CANCELLED,
    (Part.RELEASED, UnitFact.RELEASED): Part.RELEASED,  # redelivery
    (Part.RELEASED, UnitFact.PICKED): Part.PICKED,
    (Part.RELEASED, UnitFact.PACKED): Part.PACKED,  # many systems never report picking
    (Part.RELEASED, UnitFact.SHIPPED): Part.SHIPPED,  # nor packing
    (Part.RELEASED, UnitFact.COLLECTED): Part.COLLECTED,
    (Part.RELEASED, UnitFact.REJECTED): Part.UNPLACED,
    (Part.RELEASED, UnitFact.CANCELLED): Part.CANCELLED,
    (Part.PICKED, UnitFact.RELEASED): Part.PICKED,  # late
    (Part.PICKED, UnitFact.PICKED): Part.PICKED,  # redelivery
    (Part.PICKED, UnitFact.PACKED): Part.PACKED,
    (Part.PICKED, UnitFact.SHIPPED): Part.SHIPPED,
    (Part.PICKED, UnitFact.COLLECTED): Part.COLLECTED,
    (Part.PICKED, UnitFact.REJECTED): Part.UNPLACED,
    (Part.PICKED, UnitFact.CANCELLED): Part.CANCELLED,
    (Part.PACKED, UnitFact.RELEASED): Part.PACKED,  # late
    (Part.PACKED, UnitFact.PICKED): Part.PACKED,  # late
    (Part.PACKED, UnitFact.PACKED): Part.PACKED,  # redelivery
    (Part.PACKED, UnitFact.SHIPPED): Part.SHIPPED,
    (Part.PACKED, UnitFact.COLLECTED): Part.COLLECTED,
    (Part.PACKED, UnitFact.REJECTED): Part.UNPLACED,
    (Part.PACKED, UnitFact.CANCELLED): Part.CANCELLED,
    (Part.SHIPPED, UnitFact.RELEASED): Part.SHIPPED,  # late
    (Part.SHIPPED, UnitFact.PICKED): Part.SHIPPED,  # late
    (Part.SHIPPED, UnitFact.PACKED): Part.SHIPPED,  # late
    (Part.SHIPPED, UnitFact.SHIPPED): Part.SHIPPED,  # redelivery
    (Part.SHIPPED, UnitFact.CANCELLED): Part.SHIPPED,  # too late: what has left comes back as a return
    (Part.COLLECTED, UnitFact.RELEASED): Part.COLLECTED,  # late
    (Part.COLLECTED, UnitFact.PICKED): Part.COLLECTED,  # late
    (Part.COLLECTED, UnitFact.PACKED): Part.COLLECTED,  # late
    (Part.COLLECTED, UnitFact.COLLECTED): Part.COLLECTED,  # redelivery
    (Part.COLLECTED, UnitFact.CANCELLED): Part.COLLECTED,  # too late
    (Part.CANCELLED, UnitFact.CANCELLED): Part.CANCELLED,  # redelivery
    (Part.CANCELLED, UnitFact.SHIPPED): Part.SHIPPED,  # the parcel had left before the news arrived
    (Part.CANCELLED, UnitFact.COLLECTED): Part.COLLECTED,  # the same at the counter
}


def after(part: Part, fact: UnitFact) -> Part | None:
    """Where a unit is after *fact*; None when a person must look."""
    return UNITS.get((part, fact))


PAYMENTS: Final[Mapping[tuple[PaymentStatus, PaymentStatus], PaymentStatus]] = {
    (PaymentStatus.PENDING, PaymentStatus.PENDING): PaymentStatus.PENDING,
    (PaymentStatus.PENDING, PaymentStatus.AUTHORISED): PaymentStatus.AUTHORISED,
    (PaymentStatus.PENDING, PaymentStatus.PAID): PaymentStatus.PAID,
    (PaymentStatus.PENDING, PaymentStatus.REFUNDED): PaymentStatus.REFUNDED,
    (PaymentStatus.PENDING, PaymentStatus.VOIDED): PaymentStatus.VOIDED,
    (PaymentStatus.AUTHORISED, PaymentStatus.PENDING): PaymentStatus.AUTHORISED,  # late
    (PaymentStatus.AUTHORISED, PaymentStatus.AUTHORISED): PaymentStatus.AUTHORISED,
    (PaymentStatus.AUTHORISED, PaymentStatus.PAID): PaymentStatus.PAID,
    (PaymentStatus.AUTHORISED, PaymentStatus.REFUNDED): PaymentStatus.REFUNDED,
    (PaymentStatus.AUTHORISED, PaymentStatus.VOIDED): PaymentStatus.VOIDED,
    (PaymentStatus.VOIDED, PaymentStatus.PENDING): PaymentStatus.VOIDED,  # late
    (PaymentStatus.VOIDED, PaymentStatus.AUTHORISED): PaymentStatus.VOIDED,  # late
    (PaymentStatus.VOIDED, PaymentStatus.PAID): PaymentStatus.PAID,  # paid by other means
    (PaymentStatus.VOIDED, PaymentStatus.REFUNDED): PaymentStatus.REFUNDED,
    (PaymentStatus.VOIDED, PaymentStatus.VOIDED): PaymentStatus.VOIDED,
    (PaymentStatus.PAID, PaymentStatus.PENDING): PaymentStatus.PAID,  # late
    (PaymentStatus.PAID, PaymentStatus.AUTHORISED): PaymentStatus.PAID,  # late
    (PaymentStatus.PAID, PaymentStatus.PAID): PaymentStatus.PAID,
    (PaymentStatus.PAID, PaymentStatus.VOIDED): PaymentStatus.PAID,  # only an authorisation can be voided
    (PaymentStatus.PAID, PaymentStatus.REFUNDED): PaymentStatus.REFUNDED,
    (PaymentStatus.REFUNDED, PaymentStatus.PENDING): PaymentStatus.REFUNDED,  # late
    (PaymentStatus.REFUNDED, PaymentStatus.AUTHORISED): PaymentStatus.REFUNDED,  # late
    (PaymentStatus.REFUNDED, PaymentStatus.PAID): PaymentStatus.REFUNDED,  # late
    (PaymentStatus.REFUNDED, PaymentStatus.VOIDED): PaymentStatus.REFUNDED,
    (PaymentStatus.REFUNDED, PaymentStatus.REFUNDED): PaymentStatus.REFUNDED,
}
"""How two payment messages of the *same* moment combine, whichever comes first (channels' clocks tick in seconds).
Between different moments the newer message holds, whatever it says."""


class OrderStatus(StrEnum):
    """What people see first. Derived, never stored."""

    HELD = "held"
    ACCEPTED = "accepted"
    BACKORDERED = "backordered"
    RELEASED = "released"
    PARTLY_SHIPPED = "partly_shipped"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


def status_of(units: Vector, *, held: bool) -> OrderStatus:
    """The status of an order whose lines sum up to *units*; *held* when a hold stands."""
    if not units.open:
        return OrderStatus.COMPLETED if units.out else OrderStatus.CANCELLED
    if units.unplaced and held:
        return OrderStatus.HELD
    if units.out:
        return OrderStatus.PARTLY_SHIPPED
    if units.unplaced:
        return OrderStatus.ACCEPTED
    return OrderStatus.BACKORDERED if units.backordered == units.open else OrderStatus.RELEASED
