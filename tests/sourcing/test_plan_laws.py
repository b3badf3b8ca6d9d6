"""Laws of sourcing, against an exact baseline that enumerates every set of locations."""

from dataclasses import replace
from decimal import Decimal
from itertools import chain, combinations
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.canonical.base import LocationCode, OrderId, Sku
from crossdock.sourcing import rules
from crossdock.sourcing.model import Demand, Plan, Request, Stock, Takes

ORDER = OrderId(UUID(int=7))
SKUS = [Sku("a"), Sku("b"), Sku("c")]
ZERO = Decimal(0)


@st.composite
def cases(draw: st.DrawFn, *, places_max: int = 5) -> tuple[Request, Stock]:
    places = [LocationCode(f"L{n}") for n in range(draw(st.integers(1, places_max)))]
    ranked = draw(st.permutations(places))
    lines = draw(st.lists(st.tuples(st.sampled_from(SKUS), st.integers(1, 4)), min_size=1, max_size=4))
    demands = tuple(Demand(str(at), sku, Decimal(quantity)) for at, (sku, quantity) in enumerate(lines))
    stock = {(sku, place): Decimal(draw(st.integers(-2, 7))) for sku in SKUS for place in places if draw(st.booleans())}
    return Request(order_id=ORDER, locations=tuple(ranked), split=draw(st.booleans()), demands=demands), stock


def planned(request: Request, stock: Stock) -> tuple[Takes, Plan]:
    taken = rules.takes(request, stock)
    return taken, rules.dealt(request, taken)


def wanted(request: Request) -> dict[Sku, Decimal]:
    return {sku: sum((d.quantity for d in request.demands if d.sku == sku), ZERO) for sku in SKUS}


def given_by(places: tuple[LocationCode, ...], request: Request, stock: Stock) -> Decimal:
    """What a set of locations can give of everything wanted."""
    return sum(
        (
            min(need, sum((max(ZERO, stock.get((sku, place), ZERO)) for place in places), ZERO))
            for sku, need in wanted(request).items()
        ),
        ZERO,
    )


@given(cases())
def test_every_unit_is_picked_or_missing_and_no_supply_is_exceeded(case: tuple[Request, Stock]) -> None:
    request, stock = case

    taken, plan = planned(request, stock)

    for demand in request.demands:
        picked = sum((pick.quantity for pick in plan.picks if pick.line_id == demand.line_id), ZERO)
        missing = sum((miss.quantity for miss in plan.missing if miss.line_id == demand.line_id), ZERO)
        assert picked + missing == demand.quantity
    for (sku, place), units in taken.items():
        assert 0 < units <= stock[sku, place]
        picks = [pick.quantity for pick in plan.picks if (pick.sku, pick.location) == (sku, place)]
        assert sum(picks, ZERO) == units
        assert all(units > 0 for units in picks)


@settings(max_examples=400)
@given(cases())
def test_a_split_plan_gives_all_there_is_from_the_fewest_locations_best_ranked_first(
    case: tuple[Request, Stock],
) -> None:
    request, stock = case
    request = replace(request, split=True)

    taken, _ = planned(request, stock)

    every = chain.from_iterable(combinations(request.locations, n) for n in range(len(request.locations) + 1))
    best = given_by(tuple(request.locations), request, stock)
    exact = next(places for places in every if given_by(tuple(places), request, stock) == best)
    assert sum(taken.values(), ZERO) == best
    assert {place for _, place in taken} == set(exact)


@given(cases())
def test_an_order_that_must_not_be_split_is_served_by_the_one_location_that_gives_most(
    case: tuple[Request, Stock],
) -> None:
    request, stock = case
    request = replace(request, split=False)

    taken, _ = planned(request, stock)

    assert len({place for _, place in taken}) <= 1
    assert sum(taken.values(), ZERO) == max(given_by((place,), request, stock) for place in request.locations)


@given(cases(places_max=9))
def test_the_greedy_cover_gives_all_there_is_and_nobody_superfluous(case: tuple[Request, Stock]) -> None:
    request, stock = case
    request = replace(request, split=True)

    taken = rules.takes(request, stock, subsets_max=0)

    chosen = tuple({place for _, place in taken})
    everything = given_by(tuple(request.locations), request, stock)
    assert sum(taken.values(), ZERO) == everything
    for place in chosen:
        rest = tuple(other for other in chosen if other != place)
        assert given_by(rest, request, stock) < everything


def test_the_greedy_cover_drops_a_location_that_the_later_ones_made_superfluous() -> None:
    middle, left, right = (LocationCode(code) for code in ("M", "L", "R"))
    wanted_units = {"a": 4, "b": 4, "c": 1, "d": 1}
    demands = tuple(Demand(sku, Sku(sku), Decimal(units)) for sku, units in wanted_units.items())
    shelves = {middle: {"a": 3, "b": 3}, left: {"a": 2, "b": 2, "c": 1}, right: {"a": 2, "b": 2, "d": 1}}
    stock = {(Sku(sku), place): Decimal(units) for place, shelf in shelves.items() for sku, units in shelf.items()}
    request = Request(order_id=ORDER, locations=(middle, left, right), split=True, demands=demands)

    greedy = rules.takes(request, stock, subsets_max=0)

    assert {place for _, place in greedy} == {left, right}
    assert greedy == rules.takes(request, stock)


def test_whole_units_stay_whole_where_the_books_hold_a_fraction() -> None:
    place = LocationCode("L0")
    pieces = Request(order_id=ORDER, locations=(place,), split=True, demands=(Demand("1", Sku("a"), Decimal(2)),))
    weight = Request(order_id=ORDER, locations=(place,), split=True, demands=(Demand("1", Sku("a"), Decimal("1.75")),))
    stock = {(Sku("a"), place): Decimal("1.5")}

    assert rules.takes(pieces, stock) == {(Sku("a"), place): Decimal(1)}
    assert rules.takes(weight, stock) == {(Sku("a"), place): Decimal("1.5")}


def test_a_pool_of_three_hundred_stores_is_planned_within_the_budget() -> None:
    places = tuple(LocationCode(f"S{n:03}") for n in range(300))
    stock = {(sku, place): Decimal(1) for sku in SKUS for place in places}
    request = Request(
        order_id=ORDER, locations=places, split=True, demands=tuple(Demand(sku, sku, Decimal(4)) for sku in SKUS)
    )

    taken = rules.takes(request, stock)

    assert sum(taken.values(), ZERO) == 12
    assert {place for _, place in taken} == set(places[:4])
