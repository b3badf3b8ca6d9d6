"""Which units a hold gets. Pure: decided from the locked rows, by the formulas that answer what may be sold."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from crossdock.availability.formulas import rules as formulas
from crossdock.availability.locations import rules as locations
from crossdock.availability.model import ZERO, HoldRequest
from crossdock.availability.policy.rules import Policy
from crossdock.availability.pools import rules as pools
from crossdock.availability.questions import rules as questions
from crossdock.availability.questions.rules import Question
from crossdock.availability.scene.model import ClaimedBy, Scene
from crossdock.availability.switches.rules import Stops
from crossdock.canonical.base import ChannelCode, LocationCode, ReservationKey, Sku
from crossdock.estate.model import Channel
from crossdock.inventory.model import NEW, Account, PositionKey
from crossdock.inventory.reservations.model import (
    ClaimKind,
    Fill,
    OutOfStock,
    Placement,
    Reserved,
    ReserveLine,
    ReserveRequest,
    Shelf,
    Shortage,
)
from crossdock.inventory.waiting.model import GOODS_ONLY, Beyond, Reach

HOLD_DAYS_MAX: Final = 7
"""For holds whose channel the estate does not have any more."""
NOWHERE: Final[Mapping[Account, Decimal]] = {}


class Want(NamedTuple):
    """Units of an item that a request asks for, and what one of them takes."""

    sku: Sku
    quantity: Decimal
    parts: Mapping[Sku, Decimal]
    """Of a kit its components; of any other item the item itself."""
    buffer: Decimal
    """Kits that are hidden from the channel, however many could be put together."""


class Stand(NamedTuple):
    """One item on one channel: the locations that may serve it, best first, and what each keeps back."""

    asked: Question
    places: tuple[LocationCode, ...]
    kept_back: Mapping[LocationCode, Decimal]
    """Safety stock and staleness allowance."""
    safety: Mapping[LocationCode, Decimal]


@dataclass(frozen=True, slots=True)
class Case:
    """A request as it is decided."""

    request: HoldRequest
    channel: Channel
    wants: Sequence[Want]
    stands: Mapping[Sku, Stand]


def case_of(policy: Policy, scene: Scene, request: HoldRequest) -> Case | None:
    """What a request comes down to; None when there is no such channel."""
    channel = policy.channels.get(request.channel)
    if channel is None:
        return None
    wants: list[Want] = []
    stands: dict[Sku, Stand] = {}
    for sku, quantity in summed(request).items():
        asked = questions.question(policy, scene, channel, sku, request.mode)
        parts = _parts(scene, sku)
        if not parts and not _impossible(scene, sku) and Stops.of(policy, scene, [asked.subject]).anywhere() is None:
            continue  # nobody counts it, nobody stops it: there is nothing to claim
        kit = scene.traits_of(sku).parts is not None
        wants.append(Want(sku, quantity, parts, pools.buffer_of(asked)[0] if kit else ZERO))
        for part in parts:
            stand = _stand(asked, part)
            stands[part] = stand if part not in stands else _narrower(stands[part], stand)
    return Case(request, channel, wants, stands)


def summed(request: HoldRequest) -> Mapping[Sku, Decimal]:
    """Lines of one item are one want: they draw on the same stock."""
    wanted: dict[Sku, Decimal] = {}
    for line in request.lines:
        wanted[line.sku] = wanted.get(line.sku, ZERO) + line.quantity
    return wanted


def _parts(scene: Scene, sku: Sku) -> Mapping[Sku, Decimal]:
    parts = scene.traits_of(sku).parts
    parts = {sku: Decimal(1)} if parts is None else parts
    return {part: units for part, units in parts.items() if scene.traits_of(part).tracked}


def _impossible(scene: Scene, sku: Sku) -> bool:
    parts = scene.traits_of(sku).parts
    return parts is not None and not parts


def _stand(kit: Question, sku: Sku) -> Stand:
    """Of a kit's component, what stops the kit stops it too."""
    asked = kit.about(sku)
    stops = Stops.of(asked.policy, asked.scene, [asked.subject] if asked == kit else [asked.subject, kit.subject])
    places = tuple(
        place
        for place in asked.policy.pool_of(asked.channel).locations
        if locations.barred(asked.policy, stops, place, asked.subject.mode) is None
    )
    listed = asked.policy.safety_stock.placed(asked.subject, asked.now)
    safety = {place: ZERO if (found := listed.of(place)) is None else found.rule.quantity for place in places}
    kept_back = {place: units + locations.staleness(asked, place)[0] for place, units in safety.items()}
    return Stand(asked, places, kept_back, safety)


def _narrower(one: Stand, other: Stand) -> Stand:
    """An item that is asked for by itself and in a kit, of which one may not be sold from everywhere."""
    return one._replace(places=tuple(place for place in one.places if place in other.places))


