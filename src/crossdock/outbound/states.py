"""The life of an intent as a table. What comes late, twice or after a crash is a visible row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from crossdock.outbound.model import IntentState as State
from crossdock.outbound.model import Outcome


class Event(StrEnum):
    """What happens to an intent."""

    CLAIMED = "claimed"
    """Marked, and that committed, before the call."""
    LANDED = "landed"
    """Its document exists over there, and we hold the id."""
    REFUSED = "refused"
    NOT_APPLIED = "not_applied"
    """For certain: never sent, throttled, or a probe looked and it is not there."""
    UNSURE = "unsure"
    """Nobody knows: no answer, an unreadable one, or the sender died."""
    PARKED = "parked"
    """A person or a mapping is needed first."""
    RELEASED = "released"
    """Its cause is gone and it was certainly not applied."""
    RELEASED_UNSURE = "released_unsure"
    """Its cause is gone, but it may have been applied: look first."""
    CORRECTED = "corrected"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    RESOLVED = "resolved"
    """A person found its document."""


TABLE: Final[Mapping[tuple[State, Event], State]] = {
    (State.PENDING, Event.CLAIMED): State.SENDING,
    (State.PENDING, Event.PARKED): State.PARKED,  # the cause is known beforehand
    (State.PENDING, Event.SUPERSEDED): State.SUPERSEDED,
    (State.PENDING, Event.WITHDRAWN): State.WITHDRAWN,
    (State.PENDING, Event.RELEASED): State.PENDING,  # released twice
    (State.PENDING, Event.RESOLVED): State.LANDED,
    (State.SENDING, Event.LANDED): State.LANDED,
    (State.SENDING, Event.REFUSED): State.REFUSED,
    (State.SENDING, Event.NOT_APPLIED): State.PENDING,
    (State.SENDING, Event.UNSURE): State.IN_DOUBT,  # also: found so after a crash
    (State.SENDING, Event.PARKED): State.PARKED,
    (State.IN_DOUBT, Event.LANDED): State.LANDED,
    (State.IN_DOUBT, Event.NOT_APPLIED): State.PENDING,
    (State.IN_DOUBT, Event.UNSURE): State.IN_DOUBT,  # the probe failed, or its prober died
    (State.IN_DOUBT, Event.PARKED): State.PARKED,
    (State.IN_DOUBT, Event.RESOLVED): State.LANDED,
    (State.PARKED, Event.PARKED): State.PARKED,
    (State.PARKED, Event.RELEASED): State.PENDING,
    (State.PARKED, Event.RELEASED_UNSURE): State.IN_DOUBT,
    (State.PARKED, Event.NOT_APPLIED): State.PENDING,  # a person looked: it is not there
    (State.PARKED, Event.CORRECTED): State.PENDING,
    (State.PARKED, Event.SUPERSEDED): State.SUPERSEDED,
    (State.PARKED, Event.WITHDRAWN): State.WITHDRAWN,
    (State.PARKED, Event.RESOLVED): State.LANDED,
    (State.REFUSED, Event.REFUSED): State.REFUSED,
    (State.REFUSED, Event.CORRECTED): State.PENDING,
    (State.REFUSED, Event.SUPERSEDED): State.SUPERSEDED,
    (State.REFUSED, Event.WITHDRAWN): State.WITHDRAWN,
    (State.REFUSED, Event.RESOLVED): State.LANDED,
    (State.LANDED, Event.LANDED): State.LANDED,  # the probe and the late answer agree
    (State.LANDED, Event.RESOLVED): State.LANDED,  # said twice
    (State.LANDED, Event.WITHDRAWN): State.LANDED,  # too late: the outcome says that it is to be undone
    (State.SUPERSEDED, Event.SUPERSEDED): State.SUPERSEDED,
    (State.SUPERSEDED, Event.WITHDRAWN): State.SUPERSEDED,
    (State.WITHDRAWN, Event.WITHDRAWN): State.WITHDRAWN,  # said twice
}

OPEN: Final = frozenset({State.PENDING, State.SENDING, State.IN_DOUBT, State.PARKED, State.REFUSED})
"""While one of these is the state, later intents of the same business key wait."""


def after(state: State, event: Event) -> State | None:
    """The next state; None when that cannot be, and a person must look."""
    return TABLE.get((state, event))


def sources(event: Event, target: State) -> tuple[State, ...]:
    """The states from which *event* leads to *target*: the guard of the statement that does it."""
    return tuple(before for (before, cause), then in TABLE.items() if cause is event and then is target)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of the intent, and of its connection."""

    event: Event
    state: State
    due_at: datetime
    failures: int
    unsure: bool
    outcome: Outcome = Outcome.OPEN
    cause: str = ""
    reason: str = ""
    path: str = ""
    document_id: str = ""
    number: str = ""
    breaks_connection: bool = False
    pause: timedelta | None = None
    """Silence for the whole connection."""
