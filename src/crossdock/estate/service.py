"""Check, apply and read the estate."""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from crossdock.connector_kit.model import Connector
from crossdock.estate import store
from crossdock.estate.files import Complaint, Folder, Place, read_folder
from crossdock.estate.model import Estate, Stored, Version
from crossdock.estate.promise.rules import SELECTORS
from crossdock.estate.rules import problems
from crossdock.estate.schema import shape_complaints
from crossdock.foundation.db import Tx


class NoEstateError(Exception):
    """No estate has been applied to this database."""


class EstateUnreadableError(NoEstateError):
    """The estate in force is another release's, and this one does not understand it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a folder says. `estate` is None when any complaint is more than a warning: nothing is then applied."""

    estate: Estate | None
    complaints: Sequence[Complaint]
    places: Mapping[str, str] = field(default_factory=dict)
    """Where each rule of the promise stands: `safety_stock.3` → `rules.yaml:12`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The version now in force; `changes` is empty when it was already."""

    number: int
    changes: Sequence[str]


def check(folder: Path, connectors: Mapping[str, Connector], exception_types: Collection[str] = ()) -> Checked:
    """Read a folder of YAML and judge it; every complaint has its file and line.

    With *exception_types* an owner of none of them is told, too.
    """
    read = read_folder(folder)
    complaints = [*read.complaints, *shape_complaints(read)]
    if any(not complaint.warning for complaint in complaints):
        return Checked(estate=None, complaints=_sorted(complaints))
    try:
        estate = msgspec.convert(read.document, Estate, strict=False)
    except msgspec.ValidationError as error:
        complaints.append(Complaint(place=_place(read, str(error)), text=str(error)))
        return Checked(estate=None, complaints=_sorted(complaints))
    complaints.extend(
        Complaint(place=read.place_of(path), text=text, warning=warning)
        for path, text, warning in problems(estate, connectors, exception_types)
    )
    sound = all(complaint.warning for complaint in complaints)
    places = {
        f"{section}.{index}": str(read.place_of((section, index)))
        for section in SELECTORS
        for index in range(len(getattr(estate, section)))
    }
    return Checked(estate=estate if sound else None, complaints=_sorted(complaints), places=places)


def _sorted(complaints: Sequence[Complaint]) -> Sequence[Complaint]:
    return sorted(complaints, key=lambda complaint: (complaint.place.file, complaint.place.line))


def _place(read: Folder, message: str) -> Place:
    """The line of a conversion error: its text ends in the path, e.g. "… - at `$.channels[0].pool`"."""
    path: list[str | int] = []
    for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", message.rpartition("`$")[2]):
        path.append(name or int(index))
    return read.place_of(path)


async def apply(
    tx: Tx, estate: Estate, *, note: str, now: datetime, places: Mapping[str, str] | None = None
) -> Applied:
    """Put *estate* in force as the next version; an identical one changes nothing but the lines of its rules.

    The version before need not be one that this release understands: this is the way back from a newer one.
    """
    await store.lock(tx)
    before = await store.current(tx)
    changes = differences(before, estate)
    if before is not None and not changes:
        if places is not None:
            await store.move(tx, before.number, places)
        return Applied(number=before.number, changes=())
    number = await store.insert(tx, _digest(estate), estate, note=note, now=now, places=places or {})
    return Applied(number=number, changes=changes)


async def roll_back(tx: Tx, number: int, *, now: datetime) -> Applied | None:
    """Put an old version in force again, as a new one; None when there is no such version."""
    old = await store.version(tx, number)
    if old is None:
        return None
    note = f"rolled back to version {number}"
    return await apply(tx, _read(old), note=note, now=now, places=await store.places(tx, number))


async def current(tx: Tx) -> Estate:
    """The estate in force; raises NoEstateError when there is none yet, or none that this release understands."""
    found = await store.current(tx)
    if found is None:
        raise NoEstateError("No estate has been applied yet: run `crossdock estate apply`.")
    return _read(found)


async def in_force(tx: Tx) -> Stored | None:
    """The same as it lies there, whichever release has applied it."""
    return await store.current(tx)


def _read(stored: Stored) -> Estate:
    try:
        return msgspec.convert(stored.document, Estate)
    except msgspec.ValidationError as error:
        raise EstateUnreadableError(
            f"Version {stored.number} of the estate is not of this release ({error}): run the release that applied it, or "
            "put your files in force again as this one reads them, with `crossdock estate apply`."
        ) from None


async def current_number(tx: Tx) -> int:
    """Its version; 0 when there is none. Cheap: workers ask it to see whether to read again."""
    return await store.current_number(tx) or 0


async def as_of(tx: Tx, at: datetime) -> tuple[int, Estate] | None:
    """The version that was in force at a past moment, and its number; None before the first one."""
    stored = await store.as_of(tx, at)
    return None if stored is None else (stored.number, _read(stored))


async def places(tx: Tx, number: int) -> Mapping[str, str]:
    """Where each rule of a version stood in its files: `safety_stock.3` → `rules.yaml:12`."""
    return await store.places(tx, number)


async def versions(tx: Tx, limit: int = 50) -> Sequence[Version]:
    """Applied versions, newest first."""
    return await store.versions(tx, limit)


def differences(before: Estate | Stored | None, after: Estate) -> Sequence[str]:
    """What applying would change, one line per value: `channels.web.pool: DC1 → DC1, S01`."""
    old = _flat(before.document if isinstance(before, Stored) else msgspec.to_builtins(before))
    new = _flat(msgspec.to_builtins(after))
    return [
        f"{path}: {old.get(path, 'nothing')} → {new.get(path, 'nothing')}"
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
    ]


def _flat(node: object, path: str = "") -> dict[str, str]:
    """Leaves by path; list items are named by their code, name or kind, so that order is no difference in identity."""
    if node is None:
        return {}
    if isinstance(node, dict):
        return {key: text for name, child in node.items() for key, text in _flat(child, _join(path, name)).items()}
    if isinstance(node, list | tuple):
        if all(not isinstance(item, dict | list | tuple) for item in node):
            return {path: ", ".join(str(item) for item in node)}
        found: dict[str, str] = {}
        for index, item in enumerate(node):
            found.update(_flat(item, _join(path, _name_of(item, index))))
        return found
    return {path: str(node)}


def _join(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


def _name_of(item: object, index: int) -> str:
    if isinstance(item, dict):
        if "kind" in item and "connection" in item:
            return f"{item['kind']}@{item['connection']}"
        for name in ("code", "name"):
            if name in item:
                return str(item[name])
    return str(index)


def _digest(estate: Estate) -> str:
    return hashlib.sha256(msgspec.json.encode(estate, order="deterministic")).hexdigest()
