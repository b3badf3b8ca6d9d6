"""The life of a record, as a table."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from crossdock.inbound.model import RecordState


class Turn(StrEnum):
    """What can happen to a record."""

    APPLIED = "applied"
    REPEATED = "repeated"
    OWN = "own"
    WAITS = "waits"
    REJECTED = "rejected"
    FAILED = "failed"
    POSTPONED = "postponed"
    WOKEN = "woken"
    RELEASED = "released"
    DISMISSED = "dismissed"


OPEN: Final = frozenset({RecordState.RECEIVED, RecordState.WAITING, RecordState.QUARANTINED})

_S, _T = RecordState, Turn
TABLE: Final[Mapping[tuple[RecordState, Turn], RecordState]] = {
    (_S.RECEIVED, _T.APPLIED): _S.APPLIED,
    (_S.RECEIVED, _T.REPEATED): _S.REPEATED,
    (_S.RECEIVED, _T.OWN): _S.OWN,
    (_S.RECEIVED, _T.WAITS): _S.WAITING,
    (_S.RECEIVED, _T.REJECTED): _S.REJECTED,
    (_S.RECEIVED, _T.FAILED): _S.QUARANTINED,
    (_S.RECEIVED, _T.POSTPONED): _S.RECEIVED,
    (_S.RECEIVED, _T.WOKEN): _S.RECEIVED,  # woken twice
    (_S.RECEIVED, _T.DISMISSED): _S.DISMISSED,  # held back behind another record, and not wanted
    (_S.WAITING, _T.WOKEN): _S.RECEIVED,
    (_S.WAITING, _T.RELEASED): _S.RECEIVED,  # a person knows better than the clock
    (_S.WAITING, _T.DISMISSED): _S.DISMISSED,
    (_S.QUARANTINED, _T.RELEASED): _S.RECEIVED,
    (_S.QUARANTINED, _T.FAILED): _S.QUARANTINED,  # decoded again, still damaged
    (_S.QUARANTINED, _T.DISMISSED): _S.DISMISSED,
    (_S.REJECTED, _T.RELEASED): _S.RECEIVED,
    (_S.REJECTED, _T.FAILED): _S.QUARANTINED,
    (_S.REJECTED, _T.DISMISSED): _S.DISMISSED,
    (_S.DISMISSED, _T.RELEASED): _S.RECEIVED,  # dismissed by mistake
    (_S.DISMISSED, _T.FAILED): _S.QUARANTINED,
    (_S.DISMISSED, _T.DISMISSED): _S.DISMISSED,
}


def after(state: RecordState, turn: Turn) -> RecordState | None:
    """The next state, or None when the turn cannot happen there."""
    return TABLE.get((state, turn))
