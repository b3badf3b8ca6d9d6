"""What cancelling and shipping do to an order's units. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from crossdock.canonical.orders import Mode
from crossdock.orders.model import ZERO, Line, Order, Part, Vector
from crossdock.orders.rules import moved
from crossdock.orders.states import UnitFact

LEAVING: Final[Mapping[Mode, UnitFact]] = {Mode.SHIP: UnitFact.SHIPPED, Mode.PICKUP: UnitFact.COLLECTED}
WITH_LOCATION: Final = (Part.PACKED, Part.PICKED, Part.RELEASED)
"""Parts of units that a location is working on, furthest first: what leaves is taken from there."""
OPEN: Final = (Part.UNPLACED, Part.BACKORDERED, Part.ALLOCATED, Part.RELEASED, Part.PICKED, Part.PACKED)


@dataclass(frozen=True, slots=True)
class Moved:
    """An order after something happened, and the lines that changed."""

    order: Order
    lines: tuple[tuple[Line, Vector], ...]


def cancelled(order: Order) -> Moved:
    """Every open unit is cancelled; what has left stays left."""
    return _moved(
        order,
        [(line, moved(line.vector, UnitFact.CANCELLED, line.vector.open, out_of=OPEN)) for line in order.lines],
    )


def left(order: Order, mode: Mode, was_open: Mapping[str, Decimal], revived: Mapping[str, Decimal]) -> Moved:
    """Units left: those a location was working on, and those that had been cancelled but left all the same."""
    fact = LEAVING[mode]
    moves = []
    for line in order.lines:
        vector = moved(line.vector, fact, was_open.get(line.line_id, ZERO), out_of=WITH_LOCATION)
        vector = moved(vector, fact, revived.get(line.line_id, ZERO), out_of=(Part.CANCELLED,))
        moves.append((line, vector))
    return _moved(order, moves)


def _moved(order: Order, moves: Sequence[tuple[Line, Vector]]) -> Moved:
    changed = tuple((line, vector) for line, vector in moves if vector != line.vector)
    lines = tuple(replace(line, vector=vector) for line, vector in moves)
    return Moved(replace(order, lines=lines), changed)
