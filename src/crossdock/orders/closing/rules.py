"""What cancelling and shipping do to an order's units. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from crossdock.canonical.orders import Mode
from crossdock.fulfilment.model import Fulfilment
from crossdock.orders.model import ZERO, Line, Order, Part, Vector
from crossdock.orders.rules import moved
from crossdock.orders.states import UnitFact

LEAVING: Final[Mapping[Mode, UnitFact]] = {Mode.SHIP: UnitFact.SHIPPED, Mode.PICKUP: UnitFact.COLLECTED}
WITH_LOCATION: Final = (Part.PACKED, Part.PICKED, Part.RELEASED)
"""Parts of units that a location is working on, furthest first: what leaves is taken from there."""
TAKEN_BACK: Final = (Part.CANCELLED, Part.BACKORDERED, Part.UNPLACED, Part.RELEASED, Part.PICKED, Part.PACKED)
"""Where units are that a location need not give any more, those that nobody works on first."""
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


def beyond(order: Order, in_all: Mapping[str, Decimal]) -> tuple[str, ...]:
    """Lines of which not so many can be cancelled, because they have left or never were."""
    there = {line.line_id: line.vector.open + line.vector.cancelled for line in order.lines}
    return tuple(line_id for line_id, amount in in_all.items() if not ZERO < amount <= there.get(line_id, ZERO))


def still_to_cancel(order: Order, in_all: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    """Units to be cancelled now; what was cancelled before stays so."""
    wanted = {line.line_id: in_all.get(line.line_id, ZERO) - line.vector.cancelled for line in order.lines}
    return {line_id: amount for line_id, amount in wanted.items() if amount > ZERO}


@dataclass(frozen=True, slots=True)
class LessWork:
    """Lines of an order after some open units were cancelled, and what each location need not do any more."""

    moved: Moved
    work: tuple[tuple[Fulfilment, Mapping[str, Decimal]], ...]


def lessened(order: Order, units: Mapping[str, Decimal], work: Sequence[Fulfilment]) -> LessWork:
    """Cancel open *units* of some lines: those no location works on first, then those of the latest work."""
    moves = []
    from_work: dict[str, Decimal] = {}
    for line in order.lines:
        amount = units.get(line.line_id, ZERO)
        moves.append((line, moved(line.vector, UnitFact.CANCELLED, amount, out_of=OPEN)))
        from_work[line.line_id] = _worked_on(line.vector) - _worked_on(moves[-1][1])
    taken: list[tuple[Fulfilment, Mapping[str, Decimal]]] = []
    for fulfilment in sorted(work, key=lambda each: each.fulfilment_id, reverse=True):
        back: dict[str, Decimal] = {}
        for each in fulfilment.lines:
            back[each.line_id] = min(each.open, from_work.get(each.line_id, ZERO))
            from_work[each.line_id] = from_work.get(each.line_id, ZERO) - back[each.line_id]
        if some := {line_id: amount for line_id, amount in back.items() if amount}:
            taken.append((fulfilment, some))
    assert not any(from_work.values()), (order, units, work)
    return LessWork(_moved(order, moves), tuple(taken))


def taken_back(order: Order, units: Mapping[str, Decimal]) -> Moved:
    """Units that a location need not give any more look for a place again."""
    return _moved(
        order,
        [
            (line, moved(line.vector, UnitFact.REJECTED, units.get(line.line_id, ZERO), out_of=WITH_LOCATION))
            for line in order.lines
        ],
    )


def relieved(
    order: Order, moved: Moved, was_open: Mapping[str, Decimal], work: Sequence[Fulfilment]
) -> Sequence[tuple[Fulfilment, Mapping[str, Decimal]]]:
    """What other locations need not give any more, because it has left from where it had been taken back."""
    twice: dict[str, Decimal] = {}
    for line, vector in moved.lines:
        twice[line.line_id] = _worked_on(line.vector) - _worked_on(vector) - was_open.get(line.line_id, ZERO)
    found: list[tuple[Fulfilment, Mapping[str, Decimal]]] = []
    for each in sorted(
        (each for each in work if each.order_id == order.header.order_id), key=lambda one: one.fulfilment_id
    ):
        back: dict[str, Decimal] = {}
        for given in each.lines:
            units = min(given.open, twice.get(given.line_id, ZERO))
            if units > ZERO:
                back[given.line_id] = units
                twice[given.line_id] -= units
        if back:
            found.append((each, back))
    return found


def _worked_on(vector: Vector) -> Decimal:
    return sum((vector.of(part) for part in WITH_LOCATION), ZERO)


def left(order: Order, mode: Mode, was_open: Mapping[str, Decimal], revived: Mapping[str, Decimal]) -> Moved:
    """Units left: those a location was working on, and those taken back from it that left all the same, because they were
    cancelled or because their goods were believed gone.
    """
    fact = LEAVING[mode]
    moves = []
    for line in order.lines:
        vector = moved(line.vector, fact, was_open.get(line.line_id, ZERO), out_of=WITH_LOCATION)
        vector = moved(vector, fact, revived.get(line.line_id, ZERO), out_of=TAKEN_BACK)
        moves.append((line, vector))
    return _moved(order, moves)


def _moved(order: Order, moves: Sequence[tuple[Line, Vector]]) -> Moved:
    changed = tuple((line, vector) for line, vector in moves if vector != line.vector)
    lines = tuple(replace(line, vector=vector) for line, vector in moves)
    return Moved(replace(order, lines=lines), changed)
