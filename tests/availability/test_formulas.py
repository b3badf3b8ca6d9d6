"""Laws of the formulas, for any stock and any rules."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from availability.shop_window import MARKET, WEB, estate
from crossdock.availability import rules
from crossdock.availability.model import ZERO, Availability, HoldLine, HoldRequest
from crossdock.canonical.base import ReservationKey
from crossdock.canonical.orders import Mode
from crossdock.estate.model import ChannelBuffer, Estate, SafetyStock
from crossdock.inventory.model import Account, Position, PositionKey
from crossdock.inventory.reservations.model import Fill, ReserveRequest
from inventory.shop_floor import DC, NOW, SHOP, STORE, A

PLACES = (DC, STORE, SHOP)
quantities = st.decimals(min_value=0, max_value=20, places=1)
safety_rules = st.lists(
    st.builds(
        SafetyStock,
        quantity=quantities,
        sku=st.sampled_from([None, A, "other"]),
        location=st.sampled_from([None, *PLACES]),
        mode=st.sampled_from([None, *Mode]),
    ),
    max_size=4,
)
buffer_rules = st.lists(
    st.builds(ChannelBuffer, quantity=quantities, channel=st.sampled_from([None, WEB, MARKET])), max_size=3
)
estates = st.builds(
    estate,
    safety=safety_rules,
    buffers=buffer_rules,
    split=st.booleans(),
    closed=st.lists(st.sampled_from(PLACES), max_size=2),
    publish_max=st.one_of(st.none(), quantities),
)


@st.composite
def shelves(draw: st.DrawFn) -> dict[PositionKey, Position]:
    found = {}
    for place in draw(st.lists(st.sampled_from(PLACES), unique=True)):
        found[PositionKey(A, place)] = Position(
            sku=A,
            location=place,
            on_hand=draw(st.decimals(min_value=-10, max_value=40, places=1)),
            damaged=draw(quantities),
            held=draw(quantities),
            allocated=draw(quantities),
            changed_at=NOW,
            happened_at=NOW,
        )
    return found


def evaluate(where: Estate, stock: dict[PositionKey, Position], mode: Mode = Mode.SHIP) -> Availability:
    return rules.evaluate(rules.Policy.of(where), A, WEB, stock, mode=mode, as_of=NOW)


@given(estates, shelves(), st.sampled_from(Mode))
def test_the_terms_add_up_to_the_answer(where: Estate, stock: dict[PositionKey, Position], mode: Mode) -> None:
    answer = evaluate(where, stock, mode)

    for term in answer.locations:
        expected = max(ZERO, term.available - term.safety_stock) if term.eligible else ZERO
        assert term.atp == expected
        assert term.available == term.on_hand - sum(term.unavailable.values(), ZERO) - term.held - term.allocated
        assert (term.reason is None) == (term.atp > 0)
    assert answer.pool == sum((term.atp for term in answer.locations), ZERO)
    assert answer.sellable == max(ZERO, answer.pool - answer.channel_buffer) == answer.physical + answer.backorder
    assert answer.published == (
        answer.sellable if answer.publish_max is None else min(answer.sellable, answer.publish_max)
    )
    assert (answer.reasons == ()) == (answer.published > 0)


@given(estates, shelves())
def test_a_channel_is_never_told_more_than_its_pool_has(where: Estate, stock: dict[PositionKey, Position]) -> None:
    answer = evaluate(where, stock)

    goods = sum((max(ZERO, position.available) for key, position in stock.items() if key.location in {DC, STORE}), ZERO)
    assert answer.published is not None
    assert ZERO <= answer.published <= answer.sellable <= goods


@given(estates, shelves(), st.decimals(min_value=0, max_value=20, places=1))
def test_more_stock_never_means_less_to_sell(where: Estate, stock: dict[PositionKey, Position], more: Decimal) -> None:
    grown = {
        key: Position(
            sku=A,
            location=key.location,
            on_hand=position.on_hand + more,
            damaged=position.damaged,
            held=position.held,
            allocated=position.allocated,
            changed_at=NOW,
            happened_at=NOW,
        )
        for key, position in stock.items()
    }

    assert evaluate(where, grown).sellable >= evaluate(where, stock).sellable


@given(safety_rules)
def test_the_last_rule_that_matches_decides(listed: list[SafetyStock]) -> None:
    found = rules.safety_stock(listed, A, DC, Mode.SHIP)

    matching = [
        index
        for index, rule in enumerate(listed)
        if rule.sku in {None, A} and rule.location in {None, DC} and rule.mode in {None, Mode.SHIP}
    ]
    assert (None if found is None else found.index) == (matching[-1] if matching else None)


@given(estates, shelves(), st.decimals(min_value=Decimal("0.1"), max_value=40, places=1), st.sampled_from(Fill))
def test_a_hold_is_granted_if_and_only_if_the_channel_may_sell_it(
    where: Estate, stock: dict[PositionKey, Position], quantity: Decimal, fill: Fill
) -> None:
    request = HoldRequest(key=ReservationKey("cart/1"), channel=WEB, lines=[HoldLine(A, quantity)], fill=fill)
    policy = rules.Policy.of(where)
    shelf = {key: {Account.AVAILABLE: position.available} for key, position in stock.items()}

    asked = rules.reserve_request(policy, request, (), NOW)
    assert isinstance(asked, ReserveRequest)
    placement = rules.placer_for(policy, [request])(asked, shelf)

    answer = evaluate(where, stock)
    taken = sum(placement.takes.values(), ZERO)
    atps = {term.location: term.atp for term in answer.locations}
    assert all(units <= atps[key.location] for key, units in placement.takes.items())
    assert taken + sum((short.wanted - short.available for short in placement.shortages), ZERO) == quantity
    if where.channels[0].split:
        assert taken == min(quantity, answer.sellable)
    else:
        assert taken <= min(quantity, answer.sellable)
        assert len(placement.takes) <= 1
