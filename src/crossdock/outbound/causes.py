"""What intents wait for, by name, and foreign text in the lengths that names and facts allow. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

TEXT_MAX: Final = 500
CODE_MAX: Final = 64
CONNECTION_CAUSE: Final = "connection:"
LOOKUP_CAUSE: Final = "lookup:"
IDENTITY_CAUSE: Final = "identity:"


def connection_cause(connection: str) -> str:
    """Under which intents wait for a broken connection."""
    return code(f"{CONNECTION_CAUSE}{connection}")


def lookup_cause(table: str, missing: str) -> str:
    """Under which intents wait for an entry of a code table."""
    return code(f"{LOOKUP_CAUSE}{table}:{missing}")


def identity_cause(kind: str, missing: str) -> str:
    """Under which intents wait for a match."""
    return code(f"{IDENTITY_CAUSE}{kind}:{missing}")


def known_lookups(causes: Iterable[str], lookups: Mapping[str, Mapping[str, str]]) -> Sequence[str]:
    """Those of *causes* that name an entry which the code tables *lookups* have; `*` stands for every entry of a table."""
    entries = {lookup_cause(table, each) for table, codes in lookups.items() for each in codes}
    whole = tuple(f"{LOOKUP_CAUSE}{table}:" for table, codes in lookups.items() if "*" in codes)
    return [cause for cause in causes if cause in entries or (bool(whole) and cause.startswith(whole))]


def text(foreign: str) -> str:
    """Foreign text as facts and the database take it: no NUL, not too long."""
    return foreign.replace("\x00", "�")[:TEXT_MAX]


def code(foreign: str) -> str:
    """A foreign identifier as a `Code`: no blanks at its ends, not too long, never empty."""
    return text(foreign).strip()[:CODE_MAX].strip() or "-"
