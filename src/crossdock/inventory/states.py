"""The life of a reservation, as a table. Facts and requests come twice and come late; each such row is here."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a reservation stands: derived from its claims, never stored."""

    HELD = "held"
    ALLOCATED = "allocated"
    CONSUMED = "consumed"
    RELEASED = "released"
    EXPIRED = "expired"


class Act(StrEnum):
    """What is asked of it, or has happened to it."""

    COMMIT = "commit"
    EXTEND = "extend"
    RELEASE = "release"
    CONSUME = "consume"
    MOVE = "move"
    LAPSE = "lapse"


TABLE: Final[Mapping[tuple[State, Act], State]] = {
    (State.HELD, Act.COMMIT): State.ALLOCATED,
    (State.HELD, Act.EXTEND): State.HELD,
    (State.HELD, Act.RELEASE): State.RELEASED,
    (State.HELD, Act.CONSUME): State.CONSUMED,  # goods left before anybody told us to commit
    (State.HELD, Act.MOVE): State.HELD,
    (State.HELD, Act.LAPSE): State.EXPIRED,
    (State.ALLOCATED, Act.COMMIT): State.ALLOCATED,  # redelivery
    (State.ALLOCATED, Act.RELEASE): State.RELEASED,
    (State.ALLOCATED, Act.CONSUME): State.CONSUMED,
    (State.ALLOCATED, Act.MOVE): State.ALLOCATED,
    (State.CONSUMED, Act.COMMIT): State.CONSUMED,  # redelivery, late
    (State.CONSUMED, Act.RELEASE): State.CONSUMED,  # cancelled after it left: there is nothing to give back
    (State.CONSUMED, Act.CONSUME): State.CONSUMED,  # more left than was claimed: the floor's fact
    (State.RELEASED, Act.RELEASE): State.RELEASED,  # cancelled twice
    (State.RELEASED, Act.CONSUME): State.RELEASED,  # shipped though cancelled: the floor's fact
    (State.EXPIRED, Act.RELEASE): State.EXPIRED,  # given up after the deadline
    (State.EXPIRED, Act.CONSUME): State.EXPIRED,  # shipped though expired: the floor's fact
    (State.EXPIRED, Act.LAPSE): State.EXPIRED,  # its other positions are still to be cleared
}
ENDS: Final = frozenset({State.CONSUMED, State.RELEASED, State.EXPIRED})


def after(state: State, act: Act) -> State | None:
    """The next state, or None when that cannot be asked of it."""
    return TABLE.get((state, act))
