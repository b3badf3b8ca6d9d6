"""The life of a fulfilment as a table. Facts of other systems move it, are absorbed, or go to a person."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from crossdock.fulfilment.model import State


class Happening(StrEnum):
    """What a location, carrier or customer does."""

    RELEASED = "released"
    ACCEPTED = "accepted"
    PICK_STARTED = "pick_started"
    PACKED = "packed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    READY = "ready"
    COLLECTED = "collected"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    RETURNED_TO_STOCK = "returned_to_stock"


START: Final = State.PROPOSED
ENDS: Final = frozenset({State.DELIVERED, State.COLLECTED, State.RETURNED_TO_STOCK})
"""Nothing leads out of these."""

TABLE: Final[Mapping[tuple[State, Happening], State]] = {
    (State.PROPOSED, Happening.RELEASED): State.RELEASED,
    (State.PROPOSED, Happening.CANCELLED): State.CANCELLED,
    (State.RELEASED, Happening.RELEASED): State.RELEASED,  # redelivery
    (State.RELEASED, Happening.ACCEPTED): State.ACCEPTED,
    (State.RELEASED, Happening.PICK_STARTED): State.PICKING,  # many systems never report accepting
    (State.RELEASED, Happening.PACKED): State.PACKED,  # nor picking
    (State.RELEASED, Happening.SHIPPED): State.SHIPPED,  # nor packing
    (State.RELEASED, Happening.READY): State.READY_FOR_PICKUP,
    (State.RELEASED, Happening.COLLECTED): State.COLLECTED,
    (State.RELEASED, Happening.REJECTED): State.REJECTED,
    (State.RELEASED, Happening.CANCELLED): State.CANCELLED,
    (State.ACCEPTED, Happening.RELEASED): State.ACCEPTED,  # late
    (State.ACCEPTED, Happening.ACCEPTED): State.ACCEPTED,  # redelivery
    (State.ACCEPTED, Happening.PICK_STARTED): State.PICKING,
    (State.ACCEPTED, Happening.PACKED): State.PACKED,
    (State.ACCEPTED, Happening.SHIPPED): State.SHIPPED,
    (State.ACCEPTED, Happening.READY): State.READY_FOR_PICKUP,
    (State.ACCEPTED, Happening.COLLECTED): State.COLLECTED,
    (State.ACCEPTED, Happening.REJECTED): State.REJECTED,
    (State.ACCEPTED, Happening.CANCELLED): State.CANCELLED,
    (State.PICKING, Happening.RELEASED): State.PICKING,  # late
    (State.PICKING, Happening.ACCEPTED): State.PICKING,  # late
    (State.PICKING, Happening.PICK_STARTED): State.PICKING,  # redelivery
    (State.PICKING, Happening.PACKED): State.PACKED,
    (State.PICKING, Happening.SHIPPED): State.SHIPPED,
    (State.PICKING, Happening.READY): State.READY_FOR_PICKUP,
    (State.PICKING, Happening.COLLECTED): State.COLLECTED,
    (State.PICKING, Happening.REJECTED): State.REJECTED,
    (State.PICKING, Happening.CANCELLED): State.CANCELLED,
    (State.PACKED, Happening.RELEASED): State.PACKED,  # late
    (State.PACKED, Happening.ACCEPTED): State.PACKED,  # late
    (State.PACKED, Happening.PICK_STARTED): State.PACKED,  # late
    (State.PACKED, Happening.PACKED): State.PACKED,  # redelivery
    (State.PACKED, Happening.SHIPPED): State.SHIPPED,
    (State.PACKED, Happening.READY): State.READY_FOR_PICKUP,
    (State.PACKED, Happening.COLLECTED): State.COLLECTED,
    (State.PACKED, Happening.CANCELLED): State.CANCELLED,
    (State.READY_FOR_PICKUP, Happening.RELEASED): State.READY_FOR_PICKUP,  # late
    (State.READY_FOR_PICKUP, Happening.ACCEPTED): State.READY_FOR_PICKUP,  # late
    (State.READY_FOR_PICKUP, Happening.PICK_STARTED): State.READY_FOR_PICKUP,  # late
    (State.READY_FOR_PICKUP, Happening.PACKED): State.READY_FOR_PICKUP,  # late
    (State.READY_FOR_PICKUP, Happening.READY): State.READY_FOR_PICKUP,  # redelivery
    (State.READY_FOR_PICKUP, Happening.COLLECTED): State.COLLECTED,
    (State.READY_FOR_PICKUP, Happening.EXPIRED): State.EXPIRED,
    (State.READY_FOR_PICKUP, Happening.CANCELLED): State.CANCELLED,
    (State.SHIPPED, Happening.RELEASED): State.SHIPPED,  # late
    (State.SHIPPED, Happening.ACCEPTED): State.SHIPPED,  # late
    (State.SHIPPED, Happening.PICK_STARTED): State.SHIPPED,  # late
    (State.SHIPPED, Happening.PACKED): State.SHIPPED,  # late
    (State.SHIPPED, Happening.SHIPPED): State.SHIPPED,  # redelivery, or a further parcel
    (State.SHIPPED, Happening.CANCELLED): State.SHIPPED,  # too late: what has left comes back as a return
    (State.SHIPPED, Happening.DELIVERED): State.DELIVERED,
    (State.DELIVERED, Happening.RELEASED): State.DELIVERED,  # late
    (State.DELIVERED, Happening.ACCEPTED): State.DELIVERED,  # late
    (State.DELIVERED, Happening.PICK_STARTED): State.DELIVERED,  # late
    (State.DELIVERED, Happening.PACKED): State.DELIVERED,  # late
    (State.DELIVERED, Happening.SHIPPED): State.DELIVERED,  # late
    (State.DELIVERED, Happening.CANCELLED): State.DELIVERED,  # too late
    (State.DELIVERED, Happening.DELIVERED): State.DELIVERED,  # redelivery
    (State.COLLECTED, Happening.RELEASED): State.COLLECTED,  # late
    (State.COLLECTED, Happening.ACCEPTED): State.COLLECTED,  # late
    (State.COLLECTED, Happening.PICK_STARTED): State.COLLECTED,  # late
    (State.COLLECTED, Happening.PACKED): State.COLLECTED,  # late
    (State.COLLECTED, Happening.READY): State.COLLECTED,  # late
    (State.COLLECTED, Happening.COLLECTED): State.COLLECTED,  # redelivery
    (State.COLLECTED, Happening.CANCELLED): State.COLLECTED,  # too late
    (State.REJECTED, Happening.RELEASED): State.REJECTED,  # late
    (State.REJECTED, Happening.ACCEPTED): State.REJECTED,  # late
    (State.REJECTED, Happening.PICK_STARTED): State.REJECTED,  # late
    (State.REJECTED, Happening.REJECTED): State.REJECTED,  # redelivery
    (State.REJECTED, Happening.CANCELLED): State.REJECTED,  # nothing left to cancel
    (State.REJECTED, Happening.RETURNED_TO_STOCK): State.RETURNED_TO_STOCK,
    (State.CANCELLED, Happening.RELEASED): State.CANCELLED,  # late
    (State.CANCELLED, Happening.ACCEPTED): State.CANCELLED,  # late
    (State.CANCELLED, Happening.PICK_STARTED): State.CANCELLED,  # late
    (State.CANCELLED, Happening.PACKED): State.CANCELLED,  # late
    (State.CANCELLED, Happening.READY): State.CANCELLED,  # late
    (State.CANCELLED, Happening.CANCELLED): State.CANCELLED,  # redelivery
    (State.CANCELLED, Happening.SHIPPED): State.SHIPPED,  # the parcel had left before the news arrived
    (State.CANCELLED, Happening.COLLECTED): State.COLLECTED,  # the same at the counter
    (State.CANCELLED, Happening.RETURNED_TO_STOCK): State.RETURNED_TO_STOCK,
    (State.EXPIRED, Happening.READY): State.EXPIRED,  # late
    (State.EXPIRED, Happening.EXPIRED): State.EXPIRED,  # redelivery
    (State.EXPIRED, Happening.CANCELLED): State.EXPIRED,  # nothing left to cancel
    (State.EXPIRED, Happening.COLLECTED): State.COLLECTED,  # the customer came after all
    (State.EXPIRED, Happening.RETURNED_TO_STOCK): State.RETURNED_TO_STOCK,
    (State.RETURNED_TO_STOCK, Happening.CANCELLED): State.RETURNED_TO_STOCK,  # redelivery, late
    (State.RETURNED_TO_STOCK, Happening.RETURNED_TO_STOCK): State.RETURNED_TO_STOCK,  # redelivery
}


def after(state: State, happening: Happening) -> State | None:
    """The next state, or None when a person must look."""
    return TABLE.get((state, happening))
