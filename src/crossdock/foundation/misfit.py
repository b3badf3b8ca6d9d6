"""Everything in a JSON text that does not fit its type: exact path, what was wanted, what was there.

The decoder is fast and stops at the first fault, in its own words. This walks what it refused once more, for people.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec
from msgspec import inspect

from crossdock.foundation.plain import decimal
from crossdock.foundation.visible import on_one_line, visible

WANTED: Final = "wanted"
"""Under this name a type's `Meta.extra` says in words what its pattern asks for."""
CHECK: Final = "check"
"""Under this name it holds the check that its struct makes of the field, so that it is made of every field at once."""
Check: TypeAlias = Callable[[Any, str], None]
MISFITS_MAX: Final = 20
SHOWN_MAX: Final = 60
KNOWN_MAX: Final = 24
"""More allowed values than that are not told, only the nearest ones."""
_OF_FIELD: Final = re.compile(r"^`(?P<path>[\w.\[\]]+)` (?P<reason>.*)$", re.DOTALL)
_NUMBER_AT: Final = re.compile(r"\[\d+\]")
_NO_NUMBER: Final = re.compile(r"\[\]")
_IT: Final = "it"
_STEP: Final = re.compile(r"\w+")
_AT: Final = re.compile(r"^(?P<reason>.*) - at `(?P<path>\$[^`]*)`$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing that does not fit."""

    path: str
    reason: str
    too_long: bool = False
    """More entries than there may be: a matter of size, not of form."""


def shown(value: object) -> str:
    """A foreign value as a message quotes it: short, in JSON, nothing that a terminal would obey."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, Decimal):
        return str(value)[:SHOWN_MAX]
    text = visible(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"


def of_field(text: str, kind: type[msgspec.Struct] | None = None) -> tuple[str, str]:
    """Where and why, of what a document says of its own fields: `` `lines[1].sku` names an item twice``.

    With a *kind*, only of its own fields: what a part of it says of its fields has no place that is known here.
    """
    found = _OF_FIELD.match(text)
    if found is None or (kind is not None and _STEP.findall(found["path"])[0] not in kind.__struct_fields__):
        return "$", text
    return f"$.{found['path']}", found["reason"]


def in_their_words(path: str, paths: Mapping[str, str]) -> str:
    """The same place by other names: *paths* say what is called how (`$.lines[].sku`), as far as that is known."""
    numbers = iter(_NUMBER_AT.findall(path))
    plain = _NUMBER_AT.sub("[]", path)
    known = max(
        (each for each in paths if plain == each or plain.startswith((f"{each}.", f"{each}["))), key=len, default=""
    )
    if not known:
        return path
    return _NO_NUMBER.sub(lambda _: next(numbers, "[]"), paths[known] + plain.removeprefix(known))


def of_decoder(text: str) -> Misfit:
    """The decoder's own words, where nothing better is known."""
    found = _AT.match(text)
    path, reason = of_field(found["reason"] if found else text)
    return Misfit((found["path"] if found else "$") + path.removeprefix("$"), reason)


def misfits(body: bytes, kind: object) -> Sequence[Misfit]:
    """What does not fit, in the order of the type's fields; empty when the walk finds nothing (or no JSON)."""
    try:
        value = _READER.decode(body.decode())
        found: list[Misfit] = []
        for each in _walk(_type_of(kind), value, "$"):
            found.append(each)
            if len(found) == MISFITS_MAX:
                break
    except (ValueError, RecursionError):
        return ()
    return found


def wrong_text(text: str, kind: object) -> str:
    """What a text should have been to be read as a type: of a parameter, which is text before it is anything."""
    found = list(_walk(_type_of(kind), text, "$"))
    return found[0].reason if found else ""


class _Object(dict[str, object]):
    """A JSON object that remembers which names stood twice in it."""

    twice: Sequence[str] = ()


def _object(pairs: Sequence[tuple[str, object]]) -> _Object:
    made = _Object(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        made.twice = sorted({name for name in names if names.count(name) > 1})
    return made


def _whole(text: str) -> int | Decimal:
    return int(text) if len(text) < SHOWN_MAX else Decimal(text)


def _exact(text: str) -> Decimal | str:
    """A number beyond any machine stays the text that it is."""
    number = decimal(text)
    return text if number is None else number


_READER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_float=_exact, parse_int=_whole, strict=False)


@cache
def _type_of(kind: object) -> inspect.Type:
    return inspect.type_info(kind)


def _walk(kind: inspect.Type, value: object, path: str, about: str = "") -> Iterator[Misfit]:  # noqa: PLR0911
    """*about* says in words what a pattern wants."""
    match kind:
        case inspect.Metadata():
            yield from _walk_checked(kind, value, path, about)
            return
        case inspect.RawType():
            return
        case inspect.AnyType():
            yield from _walk_anything(value, path)
            return
        case inspect.StructType():
            yield from _walk_struct(kind, value, path)
            return
        case inspect.UnionType():
            yield from _walk_union(kind, value, path, about)
            return
        case inspect.ListType() | inspect.VarTupleType():
            yield from _walk_array(kind, value, path)
            return
        case inspect.DictType():
            yield from _walk_map(kind, value, path)
            return
        case _:
            wrong = _wrong_leaf(kind, value, about)
            if wrong:
                yield Misfit(path, wrong)


def _walk_checked(kind: inspect.Metadata, value: object, path: str, about: str) -> Iterator[Misfit]:
    extra = kind.extra or {}
    wrong = list(_walk(kind.type, value, path, str(extra.get(WANTED, about))))
    yield from wrong
    check: Check | None = extra.get(CHECK)
    if check is not None and not wrong:
        try:
            check(_exact(str(value)) if isinstance(kind.type, inspect.DecimalType) else value, _IT)
        except ValueError as error:
            yield _with_value(path, str(error).removeprefix(f"`{_IT}` "), value)


def _with_value(path: str, reason: str, value: object) -> Misfit:
    got = "" if value is None or "got " in reason else f", got {shown(value)}"
    return Misfit(path, reason + got)


def _walk_struct(kind: inspect.StructType, value: object, path: str) -> Iterator[Misfit]:
    if not isinstance(value, _Object):
        yield Misfit(path, f"wanted an object, got {shown(value)}")
        return
    sound = not value.twice
    yield from _twice(value, path)
    fields = {field.encode_name: field for field in kind.fields}
    for name in value:
        if name not in fields and name != kind.tag_field and kind.forbid_unknown_fields:
            sound = False
            yield Misfit(f"{path}.{_readable(name)}", f"is not known here{_nearest(name, list(fields))}")
    for name, field in fields.items():
        if name not in value:
            if field.required:
                sound = False
                yield Misfit(f"{path}.{name}", "is required")
            continue
        for wrong in _walk(field.type, value[name], f"{path}.{name}"):
            sound = False
            yield wrong
    if sound:
        yield from _as_a_whole(kind.cls, value, path)


def _as_a_whole(kind: type, value: _Object, path: str) -> Iterator[Misfit]:
    """What the document itself checks: amounts above zero, names that stand once, fields that need each other."""
    try:
        msgspec.json.decode(msgspec.json.encode(value), type=kind)
    except msgspec.ValidationError as error:
        wrong = of_decoder(str(error))
        yield _with_value(path + wrong.path.removeprefix("$"), wrong.reason, _at(value, wrong.path))
    except (OverflowError, msgspec.MsgspecError):
        return


def _at(value: object, path: str) -> object:
    for step in _STEP.findall(path):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return None if isinstance(value, Mapping | list) else value


def _walk_union(kind: inspect.UnionType, value: object, path: str, about: str) -> Iterator[Misfit]:
    others = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
    if value is None and len(others) < len(kind.types):
        return
    tagged = {each.tag: each for each in others if isinstance(each, inspect.StructType)}
    if len(others) > 1 and len(tagged) == len(others) and isinstance(value, _Object):
        field = next(iter(tagged.values())).tag_field
        chosen = tagged.get(str(value.get(str(field))))
        if chosen is None:
            yield Misfit(
                f"{path}.{field}", f"wanted one of {_listed(list(tagged))}, got {shown(value.get(str(field)))}"
            )
        else:
            yield from _walk(chosen, value, path)
        return
    wrong = [list(_walk(each, value, path, about)) for each in others]
    if all(wrong):
        yield from wrong[0]


def _walk_array(kind: inspect.ListType | inspect.VarTupleType, value: object, path: str) -> Iterator[Misfit]:
    if not isinstance(value, list):
        yield Misfit(path, f"wanted an array, got {shown(value)}")
        return
    if kind.max_length is not None and len(value) > kind.max_length:
        yield Misfit(path, f"wanted at most {kind.max_length} entries, got {len(value)}", too_long=True)
        return
    if kind.min_length is not None and len(value) < kind.min_length:
        yield Misfit(path, f"wanted at least {kind.min_length} {_entries(kind.min_length)}, got {len(value)}")
    for index, each in enumerate(value):
        yield from _walk(kind.item_type, each, f"{path}[{index}]")


def _walk_anything(value: object, path: str) -> Iterator[Misfit]:
    """Of any form: only that no name stands twice."""
    if isinstance(value, _Object):
        yield from _twice(value, path)
        for name, each in value.items():
            yield from _walk_anything(each, f"{path}.{_readable(name)}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _walk_anything(each, f"{path}[{index}]")


def _twice(value: _Object, path: str) -> Iterator[Misfit]:
    yield from (
        Misfit(f"{path}.{_readable(name)}", "stands twice in this object: send it once") for name in value.twice
    )


def _entries(count: int) -> str:
    return "entry" if count == 1 else "entries"


def _walk_map(kind: inspect.DictType, value: object, path: str) -> Iterator[Misfit]:
    if not isinstance(value, _Object):
        yield Misfit(path, f"wanted an object, got {shown(value)}")
        return
    yield from _twice(value, path)
    for name, each in value.items():
        yield from _walk(kind.value_type, each, f"{path}.{_readable(name)}")


# ------------------------------------------------------------------------------------------------------------- leaves


def _wrong_leaf(kind: inspect.Type, value: object, about: str) -> str:
    wanted = _wanted(kind, value, about)
    return f"wanted {wanted}, got {shown(value)}" if wanted else ""


def _wanted(kind: inspect.Type, value: object, about: str) -> str:  # noqa: C901, PLR0911 (a table by type)
    """What a value should have been; empty when it is that, or of a type that only the decoder knows."""
    match kind:
        case inspect.StrType():
            return _text(kind, value, about)
        case inspect.DecimalType():
            return "" if _is_number(value) else 'a decimal number like "12.50"'
        case inspect.IntType():
            return _integer(kind, value)
        case inspect.BoolType():
            return "" if isinstance(value, bool) else "true or false"
        case inspect.EnumType():
            return _one_of([each.value for each in kind.cls], value)
        case inspect.LiteralType():
            return _one_of(list(kind.values), value)
        case inspect.DateTimeType():
            fits = _reads(value, datetime) and (kind.tz is not True or _has_zone(value))
            return "" if fits else "a date and time with its zone like 2026-11-27T09:00:00Z"
        case inspect.DateType():
            return "" if _reads(value, date) else "a date like 2026-11-27"
        case inspect.UUIDType():
            return "" if _reads(value, UUID) else "a UUID"
        case inspect.NoneType():
            return "" if value is None else "null"
        case _:
            return ""


def _text(kind: inspect.StrType, value: object, about: str) -> str:
    if not isinstance(value, str):
        return about or "text"
    if "\x00" in value:
        return "text without the character U+0000"
    if kind.min_length is not None and len(value) < kind.min_length:
        return f"at least {kind.min_length} characters" if kind.min_length > 1 else "text that is not empty"
    if kind.max_length is not None and len(value) > kind.max_length:
        return f"at most {kind.max_length} characters ({len(value)} are there)"
    if kind.pattern is not None and not re.search(kind.pattern, value):
        return about or "another form of text"
    return ""


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        return decimal(value) is not None
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _integer(kind: inspect.IntType, value: object) -> str:
    lowest, highest = kind.ge, kind.le
    if (
        isinstance(value, int)
        and not isinstance(value, bool)
        and (lowest is None or value >= lowest)
        and (highest is None or value <= highest)
    ):
        return ""
    return "a whole number" + (f" from {lowest}" if lowest is not None else "") + (f" to {highest}" if highest else "")


def _one_of(allowed: Sequence[object], value: object) -> str:
    return "" if value in allowed else f"one of {_listed(allowed)}"


def _has_zone(value: object) -> bool:
    return isinstance(value, str) and msgspec.convert(value, datetime).tzinfo is not None


def _reads(value: object, kind: type) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _listed(allowed: Sequence[object]) -> str:
    return ", ".join(str(each) for each in allowed)


def _nearest(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    if near:
        return f"; did you mean `{near[0]}`?"
    return f"; known are: {', '.join(sorted(known))}" if known and len(known) <= KNOWN_MAX else ""


def _readable(name: str) -> str:
    return on_one_line(name[:SHOWN_MAX])
