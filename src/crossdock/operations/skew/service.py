"""A fact that says it is of tomorrow is kept as it came, and a person is asked whose clock is wrong."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from crossdock.estate.model import Estate
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.operations.model import Matter
from crossdock.operations.service import open_exception
from crossdock.operations.skew.rules import Ahead, ahead, times_of

__all__ = ["TYPE", "Said", "doubtful", "mind", "times_of"]

TYPE: Final = "clock_skew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody told the hub of a time."""

    subject: str
    times: Mapping[str, date | None]
    """By the field's name."""
    origin: Origin


def doubtful(told: Iterable[Said], now: datetime) -> Sequence[Said]:
    """Those that need minding: hardly ever any, so that a hot path asks for nothing else."""
    return [said for said in told if ahead(said.times, now) is not None]


async def mind(tx: Tx, estate: Estate, told: Iterable[Said], *, now: datetime) -> None:
    """Open one exception per sender and kind of object: a wrong clock says the same of everything."""
    for said in told:
        wrong = ahead(said.times, now)
        if wrong is not None:
            await open_exception(tx, estate, _matter(said, wrong, now), origin=said.origin, now=now)


def _matter(said: Said, wrong: Ahead, now: datetime) -> Matter:
    noun = said.subject.partition("/")[0]
    day = wrong.said.date() if isinstance(wrong.said, datetime) else wrong.said
    return Matter(
        type=TYPE,
        key=f"clock/{said.origin.source}/{noun}/{wrong.field}",
        subject=said.subject,
        path=f"$.{wrong.field}",
        detail=(
            f"{said.origin.source} says {wrong.field} {wrong.said.isoformat()}, {(day - now.date()).days} days ahead "
            f"of when it came ({now.isoformat(timespec='seconds')}): it is kept as it came"
        ),
    )
