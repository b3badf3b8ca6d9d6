"""Who is the same person: pure."""

from crossdock.canonical.orders import Person


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
