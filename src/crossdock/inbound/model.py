"""Messages, their records, and what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, NewType, TypeAlias
from uuid import UUID

from crossdock.canonical.base import ConnectionName, Document
from crossdock.canonical.orders import OrderPlaced, Person

MessageId = NewType("MessageId", UUID)


class Route(StrEnum):
    """How a message came in."""

    WEBHOOK = "webhook"
    POLL = "poll"
    FILE = "file"
    UPLOAD = "upload"
    LOAD = "load"


class RecordState(StrEnum):
    """What became of a record so far; mirrors the database's check."""

    RECEIVED = "received"
    WAITING = "waiting"
    QUARANTINED = "quarantined"
    APPLIED = "applied"
    REPEATED = "repeated"
    OWN = "own"
    REJECTED = "rejected"
    DISMISSED = "dismissed"


class Lane(NamedTuple):
    """The keys of a connection are shared out over its lanes; a lane has one worker at a time."""

    connection: ConnectionName
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Whom a message tells something of: so that forgetting them finds it."""

    connection: ConnectionName
    """Where the person, or the business key, is known."""
    person: Person | None
    key: str
    """Business key: stands for somebody whom nobody can recognise."""
    at: datetime
    """When they did what is told."""

    @classmethod
    def order(cls, connection: ConnectionName, order: OrderPlaced) -> "About":
        """Who placed *order*."""
        key = f"order/{order.channel_order_id}"
        return cls(connection=connection, person=order.customer, key=key, at=order.placed_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A raw message about to be stored."""

    connection: ConnectionName
    route: Route
    feed: str
    """Webhook topic, pull, drop, upload or load name: chooses the decoder."""
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    about: Sequence[About] = ()
    """Whom it is about, as far as that is known already; decoding finds out about the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedMessage:
    """A raw message as it lies in the tables."""

    id: MessageId
    connection: ConnectionName
    route: str
    feed: str
    headers: Mapping[str, str] | None
    """Sealed with the body; of messages from before, in clear."""
    body: bytes
    size: int | None
    received_at: datetime
    wrapped_key: bytes | None
    erased_at: datetime | None
    request: str | None
    """None when it never had a key: it came before messages were sealed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A raw message, opened."""

    id: MessageId
    connection: ConnectionName
    route: str
    feed: str
    headers: Mapping[str, str]
    body: bytes
    size: int
    """Of the body, also where it cannot be shown."""
    received_at: datetime
    wrapped_key: bytes | None = None
    closed: str = ""
    """Why headers and body are empty: who it was about was erased, or the seal is broken. Empty when they are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One record as decoding left it, before it is stored: readable, or quarantined with path and reason."""

    number: int
    key: str = ""
    event_id: str = ""
    kind: str = ""
    document: bytes | None = None
    """JSON of the canonical document; None when damaged."""
    persons: tuple[Person, ...] = ()
    """Whom it is about, as far as they can be recognised."""
    at: datetime | None = None
    """When what it tells happened."""
    tells_order: bool = False
    """Somebody's order: theirs even where it does not name them."""
    waits_for: str = ""
    path: str = ""
    reason: str = ""
    raw: bytes | None = None
    whole: bool = False
    lacks: str = ""
    """What the hub was not told and the record needs; records that lack the same are one matter."""

    @property
    def damaged(self) -> bool:
        """Nothing to apply: a person must look."""
        return self.document is None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecord:
    """A draft with its message, lane and trace, about to be stored."""

    message: StoredMessage
    draft: Draft
    lane: int
    trace: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """A record about to be applied."""

    message: MessageId
    number: int
    connection: ConnectionName
    route: str
    feed: str
    key: str
    event_id: str
    kind: str
    document: bytes
    """Sealed under its message's key."""
    wrapped_key: bytes | None
    """None for messages that never had one."""
    waits_for: str
    trace: UUID
    received_at: datetime
    attempts: int
    waiting_since: datetime | None
    deadline: datetime | None
    alarmed: bool

    @property
    def place(self) -> tuple[str, str]:
        """What is applied in order: one business key of one connection."""
        return (self.connection, self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordShown:
    """A record as people see it."""

    message: MessageId
    number: int
    connection: ConnectionName
    route: str
    feed: str
    key: str
    event_id: str
    kind: str
    waits_for: str
    state: str
    """A RecordState."""
    whole: bool
    path: str
    reason: str
    raw: bytes | None
    trace: UUID
    received_at: datetime
    deadline: datetime | None
    settled_at: datetime | None
    settled_by: str
    lacks: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageShown:
    """A message with everything that is known of it. `decoded` is false while it waits for a worker."""

    message: StoredMessage
    records: Sequence[RecordShown]
    decoded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many records of a feed are in a state; `undecoded` counts messages instead."""

    connection: ConnectionName
    feed: str
    state: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedShown:
    """Where a polled feed or a first load stands."""

    connection: ConnectionName
    route: str
    feed: str
    pages: int
    heard_at: datetime
    silent_since: datetime | None
    finished_at: datetime | None
    """When it had brought everything; None while there is more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineGroup:
    """Records set aside for the same reason: removing the cause once releases all of them."""

    connection: ConnectionName
    feed: str
    reason: str
    count: int
    first: MessageId
    first_number: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """Something that nobody has told the hub, and how many quarantined records of a connection wait for it."""

    connection: ConnectionName
    lacks: str
    records: int


# --- what an applier says of a record ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A record with its circumstances, as appliers get it."""

    message_id: MessageId
    number: int
    connection: ConnectionName
    route: Route
    feed: str
    key: str
    waits_for: str
    """The parent's key as the decoder knew it; empty when the decoder knew of none."""
    document: Document
    trace: UUID
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The fact had its effect in this transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """The domain had it already, by another route."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """The parent is missing: tried again when *key* was applied, and now and then."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """It can be read, but it cannot be right: a person is asked; later records of its key go on."""

    reason: str
    path: str = "$"


Outcome: TypeAlias = Applied | Repeated | Waits | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The applier broke on it; nothing of it remains in the database."""

    reason: str
    path: str = "$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Postponed:
    """The database would not do it now (deadlock, time-out): tried again, a few times."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """Our own write, come back by poll."""


Result: TypeAlias = Outcome | Failed | Postponed | Own


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What one record becomes."""

    message: MessageId
    number: int
    state: RecordState
    path: str = ""
    reason: str = ""
    waits_for: str = ""
    waiting_since: datetime | None = None
    retry_at: datetime | None = None
    deadline: datetime | None = None
    attempts: int = 0
    alarmed: bool = False


# --- what a step of work did ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Counts of one worker step; `more` when there may be more at once."""

    messages: int = 0
    applied: int = 0
    repeated: int = 0
    waiting: int = 0
    quarantined: int = 0
    rejected: int = 0
    more: bool = False

    def __add__(self, other: "Work") -> "Work":
        return Work(
            messages=self.messages + other.messages,
            applied=self.applied + other.applied,
            repeated=self.repeated + other.repeated,
            waiting=self.waiting + other.waiting,
            quarantined=self.quarantined + other.quarantined,
            rejected=self.rejected + other.rejected,
            more=self.more or other.more,
        )
