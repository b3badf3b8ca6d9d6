"""Identities, landed documents, and what matching found."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What can be matched."""

    SKU = "sku"
    LOCATION = "location"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """One of our objects that wants its counterpart."""

    code: str
    name: str = ""
    barcodes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TheirObject:
    """One of the other side's objects."""

    id: str
    code: str
    name: str
    barcodes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A pair and why it is one."""

    ours: str
    theirs: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguous:
    """Several candidates: a person decides."""

    ours: str
    candidates: tuple[str, ...]
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchPlan:
    """What matching by rule proposes, and what it leaves to people."""

    links: tuple[Link, ...]
    ambiguous: tuple[Ambiguous, ...]
    unmatched_ours: tuple[Ours, ...]
    unmatched_theirs: tuple[TheirObject, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedDocument:
    """A document of theirs that one of our references became."""

    connection: str
    kind: str
    reference: str
    document_id: str
    number: str
    subject: str
    landed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """The pair is stored (now or before)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkConflict:
    """One of the two already has another partner; nothing was changed."""

    ours: str
    theirs: str


LinkOutcome = Linked | LinkConflict
