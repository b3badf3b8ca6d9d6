"""Who is the same person: pure."""

from typing import Final

from crossdock.canonical.orders import Person
from crossdock.customers.model import Contact

PHONE_DIGITS_MIN: Final = 6
NAME_MIN: Final = 3
_PUNCTUATION: Final = str.maketrans("", "", " +-/().")


def identity_of(person: Person | None) -> str | None:
    """What a person is recognised by within one connection: the channel's own id, else the e-mail address.

    None is somebody nobody can recognise (a guest without an address): each of their orders stands alone.
    """
    if person is None:
        return None
    if person.channel_customer_id:
        return f"id {person.channel_customer_id}"
    email = normalised_email(person.email)
    return f"email {email}" if email else None


def normalised_email(email: str) -> str:
    """Spelling does not make another person; providers' own rules (dots, plus tags) are not ours to guess."""
    return email.strip().casefold()


def is_about(contact: Contact, text: str) -> bool:
    """Whether *text* is what somebody would be asked for by: a mail address, a number, a name, written anyhow."""
    wanted = _folded(text)
    said = [contact.person, contact.ship_to]
    names = [each.name for each in said if each is not None]
    phones = [each.phone for each in said if each is not None]
    person = contact.person
    ids = [] if person is None else [normalised_email(person.email), person.channel_customer_id]
    digits = _digits(text)
    if len(digits) >= PHONE_DIGITS_MIN and any(_digits(phone).endswith(digits) for phone in phones):
        return True
    named = len(wanted) >= NAME_MIN and any(wanted in _folded(name) for name in names)
    return named or (wanted != "" and wanted in ids)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _digits(text: str) -> str:
    """A telephone number without its punctuation, country code's zeros and plus included; empty for anything else."""
    bare = text.translate(_PUNCTUATION)
    return bare.lstrip("0") if bare.isdecimal() else ""
