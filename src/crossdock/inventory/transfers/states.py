"""The life of a transfer, as a table. News comes twice, late and in the wrong order; each such row is here."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a transfer stands."""

    DRAFT = "draft"
    READY = "ready"
    IN_TRANSIT = "in_transit"
    PARTLY_RECEIVED = "partly_received"
    RECEIVED = "received"
    DISCREPANCY = "discrepancy"
    """What arrived is not what left: a person looks."""
    SETTLED = "settled"
    CANCELLED = "cancelled"


class Fact(StrEnum):
    """What happens to it."""

    READY = "ready"
    SHIPPED = "shipped"
    ARRIVED_IN_PART = "arrived_in_part"
    """Some of what left is still missing."""
    ARRIVED = "arrived"
    """All that left is there."""
    EXCEEDED = "exceeded"
    """More is there than left."""
    CLOSED = "closed"
    """Nothing more will come."""
    SETTLED = "settled"
    """A person has explained the difference."""
    CANCELLED = "cancelled"


TABLE: Final[Mapping[tuple[State, Fact], State]] = {
    (State.DRAFT, Fact.READY): State.READY,
    (State.DRAFT, Fact.SHIPPED): State.IN_TRANSIT,  # nobody said that it was ready
    (State.DRAFT, Fact.ARRIVED_IN_PART): State.PARTLY_RECEIVED,  # nor that it had left
    (State.DRAFT, Fact.ARRIVED): State.RECEIVED,
    (State.DRAFT, Fact.EXCEEDED): State.DISCREPANCY,
    (State.DRAFT, Fact.CANCELLED): State.CANCELLED,
    (State.READY, Fact.READY): State.READY,  # redelivery
    (State.READY, Fact.SHIPPED): State.IN_TRANSIT,
    (State.READY, Fact.ARRIVED_IN_PART): State.PARTLY_RECEIVED,  # it had left: that news is still to come
    (State.READY, Fact.ARRIVED): State.RECEIVED,
    (State.READY, Fact.EXCEEDED): State.DISCREPANCY,
    (State.READY, Fact.CANCELLED): State.CANCELLED,
    (State.IN_TRANSIT, Fact.READY): State.IN_TRANSIT,  # late
    (State.IN_TRANSIT, Fact.SHIPPED): State.IN_TRANSIT,  # redelivery
    (State.IN_TRANSIT, Fact.ARRIVED_IN_PART): State.PARTLY_RECEIVED,
    (State.IN_TRANSIT, Fact.ARRIVED): State.RECEIVED,
    (State.IN_TRANSIT, Fact.EXCEEDED): State.DISCREPANCY,
    (State.IN_TRANSIT, Fact.CLOSED): State.DISCREPANCY,  # it never arrived
    (State.PARTLY_RECEIVED, Fact.READY): State.PARTLY_RECEIVED,  # late
    (State.PARTLY_RECEIVED, Fact.SHIPPED): State.PARTLY_RECEIVED,  # redelivery, or late
    (State.PARTLY_RECEIVED, Fact.ARRIVED_IN_PART): State.PARTLY_RECEIVED,
    (State.PARTLY_RECEIVED, Fact.ARRIVED): State.RECEIVED,
    (State.PARTLY_RECEIVED, Fact.EXCEEDED): State.DISCREPANCY,
    (State.PARTLY_RECEIVED, Fact.CLOSED): State.DISCREPANCY,
    (State.RECEIVED, Fact.READY): State.RECEIVED,  # late
    (State.RECEIVED, Fact.SHIPPED): State.RECEIVED,  # redelivery, or late
    (State.RECEIVED, Fact.EXCEEDED): State.DISCREPANCY,
    (State.RECEIVED, Fact.CLOSED): State.RECEIVED,  # nothing was missing
    (State.DISCREPANCY, Fact.READY): State.DISCREPANCY,  # late
    (State.DISCREPANCY, Fact.SHIPPED): State.DISCREPANCY,  # redelivery, or late
    (State.DISCREPANCY, Fact.ARRIVED_IN_PART): State.DISCREPANCY,  # arrived late, and not all of it
    (State.DISCREPANCY, Fact.ARRIVED): State.RECEIVED,  # arrived late: nothing is missing any more
    (State.DISCREPANCY, Fact.EXCEEDED): State.DISCREPANCY,
    (State.DISCREPANCY, Fact.CLOSED): State.DISCREPANCY,  # redelivery
    (State.DISCREPANCY, Fact.SETTLED): State.SETTLED,
    (State.SETTLED, Fact.READY): State.SETTLED,  # late
    (State.SETTLED, Fact.SHIPPED): State.SETTLED,  # redelivery, or late
    (State.SETTLED, Fact.ARRIVED_IN_PART): State.DISCREPANCY,  # found after it had been explained away
    (State.SETTLED, Fact.ARRIVED): State.DISCREPANCY,
    (State.SETTLED, Fact.EXCEEDED): State.DISCREPANCY,
    (State.SETTLED, Fact.CLOSED): State.SETTLED,  # redelivery
    (State.SETTLED, Fact.SETTLED): State.SETTLED,  # redelivery
    (State.CANCELLED, Fact.CANCELLED): State.CANCELLED,  # redelivery
    (State.CANCELLED, Fact.READY): State.CANCELLED,  # late
    (State.CANCELLED, Fact.CLOSED): State.CANCELLED,  # nothing had left
    (State.CANCELLED, Fact.SHIPPED): State.IN_TRANSIT,  # it had left before the news arrived
    (State.CANCELLED, Fact.ARRIVED_IN_PART): State.PARTLY_RECEIVED,
    (State.CANCELLED, Fact.ARRIVED): State.RECEIVED,
    (State.CANCELLED, Fact.EXCEEDED): State.DISCREPANCY,
}
NOT_LEFT: Final = frozenset({State.DRAFT, State.READY, State.CANCELLED})
"""States in which nobody has said that goods have left."""


def after(state: State, fact: Fact) -> State | None:
    """The next state, or None when that cannot be asked of it."""
    return TABLE.get((state, fact))
