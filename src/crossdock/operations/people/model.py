"""What is kept about a person, and what forgetting them came to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import msgspec

from crossdock.canonical.base import ConnectionName, OrderId
from crossdock.canonical.orders import Person
from crossdock.customers.model import Contact, ContactId, Subject
from crossdock.inbound.seals.service import Told
from crossdock.inbound.seals.store import OpenRecord
from crossdock.orders.service import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Whom:
    """A person: somebody who ordered, or somebody whom only raw messages name (a loyalty customer at a till)."""

    connection: ConnectionName
    subject: Subject | None
    handle: bytes | None
    """What they are recognised by in messages; None for strangers and for whoever was erased."""
    person: Person | None = None
    """As whom they were asked for."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the register of erasures: ids and keyed hashes, nothing that tells who it was."""

    at: datetime
    request: str
    subject: UUID | None
    orders: tuple[UUID, ...]
    handles: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """Everything that is kept about one person, opened."""

    whom: Whom
    contacts: Mapping[ContactId, Contact]
    """Empty when they never ordered, or were erased."""
    orders: Sequence[View]
    messages: Sequence[Told]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """They cannot be read any more."""

    contacts: int
    orders: int
    messages: int
    """Raw messages whose keys were deleted."""
    entry: Entry
    """What repeats it on a database that was restored from a backup of the time before."""
    waiting: Sequence[OpenRecord]
    """Records that have not had their effect: their messages are erased as soon as they have, or are dismissed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StillNeeded:
    """Open orders: their parcels need the address. Nothing was erased."""

    orders: Sequence[OrderId]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenBefore:
    """It was done already."""

    at: datetime


Forgetting: TypeAlias = Forgotten | StillNeeded | ForgottenBefore
