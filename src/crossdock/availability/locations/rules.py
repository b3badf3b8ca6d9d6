"""One location's part of an answer. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from crossdock.availability.formulas import rules as formulas
from crossdock.availability.model import (
    ZERO,
    Cause,
    LocationTerm,
    Reason,
    Rule,
)
from crossdock.availability.pace.rules import source_of
from crossdock.availability.policy.rules import Found, Policy
from crossdock.availability.questions.rules import Question
from crossdock.availability.reasons import rules as reasons
from crossdock.availability.switches.rules import Stops
from crossdock.canonical.base import LocationCode
from crossdock.canonical.orders import Mode
from crossdock.canonical.stock import Bucket
from crossdock.estate.model import SafetyStock, Staleness, duration
from crossdock.inventory.model import NEW, Position, PositionKey

NOTHING: Final[Mapping[str, Decimal]] = {}


def barred(policy: Policy, stops: Stops, location: LocationCode, mode: Mode) -> Cause | None:
    """Why a location of the pool may not serve; None when it may."""
    found = policy.locations.get(location)
    if found is None:
        return Cause(Reason.UNKNOWN_LOCATION, location)
    if not found.active:
        return Cause(Reason.LOCATION_INACTIVE, location)
    if mode not in found.modes:
        return Cause(Reason.MODE_NOT_SERVED, location)
    return stops.at(location)


def terms(asked: Question, stops: Stops) -> tuple[LocationTerm, ...]:
    """Every location's part of the answer, in the pool's order."""
    policy, subject = asked.policy, asked.subject
    safety = policy.safety_stock.placed(subject, asked.now)
    stale = policy.staleness.placed(subject, asked.now) if policy.staleness else None
    worked_out = asked.scene.worked_out
    found: list[LocationTerm] = []
    for place in policy.pool_of(asked.channel).locations:
        bar = barred(policy, stops, place, subject.mode)
        kept, slow = safety.of(place), None if stale is None else stale.of(place)
        # The same for every channel that meets the same rules there.
        alike = (subject.sku, place, kept and kept.index, slow and slow.index, bar)
        term = worked_out.get(alike)
        if term is None:
            term = worked_out[alike] = _term(asked, place, bar, kept, slow)
        found.append(term)
    return tuple(found)


def _term(
    asked: Question,
    location: LocationCode,
    bar: Cause | None,
    kept: Found[SafetyStock] | None,
    slow: Found[Staleness] | None,
) -> LocationTerm:
    position = asked.scene.positions.get(PositionKey(asked.subject.sku, location, NEW))
    if position is None:
        return LocationTerm(location=location, unavailable={}, cause=bar or Cause(Reason.NEVER_SEEN, location))
    safety = ZERO if kept is None else kept.rule.quantity
    safety_rule = None if kept is None else Rule("safety_stock", kept.index, safety)
    allowance, stale_rule, heard_at = _allowance(asked, location, slow)
    available = position.available
    units = ZERO if bar is not None else formulas.atp(available, safety, allowance)
    why = None
    if units == 0:
        why = bar or reasons.of_location(position, safety, safety_rule, stale_rule)
    return LocationTerm(
        location=location,
        on_hand=position.on_hand,
        unavailable=_buckets(position),
        held=position.held,
        allocated=position.allocated,
        available=available,
        short=ZERO if available >= 0 else position.short,
        backordered=position.backordered,
        on_order=position.on_order,
        in_transit=position.in_transit,
        dated=position.dated,
        safety_stock=safety,
        safety_rule=safety_rule,
        staleness_allowance=allowance,
        staleness_rule=stale_rule,
        heard_at=heard_at,
        atp=units,
        cause=why,
        changed_at=position.changed_at,
        happened_at=position.happened_at,
        version=position.version,
    )


def staleness(asked: Question, location: LocationCode) -> tuple[Decimal, Rule | None, datetime | None]:
    """What is kept back because nobody has told of the location's stock, by which rule, silent since when.

    Of several sources the one that has been silent longest counts; one that was never listened to says nothing yet.
    """
    if not asked.policy.staleness:
        return ZERO, None, None
    return _allowance(asked, location, asked.policy.staleness.placed(asked.subject, asked.now).of(location))


def _allowance(
    asked: Question, location: LocationCode, found: Found[Staleness] | None
) -> tuple[Decimal, Rule | None, datetime | None]:
    scene, place = asked.scene, asked.policy.locations.get(location)
    if found is None or place is None or not place.told_by:
        return ZERO, None, None
    told_by = (source_of(name, place.code) for name in place.told_by)
    heard_at = min((scene.heard[source] for source in told_by if source in scene.heard), default=None)
    if heard_at is None:
        return ZERO, Rule("staleness", found.index, ZERO), None
    units = formulas.staleness_allowance(
        _seconds(scene.as_of - heard_at),
        _seconds(duration(found.rule.grace)),
        scene.sold.get((asked.subject.sku, location), ZERO),
        found.rule.factor,
    )
    return units, Rule("staleness", found.index, units), heard_at


def _seconds(span: timedelta) -> Decimal:
    return Decimal(span // timedelta(microseconds=1)).scaleb(-6)


def _buckets(position: Position) -> Mapping[str, Decimal]:
    if not position.unavailable:
        return NOTHING
    units: dict[str, Decimal] = {
        Bucket.DAMAGED: position.damaged,
        Bucket.QUALITY_HOLD: position.quality_hold,
        Bucket.QUARANTINE: position.quarantine,
        Bucket.DISPLAY: position.display,
        Bucket.REPAIR: position.repair,
        Bucket.RETURN_TO_VENDOR: position.return_to_vendor,
    }
    return {bucket: quantity for bucket, quantity in units.items() if quantity}
