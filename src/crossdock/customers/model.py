"""People as frozen data."""

from dataclasses import dataclass
from datetime import datetime
from typing import NewType
from uuid import UUID

from crossdock.canonical.base import ConnectionName, Document, Text
from crossdock.canonical.orders import Address, Person

ContactId = NewType("ContactId", UUID)
SubjectId = NewType("SubjectId", UUID)


class Contact(Document, frozen=True):
    """What one order says about a person. The only shape in which personal data is stored, and only sealed."""

    person: Person | None = None
    ship_to: Address | None = None
    note: Text = ""
    """Free text that customers write; it may hold anything, so it is personal."""


@dataclass(frozen=True, slots=True)
class NewContact:
    """A contact about to be remembered under an id that its order already carries."""

    id: ContactId
    connection: ConnectionName
    contact: Contact
    at: datetime
    """When the person did what this is about: of somebody erased later than that nothing is kept."""


@dataclass(frozen=True, slots=True)
class Known:
    """The contact, readable."""

    contact: Contact


@dataclass(frozen=True, slots=True)
class Erased:
    """The person asked to be forgotten: the contact cannot be read any more, by nobody."""

    subject_id: SubjectId


@dataclass(frozen=True, slots=True)
class Unknown:
    """No contact has this id."""


Revealed = Known | Erased | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedContact:
    """A contact with its subject's key, as they lie in the tables."""

    contact_id: ContactId
    subject_id: SubjectId
    sealed: bytes
    wrapped_key: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One person within one connection."""

    subject_id: SubjectId
    connection: ConnectionName
    identity: bytes | None
    """Keyed hash of what they are recognised by; None for strangers and for whoever was erased."""
    created_at: datetime
    erased_at: datetime | None
