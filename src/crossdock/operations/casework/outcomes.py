"""Who decides, and what came of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias, assert_never
from uuid import UUID

from crossdock.canonical.base import OrderId
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.inbound.service import Desk
from crossdock.operations.closing import close
from crossdock.operations.model import OpenException
from crossdock.orders.model import Finding, HoldCode
from crossdock.outbound.model import Answer, Done, Unfit, Unknown

SOURCE: Final = "operations"
Standing: TypeAlias = Callable[[Tx, OrderId, HoldCode], Awaitable[Finding | None]]
"""The reason of an order's hold as it is today, when releasing it would not last."""
Replay: TypeAlias = Callable[[Tx, str, str], Awaitable[str]]
"""Runs a reaction (by its name) once more on a fact (its id, or what else it is about): why it broke again, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """It was done. `intents` are on their way again: `outbound.verify` tells how they fare."""

    did: str
    intents: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StillWrong:
    """The record was read again and still cannot be read; the exception stays open."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPossible:
    """Nothing was done, and why."""

    reason: str


ReleaseOutcome: TypeAlias = Worked | StillWrong | NotPossible


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the hub lends to whoever works an exception off."""

    desk: Desk
    replay: Replay
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Whose decision it is, and when."""

    who: str
    why: str
    now: datetime


def answered(answer: Answer, did: str) -> ReleaseOutcome:
    """What the outbox said, in these words."""
    match answer:
        case Done():
            return Worked(did=did, intents=(answer.intent_id,))
        case Unfit():
            return NotPossible(reason=answer.reason)
        case Unknown():
            return NotPossible(reason="there is no such intent any more")
        case _:
            assert_never(answer)


async def close_as_done(tx: Tx, exception: OpenException, resolution: str, by: By) -> None:
    """It is done with; who decided stands in the resolution."""
    origin = Origin(correlation_id=exception.correlation_id, source=SOURCE)
    await close(tx, exception.key, resolution, origin=origin, now=by.now)
