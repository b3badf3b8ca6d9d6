"""Exceptions and traces."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class ExceptionState(StrEnum):
    """Mirrors the database's enum."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """Something that needs a person, before it has an owner and a clock."""

    type: str
    key: str
    """Two matters with the same key are one exception."""
    subject: str
    detail: str
    path: str = ""
    amount: Decimal | None = None
    """Money at risk."""
    currency: str | None = None
    adds_up: bool = False
    """Each occurrence puts more money at risk (another order behind the same cause)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenException:
    """An exception as people see it."""

    id: UUID
    type: str
    key: str
    subject: str
    path: str
    detail: str
    owner: str
    state: ExceptionState
    opened_at: datetime
    due_at: datetime
    occurrences: int
    amount: Decimal | None
    currency: str | None
    correlation_id: UUID
    closed_at: datetime | None
    resolution: str | None
    label: str = ""
    """What people call its subject: `order #1042 of web`. Not stored: names are looked up when somebody reads."""

    @property
    def place(self) -> "Place":
        """Where the work list goes on behind it."""
        return Place(self.state, self.due_at, self.id)


class Place(NamedTuple):
    """A place in the work list. It stays where it is when the exception that stood there is closed."""

    state: ExceptionState
    due_at: datetime
    id: UUID

    def __str__(self) -> str:
        """As clients see it; opaque to them."""
        return f"{self.state.value}~{self.due_at.timestamp():.6f}~{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Read what `str` wrote; ValueError when it is something else."""
        state, due, exception_id = text.split("~")
        try:
            return cls(ExceptionState(state), datetime.fromtimestamp(float(due), UTC), UUID(exception_id))
        except (OverflowError, OSError) as error:
            raise ValueError(text) from error
