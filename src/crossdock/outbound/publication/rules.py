"""What the end of a batch means for each of its items. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum, auto
from typing import Final

from crossdock.canonical.intents import PublishStock
from crossdock.outbound.model import Ended, StateItem, Verdict


class Judged(Enum):
    """What becomes of one item."""

    CONFIRMED = auto()
    STALE = auto()
    """The target holds another base: settle, read anew, decide anew."""
    KEPT = auto()
    """A person is needed."""
    AGAIN = auto()
    """Sending it twice does no harm: it is simply still pending."""


BY_VERDICT: Final = {
    Verdict.LANDED: Judged.CONFIRMED,
    Verdict.STALE: Judged.STALE,
    Verdict.REFUSED: Judged.KEPT,
    Verdict.UNMAPPED: Judged.KEPT,
    Verdict.NOT_SENT: Judged.AGAIN,
    Verdict.THROTTLED: Judged.AGAIN,
    Verdict.UNKNOWN: Judged.AGAIN,
    Verdict.BROKEN: Judged.AGAIN,
}


def judge(item: StateItem, ended: Ended) -> Judged:
    """A failed compare-and-set whose target already holds our figure is our own lost answer: confirmed."""
    if ended.verdict is Verdict.STALE and holds(item, ended.current):
        return Judged.CONFIRMED
    return BY_VERDICT[ended.verdict]


def holds(item: StateItem, current: str) -> bool:
    """Is *current*, in the target's words, what the item says?"""
    if not isinstance(item.document, PublishStock):
        return False
    try:
        return Decimal(current) == item.document.quantity
    except InvalidOperation:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a batch ended as a whole."""

    verdict: Verdict
    reason: str = ""
    wait: timedelta | None = None


ORDER: Final = (
    Verdict.BROKEN,
    Verdict.THROTTLED,
    Verdict.UNKNOWN,
    Verdict.NOT_SENT,
    Verdict.UNMAPPED,
    Verdict.REFUSED,
    Verdict.STALE,
    Verdict.LANDED,
)
"""Worst first: what the connection must react to comes before what single items mean."""

WAITS: Final = frozenset({Verdict.BROKEN, Verdict.THROTTLED, Verdict.UNKNOWN, Verdict.NOT_SENT})
"""After these the flow backs off."""


def worst(ended: Sequence[Ended]) -> Standing:
    """The batch's own verdict: the worst of its items'."""
    assert ended
    bad = min(ended, key=lambda one: ORDER.index(one.verdict))
    return Standing(verdict=bad.verdict, reason=bad.reason, wait=bad.wait)
