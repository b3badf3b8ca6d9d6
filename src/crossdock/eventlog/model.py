"""What the log holds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from crossdock.canonical.base import Document


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in reading order: after whatever had been committed when the fact was written, then by position."""

    xid: int
    position: int

    def __str__(self) -> str:
        """As clients of the feed see it; opaque to them."""
        return f"{self.xid}-{self.position}"

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Read what `str` wrote; ValueError when it is something else."""
        xid, _, position = text.partition("-")
        return cls(int(xid), int(position))


START: Final = Cursor(0, 0)


class Unreadable(Document, frozen=True):
    """Stands for a fact whose payload is not what its type says: written by other hands, or by a mistake of ours."""

    reason: str
    payload: object


class UnreadableFactError(Exception):
    """Nothing can follow from a fact that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """A row as it lies in the table."""

    id: UUID
    xid: int
    position: int
    stream: str
    type: str
    schema_version: int
    happened_at: datetime
    recorded_at: datetime
    correlation_id: UUID
    causation_id: UUID | None
    source: str
    payload: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact with its circumstances, decoded to today's version."""

    id: UUID
    cursor: Cursor
    stream: str
    type: str
    fact: Document
    """`Unreadable` where it cannot be decoded: its neighbours are read all the same."""
    happened_at: datetime
    recorded_at: datetime
    correlation_id: UUID
    causation_id: UUID | None
    source: str
