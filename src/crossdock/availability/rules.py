"""The formulas of the promise. Pure: positions and rules in, terms out."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Final

from crossdock.availability.model import (
    ZERO,
    Availability,
    HoldRequest,
    HoldTooLong,
    LocationTerm,
    NewTarget,
    Reason,
    Rule,
)
from crossdock.canonical.base import ChannelCode, LocationCode, Sku
from crossdock.canonical.orders import Mode
from crossdock.canonical.stock import Bucket
from crossdock.estate.model import Channel, ChannelBuffer, Estate, Location, SafetyStock
from crossdock.inventory.model import NEW, Account, Position, PositionKey
from crossdock.inventory.reservations.model import (
    ClaimKind,
    Placement,
    Placer,
    Reserved,
    ReserveLine,
    ReserveRequest,
    Shelf,
    Shortage,
)

HOLD_DAYS_MAX: Final = 7
"""For holds whose channel the estate does not have any more."""
LAST_UNITS: Final = Decimal(3)
"""From here down every unit is urgent news: the next sale may be one too many."""


def safety_stock(rules: Sequence[SafetyStock], sku: Sku, location: LocationCode, mode: Mode) -> Rule | None:
    """The last rule that matches."""
    for index in range(len(rules) - 1, -1, -1):
        rule = rules[index]
        if (
            rule.sku in {None, sku}
            and rule.location in {None, location}
            and rule.mode in {None, mode}
            and rule.category is None
        ):
            return Rule("safety_stock", index, rule.quantity)
    return None


def channel_buffer(rules: Sequence[ChannelBuffer], sku: Sku, channel: ChannelCode) -> Rule | None:
    """The last rule that matches."""
    for index in range(len(rules) - 1, -1, -1):
        rule = rules[index]
        if rule.sku in {None, sku} and rule.channel in {None, channel} and rule.category is None:
            return Rule("channel_buffers", index, rule.quantity)
    return None


@dataclass(frozen=True, slots=True)
class Policy:
    """The estate as the formulas look things up in it."""

    estate: Estate
    channels: Mapping[str, Channel]
    locations: Mapping[str, Location]

    @classmethod
    def of(cls, estate: Estate) -> "Policy":
        """Index an estate once per batch."""
        return cls(
            estate,
            {channel.code: channel for channel in estate.channels},
            {location.code: location for location in estate.locations},
        )


def barred(policy: Policy, location: LocationCode, mode: Mode) -> Reason | None:
    """Why a location of the pool may not serve; None when it may."""
    found = policy.locations.get(location)
    if found is None:
        return Reason.UNKNOWN_LOCATION
    if not found.active:
        return Reason.LOCATION_INACTIVE
    if mode not in found.modes:
        return Reason.MODE_NOT_SERVED
    return None


def atp(available: Decimal, safety: Decimal, staleness: Decimal = ZERO) -> Decimal:
    """What an eligible location may give, clamped here: one location's lack never eats another one's stock."""
    return max(ZERO, available - safety - staleness)


def pool(atps: Iterable[Decimal], incoming: Decimal = ZERO, unplaced: Decimal = ZERO) -> Decimal:
    """What all locations of a channel may give together."""
    return max(ZERO, sum(atps, ZERO) + incoming - unplaced)


def physical(pool_units: Decimal, own_segment: Decimal, free: Decimal, buffer: Decimal) -> Decimal:
    """What the channel may sell of goods in hand: its own segment first, then what no segment keeps."""
    return max(ZERO, min(pool_units, own_segment + free) - buffer)


def backorder(limit: Decimal, terms: Iterable[LocationTerm]) -> Decimal:
    """What may be sold without goods: shortfall that exists already uses the limit up first."""
    eligible = [term for term in terms if term.eligible]
    if not eligible:
        return ZERO
    return max(ZERO, limit - sum((term.backordered + term.short for term in eligible), ZERO))


def location_term(
    policy: Policy, sku: Sku, location: LocationCode, mode: Mode, position: Position | None
) -> LocationTerm:
    """One location's part of the answer."""
    bar = barred(policy, location, mode)
    if position is None:
        return LocationTerm(location=location, unavailable={}, reason=bar or Reason.NEVER_SEEN)
    rule = safety_stock(policy.estate.safety_stock, sku, location, mode)
    safety = ZERO if rule is None else rule.quantity
    units = ZERO if bar is not None else atp(position.available, safety)
    return LocationTerm(
        location=location,
        on_hand=position.on_hand,
        unavailable=_buckets(position),
        held=position.held,
        allocated=position.allocated,
        available=position.available,
        short=position.short,
        backordered=position.backordered,
        safety_stock=safety,
        safety_rule=rule,
        atp=units,
        reason=None if units > 0 else bar or _why_nothing(position),
        changed_at=position.changed_at,
        happened_at=position.happened_at,
        version=position.version,
    )


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


