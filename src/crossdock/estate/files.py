"""Reading the estate's YAML so that every complaint has a file and a line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import ScalarNode

from crossdock.foundation.plain import composed

Plain: TypeAlias = "bool | int | str | Decimal | list[Plain] | dict[str, Plain] | None"
KeyPath: TypeAlias = "tuple[str | int, ...]"

FILE_MAX = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Something wrong (or, as a warning, doubtful) at a place."""

    place: Place
    text: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.place}: {'warning: ' if self.warning else ''}{self.text}"


@dataclass(slots=True)
class Folder:
    """What the files say, merged, and where each value stands."""

    document: dict[str, Plain] = field(default_factory=dict)
    places: dict[KeyPath, Place] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)

    def place_of(self, path: Sequence[str | int]) -> Place:
        """The line of a value, or of the nearest thing around it."""
        for length in range(len(path), 0, -1):
            found = self.places.get(tuple(path[:length]))
            if found is not None:
                return found
        return Place(file="estate", line=1)


class _ExactConstructor(RoundTripConstructor):
    """Decimals as they are written: 0.1 must not become a binary float."""


def _decimal(_constructor: _ExactConstructor, node: ScalarNode) -> Decimal:
    """The text as Decimal; YAML's .inf and .nan are no numbers that a retailer could mean."""
    try:
        return Decimal(str(node.value).replace("_", ""))
    except InvalidOperation:
        raise ConstructorError(None, None, f"{node.value} is not a number", node.start_mark) from None


def _text(_constructor: _ExactConstructor, node: ScalarNode) -> str:
    """Times as they are written: the parser would drop their zone."""
    return str(node.value)


_ExactConstructor.add_constructor("tag:yaml.org,2002:float", _decimal)
_ExactConstructor.add_constructor("tag:yaml.org,2002:timestamp", _text)


def read_folder(folder: Path) -> Folder:
    """Read and merge `*.yaml` in name order: lists are joined, single sections may stand once."""
    result = Folder()
    files = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    if not files:
        place = Place(file=str(folder), line=1)
        result.complaints.append(Complaint(place=place, text="no .yaml files here; see docs/how-to/estate.md"))
    for file in files:
        _read_file(file, result)
    return result


def _read_file(file: Path, result: Folder) -> None:
    name = file.name
    top = Place(file=name, line=1)
    if file.stat().st_size > FILE_MAX:
        result.complaints.append(Complaint(place=top, text=f"larger than {FILE_MAX // 1024 // 1024} MB"))
        return
    yaml = YAML(typ="rt")
    yaml.Constructor = _ExactConstructor
    try:
        content = yaml.load(composed(file.read_text(encoding="utf-8")))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        text = f"not YAML: {error.problem or error.context}"
        result.complaints.append(Complaint(place=Place(file=name, line=line), text=text))
        return
    except (YAMLError, UnicodeDecodeError) as error:
        result.complaints.append(Complaint(place=top, text=f"not YAML: {error}"))
        return
    if content is None:
        return
    if not isinstance(content, dict):
        result.complaints.append(Complaint(place=top, text="wanted sections (`channels:`, `locations:` …)"))
        return
    for section, value in content.items():
        _merge(name, content, str(section), value, result)


def _merge(file: str, content: object, section: str, value: object, result: Folder) -> None:
    place = Place(file=file, line=_line(content, section))
    known = result.document.get(section)
    if isinstance(value, list):
        if known is None:
            known = result.document[section] = []
            result.places[section,] = place
        if isinstance(known, list):
            start = len(known)
            known.extend(_plain(item) for item in value)
            for index, item in enumerate(value):
                result.places[section, start + index] = Place(file=file, line=_line(value, index))
                _note_places(file, item, (section, start + index), result.places)
            return
    if known is not None:
        other = result.places[section,]
        result.complaints.append(Complaint(place=place, text=f"`{section}` stands already at {other}"))
        return
    result.document[section] = _plain(value)
    result.places[section,] = place
    _note_places(file, value, (section,), result.places)


def _note_places(file: str, value: object, path: KeyPath, places: dict[KeyPath, Place]) -> None:
    for key, child in _children(value):
        places[(*path, key)] = Place(file=file, line=_line(value, key))
        _note_places(file, child, (*path, key), places)


def _children(value: object) -> Iterator[tuple[str | int, object]]:
    if isinstance(value, Mapping):
        yield from ((str(key), child) for key, child in value.items())
    elif isinstance(value, list):
        yield from enumerate(value)


def _line(container: object, key: str | int) -> int:
    """Positions are the parser's: 0-based lines per key or index."""
    position = getattr(container, "lc", None)
    if position is None or position.data is None:
        return 1
    mark = position.data.get(key)
    return int(mark[0]) + 1 if mark is not None else int(position.line) + 1


def _plain(value: object) -> Plain:
    if isinstance(value, Mapping):
        return {str(key): _plain(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_plain(child) for child in value]
    if value is None or isinstance(value, bool | Decimal):
        return value
    if isinstance(value, int):
        return int(value)
    return str(value)
