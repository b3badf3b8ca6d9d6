"""Reading types as people wrote them: fields in order, with annotation, default and the docstring below each."""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import get_args, get_type_hints

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a class."""

    name: str
    annotation: str
    default: str | None
    """As written; None when the field is required."""
    text: str


def fields_of(kind: type) -> tuple[Field, ...]:
    """The fields of a class, those of its bases first."""
    found: dict[str, Field] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("crossdock"):
            found |= {field.name: field for field in _own_fields(base)}
    return tuple(found.values())


def _own_fields(kind: type) -> Iterator[Field]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef), kind
    for index, node in enumerate(definition.body):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        yield Field(
            name=node.target.id,
            annotation=ast.unparse(node.annotation),
            default=None if node.value is None else ast.unparse(node.value),
            text=_docstring_at(definition.body, index + 1),
        )


def members_of(kind: type) -> tuple[Field, ...]:
    """The members of an enum, each with the docstring below it."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef), kind
    return tuple(
        Field(
            name=node.targets[0].id,
            annotation="",
            default=ast.literal_eval(node.value),
            text=_docstring_at(definition.body, index + 1),
        )
        for index, node in enumerate(definition.body)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    )


def _docstring_at(body: list[ast.stmt], index: int) -> str:
    if index < len(body):
        node = body[index]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return " ".join(inspect.cleandoc(node.value.value).split())
    return ""


def about(kind: object) -> str:
    """The whole docstring of a class or function, its lines joined within paragraphs."""
    text = inspect.getdoc(kind) or ""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def reachable(roots: Sequence[type]) -> list[type]:
    """The roots and every struct and enum that their fields lead to, in the order in which a reader meets them."""
    found: list[type] = []
    waiting = list(roots)
    while waiting:
        kind = waiting.pop(0)
        if kind in found:
            continue
        found.append(kind)
        if issubclass(kind, msgspec.Struct):
            waiting.extend(_classes(list(get_type_hints(kind).values())))
    return found


def _classes(hints: Sequence[object]) -> list[type]:
    found: list[type] = []
    for hint in hints:
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct | Enum):
            found.append(hint)
        found.extend(_classes(get_args(hint)))
    return found
