"""The estate's JSON Schema: made from the types, used by editors and by `estate check`."""

import difflib
import inspect
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec
from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from crossdock.estate.files import Complaint, Folder
from crossdock.estate.model import Estate

Schema: TypeAlias = "dict[str, object]"
_NUMBERS: Final = ("integer", "number", "string")


def estate_schema() -> Schema:
    """JSON Schema 2020-12 of the merged document; each file may hold any of its sections."""
    (reference,), components = msgspec.json.schema_components((Estate,), ref_template="#/$defs/{name}")
    definitions = {name: _eased(schema) for name, schema in components.items()}
    root = dict(definitions.pop("Estate"))
    assert reference == {"$ref": "#/$defs/Estate"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://crossdock.dev/schemas/estate.json",
        **root,
        "$defs": definitions,
    }


def _eased(schema: object) -> "dict[str, object]":
    """Decimals may be written as YAML numbers too."""
    eased = _ease(schema)
    assert isinstance(eased, dict)
    return eased


def _ease(node: object) -> object:
    if isinstance(node, Mapping):
        changed = {key: _ease(value) for key, value in node.items()}
        if changed.get("format") == "decimal":
            changed["type"] = list(_NUMBERS)
        if "description" in changed:
            changed["description"] = inspect.cleandoc(str(changed["description"]))
        if isinstance(changed.get("default"), Decimal):
            changed["default"] = str(changed["default"])
        return changed
    if isinstance(node, list | tuple):
        return [_ease(value) for value in node]
    return node


def _is_number(_checker: object, value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


_VALIDATOR: Final = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine("number", _is_number)
)


def shape_complaints(folder: Folder) -> Iterator[Complaint]:
    """What does not fit the schema, each with its line."""
    for error in sorted(_VALIDATOR(estate_schema()).iter_errors(folder.document), key=lambda error: list(error.path)):
        path = list(error.absolute_path)
        text = error.message
        if error.validator == "additionalProperties" and isinstance(error.instance, Mapping):
            allowed = set(error.schema.get("properties", {}))
            for name in sorted(set(error.instance) - allowed):
                close = _closest(name, allowed)
                hint = f"; did you mean `{close}`?" if close else ""
                yield Complaint(place=folder.place_of([*path, name]), text=f"unknown field `{name}`{hint}")
            continue
        if error.validator == "anyOf" and error.context:
            text = min(error.context, key=lambda inner: len(inner.path)).message
        where = ".".join(str(part) for part in path)
        yield Complaint(place=folder.place_of(path), text=f"`{where}`: {text}" if where else text)


def _closest(name: str, allowed: set[str]) -> str:

    return next(iter(difflib.get_close_matches(name, sorted(allowed), n=1)), "")