def _why_nothing(position: Position) -> Reason:
    if position.on_hand <= 0:
        return Reason.NO_STOCK
    if position.on_hand <= position.unavailable:
        return Reason.UNAVAILABLE
    if position.available <= 0:
        return Reason.CLAIMED
    return Reason.SAFETY_STOCK


def evaluate(
    policy: Policy,
    sku: Sku,
    channel_code: ChannelCode,
    positions: Mapping[PositionKey, Position],
    *,
    mode: Mode,
    as_of: datetime,
    tracked: bool = True,
) -> Availability:
    """The whole answer for an item on a channel."""
    channel = policy.channels.get(channel_code)
    if channel is None:
        return Availability(
            sku=sku, channel=channel_code, mode=mode, as_of=as_of, published=ZERO, reasons=(Reason.UNKNOWN_CHANNEL,)
        )
    if not tracked:
        most = channel.publish_max
        return Availability(
            sku=sku, channel=channel_code, mode=mode, as_of=as_of, tracked=False, publish_max=most, published=most
        )
    terms = tuple(
        location_term(policy, sku, location, mode, positions.get(PositionKey(sku, location, NEW)))
        for location in channel.pool
    )
    units = pool(term.atp for term in terms)
    rule = channel_buffer(policy.estate.channel_buffers, sku, channel_code)
    buffer = ZERO if rule is None else rule.quantity
    in_hand = physical(units, ZERO, units, buffer)
    without_goods = backorder(ZERO, terms)
    sellable = in_hand + without_goods
    published = sellable if channel.publish_max is None else min(sellable, channel.publish_max)
    return Availability(
        sku=sku,
        channel=channel_code,
        mode=mode,
        as_of=as_of,
        locations=terms,
        pool=units,
        free=units,
        channel_buffer=buffer,
        buffer_rule=rule,
        physical=in_hand,
        backorder=without_goods,
        sellable=sellable,
        publish_max=channel.publish_max,
        published=published,
        reasons=_reasons(terms, units, sellable, published),
    )


def _reasons(
    terms: Sequence[LocationTerm], units: Decimal, sellable: Decimal, published: Decimal
) -> tuple[Reason, ...]:
    if published > 0:
        return ()
    if sellable > 0:
        return (Reason.PUBLISH_MAX,)
    if units > 0:
        return (Reason.CHANNEL_BUFFER,)
    if not terms:
        return (Reason.EMPTY_POOL,)
    return tuple(dict.fromkeys(term.reason for term in terms if term.reason is not None))


# ---------------------------------------------------------------------------------------------------------- holds


def reserve_request(
    policy: Policy, request: HoldRequest, untracked: Collection[Sku], now: datetime
) -> ReserveRequest | Reserved | HoldTooLong:
    """What inventory is asked for: all of the channel's eligible locations, since the whole pool decides the limit.

    Nothing need be asked when nobody counts any of the items.
    """
    latest = latest_end(policy, request.channel, now)
    if request.expires_at is not None and request.expires_at > latest:
        return HoldTooLong(latest)
    channel = policy.channels.get(request.channel)
    minutes = 0 if channel is None else channel.hold_minutes
    expires_at = request.expires_at or now + timedelta(minutes=minutes)
    pool_of = () if channel is None else channel.pool
    locations = [location for location in pool_of if barred(policy, location, request.mode) is None]
    lines = [ReserveLine(line.sku, line.quantity, locations) for line in request.lines if line.sku not in untracked]
    if not lines:
        return Reserved(request.key, (), expires_at)
    return ReserveRequest(
        key=request.key,
        kind=ClaimKind.HOLD,
        lines=lines,
        expires_at=expires_at,
        fill=request.fill,
        channel=request.channel,
        correlation_id=request.correlation_id,
    )


