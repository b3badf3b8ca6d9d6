"""What a pool has besides its locations' parts: what comes, what waits, what is kept for whom. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from crossdock.availability.formulas import rules as formulas
from crossdock.availability.formulas.rules import Share
from crossdock.availability.model import (
    ZERO,
    Rule,
)
from crossdock.availability.policy.rules import Found
from crossdock.availability.questions import rules as questions
from crossdock.availability.questions.rules import Question
from crossdock.availability.scene.model import ClaimedBy, Expected
from crossdock.canonical.base import ChannelCode, LocationCode
from crossdock.estate.model import Segment


def unplaced(asked: Question) -> Decimal:
    """Units without a place yet of all channels whose pools share a location with this one's."""
    waiting = asked.scene.unplaced.get(asked.subject.sku, ())
    return sum((each.quantity for each in waiting if asked.policy.touches(asked.channel, each.channel)), ZERO)


def at_places(expected: Iterable[Expected], places: Iterable[LocationCode]) -> Sequence[Expected]:
    """What is expected at some locations."""
    inside = set(places)
    return [each for each in expected if each.location in inside]


def coming(asked: Question, places: Sequence[LocationCode]) -> tuple[Decimal, Sequence[Expected], Sequence[Expected]]:
    """What comes within the horizon, less what is promised from it; the receipts and promises that it was made of."""
    receipts = at_places(asked.scene.receipts.get(asked.subject.sku, ()), places)
    dated = at_places(asked.scene.dated.get(asked.subject.sku, ()), places)
    return formulas.incoming(receipts, dated, asked.now, questions.horizon_end(asked)), receipts, dated


def shares(
    asked: Question,
    base: Decimal,
    places: Sequence[LocationCode],
    *,
    claimed: Mapping[ClaimedBy, Decimal] | None = None,
) -> Sequence[tuple[ChannelCode, Found[Segment], Share]]:
    """The segments of the item's pool, each with what it is and what its channel's claims use of it."""
    if not asked.policy.segments:
        return ()
    claims = asked.scene.claimed if claimed is None else claimed
    sku = asked.subject.sku
    listed = []
    for other in asked.policy.sharing(asked.channel):
        found = asked.policy.segments.last(asked.subject._replace(channel=other), asked.now)
        if found is not None:
            size = formulas.share_size(found.rule.units, found.rule.percent, base)
            used = sum((claims.get(ClaimedBy(sku, place, other), ZERO) for place in places), ZERO)
            listed.append((other, found, Share(size, used, found.rule.give_back_at)))
    return listed


def buffer_of(asked: Question) -> tuple[Decimal, Rule | None]:
    """What is hidden from the channel, and by which rule."""
    found = asked.policy.channel_buffers.last(asked.subject, asked.now)
    if found is None:
        return ZERO, None
    return found.rule.quantity, Rule("channel_buffers", found.index, found.rule.quantity)


def backorder_limit(asked: Question) -> tuple[Decimal, Rule | None]:
    """How many units may be owed without goods, and by which rule."""
    found = asked.policy.backorder_limits.last(asked.subject, asked.now) if asked.channel.backorder else None
    if found is None:
        return ZERO, None
    return found.rule.quantity, Rule("backorder_limits", found.index, found.rule.quantity)
