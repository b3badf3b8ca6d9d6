"""Sourcing decisions: pure counting, no I/O. Ranking is the caller's policy."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from itertools import combinations
from math import comb
from typing import Final

from crossdock.canonical.base import LocationCode, ReservationKey, Sku
from crossdock.sourcing.model import NOBODY, ZERO, Demand, Missing, Pick, Plan, Request, Stock, Takes

SUBSETS_MAX: Final = 5000
"""Sets of locations looked at per order before a greedy cover takes over: exact for pools of 12, or pairs of 100."""

Needs = Mapping[Sku, Decimal]


def takes(request: Request, stock: Stock, *, subsets_max: int = SUBSETS_MAX) -> Takes:
    """As many units as there are, from as few locations as possible, the best ranked among equals."""
    wanted = needs(request.demands)
    usable = {
        (sku, location): _usable(need, stock.get((sku, location), ZERO))
        for sku, need in wanted.items()
        for location in request.locations
    }
    if request.split:
        chosen = fewest(request.locations, wanted, usable, subsets_max=subsets_max)
    else:
        chosen = fullest(request.locations, wanted, usable)
    return {(sku, place): units for sku, need in wanted.items() for place, units in _shares(sku, need, chosen, usable)}


def dealt(request: Request, taken: Takes, key: ReservationKey = NOBODY) -> Plan:
    """Give what was taken to the order's lines, in their order; what is left over is missing."""
    left = dict(taken)
    picks: list[Pick] = []
    missing: list[Missing] = []
    for demand in request.demands:
        rest = demand.quantity
        for (sku, place), there in left.items():
            units = min(rest, there) if sku == demand.sku else ZERO
            if units:
                picks.append(Pick(demand.line_id, sku, place, units, key))
                left[sku, place] -= units
                rest -= units
        if rest:
            missing.append(Missing(demand.line_id, demand.sku, rest))
    assert not any(left.values()), (request, taken)
    return Plan(request.order_id, tuple(picks), tuple(missing))


def fewest(
    locations: Sequence[LocationCode], wanted: Needs, usable: Stock, *, subsets_max: int = SUBSETS_MAX
) -> tuple[LocationCode, ...]:
    """The smallest set of locations that gives all that can be given; the best ranked of that size."""
    useful = [place for place in locations if any(usable[sku, place] for sku in wanted)]
    target = {sku: min(need, _given(sku, useful, usable)) for sku, need in wanted.items()}
    looked = 0
    for size in range(len(useful) + 1):
        looked += comb(len(useful), size)
        if looked > subsets_max:
            return _greedy(useful, target, usable)
        for places in combinations(useful, size):
            if _reaches(places, target, usable):
                return places
    raise AssertionError("all useful locations together reach what they can give")


def fullest(locations: Sequence[LocationCode], wanted: Needs, usable: Stock) -> tuple[LocationCode, ...]:
    """The one location that gives most units; the best ranked of equals."""
    most = max(locations, key=lambda place: sum((usable[sku, place] for sku in wanted), ZERO))
    return (most,)


def needs(demands: Sequence[Demand]) -> dict[Sku, Decimal]:
    """Lines of one item are one need: they draw on the same stock."""
    summed: dict[Sku, Decimal] = {}
    for demand in demands:
        summed[demand.sku] = summed.get(demand.sku, ZERO) + demand.quantity
    return summed


def tidy(value: Decimal) -> Decimal:
    """The same number without the zeros that a database column adds."""
    whole = value.to_integral_value()
    return whole if value == whole else value.normalize()


def _usable(need: Decimal, available: Decimal) -> Decimal:
    """What a location can give to this need. Whole units stay whole even where the books hold a fraction."""
    units = max(ZERO, min(need, available))
    return units.to_integral_value(ROUND_FLOOR) if need == need.to_integral_value() else units


def _given(sku: Sku, places: Sequence[LocationCode], usable: Stock) -> Decimal:
    return sum((usable[sku, place] for place in places), ZERO)


def _reaches(places: Sequence[LocationCode], target: Needs, usable: Stock) -> bool:
    return all(_given(sku, places, usable) >= wanted for sku, wanted in target.items())


def _greedy(useful: Sequence[LocationCode], target: Needs, usable: Stock) -> tuple[LocationCode, ...]:
    """Take whoever covers most of what is left, then drop whoever turned out superfluous, worst ranked first."""
    left = dict(target)
    chosen: list[LocationCode] = []
    while any(left.values()):
        best = max(
            (place for place in useful if place not in chosen),
            key=lambda place: sum((min(need, usable[sku, place]) for sku, need in left.items()), ZERO),
        )
        chosen.append(best)
        left = {sku: max(ZERO, need - usable[sku, best]) for sku, need in left.items()}
    ranked = [place for place in useful if place in chosen]
    for place in reversed(ranked.copy()):
        rest = [other for other in ranked if other != place]
        if _reaches(rest, target, usable):
            ranked = rest
    return tuple(ranked)


def _shares(
    sku: Sku, need: Decimal, chosen: Sequence[LocationCode], usable: Stock
) -> list[tuple[LocationCode, Decimal]]:
    """How much of one item each chosen location gives: one location alone if it can, else the best ranked first."""
    target = min(need, _given(sku, chosen, usable))
    alone = [place for place in chosen if usable[sku, place] >= target]
    shares: list[tuple[LocationCode, Decimal]] = []
    for place in alone[:1] or chosen:
        units = min(target, usable[sku, place])
        if units:
            shares.append((place, units))
            target -= units
    assert target == 0, (sku, need, target)
    return shares
