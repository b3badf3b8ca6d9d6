"""Carry plans out: units move on in the order, the fact is told, locations may start. Headers are locked by the caller."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from crossdock.canonical.base import FulfilmentId, Sku
from crossdock.canonical.facts import NamedReservation, OrderPlacedOnStock, PlacedLine
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.fulfilment import service as fulfilments
from crossdock.fulfilment.model import NewFulfilment
from crossdock.orders.holding.service import stream_of
from crossdock.orders.model import Order
from crossdock.orders.moving.service import move_units
from crossdock.orders.placing import rules
from crossdock.orders.standing.model import Case
from crossdock.sourcing.model import Plan


@dataclass(frozen=True, slots=True)
class Carried:
    """One order after its plan, and the work that came of it."""

    case: Case
    plan: Plan
    settled: rules.Settled
    work: tuple[NewFulfilment, ...]
    reservations: tuple[NamedReservation, ...] = ()

    @property
    def order(self) -> Order:
        """As it is now."""
        moved = {line.line_id: vector for line, vector in self.settled.moves}
        lines = (replace(line, vector=moved.get(line.line_id, line.vector)) for line in self.case.order.lines)
        return replace(self.case.order, lines=tuple(lines))


def planned(
    case: Case,
    plan: Plan,
    look: rules.Look,
    uncounted: Collection[Sku],
    reservations: tuple[NamedReservation, ...] = (),
) -> Carried:
    """What a plan does to an order."""
    settled = rules.settle(case.order, plan, look, uncounted)
    work = tuple(
        NewFulfilment(
            fulfilment_id=FulfilmentId(new_id()),
            order_id=plan.order_id,
            location=location,
            mode=case.order.header.mode,
            reservation_key=key,
            lines=lines,
            correlation_id=case.origin.correlation_id,
            causation_id=case.origin.causation_id,
        )
        for (key, location), lines in settled.work.items()
    )
    return Carried(case, plan, settled, work, reservations)


async def carry_out(tx: Tx, carried: Sequence[Carried], *, now: datetime) -> None:
    """Write them all in one go."""
    if not carried:
        return
    await move_units(tx, [move for each in carried for move in each.settled.moves])
    await eventlog.append(tx, [_fact(each, now=now) for each in carried if each.settled.moves])
    await fulfilments.release_many(tx, [work for each in carried for work in each.work], now=now)


def _fact(carried: Carried, *, now: datetime) -> NewFact:
    fact = OrderPlacedOnStock(
        order_id=str(carried.plan.order_id),
        lines=tuple(
            PlacedLine(line_id=pick.line_id, sku=pick.sku, location=pick.location, quantity=pick.quantity)
            for pick in carried.plan.picks
        ),
        backordered=carried.settled.backordered,
        reservations=carried.reservations,
    )
    return NewFact(stream=stream_of(carried.plan.order_id), fact=fact, happened_at=now, origin=carried.case.origin)
