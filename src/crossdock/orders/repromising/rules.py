"""What becomes of an order's units when goods that it was promised are gone. Pure."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeAlias

from crossdock.canonical.base import FulfilmentId, LocationCode, ReservationKey
from crossdock.canonical.facts import RepromisedLine
from crossdock.estate.model import Estate
from crossdock.fulfilment.model import Fulfilment
from crossdock.inventory.model import PositionKey
from crossdock.inventory.shortage.model import GaveWay
from crossdock.orders.closing.rules import WITH_LOCATION
from crossdock.orders.model import ZERO, Line, Order, Vector
from crossdock.orders.rules import moved, servants
from crossdock.orders.states import UnitFact
from crossdock.sourcing.model import Missing, Pick, Plan

Stranded: TypeAlias = Callable[[Fulfilment, Mapping[str, Decimal]], Mapping[str, Decimal]]
"""What nobody counts and what goes back with some units, because no goods are left to go along with."""


def is_told(
    key: ReservationKey, position: PositionKey, work: Sequence[Fulfilment], told: Collection[FulfilmentId]
) -> bool:
    """Has another system been told to ship units that stand there?"""
    return any(each.fulfilment_id in told for each in _at(key, position, work))


def elsewhere(order: Order, position: PositionKey, estate: Estate) -> Sequence[LocationCode]:
    """Where else the order's units may come from, best first."""
    return tuple(LocationCode(code) for code in servants(order.header, estate) if code != position.location)


@dataclass(frozen=True, slots=True)
class Repromised:
    """An order after units of it have lost their goods."""

    order: Order
    """Those units look for a place."""
    moves: tuple[tuple[Line, Vector], ...]
    back: tuple[tuple[Fulfilment, Mapping[str, Decimal]], ...]
    """What locations need not do any more."""
    plan: Plan
    """Where those units go."""
    lines: tuple[RepromisedLine, ...]


def repromised(order: Order, gave: GaveWay, work: Sequence[Fulfilment], stranded: Stranded) -> Repromised:
    """Units go the way of their claim: to another location's work, or to wait."""
    left = sum((grant.quantity for grant in gave.moved), gave.waiting)
    back: list[tuple[Fulfilment, Mapping[str, Decimal]]] = []
    taken: dict[str, Decimal] = {}
    alone: dict[str, Decimal] = {}
    for each in _at(gave.key, gave.position, work):
        units: dict[str, Decimal] = {}
        for line in each.lines:
            some = min(left, line.open) if line.sku == gave.position.sku and line.tracked else ZERO
            if some:
                units[line.line_id] = some
                taken[line.line_id] = taken.get(line.line_id, ZERO) + some
                left -= some
        if units:
            beside = stranded(each, units)
            for line_id, amount in beside.items():
                alone[line_id] = alone.get(line_id, ZERO) + amount
            back.append((each, {**beside, **units}))
    lines = [(line, _rejected(line.vector, taken, alone, line.line_id)) for line in order.lines]
    after = replace(order, lines=tuple(replace(line, vector=vector) for line, vector in lines))
    changed = tuple((line, vector) for line, vector in lines if vector != line.vector)
    picks, missing, told = _dealt(gave, taken)
    return Repromised(after, changed, tuple(back), Plan(order.header.order_id, picks, missing), told)


def _at(key: ReservationKey, position: PositionKey, work: Sequence[Fulfilment]) -> Iterator[Fulfilment]:
    for each in work:
        mine = each.reservation_key == key and each.location == position.location
        if mine and any(line.open for line in each.lines if line.sku == position.sku):
            yield each


def _rejected(vector: Vector, taken: Mapping[str, Decimal], alone: Mapping[str, Decimal], line_id: str) -> Vector:
    units = taken.get(line_id, ZERO) + alone.get(line_id, ZERO)
    return moved(vector, UnitFact.REJECTED, units, out_of=WITH_LOCATION)


def _dealt(
    gave: GaveWay, taken: Mapping[str, Decimal]
) -> tuple[tuple[Pick, ...], tuple[Missing, ...], tuple[RepromisedLine, ...]]:
    """The ways that the claim went, dealt to the lines that lost units."""
    ways: list[tuple[LocationCode | None, Decimal]] = [
        *((grant.position.location, grant.quantity) for grant in gave.moved),
        (None, gave.waiting),
    ]
    picks: list[Pick] = []
    missing: list[Missing] = []
    told: list[RepromisedLine] = []
    sku, place = gave.position.sku, gave.position.location
    for line_id, lost in taken.items():
        rest = lost
        for at, (target, there) in enumerate(ways):
            units = min(rest, there)
            if not units:
                continue
            ways[at] = (target, there - units)
            rest -= units
            told.append(RepromisedLine(line_id=line_id, sku=sku, location=place, quantity=units, now_at=target))
            if target is None:
                missing.append(Missing(line_id, sku, units))
            else:
                picks.append(Pick(line_id, sku, target, units, gave.key))
    return tuple(picks), tuple(missing), tuple(told)