def latest_end(policy: Policy, channel: ChannelCode, now: datetime) -> datetime:
    """The farthest end that a hold may have."""
    found = policy.channels.get(channel)
    if found is None:
        return now + timedelta(days=HOLD_DAYS_MAX)
    return now + max(timedelta(days=found.hold_days_max), timedelta(minutes=found.hold_minutes))


def reserve_request(case: Case | None, request: HoldRequest, now: datetime) -> ReserveRequest | Reserved | OutOfStock:
    """What inventory is asked for: rows of the channel's whole pool, since all of it decides the limit.

    Nothing need be asked when nobody counts any of the items, or when there is nowhere to take one from.
    """
    if case is None:
        return _refused(request, summed(request))
    expires_at = request.expires_at or now + timedelta(minutes=case.channel.hold_minutes)
    if not case.wants:
        return Reserved(request.key, (), expires_at)
    units: dict[Sku, Decimal] = {}
    for want in case.wants:
        for part, each in want.parts.items():
            units[part] = units.get(part, ZERO) + want.quantity * each
    if not units:
        return _refused(request, {want.sku: want.quantity for want in case.wants})
    kits = any(want.parts.keys() != {want.sku} for want in case.wants)
    return ReserveRequest(
        key=request.key,
        kind=ClaimKind.HOLD,
        lines=[ReserveLine(sku, quantity, case.stands[sku].places) for sku, quantity in units.items()],
        asked=[(want.sku, want.quantity) for want in case.wants] if kits else (),
        expires_at=expires_at,
        fill=request.fill,
        reach=GOODS_ONLY if kits else _reach(case),
        channel=request.channel,
        correlation_id=request.correlation_id,
    )


def _reach(case: Case) -> Reach:
    """How far beyond goods in hand. Not where all units must stand together, and not where a pool keeps shares: what is
    taken of those is only known of goods.
    """
    asked = next(stand.asked for stand in case.stands.values())
    apart = case.channel.split and case.request.location is None
    if not apart or any(pools.shares(stand.asked, ZERO, ()) for stand in case.stands.values()):
        return GOODS_ONLY
    until = None if case.channel.horizon is None else questions.horizon_end(asked)
    return Reach(dated_until=until, backorder_max=None if case.channel.backorder else ZERO)


def _refused(request: HoldRequest, wanted: Mapping[Sku, Decimal]) -> OutOfStock:
    return OutOfStock(request.key, tuple(Shortage(sku, NEW, units, ZERO) for sku, units in wanted.items()))


class Counter:
    """Decides the requests of one batch in their order: each sees what those before it have left."""

    def __init__(self, policy: Policy, claimed: Mapping[ClaimedBy, Decimal], cases: Iterable[Case]) -> None:
        self._policy = policy
        self._cases: Mapping[ReservationKey, Case] = {case.request.key: case for case in cases}
        self._claimed = dict(claimed)

    def place(self, request: ReserveRequest, shelf: Shelf) -> Placement:
        """The placer: up to what the channel may sell of each item, from its locations in their order."""
        case = self._cases[request.key]
        atps = {
            (sku, place): _atp_on(shelf, sku, place, stand.kept_back[place])
            for sku, stand in case.stands.items()
            for place in stand.places
        }
        limits = {sku: self._limit(shelf, stand, atps) for sku, stand in case.stands.items()}
        serving = [
            place for place in self._policy.pool_of(case.channel).locations if case.request.location in {None, place}
        ]
        placement = place_hold(case.wants, limits, atps, serving, split=case.channel.split)
        if placement.shortages and request.reach != GOODS_ONLY:
            beyond = {each.sku: self._beyond(case, each, limits[each.sku]) for each in placement.shortages}
            return replace(placement, beyond=beyond)
        if not placement.shortages or request.fill is Fill.PARTIAL:
            self._count(ChannelCode(case.channel.code), placement)
        return placement

    def _beyond(self, case: Case, shortage: Shortage, limit: Decimal) -> Beyond:
        """Of receipts what is left of the limit, in the queue what a rule allows where anything may be sold from."""
        stand = case.stands[shortage.sku]
        ahead = case.channel.horizon is not None
        backorder, _ = pools.backorder_limit(stand.asked) if stand.places else (ZERO, None)
        return Beyond(max(ZERO, limit - shortage.available) if ahead else ZERO, backorder)

    def _limit(self, shelf: Shelf, stand: Stand, atps: Mapping[tuple[Sku, LocationCode], Decimal]) -> Decimal:
        """`physical` of one item, from the locked rows."""
        asked = stand.asked
        sku = asked.subject.sku
        incoming, _, dated = pools.coming(asked, stand.places)
        since = _promised_on(shelf, sku, stand.places) - sum((each.quantity for each in dated), ZERO)
        incoming -= max(ZERO, since)  # what was promised since the look
        units = formulas.pool((atps[sku, place] for place in stand.places), incoming, pools.unplaced(asked))
        buffer, _ = pools.buffer_of(asked)
        if not asked.policy.segments:
            return formulas.physical(units, ZERO, units, buffer)
        base = sum((_base_on(shelf, sku, place, stand.safety[place]) for place in stand.places), ZERO)
        listed = pools.shares(asked, base, stand.places, claimed=self._claimed)
        keeps = formulas.kept([share for _, _, share in listed], units)
        mine = asked.subject.channel
        own = sum((keep for (owner, _, _), keep in zip(listed, keeps, strict=True) if owner == mine), ZERO)
        return formulas.physical(units, own, formulas.free(units, keeps), buffer)

    def _count(self, channel: ChannelCode, placement: Placement) -> None:
        for key, units in placement.takes.items():
            by = ClaimedBy(key.sku, key.location, channel)
            self._claimed[by] = self._claimed.get(by, ZERO) + units


