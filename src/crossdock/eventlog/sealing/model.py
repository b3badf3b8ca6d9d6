"""Seals."""

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
class Broken:
    """A seal that does not match what the log holds now."""

    number: int
    reason: str
