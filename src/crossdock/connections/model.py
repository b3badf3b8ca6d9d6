"""What is known about a connection, and what a caller gets back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from crossdock.canonical.base import ConnectionName


class ConnectionState(StrEnum):
    """Whether a connection may be used at all."""

    WORKING = "working"
    STOPPED = "stopped"
    """A person stopped it; nothing is lost meanwhile, it waits."""
    BROKEN = "broken"
    """The other side refuses our credentials or configuration: a person must act."""


class BreakerState(StrEnum):
    """Whether calls are let through just now."""

    CLOSED = "closed"
    OPEN = "open"
    """The other side does not answer: no calls until a moment is reached."""
    HALF_OPEN = "half_open"
    """One call at a time finds out whether it answers again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """A circuit breaker as data. Times are monotonic seconds of the process that owns it."""

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    """In a row; any answer sets it to zero."""
    openings: int = 0
    """In a row without an answer between them: each one waits longer."""
    open_until_s: float = 0.0


CLOSED: Final = Breaker()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A token bucket as data: *level* tokens at monotonic second *at_s*, refilled up to *size*."""

    size: float
    per_s: float
    level: float
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A connection as the estate configures it, before secrets are resolved."""

    name: ConnectionName
    settings: Mapping[str, str] = field(repr=False)
    """Secrets as `${ENV}` or `file:/path`."""
    lookups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    requests_per_s: float | None = None
    """Lowers the connector's own limit, never raises it."""
    concurrency: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to act for *name* until it runs out. *token* rises with every taker: writes carry it as a fence."""

    name: str
    holder: str
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a process sees of a connection it uses."""

    breaker: BreakerState
    failures: int
    retry_at: datetime | None
    """When an open circuit is tried again."""
    points: float | None
    """Left of the vendor's cost bucket, where it has one."""
    answered_at: datetime | None
    failed_at: datetime | None
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionStatus:
    """One line of the list that people see."""

    name: str
    state: ConnectionState
    reason: str
    since: datetime
    breaker: BreakerState
    failures: int
    retry_at: datetime | None
    points: float | None
    answered_at: datetime | None
    failed_at: datetime | None
    failure: str
    holder: str | None
    """The process that sends through it now; None while nobody does."""
    held_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """A question that nobody answered in time; the caller goes on without, and says so."""

    reason: str
