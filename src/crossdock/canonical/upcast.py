"""Old versions of stored documents, lifted to today's shape one version at a time, before they are decoded."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import msgspec

from crossdock.canonical.base import Document
from crossdock.canonical.facts import FACT_TYPES, fact_version

Plain: TypeAlias = "dict[str, object]"
Upcaster: TypeAlias = Callable[[Plain], Plain]

UPCASTERS: Final[Mapping[tuple[str, int], Upcaster]] = {}
"""(type, version) → function that turns that version's plain object into the next version's."""


class UnknownVersionError(Exception):
    """A stored fact is of a type or version that this release does not know: it was written by a newer one."""


def read_fact(
    type_name: str,
    version: int,
    payload: object,
    *,
    upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS,
    current: Callable[[str], int] = fact_version,
) -> Document:
    """Decode a stored payload (plain JSON objects) of any version that was ever written."""
    goal = current(type_name)
    kind = FACT_TYPES.get(type_name)
    if kind is None or version > goal:
        raise UnknownVersionError(f"{type_name} version {version} is unknown here (this release knows up to {goal})")
    assert isinstance(payload, dict), type_name
    plain: Plain = payload
    for step in range(version, goal):
        plain = upcasters[type_name, step](plain)
    return msgspec.convert(plain, kind)
