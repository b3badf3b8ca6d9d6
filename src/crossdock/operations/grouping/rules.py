"""What a group of waiting intents and records is called, and what its exception says. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from crossdock.connector_kit.record import IDENTITY_OF_THEIRS
from crossdock.outbound.causes import IDENTITY_CAUSE, identity_cause

SHOWN_MAX: Final = 20
NAMES: Final[Mapping[str, str]] = {"sku": "items", "location": "locations", "customer": "customers"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """A kind of identity on one connection, and everything that waits for one of it."""

    connection: str
    kind: str
    intents: Mapping[str, int]
    """Parked intents per code of ours that has no counterpart there."""
    records: Mapping[str, int]
    """Quarantined records per id of theirs that has no counterpart here."""

    @property
    def empty(self) -> bool:
        """Nothing waits any more."""
        return not self.intents and not self.records


def group_key(connection: str, kind: str) -> str:
    """The key of the one exception for a kind of identity on a connection."""
    return f"identity/{connection}/{kind}"


def parked_key(connection: str, cause: str) -> str:
    """The key of the exception that stands for intents parked for *cause*: identities share one per kind."""
    kind = kind_of_ours(cause)
    return f"cause/{connection}/{cause}" if kind is None else group_key(connection, kind)


def kind_of_ours(cause: str) -> str | None:
    """The kind of identity that a parked intent waits for; None when it waits for something else."""
    if not cause.startswith(IDENTITY_CAUSE):
        return None
    return cause.removeprefix(IDENTITY_CAUSE).partition(":")[0]


def kind_of_theirs(lacks: str) -> str | None:
    """The kind of identity that a quarantined record lacks; None when it lacks something else."""
    if not lacks.startswith(IDENTITY_OF_THEIRS):
        return None
    return lacks.removeprefix(IDENTITY_OF_THEIRS).partition(":")[0]


def identities(connection: str, kind: str, causes: Mapping[str, int], lacks: Mapping[str, int]) -> Identities:
    """Of everything that waits on a connection, what waits for this kind."""
    return Identities(
        connection=connection,
        kind=kind,
        intents={_name(cause): count for cause, count in causes.items() if kind_of_ours(cause) == kind},
        records={_name(lack): count for lack, count in lacks.items() if kind_of_theirs(lack) == kind},
    )


def _name(word: str) -> str:
    return word.split(":", 2)[2]


def told(group: Identities) -> str:
    """How many and which, the first ones by name."""
    things = NAMES.get(group.kind, group.kind)
    parts = []
    if group.intents:
        waiting = sum(group.intents.values())
        some = f"{len(group.intents)} {things} of ours have no counterpart on {group.connection}"
        parts.append(f"{some} ({waiting} intents wait): {listed(list(group.intents))}")
    if group.records:
        waiting = sum(group.records.values())
        some = f"{len(group.records)} {things} of {group.connection} have no counterpart here"
        parts.append(f"{some} ({waiting} records wait): {listed(list(group.records))}")
    return "; ".join(parts)


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - SHOWN_MAX
    return ", ".join(names[:SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")


def freed(causes: Collection[str], kind: str, linked: Collection[str]) -> Sequence[str]:
    """Causes that are gone now that the codes *linked* have a counterpart. Long codes are cut in a cause."""
    there = {identity_cause(kind, code) for code in linked}
    return [cause for cause in causes if cause in there]


def most(amounts: Mapping[str, Decimal]) -> tuple[Decimal, str] | None:
    """An exception names one currency: the one with most money at risk."""
    currency = max(amounts, key=lambda each: (amounts[each], each), default=None)
    return None if currency is None else (amounts[currency], currency)
