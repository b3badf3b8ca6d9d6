"""Seals, and what retention has left of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class SealedRow(NamedTuple):
    """A fact as the seal sees it: all columns as text, the payload in the database's own canonical form."""

    id: str
    stream: str
    type: str
    schema_version: str
    happened_at: str
    recorded_at: str
    correlation_id: str
    causation_id: str
    source: str
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """A run of facts up to a place in the log, hashed."""

    number: int
    xid: int
    position: int
    events: int
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing(Seal):
    """A seal as it should be found: whole, or as the latest dropped month has left it."""

    dropped: int | None = None
    """The latest dropped month that had facts in its neighbourhood; None when none had."""
    kept: int | None = None
    """How many facts that month left of it; None when it left none."""
    kept_hash: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a dropped month has left of one seal."""

    seal: int
    facts: int
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A month about to be dropped, as its seals show it."""

    month: str
    facts: int
    first_seal: int
    last_seal: int
    seals: bytes
    """Over the seals from first to last."""
    kept: Sequence[Kept]


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedMonth:
    """A month that retention has dropped in good order."""

    number: int
    month: str
    facts: int
    first_seal: int
    last_seal: int
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Everything is as it was written."""

    facts: int
    """That are there."""
    dropped: int = 0
    """That went with their months, in good order."""
    months: int = 0
    """So many months."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A seal that does not match what the log holds now."""

    number: int
    reason: str
