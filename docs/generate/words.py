"""Types and defaults in a reader's words."""

import ast
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Final

import msgspec

from .markdown import code, table
from .meanings import meaning
from .source import Field, about, fields_of, members_of

HEADINGS: Final = ("field", "type", "default", "meaning")
NOTHING: Final = "none"
NO_LINKS: Final[Mapping[str, str]] = {}
WORDS: Final = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "Decimal": "decimal",
    "datetime": "time with zone",
    "Moment": "time with zone",
    "Sequence": "whole number",
    "date": "date",
    "Path": "path",
    "Code": "code",
    "OptionalCode": "code",
    "Currency": "currency code",
    "Number": "decimal",
    "NotNegative": "decimal, not negative",
    "Positive": "decimal above 0",
    "Text": "text",
    "Name": "name",
    "Zone": "IANA time zone",
    "Duration": "duration",
    "CategoryPath": "category",
    "Members": "list of code",
    "Sku": "SKU",
    "LocationCode": "location code",
    "ChannelCode": "channel code",
    "ConnectionName": "connection name",
    "ChannelOrderId": "code",
}


def words(annotation: str, linked: Mapping[str, str] = NO_LINKS) -> str:
    """An annotation as words; names in *linked* become links."""
    return _words(ast.parse(annotation, mode="eval").body, linked)


def _words(node: ast.expr, linked: Mapping[str, str]) -> str:
    text = ""
    match node:
        case ast.Constant(value=str(quoted)):
            text = words(quoted, linked)
        case ast.Constant(value=None):
            pass
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            text = " or ".join(part for part in (_words(left, linked), _words(right, linked)) if part)
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[inner, *_])):
            text = "duration" if "mhd" in ast.unparse(node) else _words(inner, linked)
        case ast.Subscript(value=ast.Name(id="tuple" | "list"), slice=ast.Tuple(elts=[inner, *_]) | inner):
            text = f"list of {_words(inner, linked)}"
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[_, inner])):
            flat = isinstance(inner, ast.Name)
            text = f"{_words(inner, linked)} by name" if flat else f"tables: {_words(inner, linked)}"
        case ast.Name(id=name):
            text = f"[{name}]({linked[name]})" if name in linked else WORDS.get(name, name)
        case _:
            raise TypeError(f"no words for {ast.unparse(node)}")
    return text


def shown(value: object) -> str:
    """A default as it would be written in YAML or JSON."""
    text = str(value)
    match value:
        case bool():
            text = text.lower()
        case Enum():
            text = str(value.value)
        case tuple() | list():
            text = f"[{', '.join(shown(each) for each in value)}]"
        case str():
            text = value or '""'
        case msgspec.Struct():
            text = "its own defaults"
        case dict() | Decimal() | int() | float() | Path():
            pass
        case _:
            raise TypeError(f"no words for {value!r}")
    return text


def defaults_of(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Field → default as shown; fields without a default are required, those whose default is None are empty text."""
    found: dict[str, str] = {}
    for field in msgspec.structs.fields(kind):
        if field.required:
            continue
        value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
        found[field.name] = "" if value is None else shown(value)
    return found


def rows_of(kind: type[msgspec.Struct], linked: Mapping[str, str], owner: str = "") -> list[tuple[str, str, str, str]]:
    """Field, type, default, meaning: a table's rows. *owner* is what the type is called on its page."""
    defaults = defaults_of(kind)

    def default(field: Field) -> str:
        if field.name not in defaults:
            return "required"
        return code(defaults[field.name]) or NOTHING

    return [
        (
            code(field.name),
            words(field.annotation, linked),
            default(field),
            meaning(owner or kind.__name__, field.name, field.text),
        )
        for field in fields_of(kind)
    ]


def section(kind: type, links: Mapping[str, str], title: str = "") -> str:
    """A type under a heading of its own: its docstring, then its fields or members."""
    heading = f"## {title or kind.__name__}"
    if issubclass(kind, Enum):
        rows = [(code(str(member.default)), member.text) for member in members_of(kind)]
        if any(meaning for _, meaning in rows):
            return f"{heading}\n\n{about(kind)}\n\n{table(('value', 'meaning'), rows)}"
        return f"{heading}\n\n{about(kind)}\n\nOne of {', '.join(value for value, _ in rows)}."
    assert issubclass(kind, msgspec.Struct), kind
    rows_below = rows_of(kind, links, title)
    return f"{heading}\n\n{about(kind)}" + (f"\n\n{table(HEADINGS, rows_below)}" if rows_below else "")
