"""Strict reading of foreign JSON: every value is asked for by type and fails with its exact path."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any, Final

import msgspec

from crossdock.canonical.base import YEARS, is_possible
from crossdock.foundation.misfit import misfits
from crossdock.foundation.plain import composed_json, decimal, names_twice


class Undecodable(Exception):  # noqa: N818
    """A message or one record of it cannot be read. `path` is exact, e.g. `$.line_items[0].quantity`.

    `lacks` names what the hub has not been told and the record needs (`unmatched`, `unknown_location`): records that
    lack the same are one matter, and are read again together.
    """

    def __init__(self, path: str, reason: str, *, lacks: str = "") -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
        self.lacks = lacks


IDENTITY_OF_THEIRS: Final = "theirs:"
LOCATION: Final = "location:"


def unmatched(path: str, kind: str, theirs: str, reason: str) -> Undecodable:
    """Their object with the id *theirs* has no counterpart among ours: once it is matched, the record can be read."""
    return Undecodable(path, reason, lacks=f"{IDENTITY_OF_THEIRS}{kind}:{theirs}")


def unknown_location(path: str, reason: str, code: str) -> Undecodable:
    """The estate does not know the location *code*: under an estate that does, the record can be read."""
    return Undecodable(path, reason, lacks=f"{LOCATION}{code}")


_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
_NAMES: Final[Mapping[type, str]] = {
    dict: "object", list: "array", str: "text", int: "integer", bool: "true/false", Decimal: "number", type(None): "null",
}  # fmt: skip
TEXT_SHOWN: Final = 60


def parse_json(raw: bytes) -> object:
    """JSON with exact numbers (integers of any size, decimals as Decimal); Undecodable names the place."""
    try:
        raw = composed_json(raw)
        decoded: object = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Undecodable("$", f"not JSON: {error}") from None
    if names_twice(raw):
        twice = misfits(raw, Any)
        raise Undecodable(*((twice[0].path, twice[0].reason) if twice else ("$", "a name stands twice in one object")))
    return decoded


def describe(value: object) -> str:
    """A foreign value as an error shows it: short, quoted when text."""
    if isinstance(value, str):
        return f'"{value[:TEXT_SHOWN]}"'
    if isinstance(value, dict | list):
        return _NAMES[type(value)]
    return "null" if value is None else str(value)[:TEXT_SHOWN]


class Record:
    """One JSON object, read strictly. Missing and null are the same; `…_or_none` reads both as None."""

    __slots__ = ("_fields", "path")

    def __init__(self, value: object, path: str = "$") -> None:
        if not isinstance(value, dict):
            raise Undecodable(path, f"wanted object, got {describe(value)}")
        self._fields: Mapping[str, object] = value
        self.path = path

    @classmethod
    def parse(cls, raw: bytes) -> "Record":
        """A whole body that must be a JSON object."""
        return cls(parse_json(raw))

    def has(self, name: str) -> bool:
        """Present and not null."""
        return self._fields.get(name) is not None

    def text(self, name: str) -> str:
        """Text; numbers are not text."""
        value = self._get(name, "text")
        if not isinstance(value, str):
            raise self._wrong(name, "text", value)
        return value

    def text_or_none(self, name: str) -> str | None:
        """Text, or None when missing."""
        return self.text(name) if self.has(name) else None

    def text_or_empty(self, name: str) -> str:
        """Text, or "" when missing."""
        return self.text(name) if self.has(name) else ""

    def key(self, name: str) -> str:
        """An identifier that vendors write as text or integer; always text here, exact beyond 2^53."""
        value = self._get(name, "text or integer")
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        raise self._wrong(name, "text or integer", value)

    def whole(self, name: str) -> int:
        """An integer; 1.0 and "1" are not."""
        value = self._get(name, "integer")
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(name, "integer", value)
        return value

    def number(self, name: str) -> Decimal:
        """A decimal, written as number or as text of one."""
        value = self._get(name, "number")
        if isinstance(value, Decimal | int) and not isinstance(value, bool):
            return Decimal(value)
        if isinstance(value, str):
            number = decimal(value)
            if number is not None:
                return number
        raise self._wrong(name, "number", value)

    def number_or_none(self, name: str) -> Decimal | None:
        """A decimal, or None when missing."""
        return self.number(name) if self.has(name) else None

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._get(name, "true/false")
        if not isinstance(value, bool):
            raise self._wrong(name, "true/false", value)
        return value

    def flag_or(self, name: str, *, default: bool) -> bool:
        """True or false, or *default* when missing."""
        return self.flag(name) if self.has(name) else default

    def moment(self, name: str, zone: tzinfo | None = None) -> datetime:
        """ISO 8601 to aware UTC; a time without a zone is read in *zone*, and refused when there is none."""
        text = self.text(name)
        try:
            value = datetime.fromisoformat(text)
        except ValueError:
            raise self._wrong(name, "date and time", text) from None
        if value.tzinfo is None:
            if zone is None:
                raise self._wrong(name, "date and time with zone", text)
            value = value.replace(tzinfo=zone)
        if not is_possible(value):
            raise self._wrong(name, f"date and time {YEARS}", text)
        return value.astimezone(UTC)

    def moment_or_none(self, name: str, zone: tzinfo | None = None) -> datetime | None:
        """As `moment`, or None when missing."""
        return self.moment(name, zone) if self.has(name) else None

    def day(self, name: str) -> date:
        """An ISO date."""
        text = self.text(name)
        try:
            value = date.fromisoformat(text)
        except ValueError:
            raise self._wrong(name, "date", text) from None
        if not is_possible(value):
            raise self._wrong(name, f"date {YEARS}", text)
        return value

    def one(self, name: str) -> "Record":
        """A nested object."""
        return Record(self._get(name, "object"), f"{self.path}.{name}")

    def one_or_none(self, name: str) -> "Record | None":
        """A nested object, or None when missing."""
        return self.one(name) if self.has(name) else None

    def each(self, name: str) -> Iterator["Record"]:
        """The objects of an array; a missing array is drift, not an empty one."""
        value = self._get(name, "array")
        if not isinstance(value, list):
            raise self._wrong(name, "array", value)
        for index, item in enumerate(value):
            yield Record(item, f"{self.path}.{name}[{index}]")

    def each_or_none(self, name: str) -> Iterator["Record"]:
        """As `each`; a missing array is empty: for fields that the vendor documents as optional."""
        return self.each(name) if self.has(name) else iter(())

    def texts(self, name: str) -> tuple[str, ...]:
        """An array of text; missing is empty."""
        if not self.has(name):
            return ()
        value = self._fields[name]
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(name, "array of text", value)
        return tuple(value)

    def wholes(self, name: str) -> tuple[int, ...]:
        """An array of integers; missing is empty."""
        if not self.has(name):
            return ()
        value = self._fields[name]
        if not isinstance(value, list) or not all(isinstance(item, int) for item in value):
            raise self._wrong(name, "array of integers", value)
        return tuple(value)

    def _get(self, name: str, wanted: str) -> object:
        value = self._fields.get(name)
        if value is None:
            raise Undecodable(f"{self.path}.{name}", f"wanted {wanted}, got nothing")
        return value

    def _wrong(self, name: str, wanted: str, value: object) -> Undecodable:
        return Undecodable(f"{self.path}.{name}", f"wanted {wanted}, got {describe(value)}")
