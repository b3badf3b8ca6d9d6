"""What people see of messages, and what a person's step led to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from crossdock.inbound.model import MessageId, RecordShown, RecordState


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageHead:
    """A message without what it says."""

    id: MessageId
    connection: str
    route: str
    feed: str
    size: int
    received_at: datetime
    erased_at: datetime | None
    """When what it said was erased with whom it was about."""
    request: str
    """At whose request, as the retailer's own books call it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """A message from outside, and what became of its records."""

    head: MessageHead
    records: Sequence[RecordShown]


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """So many records wait for a worker again."""

    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StillDamaged:
    """It was decoded again and still cannot be read."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismissed:
    """A person has decided that it has no effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotOpen:
    """The record is in a state that allows no such step."""

    state: RecordState


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFound:
    """There is no such record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What the record said cannot be read any more, and why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAgain:
    """Records that lacked something were decoded again: so many can be read now, so many still cannot."""

    released: int = 0
    still: int = 0


ReleaseOutcome: TypeAlias = Released | StillDamaged | NotOpen | NotFound | Closed
DismissOutcome: TypeAlias = Dismissed | NotOpen | NotFound
