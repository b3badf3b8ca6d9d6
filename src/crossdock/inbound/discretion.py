"""What a message that could not be read says of people, so that the reason why does not repeat it. Pure."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

import msgspec

from crossdock.canonical.discretion import Discretion
from crossdock.inbound.model import Draft

BODY_MAX: Final = 4 * 1024 * 1024
"""Of larger bodies nothing is looked up: their reasons quote nothing at all."""
PERSONAL: Final = re.compile(
    r"name|given|family|mail|phone|mobile|fax|address|street|city|town|zip|post(al)?_?code|customer|buyer|consumer|recipient|receiver|"
    r"contact|consignee|person|member|loyal|birth|(bill|ship)_?to|note|comment|remark|company",
    re.IGNORECASE,
)
GOODS: Final = re.compile(r"line|item|product|sku|variant|article|tax|store|till", re.IGNORECASE)
"""What lies below is no person, whatever its fields are called."""
_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'")
_ELEMENT: Final = re.compile(r"<(?:\w+:)?(\w+)[^<>]*>([^<>]+)<")
_ATTRIBUTE: Final = re.compile(r"(\w+)\s*=\s*\"([^\"]+)\"")
_DECODER: Final = msgspec.json.Decoder()


def discreet(drafts: Sequence[Draft], body: bytes) -> Sequence[Draft]:
    """*drafts* whose reasons do not tell what *body* says of people."""
    if not any(draft.reason for draft in drafts):
        return drafts
    if len(body) > BODY_MAX:
        drafts = [replace(draft, reason=_QUOTED.sub('"…"', draft.reason)) for draft in drafts]
    discretion = Discretion(() if len(body) > BODY_MAX else _personal(body))
    return [replace(draft, reason=discretion.without(draft.reason)) if draft.reason else draft for draft in drafts]


def names_any(body: bytes, names: Sequence[str]) -> bool:
    """Does *body* hold one of *names* (in lower case), however its characters are written?"""
    text = body.decode("utf-8", "replace")
    if "\\u" in text:
        with suppress(msgspec.DecodeError, RecursionError):
            text = msgspec.json.encode(_DECODER.decode(body)).decode()
    text = text.casefold()
    return any(name in text for name in names)


def _personal(body: bytes) -> Iterator[str]:
    try:
        yield from _values(_DECODER.decode(body))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        text = body.decode("utf-8", "replace")
        yield from _of_lines(text)
        for name, value in (*_ELEMENT.findall(text), *_ATTRIBUTE.findall(text)):
            if PERSONAL.search(name) and not GOODS.search(name):
                yield value


def _of_lines(text: str) -> Iterator[str]:
    """Newline-delimited JSON, as far as its lines can be read."""
    for line in text.splitlines():
        try:
            yield from _values(_DECODER.decode(line))
        except (msgspec.DecodeError, RecursionError):
            continue


def _holds_objects(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(each, dict) for each in value))


def _values(value: object, *, personal: bool = False, goods: bool = False) -> Iterator[str]:
    """What stands under names of people's fields. What lies below goods has names, too: those are none of anybody's."""
    match value:
        case dict():
            for name, each in value.items():
                nested = _holds_objects(each)
                if nested and GOODS.search(str(name)):
                    yield from _values(each, goods=True)
                else:
                    whose = PERSONAL.search(str(name)) is not None and (nested or not goods)
                    yield from _values(each, personal=personal or whose, goods=goods and not whose)
        case list():
            for each in value:
                yield from _values(each, personal=personal, goods=goods)
        case bool() | None:
            return
        case _ if personal:
            yield str(value)
        case _:
            return
