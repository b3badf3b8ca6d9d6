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
    Verdict.REFUSED: Judged.KEPT,
    Verdict.UNMAPPED: Judged.KEPT,
    Verdict.NOT_SENT: Judged.AGAIN,
    Verdict.THROTTLED: Judged.AGAIN,
    Verdict.UNKNOWN: Judged.AGAIN,
    Verdict.BROKEN: Judged.AGAIN,
}


def judge(item: StateItem, ended: Ended) -> Judged:
    """A failed compare-and-set whose target already holds our figure is our own lost answer: confirmed."""
    if ended.verdict is not Verdict.STALE:
        return BY_VERDICT[ended.verdict]
    held = figure(ended.current)
    if held is None:
        return Judged.KEPT  # without the figure that it holds, the next try would be stale again
    mine = item.document.quantity if isinstance(item.document, PublishStock) else None
    return Judged.CONFIRMED if held == mine else Judged.STALE


def figure(current: str) -> Decimal | None:
    """What the target says it holds; None when that is no number."""
    try:
        held = Decimal(current)
    except InvalidOperation:
        return None
    return held if held.is_finite() else None


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
