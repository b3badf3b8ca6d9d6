"""One location's part of an answer. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from crossdock.availability.formulas import rules as formulas
from crossdock.availability.model import (
    ZERO,
    Cause,
    LocationTerm,
    Reason,
    Rule,
)
from crossdock.availability.pace.rules import source_of
from crossdock.availability.policy.rules import Policy
from crossdock.availability.questions.rules import Question
from crossdock.availability.reasons import rules as reasons
from crossdock.availability.switches.rules import Stops
from crossdock.canonical.base import LocationCode
from crossdock.canonical.orders import Mode
from crossdock.canonical.stock import Bucket
from crossdock.estate.model import duration
from crossdock.inventory.model import NEW, Position, PositionKey


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


def location_term(asked: Question, location: LocationCode, bar: Cause | None) -> LocationTerm:
    """One location's part of the answer."""
    position = asked.scene.positions.get(PositionKey(asked.subject.sku, location, NEW))
    if position is None:
        return LocationTerm(location=location, unavailable={}, cause=bar or Cause(Reason.NEVER_SEEN, location))
    found = asked.policy.safety_stock.placed(asked.subject, asked.now).of(location)
    safety = ZERO if found is None else found.rule.quantity
    safety_rule = None if found is None else Rule("safety_stock", found.index, safety)
    allowance, stale_rule, heard_at = staleness(asked, location)
    units = ZERO if bar is not None else formulas.atp(position.available, safety, allowance)
    why = None
    if units == 0:
        why = bar or reasons.of_location(position, safety, safety_rule, stale_rule)
    return LocationTerm(
        location=location,
        on_hand=position.on_hand,
        unavailable=_buckets(position),
        held=position.held,
        allocated=position.allocated,
        available=position.available,
        short=position.short,
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
    policy, scene = asked.policy, asked.scene
    if not policy.staleness:
        return ZERO, None, None
    found = policy.staleness.placed(asked.subject, asked.now).of(location)
    place = policy.locations.get(location)
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
    units: dict[str, Decimal] = {
        Bucket.DAMAGED: position.damaged,
        Bucket.QUALITY_HOLD: position.quality_hold,
        Bucket.QUARANTINE: position.quarantine,
        Bucket.DISPLAY: position.display,
        Bucket.REPAIR: position.repair,
        Bucket.RETURN_TO_VENDOR: position.return_to_vendor,
    }
    return {bucket: quantity for bucket, quantity in units.items() if quantity}