def latest_end(policy: Policy, channel: ChannelCode, now: datetime) -> datetime:
    """The farthest end that a hold may have."""
    found = policy.channels.get(channel)
    if found is None:
        return now + timedelta(days=HOLD_DAYS_MAX)
    return now + max(timedelta(days=found.hold_days_max), timedelta(minutes=found.hold_minutes))


def placer_for(policy: Policy, requests: Iterable[HoldRequest]) -> Placer:
    """Place holds up to what their channel may sell, as it stands after the requests before them in the batch."""
    by_key = {request.key: request for request in requests}

    @cache
    def safety_of(sku: Sku, location: LocationCode, mode: Mode) -> Decimal:
        rule = safety_stock(policy.estate.safety_stock, sku, location, mode)
        return ZERO if rule is None else rule.quantity

    @cache
    def buffer_of(sku: Sku, channel: ChannelCode) -> Decimal:
        rule = channel_buffer(policy.estate.channel_buffers, sku, channel)
        return ZERO if rule is None else rule.quantity

    def place(request: ReserveRequest, shelf: Shelf) -> Placement:
        asked = by_key[request.key]
        channel = policy.channels.get(asked.channel)
        wanted = _summed(request)
        pool_of = request.lines[0].locations
        atps = {
            (sku, location): _atp_on(shelf, sku, location, safety_of(sku, location, asked.mode))
            for sku in wanted
            for location in pool_of
        }
        limits = {}
        for sku, quantity in wanted.items():
            units = pool(atps[sku, location] for location in pool_of)
            limits[sku] = min(quantity, physical(units, ZERO, units, buffer_of(sku, asked.channel)))
        serving = [location for location in pool_of if asked.location in {None, location}]
        return place_hold(wanted, limits, atps, serving, split=channel is None or channel.split)

    return place


def place_hold(
    wanted: Mapping[Sku, Decimal],
    limits: Mapping[Sku, Decimal],
    atps: Mapping[tuple[Sku, LocationCode], Decimal],
    locations: Sequence[LocationCode],
    *,
    split: bool,
) -> Placement:
    """Take each item's units, at most its limit, from the locations in their order, never into safety stock.

    Without *split* everything comes from one location: the first of those that cover most.
    """
    groups = [locations] if split else [(location,) for location in locations]
    best = max((_take(limits, group, atps) for group in groups), key=lambda takes: sum(takes.values()), default={})
    got = dict.fromkeys(wanted, ZERO)
    for key, units in best.items():
        got[key.sku] += units
    shortages = [Shortage(sku, NEW, units, got[sku]) for sku, units in wanted.items() if got[sku] < units]
    return Placement(best, tuple(shortages))


def _take(
    limits: Mapping[Sku, Decimal],
    locations: Sequence[LocationCode],
    atps: Mapping[tuple[Sku, LocationCode], Decimal],
) -> dict[PositionKey, Decimal]:
    takes: dict[PositionKey, Decimal] = {}
    for sku, limit in limits.items():
        missing = limit
        for location in locations:
            take = min(missing, atps[sku, location])
            if take > 0:
                takes[PositionKey(sku, location)] = take
                missing -= take
    return takes


def _summed(request: ReserveRequest) -> Mapping[Sku, Decimal]:
    wanted: dict[Sku, Decimal] = {}
    for line in request.lines:
        wanted[line.sku] = wanted.get(line.sku, ZERO) + line.quantity
    return wanted


def _atp_on(shelf: Shelf, sku: Sku, location: LocationCode, safety: Decimal) -> Decimal:
    balances = shelf.get(PositionKey(sku, location))
    return ZERO if balances is None else atp(balances[Account.AVAILABLE], safety)


# ---------------------------------------------------------------------------------------------------- publication


def urgent(before: Decimal | None, after: Decimal) -> bool:
    """News that cannot wait: gone, back again, or nearly gone."""
    return after <= LAST_UNITS or before == 0


def changes(current: Mapping[tuple[ChannelCode, Sku], Decimal], fresh: Iterable[Availability]) -> Iterator[NewTarget]:
    """The numbers that differ from what the channel shall show so far."""
    for answer in fresh:
        if answer.published is None:
            continue
        before = current.get((answer.channel, answer.sku))
        if before != answer.published:
            yield NewTarget(answer.channel, answer.sku, answer.published, urgent(before, answer.published))
