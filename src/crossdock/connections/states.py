"""Life cycles: of a connection, and of its circuit breaker. Redelivery and late news are rows."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from crossdock.connections.model import BreakerState, ConnectionState


class News(StrEnum):
    """What is learnt about a connection."""

    BROKE = "broke"
    RESTORED = "restored"
    STOPPED = "stopped"
    STARTED = "started"


CONNECTION: Final[Mapping[tuple[ConnectionState, News], ConnectionState]] = {
    (ConnectionState.WORKING, News.BROKE): ConnectionState.BROKEN,
    (ConnectionState.WORKING, News.RESTORED): ConnectionState.WORKING,  # said twice
    (ConnectionState.WORKING, News.STOPPED): ConnectionState.STOPPED,
    (ConnectionState.WORKING, News.STARTED): ConnectionState.WORKING,  # said twice
    (ConnectionState.STOPPED, News.BROKE): ConnectionState.STOPPED,  # a call in flight while it was stopped
    (ConnectionState.STOPPED, News.RESTORED): ConnectionState.STOPPED,  # who stopped it starts it
    (ConnectionState.STOPPED, News.STOPPED): ConnectionState.STOPPED,  # said twice
    (ConnectionState.STOPPED, News.STARTED): ConnectionState.WORKING,
    (ConnectionState.BROKEN, News.BROKE): ConnectionState.BROKEN,  # the neighbour's call fails the same way
    (ConnectionState.BROKEN, News.RESTORED): ConnectionState.WORKING,
    (ConnectionState.BROKEN, News.STOPPED): ConnectionState.STOPPED,
    (ConnectionState.BROKEN, News.STARTED): ConnectionState.WORKING,
}


class Signal(StrEnum):
    """What a breaker hears."""

    ANSWERED = "answered"
    FAILED = "failed"
    TRIPPED = "tripped"
    """One failure too many in a row."""
    COOLED = "cooled"
    """Its waiting time is over."""


BREAKER: Final[Mapping[tuple[BreakerState, Signal], BreakerState]] = {
    (BreakerState.CLOSED, Signal.ANSWERED): BreakerState.CLOSED,
    (BreakerState.CLOSED, Signal.FAILED): BreakerState.CLOSED,
    (BreakerState.CLOSED, Signal.TRIPPED): BreakerState.OPEN,
    (BreakerState.CLOSED, Signal.COOLED): BreakerState.CLOSED,
    (BreakerState.OPEN, Signal.ANSWERED): BreakerState.OPEN,  # begun before it opened
    (BreakerState.OPEN, Signal.FAILED): BreakerState.OPEN,  # begun before it opened
    (BreakerState.OPEN, Signal.TRIPPED): BreakerState.OPEN,  # begun before it opened
    (BreakerState.OPEN, Signal.COOLED): BreakerState.HALF_OPEN,
    (BreakerState.HALF_OPEN, Signal.ANSWERED): BreakerState.CLOSED,
    (BreakerState.HALF_OPEN, Signal.FAILED): BreakerState.OPEN,
    (BreakerState.HALF_OPEN, Signal.TRIPPED): BreakerState.OPEN,
    (BreakerState.HALF_OPEN, Signal.COOLED): BreakerState.HALF_OPEN,
}
