"""Intents, attempts and how they end, as frozen data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from crossdock.canonical.base import Document
from crossdock.canonical.intents import IntentDocument


class IntentState(StrEnum):
    """Where the job of sending stands. What it means for the business is `Outcome`."""

    PENDING = "pending"
    SENDING = "sending"
    IN_DOUBT = "in_doubt"
    PARKED = "parked"
    LANDED = "landed"
    REFUSED = "refused"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class Outcome(StrEnum):
    """What the business got."""

    OPEN = "open"
    APPLIED = "applied"
    APPLIED_BY_HAND = "applied_by_hand"
    """A person made or found the document."""
    DECLINED = "declined"
    NOT_WANTED = "not_wanted"
    """Its reason went away before anything was applied."""
    TO_UNDO = "to_undo"
    """It was applied and its reason went away: it must be undone over there."""
    UNDONE = "undone"
    """It was applied, and has been undone over there."""


class Verdict(StrEnum):
    """How one attempt ended, as stored."""

    LANDED = "landed"
    REFUSED = "refused"
    STALE = "stale"
    ABSENT = "absent"
    """A probe looked: the document is not there."""
    NOT_SENT = "not_sent"
    THROTTLED = "throttled"
    UNKNOWN = "unknown"
    BROKEN = "broken"
    UNMAPPED = "unmapped"
    """A lookup or an identity is missing: nothing was sent."""
    BY_HAND = "by_hand"


class Purpose(StrEnum):
    """What an attempt was for."""

    SEND = "send"
    PROBE = "probe"
    HAND = "hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a call ended, in our words. Only the fields of its verdict are filled."""

    verdict: Verdict
    reason: str = ""
    path: str = ""
    """The field of our document that it is about."""
    code: str = ""
    """The other side's error code, or the HTTP status."""
    cause: str = ""
    """Under which people find it: `lookup:tax:reduced`, `identity:sku:A-1`."""
    wait: timedelta | None = None
    document_id: str = ""
    number: str = ""
    news: tuple[Document, ...] = ()
    current: str = ""
    """What the target holds, after a failed compare-and-set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What flow and connector allow for one kind of intent."""

    settle: timedelta
    probes: bool
    attempts_max: int
    backoff_s: float
    backoff_max_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An intent that a fact asks for. A document of None is built when it is sent."""

    kind: str
    connection: str
    flow: str
    reference: str
    business_key: str
    subject: str
    priority: int
    document: IntentDocument | None = None
    problem: str = ""
    """Why no document could be made of the fact: it is parked at once."""
    undoes: str = ""
    """The kind of intent that this one undoes: it is made only where such a one was begun. Empty: always."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A row of the outbox."""

    id: UUID
    position: int
    kind: str
    connection: str
    flow: str
    reference: str
    business_key: str
    subject: str
    document: object = field(repr=False)
    """Plain JSON objects; None when it is built at send time."""
    state: IntentState
    outcome: Outcome
    wanted: bool
    unsure: bool
    """A call ended without an answer, and nothing has been found out since."""
    cause: str
    reason: str
    path: str
    priority: int
    due_at: datetime
    attempts: int
    failures: int
    """Attempts that were made and certainly not applied; these are limited."""
    document_id: str
    number: str
    correlation_id: UUID
    cause_fact: UUID | None
    created_at: datetime
    changed_at: datetime
    landed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try, kept for ever."""

    id: UUID
    intent_id: UUID
    number: int
    purpose: Purpose
    started_at: datetime
    ended_at: datetime
    verdict: Verdict
    reason: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentWithAttempts:
    """One intent and its whole story."""

    intent: Intent
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseCount:
    """Parked intents that wait for the same thing."""

    cause: str
    connection: str
    kind: str
    intents: int
    oldest: datetime
    reason: str
    """Of the newest one, as an example."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedCause:
    """How many intents of a connection wait for one thing."""

    connection: str
    cause: str
    intents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """How many intents of a kind are in a state."""

    connection: str
    kind: str
    state: IntentState
    intents: int
    oldest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StateItem:
    """One subject of a state flow as it stands now, read at send time."""

    document: IntentDocument
    subject: str
    happened_at: datetime
    """When the oldest change happened that the target does not know of: freshness is counted from here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How long changes took from happening to the target's confirmation."""

    connection: str
    kind: str
    confirmed: int
    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None


# --- answers to people ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """It was done; the intent stands there now."""

    intent_id: UUID
    state: IntentState


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """It cannot be done in the state that the intent is in, or not with what was given."""

    intent_id: UUID
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """There is no such intent."""

    intent_id: UUID


Answer = Done | Unfit | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What a release set going again, and what it could not."""

    intents: tuple[UUID, ...]
    kept: int = 0
    """Still parked: they may have been applied and nothing can look, so a person must (`resolve`, `confirm_absent`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Where a released group stands."""

    counts: Mapping[IntentState, int]

    @property
    def settled(self) -> bool:
        """Nothing of the group is on its way any more."""
        moving = (IntentState.PENDING, IntentState.SENDING, IntentState.IN_DOUBT)
        return not any(self.counts.get(state, 0) for state in moving)

    @property
    def landed(self) -> bool:
        """All of the group has landed."""
        return self.settled and set(self.counts) <= {IntentState.LANDED, IntentState.SUPERSEDED}
