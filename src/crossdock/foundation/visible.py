"""Texts of others as people may look at them: nothing in them moves a cursor, hides, or turns the writing round."""

import unicodedata
from typing import Final

_ACTING: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_LAYOUT: Final = frozenset("\n\t")


def visible(text: str) -> str:
    r"""The text with control and invisible characters written out (`\u001b`); line breaks and tabs stay."""
    if text.isprintable():
        return text
    return "".join(_written_out(each) if _acts(each) else each for each in text)


def on_one_line(text: str) -> str:
    """The same without line breaks and tabs."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def _acts(character: str) -> bool:
    return character not in _LAYOUT and unicodedata.category(character) in _ACTING


def _written_out(character: str) -> str:
    """As JSON does it, so that JSON stays JSON."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
