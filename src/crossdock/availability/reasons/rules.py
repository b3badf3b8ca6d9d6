"""Why a number is zero: the first thing that left nothing. Pure."""

from decimal import Decimal

from crossdock.availability.model import ZERO, Availability, Cause, Reason, Rule
from crossdock.inventory.model import Position


def of_location(position: Position, safety: Decimal, safety_rule: Rule | None, stale_rule: Rule | None) -> Cause:
    """Why an eligible location can give nothing."""
    place = position.location
    if position.on_hand <= 0:
        return Cause(Reason.NO_STOCK, place)
    if position.on_hand <= position.unavailable:
        return Cause(Reason.UNAVAILABLE, place)
    if position.available <= 0:
        return Cause(Reason.CLAIMED, place)
    if position.available <= safety:
        return Cause(Reason.SAFETY_STOCK, place, safety_rule)
    return Cause(Reason.STALENESS, place, stale_rule)


def of_answer(answer: Availability) -> tuple[Cause, ...]:
    """Why a channel can sell nothing, or is told nothing."""
    if answer.published is None or answer.published > 0:
        return ()
    if answer.sellable > 0:
        return (_of_limits(answer),)
    if answer.backorder_limit > 0:
        return (*_of_goods(answer), Cause(Reason.BACKORDER_LIMIT, rule=answer.backorder_rule))
    return _of_goods(answer)


def _of_limits(answer: Availability) -> Cause:
    if answer.publish_min is not None and answer.sellable < answer.publish_min:
        return Cause(Reason.PUBLISH_MIN, rule=answer.publish_min_rule)
    return Cause(Reason.PUBLISH_MAX, rule=answer.publish_max_rule)


def _of_goods(answer: Availability) -> tuple[Cause, ...]:
    if answer.pool > 0:
        return _of_shares(answer)
    if answer.kit:
        return _of_components(answer)
    if not answer.locations:
        return (Cause(Reason.EMPTY_POOL),)
    if sum((term.atp for term in answer.locations), ZERO) > 0:
        needed = (Reason.UNPLACED, answer.unplaced > 0), (Reason.DATED, answer.incoming < 0)
        return tuple(Cause(reason) for reason, true in needed if true)
    return tuple(term.cause for term in answer.locations if term.cause is not None)


def _of_shares(answer: Availability) -> tuple[Cause, ...]:
    if answer.own_segment + answer.free > 0:
        return (Cause(Reason.CHANNEL_BUFFER, rule=answer.buffer_rule),)
    others = [term for term in answer.segments if term.channel != answer.channel and term.remaining > 0]
    return tuple(Cause(Reason.SEGMENT, rule=term.rule) for term in others)


def _of_components(answer: Availability) -> tuple[Cause, ...]:
    if not answer.components:
        return (Cause(Reason.IMPOSSIBLE_KIT),)
    lacking = (term for term in answer.components if term.availability.physical < term.quantity)
    return tuple(Cause(Reason.COMPONENT, sku=term.availability.sku) for term in lacking)
