"""Reasons are kept for years and shown to many: what they quote of a person is left out. Pure."""

import re
from collections.abc import Iterable
from typing import Final

from crossdock.canonical.orders import Address, Person

GAP: Final = "…"
VALUE_MIN: Final = 3
"""Shorter values (a country, a house number) say nothing of anybody, and every text holds them somewhere."""
WORD_MIN: Final = 4
_MAIL: Final = re.compile(r"[^\s\"'<>@,;:()]+@[^\s\"'<>@,;:()]+\.[^\s\"'<>@,;:()]+")
_WORD: Final = re.compile(r"[^\W_]+")


def said_of(person: Person | None, *addresses: Address | None) -> set[str]:
    """Everything that identifies somebody, as it was written."""
    found: set[str] = set() if person is None else {person.name, person.email, person.phone}
    for address in addresses:
        if address is not None:
            found |= {address.name, *address.lines, address.city, address.postal_code, address.phone}
    return {value for value in found if value}


class Discretion:
    """Keeps what it was told of to itself."""

    __slots__ = ("_known",)

    def __init__(self, values: Iterable[str]) -> None:
        whole = {value.strip() for value in values}
        whole |= {value.casefold() for value in whole}
        words = {word for value in whole for word in _WORD.findall(value) if len(word) >= WORD_MIN}
        parts = sorted((part for part in whole | words if len(part) >= VALUE_MIN), key=len, reverse=True)
        known = rf"(?<!\w)(?:{'|'.join(re.escape(part) for part in parts)})(?!\w)"
        self._known = re.compile(known, re.IGNORECASE) if parts else None

    def without(self, text: str) -> str:
        """*text* with a gap where it quotes one of the values, a word of one, or any mail address."""
        text = _MAIL.sub(GAP, text)
        return text if self._known is None else self._known.sub(GAP, text)
