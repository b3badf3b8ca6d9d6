"""What placing does to an order's units. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from crossdock.canonical.base import LocationCode, ReservationKey, Sku
from crossdock.canonical.intents import GoodsLine
from crossdock.estate.model import Estate
from crossdock.orders.model import ZERO, Line, Order, Part, Vector
from crossdock.orders.rules import moved, servants
from crossdock.orders.states import UnitFact
from crossdock.sourcing.model import Demand, Plan, Request


@dataclass(frozen=True, slots=True)
class Look:
    """Which units get a place: those that have none, or those that wait and whose goods have come."""

    part: Part

    def __post_init__(self) -> None:
        assert self.part in {Part.UNPLACED, Part.BACKORDERED}, self.part


UNPLACED: Final = Look(Part.UNPLACED)


def request_of(order: Order, estate: Estate, uncounted: Collection[Sku]) -> Request | None:
    """What the order looks for, and where it may look; None when nothing does. Nobody looks for *uncounted* items."""
    locations = tuple(LocationCode(code) for code in servants(order.header, estate))
    demands = tuple(
        Demand(line.line_id, Sku(line.sku), line.vector.unplaced)
        for line in order.lines
        if line.vector.unplaced and line.sku not in uncounted
    )
    channel = estate.channel(order.header.channel)
    if not demands or not locations or channel is None:
        return None
    return Request(order_id=order.header.order_id, locations=locations, split=channel.split, demands=demands)


Stand: TypeAlias = tuple[ReservationKey, LocationCode]
"""A reservation, and where it has the goods."""


@dataclass(frozen=True, slots=True)
class Settled:
    """An order's units after a plan."""

    moves: tuple[tuple[Line, Vector], ...]
    work: Mapping[Stand, tuple[GoodsLine, ...]]
    """What each location has to do, the best ranked first, and the reservation that it stands on."""
    backordered: tuple[GoodsLine, ...]
    """Units that newly wait for goods."""


def settle(order: Order, plan: Plan, look: Look, uncounted: Collection[Sku]) -> Settled:
    """Claimed units are released to their location at once; missing ones become, or stay, backorders.

    What nobody counts needs no claim: it goes along with the first goods of its order, and waits for them if it must.
    """
    work = _work(plan)
    along: list[GoodsLine] = []
    picked = _summed((pick.line_id, pick.quantity) for pick in plan.picks)
    missing = _summed((miss.line_id, miss.quantity) for miss in plan.missing)
    moves: list[tuple[Line, Vector]] = []
    waiting: list[GoodsLine] = []
    for line in order.lines:
        if line.sku in uncounted:
            vector = _taken_along(line.vector) if work else _waiting_along(line.vector)
            if work and (units := vector.released - line.vector.released):
                along.append(GoodsLine(sku=line.sku, quantity=units, line_id=line.line_id, tracked=False))
            if vector != line.vector:
                moves.append((line, vector))
            continue
        got, lacks = picked.get(line.line_id, ZERO), missing.get(line.line_id, ZERO)
        vector = moved(line.vector, UnitFact.ALLOCATED, got, out_of=(look.part,))
        vector = moved(vector, UnitFact.RELEASED, got, out_of=(Part.ALLOCATED,))
        vector = moved(vector, UnitFact.MISSING, lacks, out_of=(look.part,))
        if vector != line.vector:
            moves.append((line, vector))
        if vector.backordered > line.vector.backordered:
            waiting.append(GoodsLine(sku=line.sku, quantity=lacks, line_id=line.line_id))
    if along:
        first = next(iter(work))
        work = {**work, first: (*work[first], *along)}
    return Settled(tuple(moves), work, tuple(waiting))


WITHOUT_A_PLACE: Final = (Part.UNPLACED, Part.BACKORDERED)


def _taken_along(vector: Vector) -> Vector:
    units = vector.unplaced + vector.backordered
    vector = moved(vector, UnitFact.ALLOCATED, units, out_of=WITHOUT_A_PLACE)
    return moved(vector, UnitFact.RELEASED, units, out_of=(Part.ALLOCATED,))


def _waiting_along(vector: Vector) -> Vector:
    return moved(vector, UnitFact.MISSING, vector.unplaced, out_of=(Part.UNPLACED,))


def issued(order: Order, uncounted: Collection[Sku]) -> Settled | None:
    """Items that nobody counts and that have no goods (left) to go along with are issued; None when there are none."""
    if any(line.vector.open for line in order.lines if line.sku not in uncounted):
        return None
    moves = tuple(
        (line, _taken_along(line.vector))
        for line in order.lines
        if line.sku in uncounted and line.vector.unplaced + line.vector.backordered
    )
    return Settled(moves, {}, ()) if moves else None


def _work(plan: Plan) -> Mapping[Stand, tuple[GoodsLine, ...]]:
    work: dict[Stand, list[GoodsLine]] = {}
    for pick in plan.picks:
        goods = GoodsLine(sku=pick.sku, quantity=pick.quantity, line_id=pick.line_id)
        work.setdefault((pick.key, pick.location), []).append(goods)
    return {stand: tuple(lines) for stand, lines in work.items()}


def _summed(parts: Iterable[tuple[str, Decimal]]) -> Mapping[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for line_id, units in parts:
        totals[line_id] = totals.get(line_id, ZERO) + units
    return totals
