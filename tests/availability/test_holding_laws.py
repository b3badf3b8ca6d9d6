"""Laws of granting: what may be sold is what is granted, in any order, by any channel, never more than is there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from availability.worlds import APP, CHANNELS, KIT, PLACES, WEB, answer, estates, quantities, scenes
from crossdock.availability.holding import rules as holding
from crossdock.availability.model import ZERO, Availability, HoldLine, HoldRequest
from crossdock.availability.policy.rules import Policy
from crossdock.availability.scene.model import ClaimedBy, Scene
from crossdock.canonical.base import ChannelCode, LocationCode, ReservationKey, Sku
from crossdock.canonical.orders import Mode
from crossdock.estate.model import Estate
from crossdock.inventory.model import Account, PositionKey
from crossdock.inventory.reservations.model import Fill, OutOfStock, Placement, ReserveRequest
from inventory.shop_floor import NOW, A, B

some = st.decimals(min_value=Decimal("0.1"), max_value=30, places=1)
whole = st.integers(1, 12).map(Decimal)
asked_for = st.sampled_from([A, B, KIT]).flatmap(lambda sku: st.tuples(st.just(sku), whole if sku == KIT else some))
carts = st.lists(asked_for, min_size=1, max_size=3)
lists_of_carts = st.lists(
    st.tuples(st.sampled_from(CHANNELS), carts, st.sampled_from(Fill), st.sampled_from([None, *PLACES])), max_size=8
)


@dataclass
class Floor:
    """Positions that move with every grant, as the locked rows do."""

    estate: Estate
    scene: Scene
    granted: list[Placement] = field(default_factory=list)

    def shelf(self) -> Mapping[PositionKey, Mapping[Account, Decimal]]:
        return {
            key: {Account.AVAILABLE: each.available, Account.HELD: each.held, Account.ALLOCATED: each.allocated}
            for key, each in self.scene.positions.items()
        }

    def ask(
        self,
        channel: ChannelCode,
        lines: Sequence[tuple[Sku, Decimal]],
        *,
        fill: Fill = Fill.ALL,
        location: LocationCode | None = None,
        mode: Mode = Mode.SHIP,
    ) -> Placement | None:
        """None: nobody counts what is asked for."""
        request = HoldRequest(
            key=ReservationKey("cart"), channel=channel, lines=[HoldLine(*line) for line in lines], mode=mode,
            fill=fill, location=location,
        )  # fmt: skip
        policy = Policy.of(self.estate)
        case = holding.case_of(policy, self.scene, request)
        asked = holding.reserve_request(case, request, NOW)
        assert case is not None
        if isinstance(asked, OutOfStock):
            return Placement({}, asked.shortages)
        if not isinstance(asked, ReserveRequest):
            return None
        placement = holding.Counter(policy, self.scene.claimed, [case]).place(asked, self.shelf())
        if not placement.shortages or fill is Fill.PARTIAL:
            self._grant(channel, placement)
        return placement

    def _grant(self, channel: ChannelCode, placement: Placement) -> None:
        positions, claimed = dict(self.scene.positions), dict(self.scene.claimed)
        for key, units in placement.takes.items():
            positions[key] = replace(positions[key], held=positions[key].held + units)
            by = ClaimedBy(key.sku, key.location, channel)
            claimed[by] = claimed.get(by, ZERO) + units
        self.scene = replace(self.scene, positions=positions, claimed=claimed)
        self.granted.append(placement)

    def look(self, channel: ChannelCode, sku: Sku = A) -> Availability:
        return answer(self.estate, self.scene, sku, channel)


@given(estates(split=True), scenes(), st.sampled_from(CHANNELS), st.sampled_from([A, KIT]), whole)
def test_a_hold_is_granted_up_to_what_may_be_sold_of_goods_and_not_a_unit_further(
    estate: Estate, scene: Scene, channel: ChannelCode, sku: Sku, quantity: Decimal
) -> None:
    scene = replace(scene, receipts={})  # what is still to come cannot be held yet
    found = answer(estate, scene, sku, channel)

    placement = Floor(estate, scene).ask(channel, [(sku, quantity)], fill=Fill.PARTIAL)

    assert placement is not None
    missing = sum((short.wanted - short.available for short in placement.shortages), ZERO)
    assert quantity - missing == min(quantity, found.physical)
    if sku == A:
        assert sum(placement.takes.values(), ZERO) == quantity - missing


@given(estates(), scenes(), lists_of_carts)
def test_however_channels_take_turns_no_location_gives_what_it_has_not(
    estate: Estate, scene: Scene, turns: list[tuple[ChannelCode, list[tuple[Sku, Decimal]], Fill, LocationCode | None]]
) -> None:
    floor = Floor(estate, scene)
    for channel, lines, fill, location in turns:
        before = {(term.location, sku): term.atp for sku in (A, B) for term in floor.look(channel, sku).locations}
        placement = floor.ask(channel, lines, fill=fill, location=location)
        if placement is None:
            continue
        assert all(ZERO < units <= before[key.location, key.sku] for key, units in placement.takes.items())
        assert location is None or {key.location for key in placement.takes} <= {location}
        served = estate.channel(channel)
        assert served is not None
        assert served.split or len({key.location for key in placement.takes}) <= 1

    taken: dict[PositionKey, Decimal] = {}
    for placement in floor.granted:
        for key, units in placement.takes.items():
            taken[key] = taken.get(key, ZERO) + units
    assert all(units <= max(ZERO, scene.positions[key].available) for key, units in taken.items())


@given(estates(split=True), scenes(calm=True), st.lists(st.tuples(st.sampled_from([A, B, KIT]), whole), max_size=6))
def test_components_that_kits_and_singles_share_are_counted_once(
    estate: Estate, scene: Scene, wanted: list[tuple[Sku, Decimal]]
) -> None:
    """In one cart or in many, what goes out of a shelf is what the items asked for take of it."""
    parts = scene.traits_of(KIT).parts
    assert parts is not None
    floor = Floor(estate, scene)
    expected = {A: ZERO, B: ZERO}

    for sku, quantity in wanted:
        cart = [(sku, quantity), (KIT, Decimal(1))]
        placement = floor.ask(WEB, cart)
        if placement is not None and not placement.shortages:
            for asked, units in cart:
                for part, each in (parts if asked == KIT else {asked: Decimal(1)}).items():
                    expected[part] += units * each

    for sku in (A, B):
        held = sum((each.held for key, each in floor.scene.positions.items() if key.sku == sku), ZERO)
        was = sum((each.held for key, each in scene.positions.items() if key.sku == sku), ZERO)
        assert held - was == (expected[sku] if scene.traits_of(sku).tracked else ZERO)


@given(estates(split=True), scenes(calm=True), st.lists(st.tuples(st.sampled_from(CHANNELS), some), max_size=6))
def test_a_segment_protects_its_channel_whatever_the_others_take(
    estate: Estate, scene: Scene, turns: list[tuple[ChannelCode, Decimal]]
) -> None:
    """Channels of its own pool, that is, and until it is given back: `estate check` warns of strangers."""
    floor = Floor(estate, scene)
    begin = floor.look(APP)
    if begin.kept > begin.pool or any(rule.give_back_at is not None for rule in estate.segments):
        return
    safe = max(ZERO, min(begin.pool, begin.own_segment) - begin.channel_buffer)

    for channel, quantity in turns:
        if channel == WEB:
            floor.ask(WEB, [(A, quantity)], fill=Fill.PARTIAL)

    assert floor.look(APP).physical >= safe


@given(estates(split=True), scenes(calm=True), st.sampled_from(CHANNELS), quantities)
def test_a_channel_uses_its_own_segment_before_what_is_free(
    estate: Estate, scene: Scene, channel: ChannelCode, quantity: Decimal
) -> None:
    floor = Floor(estate, scene)
    before = floor.look(channel)
    if any(rule.give_back_at is not None for rule in estate.segments) or before.kept > before.pool or not quantity:
        return
    others = {term.channel: term.remaining for term in before.segments if term.channel != channel}

    placement = floor.ask(channel, [(A, quantity)], fill=Fill.PARTIAL)

    assert placement is not None
    taken = sum(placement.takes.values(), ZERO)
    after = floor.look(channel)
    assert after.own_segment == max(ZERO, before.own_segment - taken)
    assert after.free == before.free - max(ZERO, taken - before.own_segment)
    assert {term.channel: term.remaining for term in after.segments if term.channel != channel} == others