def place_hold(
    wants: Sequence[Want],
    limits: Mapping[Sku, Decimal],
    atps: Mapping[tuple[Sku, LocationCode], Decimal],
    locations: Sequence[LocationCode],
    *,
    split: bool,
) -> Placement:
    """Take each item's units, at most its limit, from the locations in their order, never into safety stock.

    Without *split* everything comes from one location: the first of those that cover most. Kits are given whole.
    """
    groups = [locations] if split else [(location,) for location in locations]
    best = max((_dealt(wants, limits, group, atps) for group in groups), key=_total, default=_Dealt({}, {}))
    shortages = [
        Shortage(want.sku, NEW, want.quantity, given)
        for want in wants
        if (given := best.given.get(want.sku, ZERO)) < want.quantity
    ]
    return Placement(best.takes, tuple(shortages))


class _Dealt(NamedTuple):
    given: Mapping[Sku, Decimal]
    """By what was asked for."""
    takes: Mapping[PositionKey, Decimal]


def _total(dealt: _Dealt) -> Decimal:
    return sum(dealt.takes.values(), ZERO)


def _dealt(
    wants: Sequence[Want],
    limits: Mapping[Sku, Decimal],
    locations: Sequence[LocationCode],
    atps: Mapping[tuple[Sku, LocationCode], Decimal],
) -> _Dealt:
    room = {
        sku: min(limit, sum((atps.get((sku, place), ZERO) for place in locations), ZERO))
        for sku, limit in limits.items()
    }
    given: dict[Sku, Decimal] = {}
    units: dict[Sku, Decimal] = {}
    for want in wants:
        most = min(want.quantity, _enough_for(want, room))
        given[want.sku] = most
        for part, each in want.parts.items():
            room[part] -= most * each
            units[part] = units.get(part, ZERO) + most * each
    return _Dealt(given, dict(_taken(units, locations, atps)))


def _enough_for(want: Want, room: Mapping[Sku, Decimal]) -> Decimal:
    if want.parts.keys() == {want.sku}:
        return room[want.sku]
    whole = min((formulas.kits(room[part], each) for part, each in want.parts.items()), default=ZERO)
    return max(ZERO, whole - want.buffer)


def _taken(
    units: Mapping[Sku, Decimal],
    locations: Sequence[LocationCode],
    atps: Mapping[tuple[Sku, LocationCode], Decimal],
) -> Iterable[tuple[PositionKey, Decimal]]:
    for sku, wanted in units.items():
        missing = wanted
        for place in locations:
            take = min(missing, atps.get((sku, place), ZERO))
            if take > 0:
                yield PositionKey(sku, place), take
                missing -= take
        assert not missing, (sku, wanted, missing)


def _atp_on(shelf: Shelf, sku: Sku, place: LocationCode, kept_back: Decimal) -> Decimal:
    balances = shelf.get(PositionKey(sku, place))
    return ZERO if balances is None else formulas.atp(balances[Account.AVAILABLE], kept_back)


def _promised_on(shelf: Shelf, sku: Sku, places: Iterable[LocationCode]) -> Decimal:
    """Units of receipts that are promised."""
    return sum((shelf.get(PositionKey(sku, place), NOWHERE).get(Account.DATED, ZERO) for place in places), ZERO)


def _base_on(shelf: Shelf, sku: Sku, place: LocationCode, safety: Decimal) -> Decimal:
    """Goods above the safety stock, promised or not."""
    balances = shelf.get(PositionKey(sku, place), NOWHERE)
    inside = sum(
        (balances.get(account, ZERO) for account in (Account.AVAILABLE, Account.HELD, Account.ALLOCATED)), ZERO
    )
    return max(ZERO, inside - safety)
