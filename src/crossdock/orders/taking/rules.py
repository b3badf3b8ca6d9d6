"""What the units of reservations that an order named do for it. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import assert_never

from crossdock.canonical.base import ReservationKey, Sku
from crossdock.canonical.facts import NamedReservation
from crossdock.inventory.reservations.model import (
    CommitOutcome,
    Committed,
    Grant,
    HoldExpired,
    NotActive,
    TakenOver,
    UnknownReservation,
)
from crossdock.inventory.waiting.model import Basis
from crossdock.orders.model import ZERO
from crossdock.sourcing.model import Missing, Pick, Plan, Request


@dataclass(frozen=True, slots=True)
class Taken:
    """What an order has got out of its reservations, and what it still looks for."""

    picks: tuple[Pick, ...] = ()
    waiting: tuple[Missing, ...] = ()
    """Claimed, but without goods."""
    surplus: tuple[tuple[ReservationKey, Grant], ...] = ()
    """More than the order wants, or at places that cannot serve it."""
    rest: Request | None = None
    reservations: tuple[NamedReservation, ...] = ()


def told(outcome: CommitOutcome) -> NamedReservation:
    """What became of a named reservation, in one word."""
    word: str
    match outcome:
        case Committed():
            word = "taken"
        case TakenOver():
            word = "taken_by_other"
        case HoldExpired():
            word = "expired"
        case NotActive():
            word = outcome.state.value
        case UnknownReservation():
            word = "unknown"
        case _:
            assert_never(outcome)
    return NamedReservation(reservation=outcome.key, outcome=word)


def taken(request: Request, outcomes: Sequence[CommitOutcome], parts: Collection[Sku] = ()) -> Taken:
    """Deal the units of an order's reservations to its lines, those on goods first.

    *parts* are what kits among its lines are made of: they stay the order's, though no line names them.
    """
    left = {
        (outcome.key, grant.position, grant.basis): grant.quantity
        for basis in Basis
        for outcome in outcomes
        if isinstance(outcome, Committed)
        for grant in outcome.grants
        if grant.basis is basis
    }
    picks: list[Pick] = []
    waiting: list[Missing] = []
    demands = []
    for demand in request.demands:
        missing = demand.quantity
        for (key, position, basis), there in left.items():
            usable = position.sku == demand.sku and position.location in request.locations
            units = min(missing, there) if usable else ZERO
            if not units:
                continue
            left[key, position, basis] = there - units
            missing -= units
            if basis is Basis.GOODS:
                picks.append(Pick(demand.line_id, demand.sku, position.location, units, key))
            else:
                waiting.append(Missing(demand.line_id, demand.sku, units))
        if missing:
            demands.append(replace(demand, quantity=missing))
    return Taken(
        tuple(picks),
        tuple(waiting),
        tuple(
            (key, Grant(position, units, basis))
            for (key, position, basis), units in left.items()
            if units and position.sku not in parts
        ),
        replace(request, demands=tuple(demands)) if demands else None,
        tuple(told(outcome) for outcome in outcomes),
    )


def together(taken_units: Taken, plan: Plan) -> Plan:
    """One plan of what came with the reservations and what was found beside them."""
    return Plan(plan.order_id, (*taken_units.picks, *plan.picks), (*_summed(taken_units.waiting), *plan.missing))


def _summed(missing: Sequence[Missing]) -> Sequence[Missing]:
    units: dict[tuple[str, str], Decimal] = {}
    for each in missing:
        units[each.line_id, each.sku] = units.get((each.line_id, each.sku), ZERO) + each.quantity
    return [
        Missing(each.line_id, each.sku, units.pop((each.line_id, each.sku)))
        for each in missing
        if (each.line_id, each.sku) in units
    ]
