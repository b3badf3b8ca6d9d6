"""What comes from outside is read in one way only: plain decimals, no name twice, one spelling of every text.

Two readers of the same bytes must not understand different orders: JSON lets a name stand twice, Python reads `1_000`
as a number, and Unicode spells é in two ways.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from typing import Final
from urllib.parse import quote, unquote_to_bytes

NUMBER: Final = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?$"
"""As JSON and XML write numbers: no blanks, no underscores, no digits of other scripts, nothing infinite."""
_NUMBER: Final = re.compile(NUMBER.removesuffix("$") + r"\Z")
_ASCII: Final = bytes(range(0x80))
_UNDERSCORE: Final = re.compile(rb"_[0-9]")
"""Found much faster than the next."""
_UNDERSCORED: Final = re.compile(rb"[0-9]_[0-9]")
_ACCENTED: Final = re.compile(rb"[A-Za-z]?(?:%[89A-Fa-f][0-9A-Fa-f])+")
_ESCAPED: Final = re.compile(rb"(\\\\)|((?:\\u[0-9a-fA-F]{4})+)")


def decimal(text: str) -> Decimal | None:
    """The number that a text is; None when it is not plainly one."""
    return Decimal(text) if _NUMBER.match(text) else None


def composed(text: str) -> str:
    """The text in the one spelling that everything here is compared in (Unicode's NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def composed_json(body: bytes) -> bytes:
    """JSON whose texts are composed, escaped characters too. What is not UTF-8 stays as it is: its reader will say so."""
    if b"\\u" in body:
        body = _ESCAPED.sub(_unescaped, body)
    if body.isascii():
        return body
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body
    return body if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text).encode()


def composed_query(query: bytes) -> bytes:
    """What stands behind a URL's question mark, composed: a letter and the accent behind it are one."""
    return _ACCENTED.sub(_requoted, query) if b"%" in query else query


def _requoted(found: "re.Match[bytes]") -> bytes:
    try:
        text = unquote_to_bytes(found[0]).decode()
    except UnicodeDecodeError:
        return found[0]
    return found[0] if unicodedata.is_normalized("NFC", text) else quote(unicodedata.normalize("NFC", text)).encode()


def _unescaped(found: "re.Match[bytes]") -> bytes:
    """Characters beyond ASCII as themselves. Halves of a pair have no such form and stay."""
    if found[1]:
        return found[1]
    text: str = json.loads(b'"' + found[2] + b'"')
    try:
        return "".join(each if not each.isascii() else f"\\u{ord(each):04x}" for each in text).encode()
    except UnicodeEncodeError:
        return found[2]


def needs_a_look(body: bytes) -> bool:
    """May JSON hold a name twice, or a text that Python takes for a number and nobody else does?

    Asked of every request: what is surely sound is told in microseconds, the rest is looked at closely (`misfits`).
    """
    if b"\\" in body or b'" ' in body or (_UNDERSCORE.search(body) and _UNDERSCORED.search(body)):
        return True
    if b' "' in body.replace(b': "', b"").replace(b', "', b""):  # a text ends in a blank, or JSON is set out in lines
        return True
    return (not body.isascii() and _others(body)) or names_twice(body)


def _others(body: bytes) -> bool:
    """Is there a digit or a blank beyond ASCII?"""
    text = body.translate(None, _ASCII).decode(errors="replace")
    return any(each.isdecimal() or each.isspace() for each in text)


class _TwiceError(Exception):
    """A name stands twice in one object."""


def _once(pairs: Sequence[tuple[str, object]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise _TwiceError


_ONCE: Final = json.JSONDecoder(object_pairs_hook=_once, parse_int=len)
"""Whatever an integer's size: it is not looked at."""


def names_twice(body: bytes) -> bool:
    """Does a name stand twice in one object of this JSON? What cannot be read is left to its reader."""
    try:
        _ONCE.decode(body.decode())
    except _TwiceError:
        return True
    except (ValueError, RecursionError):
        return False
    return False
