"""People as frozen data."""

from dataclasses import dataclass
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

    subject_id: SubjectId
    sealed: bytes
    wrapped_key: bytes | None
