"""Goods that orders were promised are gone: who gives way takes goods elsewhere, or waits, and people hear of it."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias
from uuid import UUID

from crossdock.canonical.base import FulfilmentId, LocationCode, OrderId, ReservationKey, Sku
from crossdock.canonical.facts import OrderBackordered, OrderGoodsGone, OrderRepromised
from crossdock.estate.model import Estate
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.fulfilment import service as fulfilments
from crossdock.fulfilment.model import Fulfilment
from crossdock.inventory import service as inventory
from crossdock.inventory.model import PositionKey
from crossdock.inventory.reservations.model import ClaimKind
from crossdock.inventory.shortage.model import GaveWay
from crossdock.orders import store as shared
from crossdock.orders.holding.service import Known, stream_of
from crossdock.orders.model import SOURCE, ZERO, Order, Part
from crossdock.orders.moving.service import move_units
from crossdock.orders.placing.carrying import carry_out, planned
from crossdock.orders.placing.rules import Look
from crossdock.orders.repromising import rules
from crossdock.orders.standing import service as standing
from crossdock.orders.standing.model import Case
from crossdock.orders.standing.rules import without_a_day

GONE: Final = "its goods are gone"
TRIES_MAX: Final = 3
"""Others may come to stand there between the look and the locks."""

Told: TypeAlias = Callable[[Tx, Collection[OrderId]], Awaitable[Collection[FulfilmentId]]]
"""Which work of some orders another system has been told of: it may leave any moment, so nobody but a person takes it back."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """A place where more is promised than is there, and what made it so."""

    position: PositionKey
    cause: str
    causation_id: UUID | None = None


async def repromise(
    tx: Tx, estate: Estate, found: Sequence[Shortage], *, told: Told, known: Known, now: datetime
) -> None:
    """Where promises exceed the goods, the last ranked give way; nothing happens where that is over by now."""
    for shortage in found:
        for _ in range(TRIES_MAX):
            if not await _give_way(tx, estate, shortage, told=told, known=known, now=now):
                break


async def _give_way(tx: Tx, estate: Estate, shortage: Shortage, *, told: Told, known: Known, now: datetime) -> bool:
    """One look; True when somebody gave way."""
    position = shortage.position
    here = await inventory.positions(tx, [position.sku], now=now)
    lacking = sum((each.short for each in here if each.key == position), ZERO)
    if not lacking:
        return False
    losing = (await inventory.losing(tx, {position: lacking}))[position]
    whose = await standing.orders_of(tx, {each.claim.key for each, _ in losing})
    orders = dict(await shared.lock_orders(tx, set(whose.values())))
    work = await fulfilments.lock_of_orders(tx, orders)
    out = await told(tx, orders) if orders else ()
    may: dict[ReservationKey, Sequence[LocationCode]] = {}
    stuck: list[NewFact] = []
    for ranked, units in losing:
        order_id = whose.get(ranked.claim.key)
        if order_id is None or ranked.claim.kind is not ClaimKind.ALLOCATION:
            continue
        case = Case.of(orders[order_id], shortage.causation_id)
        mine = [each for each in work if each.order_id == order_id]
        if rules.is_told(ranked.claim.key, position, mine, out):
            stuck.append(_gone(case, shortage, units, now))
        else:
            may[ranked.claim.key] = rules.elsewhere(case.order, position, estate)
    gave = await inventory.give_way(tx, [position], may, origin=Origin.begin(SOURCE), now=now)
    for each in gave:
        if each.key in may:
            order_id = whose[each.key]
            case = Case.of(orders[order_id], shortage.causation_id)
            mine = [one for one in work if one.order_id == order_id]
            await _follow(tx, case, each, mine, shortage, known=known, now=now)
            orders |= await shared.orders(tx, [order_id])
            work = await fulfilments.lock_of_orders(tx, orders)
    if not gave:
        await eventlog.append(tx, stuck)
    return bool(gave)


async def _follow(
    tx: Tx, case: Case, gave: GaveWay, work: Sequence[Fulfilment], shortage: Shortage, *, known: Known, now: datetime
) -> None:
    """The order's units go the way that their claim has gone."""
    order_id = case.order.header.order_id
    after = rules.repromised(case.order, gave, work, fulfilments.stranded)
    await move_units(tx, list(after.moves))
    await fulfilments.reduce_many(
        tx,
        [
            fulfilments.Reduction(each, units, GONE, f"gone/{new_id()}", shortage.causation_id, frees=False)
            for each, units in after.back
        ],
        now=now,
    )
    uncounted = [sku for sku, tracked in (await known(tx, _skus(case.order))).items() if not tracked]
    carried = planned(Case(after.order, case.origin), after.plan, Look(Part.UNPLACED), uncounted)
    await carry_out(tx, [carried], now=now)
    fact = OrderRepromised(order_id=str(order_id), lines=after.lines, cause=shortage.cause)
    await eventlog.append(tx, [NewFact(stream=stream_of(order_id), fact=fact, happened_at=now, origin=case.origin)])
    await _tell(tx, Case(carried.order, case.origin), shortage, now=now)


async def _tell(tx: Tx, case: Case, shortage: Shortage, *, now: datetime) -> None:
    """Units that have neither goods nor a day now are a matter for people at once: the customer counts on them."""
    header = case.order.header
    claims = await standing.claims_of(tx, [case.order], now=now)
    lines = without_a_day(case.order, claims[header.order_id])
    if not lines:
        return
    fact = OrderBackordered(
        order_id=str(header.order_id),
        number=header.number,
        lines=lines,
        since=now,
        reason=f"gone at {shortage.position.location}: {shortage.cause}",
        promised_by=header.promised_by,
    )
    await standing.tell(tx, fact, case, now=now)


def _gone(case: Case, shortage: Shortage, units: Decimal, now: datetime) -> NewFact:
    header = case.order.header
    fact = OrderGoodsGone(
        order_id=str(header.order_id),
        number=header.number,
        sku=shortage.position.sku,
        location=shortage.position.location,
        quantity=units,
        cause=shortage.cause,
        promised_by=header.promised_by,
    )
    return NewFact(stream=stream_of(header.order_id), fact=fact, happened_at=now, origin=case.origin)


def _skus(order: Order) -> Collection[Sku]:
    return {Sku(line.sku) for line in order.lines}
