"""Any retailer, any stock: strategies, and the formula of the design written down a second time, as plainly as it reads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, NamedTuple, TypeVar

from hypothesis import strategies as st

from crossdock.availability import rules
from crossdock.availability.model import ZERO, Availability
from crossdock.availability.policy.rules import Policy
from crossdock.availability.scene.model import ClaimedBy, Expected, Scene, Unplaced
from crossdock.availability.switches.model import Switch
from crossdock.canonical.base import ChannelCode, LocationCode, Sku
from crossdock.canonical.orders import Mode
from crossdock.catalog.model import Traits
from crossdock.estate.model import (
    BackorderLimit,
    Channel,
    ChannelBuffer,
    Company,
    Estate,
    Location,
    LocationGroup,
    LocationKind,
    Pool,
    PublishLimit,
    SafetyStock,
    Segment,
    Staleness,
    StopSell,
    duration,
)
from crossdock.foundation.ids import new_id
from crossdock.inventory.model import Position, PositionKey
from inventory.shop_floor import DC, NOW, SHOP, STORE, A, B

R = TypeVar("R")
KIT: Final = Sku("KIT")
WEB, APP, MARKET = ChannelCode("web"), ChannelCode("app"), ChannelCode("market")
CHANNELS: Final = (WEB, APP, MARKET)
PLACES: Final = (DC, STORE, SHOP)
HOUR: Final = timedelta(hours=1)

quantities = st.decimals(min_value=0, max_value=20, places=1)
whole = st.integers(min_value=0, max_value=20).map(Decimal)
moments = st.integers(min_value=-50, max_value=50).map(lambda hours: NOW + hours * HOUR)
skus = st.sampled_from([None, A, B, KIT])
categories = st.sampled_from([None, "food", "food.tea", "toys"])
channels = st.sampled_from([None, *CHANNELS])
locations = st.sampled_from([None, *PLACES])
groups = st.sampled_from([None, "stores", "all"])
modes = st.sampled_from([None, *Mode])


def window(draw: st.DrawFn) -> tuple[datetime | None, datetime | None]:
    since, until = draw(st.none() | moments), draw(st.none() | moments)
    return since, None if since is not None and until is not None and until <= since else until


@st.composite
def segments(draw: st.DrawFn, *, percent: bool = True) -> Segment:
    in_percent = percent and draw(st.booleans())
    since, until = window(draw)
    return Segment(
        channel=draw(st.sampled_from(CHANNELS)),
        units=None if in_percent else draw(quantities),
        percent=draw(st.integers(0, 100).map(Decimal)) if in_percent else None,
        sku=draw(skus),
        category=draw(categories),
        give_back_at=draw(st.none() | quantities),
        since=since,
        until=until,
    )


@st.composite
def stops(draw: st.DrawFn) -> StopSell:
    since, until = window(draw)
    return StopSell(
        stop=draw(st.booleans()), sku=draw(skus), category=draw(categories), channel=draw(channels),
        location=draw(locations), group=draw(groups), mode=draw(modes), since=since, until=until,
    )  # fmt: skip


@st.composite
def backorder_limits(draw: st.DrawFn) -> BackorderLimit:
    since, until = window(draw)
    return BackorderLimit(
        quantity=draw(quantities), pool=draw(st.sampled_from([None, "online", MARKET])), sku=draw(skus),
        category=draw(categories), since=since, until=until,
    )  # fmt: skip


@st.composite
def publish_limits(draw: st.DrawFn) -> PublishLimit:
    least, most = draw(st.none() | quantities), draw(st.none() | quantities)
    return PublishLimit(
        minimum=Decimal(1) if least is None and most is None else least, maximum=most,
        channel=draw(channels), sku=draw(skus), category=draw(categories), mode=draw(modes),
    )  # fmt: skip


safety_rules = st.lists(
    st.builds(
        SafetyStock, quantity=quantities, sku=skus, category=categories, location=locations, group=groups, mode=modes
    ),
    max_size=4,
)
buffer_rules = st.lists(
    st.builds(ChannelBuffer, quantity=quantities, channel=channels, sku=skus, category=categories, mode=modes),
    max_size=3,
)
stale_rules = st.lists(
    st.builds(
        Staleness,
        grace=st.sampled_from(["0m", "30m", "2h"]),
        factor=quantities,
        sku=skus,
        category=categories,
        location=locations,
        group=groups,
    ),
    max_size=2,
)


@st.composite
def estates(draw: st.DrawFn, *, percent: bool = True, split: bool | None = None) -> Estate:
    """Three places, two channels on one pool, a third on a pool that shares a place with it."""
    closed = draw(st.sampled_from([None, *PLACES]))
    own_pool = draw(st.permutations(PLACES))[: draw(st.integers(1, 3))]

    def channel(code: ChannelCode, pool: tuple[LocationCode, ...] | str) -> Channel:
        return Channel(
            code=code, name=code, currency="EUR", pool=pool, backorder=draw(st.booleans()),
            split=draw(st.booleans()) if split is None else split,
            horizon=draw(st.sampled_from([None, "0m", "12h", "2d"])), publish_max=draw(st.none() | quantities),
        )  # fmt: skip

    return Estate(
        company=Company(name="Corner shops", currency="EUR"),
        locations=tuple(
            Location(
                code=code, name=code, kind=LocationKind.STORE, active=code != closed, told_by=("till", "."),
                modes=(Mode.SHIP,) if code == DC else (Mode.SHIP, Mode.PICKUP),
            )
            for code in PLACES
        ),
        location_groups=(
            LocationGroup(code="stores", members=(STORE, SHOP)), LocationGroup(code="all", members=("stores", DC)),
        ),
        pools=(Pool(code="online", members=(DC, "stores")),),
        channels=(channel(WEB, "online"), channel(APP, "online"), channel(MARKET, tuple(own_pool))),
        safety_stock=tuple(draw(safety_rules)),
        channel_buffers=tuple(draw(buffer_rules)),
        segments=tuple(draw(st.lists(segments(percent=percent), max_size=3))),
        backorder_limits=tuple(draw(st.lists(backorder_limits(), max_size=2))),
        staleness=tuple(draw(stale_rules)),
        publish_limits=tuple(draw(st.lists(publish_limits(), max_size=2))),
        stop_sell=tuple(draw(st.lists(stops(), max_size=2))),
    )  # fmt: skip


@st.composite
def stock(draw: st.DrawFn, sku: Sku) -> dict[PositionKey, Position]:
    found = {}
    for place in draw(st.lists(st.sampled_from(PLACES), unique=True)):
        found[PositionKey(sku, place)] = Position(
            sku=sku, location=place, on_hand=draw(st.decimals(min_value=-10, max_value=40, places=1)),
            damaged=draw(quantities), held=draw(quantities), allocated=draw(quantities),
            backordered=draw(quantities), changed_at=NOW, happened_at=NOW,
        )  # fmt: skip
    return found


@st.composite
def expectations(draw: st.DrawFn) -> Expected:
    return Expected(draw(st.sampled_from(PLACES)), draw(moments), draw(quantities))


@st.composite
def switches(draw: st.DrawFn) -> Switch:
    item = draw(st.sampled_from([(A, None), (KIT, None), (None, "food"), (None, None)]))
    channel = draw(channels)
    return Switch(
        id=new_id(), sku=item[0], category=item[1], channel=channel,
        location=draw(st.sampled_from(PLACES)) if item == (None, None) and channel is None else draw(locations),
        owner="ops", reason="", since=NOW, until=None,
    )  # fmt: skip


@st.composite
def scenes(draw: st.DrawFn, *, calm: bool = False) -> Scene:
    """What is known of two items and a kit of both. *calm*: only stock, claims and items."""
    claims = {
        ClaimedBy(sku, place, channel): draw(quantities)
        for sku in (A, B)
        for place in draw(st.lists(st.sampled_from(PLACES), unique=True))
        for channel in draw(st.lists(st.sampled_from(CHANNELS), unique=True))
    }
    scene = Scene(
        as_of=NOW,
        positions={**draw(stock(A)), **draw(stock(B))},
        traits={
            A: Traits(category=draw(st.sampled_from(["", "food", "food.tea"]))),
            B: Traits(tracked=draw(st.sampled_from([True, True, False]))),
            KIT: Traits(category="toys", parts={A: draw(whole.filter(bool)), B: Decimal("0.5")}),
        },
        claimed=claims,
    )
    if calm:
        return scene
    return replace(
        scene,
        unplaced={A: draw(st.lists(st.builds(Unplaced, st.sampled_from(CHANNELS), quantities), max_size=2))},
        receipts={A: draw(st.lists(expectations(), max_size=4))},
        dated={A: draw(st.lists(expectations(), max_size=3))},
        sold={(A, place): draw(quantities) for place in PLACES},
        heard={"till": draw(moments.filter(lambda at: at <= NOW)), f"@{STORE}": draw(moments)},
        switches=draw(st.lists(switches(), max_size=1)),
    )


def answer(
    estate: Estate, scene: Scene, sku: Sku = A, channel: ChannelCode = WEB, mode: Mode = Mode.SHIP
) -> Availability:
    return rules.evaluate(Policy.of(estate), scene, sku, channel, mode=mode)


# ------------------------------------------------------------------------------------- the design's formula, once more


class Numbers(NamedTuple):
    pool: Decimal
    physical: Decimal
    sellable: Decimal
    published: Decimal | None


class Told(NamedTuple):
    """Who asks for what."""

    estate: Estate
    scene: Scene
    sku: Sku
    channel: Channel
    mode: Mode
    kit: Sku | None = None


def plain(told: Told) -> Numbers:
    """The formula for an item that is counted, without any cleverness."""
    estate, scene, sku = told.estate, told.scene, told.sku
    pool_code, places = estate.pool_of(told.channel)
    able = [place for place in places if _eligible(told, place)]
    standing = {place: scene.positions.get(PositionKey(sku, place)) for place in able}
    atps = ZERO
    base = owed = ZERO
    for place, position in standing.items():
        if position is not None:
            safety = _quantity(last(told, estate.safety_stock, place))
            atps += max(ZERO, position.available - safety - _allowance(told, place))
            base += max(ZERO, position.on_hand - position.unavailable - safety)
            owed += position.backordered + position.short
    pool = max(ZERO, atps + _incoming(told, able) - _unplaced(told))
    remaining: dict[str, Decimal] = {}
    given_back = ZERO
    for other in estate.channels:
        rule = last(told._replace(channel=other), estate.segments) if estate.pool_of(other).code == pool_code else None
        if rule is not None:
            share = base * (rule.percent or ZERO) / 100
            size = share.to_integral_value(ROUND_FLOOR) if rule.units is None else rule.units
            used = sum(
                (scene.claimed.get(ClaimedBy(sku, place, ChannelCode(other.code)), ZERO) for place in able), ZERO
            )
            keep = max(ZERO, size - used)
            if rule.give_back_at is not None:
                keep = min(keep, max(ZERO, pool - rule.give_back_at - given_back))
                given_back += keep
            remaining[other.code] = keep
    free = max(ZERO, pool - sum(remaining.values()))
    buffer = _quantity(last(told, estate.channel_buffers))
    physical = max(ZERO, min(pool, remaining.get(told.channel.code, ZERO) + free) - buffer)
    limit = _quantity(last(told, estate.backorder_limits)) if told.channel.backorder and able else ZERO
    sellable = physical + max(ZERO, limit - owed)
    return Numbers(pool, physical, sellable, limited(told, sellable))


def limited(told: Told, sellable: Decimal) -> Decimal:
    """What the channel is told."""
    listed = list(matching(told, told.estate.publish_limits))
    least = next((rule.minimum for rule in listed if rule.minimum is not None), ZERO)
    most = next((rule.maximum for rule in listed if rule.maximum is not None), told.channel.publish_max)
    if sellable < least:
        return ZERO
    return sellable if most is None else min(sellable, most)


def last(told: Told, listed: Sequence[R], place: LocationCode | None = None) -> R | None:
    return next(matching(told, listed, place), None)


def matching(told: Told, listed: Sequence[R], place: LocationCode | None = None) -> Iterator[R]:
    for rule in reversed(listed):
        category = told.scene.traits_of(told.sku).category
        wanted = getattr(rule, "category", None)
        named, group = getattr(rule, "location", None), getattr(rule, "group", None)
        since, until = getattr(rule, "since", None), getattr(rule, "until", None)
        if (
            getattr(rule, "sku", None) in {None, told.sku}
            and (wanted is None or f"{category}.".startswith(f"{wanted}."))
            and getattr(rule, "channel", None) in {None, told.channel.code}
            and getattr(rule, "pool", None) in {None, told.estate.pool_of(told.channel).code}
            and getattr(rule, "mode", None) in {None, told.mode}
            and named in {None, place}
            and (group is None or place in told.estate.locations_of([group]))
            and (since is None or since <= NOW)
            and (until is None or until > NOW)
        ):
            yield rule


def stopped(told: Told, place: LocationCode | None) -> bool:
    category = told.scene.traits_of(told.sku).category
    rule = last(told, told.estate.stop_sell, place)
    return (rule is not None and rule.stop) or any(
        switch.sku in {None, told.sku}
        and (switch.category is None or f"{category}.".startswith(f"{switch.category}."))
        and switch.channel in {None, told.channel.code}
        and switch.location in {None, place}
        for switch in told.scene.switches
    )


def _eligible(told: Told, place: LocationCode) -> bool:
    location = told.estate.location(place)
    if location is None or not location.active or told.mode not in location.modes:
        return False
    return not stopped(told, place) and not (told.kit is not None and stopped(told._replace(sku=told.kit), place))


def _quantity(rule: SafetyStock | ChannelBuffer | BackorderLimit | None) -> Decimal:
    return ZERO if rule is None else rule.quantity


def _allowance(told: Told, place: LocationCode) -> Decimal:
    rule = last(told, told.estate.staleness, place)
    names = [name for name in ("till", f"@{place}") if name in told.scene.heard]
    if rule is None or not names:
        return ZERO
    silent = NOW - min(told.scene.heard[name] for name in names) - duration(rule.grace)
    hours = Decimal(max(0, int(silent.total_seconds()))) / 3600
    units = hours * told.scene.sold.get((told.sku, place), ZERO) * rule.factor
    return units.to_integral_value(ROUND_CEILING)


def _unplaced(told: Told) -> Decimal:
    mine = set(told.estate.pool_of(told.channel).locations)
    theirs = {channel.code: set(told.estate.pool_of(channel).locations) for channel in told.estate.channels}
    return sum((each.quantity for each in told.scene.unplaced.get(told.sku, ()) if mine & theirs[each.channel]), ZERO)


def _incoming(told: Told, able: Sequence[LocationCode]) -> Decimal:
    until = NOW if told.channel.horizon is None else NOW + duration(told.channel.horizon)
    receipts = [r for r in told.scene.receipts.get(told.sku, ()) if r.location in able and r.due_at >= NOW]
    dated = [d for d in told.scene.dated.get(told.sku, ()) if d.location in able]
    return lowest_balance(receipts, dated, until)


def lowest_balance(receipts: Sequence[Expected], dated: Sequence[Expected], until: datetime) -> Decimal:
    moments = [until, *(each.due_at for each in (*receipts, *dated) if each.due_at > until)]
    return min(
        sum((r.quantity for r in receipts if r.due_at <= at), ZERO)
        - sum((d.quantity for d in dated if d.due_at <= at), ZERO)
        for at in moments
    )


def plain_kit(told: Told, parts: Mapping[Sku, Decimal]) -> Numbers | None:
    """The fewest times that a component contains what a kit takes; None when nobody counts any of them."""
    each = {part: plain(told._replace(sku=part, kit=told.sku)) for part in parts if told.scene.traits_of(part).tracked}
    if not each:
        return None
    goods = min((each[part].physical / parts[part]).to_integral_value(ROUND_FLOOR) for part in each)
    in_all = min((each[part].sellable / parts[part]).to_integral_value(ROUND_FLOOR) for part in each)
    physical = max(ZERO, goods - _quantity(last(told, told.estate.channel_buffers)))
    sellable = physical + in_all - goods
    return Numbers(goods, physical, sellable, limited(told, sellable))
