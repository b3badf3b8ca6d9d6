"""Place orders on stock: check, choose locations, claim, release work. A batch in one go; no order fails another."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import psycopg

from crossdock.canonical.base import ChannelCode, FulfilmentId, LocationCode, OrderId, ReservationKey, Sku
from crossdock.canonical.facts import OrderPlacedOnStock, PlacedLine
from crossdock.canonical.intents import GoodsLine
from crossdock.estate.model import Estate
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.foundation.log import logger
from crossdock.fulfilment import service as fulfilments
from crossdock.fulfilment.model import NewFulfilment, Shipping
from crossdock.inventory import service as inventory
from crossdock.orders import store as shared
from crossdock.orders.closing.service import ship_many
from crossdock.orders.holding.service import Known, Placing, Releasing, place_many, release_many, stream_of
from crossdock.orders.model import (
    RECHECK,
    SOURCE,
    ZERO,
    Finding,
    Held,
    HoldCode,
    NotFound,
    NothingToPlace,
    Order,
    Part,
    Placed,
    PlaceOutcome,
)
from crossdock.orders.placing import rules, store
from crossdock.orders.rules import Review, findings, review, servants
from crossdock.sourcing import service as sourcing
from crossdock.sourcing.model import Plan, Request

log = logger(__name__)

Causes: TypeAlias = Mapping[OrderId, UUID]
"""The fact that led here, per order."""

ISSUED: Final = "issued"
"""The parcel that nobody packs: downloads, gift cards by mail, services."""
BACKORDERS_MAX: Final = 200
"""Orders looked at per call when goods land; the caller comes again while there are more."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One order in the batch, and whose doing this is."""

    order: Order
    origin: Origin


@dataclass(frozen=True, slots=True)
class _Claimed:
    """One order with its plan, its claim's key and what that does to it."""

    case: _Case
    plan: Plan
    key: ReservationKey
    settled: rules.Settled
    work: tuple[NewFulfilment, ...]


async def place(
    tx: Tx, estate: Estate, order_ids: Sequence[OrderId], *, known: Known, now: datetime, causes: Causes | None = None
) -> Sequence[PlaceOutcome]:
    """Place what waits; one outcome per order, in order. Again changes nothing: units that stand are not asked for.

    Also looks at the holds again: those whose reason has gone are released, new reasons hold. An order that placing
    breaks on (the database refuses a quantity beyond every column) is held for a person, and its neighbours are placed.
    """
    return await _placed(tx, estate, order_ids, known=known, now=now, causes=causes or {}, look=rules.UNPLACED)


async def retry_backorders(
    tx: Tx,
    estate: Estate,
    skus: Collection[Sku],
    *,
    known: Known,
    now: datetime,
    causes: Causes | None = None,
    after: OrderId | None = None,
    limit: int = BACKORDERS_MAX,
) -> Sequence[PlaceOutcome]:
    """Goods have landed: give them to those who wait for them, the oldest order first, beginning behind *after*.

    Fewer outcomes than *limit* means that nobody else waits, or nothing is left to give.
    """
    waiting = await store.backordered(tx, skus, after=after, limit=limit)
    if not waiting:
        return ()
    positions = await inventory.positions(tx, skus, now=now)
    there = {(each.sku, each.location) for each in positions if each.available > 0}
    if not there:
        return ()
    look = rules.Look(Part.BACKORDERED, there)
    return await _placed(tx, estate, waiting, known=known, now=now, causes=causes or {}, look=look)


async def held_for_items(tx: Tx, skus: Collection[Sku]) -> Sequence[OrderId]:
    """Orders that are held because one of *skus* was unknown: place them again when it is known."""
    return await store.held_for_items(tx, skus) if skus else ()


async def _placed(
    tx: Tx,
    estate: Estate,
    order_ids: Sequence[OrderId],
    *,
    known: Known,
    now: datetime,
    causes: Causes,
    look: rules.Look,
) -> Sequence[PlaceOutcome]:
    if not order_ids:
        return ()
    try:
        async with tx.transaction():
            outcomes = await _place_group(tx, estate, order_ids, known=known, now=now, causes=causes, look=look)
            return [outcomes[order_id] for order_id in order_ids]
    except psycopg.OperationalError:
        raise  # the database's state, no order's fault
    except Exception as error:  # whatever one order breaks on, its neighbours are placed
        if len(order_ids) == 1:
            log.exception("order_unplaceable", order_id=str(order_ids[0]))
            return [await _unplaceable(tx, order_ids[0], error, now=now)]
    middle = len(order_ids) // 2
    halves = [order_ids[:middle], order_ids[middle:]]
    found = [await _placed(tx, estate, half, known=known, now=now, causes=causes, look=look) for half in halves]
    return [*found[0], *found[1]]


async def _unplaceable(tx: Tx, order_id: OrderId, error: Exception, *, now: datetime) -> PlaceOutcome:
    order = (await shared.lock_orders(tx, [order_id]))[order_id]
    if isinstance(error, psycopg.Error):
        reason = f"the database refuses it: {error.diag.message_primary or error}"[:480]
    else:
        reason = f"placing breaks on it: {type(error).__name__}: {error}"[:480]
    origin = Origin(correlation_id=order.header.correlation_id, source=SOURCE)
    await place_many(tx, [Placing(order_id, Finding(HoldCode.UNPLACEABLE, reason), origin)], now=now)
    return Held(order_id, (HoldCode.UNPLACEABLE,))


async def _place_group(
    tx: Tx,
    estate: Estate,
    order_ids: Sequence[OrderId],
    *,
    known: Known,
    now: datetime,
    causes: Causes,
    look: rules.Look,
) -> Mapping[OrderId, PlaceOutcome]:
    orders = await shared.lock_orders(tx, order_ids)
    cases = {
        order_id: _Case(
            order,
            Origin(correlation_id=order.header.correlation_id, source=SOURCE, causation_id=causes.get(order_id)),
        )
        for order_id, order in orders.items()
    }
    existing = await known(tx, {Sku(line.sku) for order in orders.values() for line in order.lines})
    reviews = {
        order_id: review(case.order.holds, findings(case.order, estate, existing))
        for order_id, case in cases.items()
        if case.order.open
    }
    await _change_holds(tx, cases, reviews, now=now)
    uncounted = {sku for sku, tracked in existing.items() if not tracked}
    outcomes: dict[OrderId, PlaceOutcome] = {}
    wanting: list[tuple[_Case, Request]] = []
    issuing: list[tuple[_Case, rules.Settled]] = []
    for order_id in order_ids:
        case = cases.get(order_id)
        standing = reviews[order_id].standing if order_id in reviews else ()
        request = None if case is None else rules.request_of(case.order, estate, look, uncounted)
        if case is None:
            outcomes[order_id] = NotFound(order_id)
        elif standing:
            outcomes[order_id] = Held(order_id, standing)
        elif request is None:
            settled = rules.issued(case.order, uncounted)
            if settled is not None and order_id not in outcomes:
                issuing.append((case, settled))
            outcomes[order_id] = NothingToPlace(order_id)
        elif order_id not in outcomes:
            outcomes[order_id] = NothingToPlace(order_id)
            wanting.append((case, request))
    for issue in await _issue(tx, estate, issuing, now=now):
        outcomes[issue.order_id] = Placed(issue.order_id, (issue.fulfilment_id,), ZERO)
    for claimed in await _claim(tx, wanting, look, uncounted, now=now):
        outcomes[claimed.plan.order_id] = Placed(
            claimed.plan.order_id,
            tuple(each.fulfilment_id for each in claimed.work),
            sum((line.quantity for line in claimed.plan.missing), ZERO),
        )
    return outcomes


async def _change_holds(
    tx: Tx, cases: Mapping[OrderId, _Case], reviews: Mapping[OrderId, Review], *, now: datetime
) -> None:
    await place_many(
        tx,
        [
            Placing(order_id, finding, cases[order_id].origin)
            for order_id, found in reviews.items()
            for finding in found.place
        ],
        now=now,
    )
    await release_many(
        tx,
        [
            Releasing(order_id, hold, RECHECK, "its reason is gone", cases[order_id].origin)
            for order_id, found in reviews.items()
            for hold in found.release
        ],
        now=now,
    )


async def _issue(
    tx: Tx, estate: Estate, issuing: Sequence[tuple[_Case, rules.Settled]], *, now: datetime
) -> Sequence[NewFulfilment]:
    """What nobody counts and what has no goods to go along with has left as soon as it is placed."""
    if not issuing:
        return ()
    await shared.set_vectors(tx, [move for _, settled in issuing for move in settled.moves])
    work = [_issued(case, settled, LocationCode(servants(case.order.header, estate)[0])) for case, settled in issuing]
    await eventlog.append(
        tx,
        [
            NewFact(
                stream=stream_of(each.order_id),
                fact=OrderPlacedOnStock(order_id=str(each.order_id), lines=()),
                happened_at=now,
                origin=case.origin,
            )
            for (case, _), each in zip(issuing, work, strict=True)
        ],
    )
    await fulfilments.begin_many(tx, work, now=now)
    shippings = [
        Shipping(fulfilment_id=each.fulfilment_id, reference=ISSUED, shipped_at=now, source=SOURCE) for each in work
    ]
    await ship_many(tx, shippings, now=now)
    return work


def _issued(case: _Case, settled: rules.Settled, location: LocationCode) -> NewFulfilment:
    order_id = case.order.header.order_id
    return NewFulfilment(
        fulfilment_id=FulfilmentId(new_id()),
        order_id=order_id,
        location=location,
        mode=case.order.header.mode,
        reservation_key=ReservationKey(f"order/{order_id}/{ISSUED}"),
        lines=tuple(
            GoodsLine(
                sku=line.sku, quantity=vector.released - line.vector.released, line_id=line.line_id, tracked=False
            )
            for line, vector in settled.moves
        ),
        correlation_id=case.origin.correlation_id,
        causation_id=case.origin.causation_id,
    )


async def _claim(
    tx: Tx,
    wanting: Sequence[tuple[_Case, Request]],
    look: rules.Look,
    uncounted: Collection[Sku],
    *,
    now: datetime,
) -> Sequence[_Claimed]:
    """Claim for all orders under one set of locks, earliest order first, and write what came of it."""
    if not wanting:
        return ()
    numbers = await store.next_placements(tx, [case.order.header.order_id for case, _ in wanting])
    asked = [
        sourcing.Sourcing(
            request=request,
            key=ReservationKey(f"order/{request.order_id}/{numbers[request.order_id]}"),
            channel=ChannelCode(case.order.header.channel),
            correlation_id=case.origin.correlation_id,
        )
        for case, request in sorted(wanting, key=lambda each: each[1].order_id)
    ]
    plans = await sourcing.source_many(tx, asked, origin=Origin.begin(SOURCE), now=now)
    by_id = {case.order.header.order_id: case for case, _ in wanting}
    claims = [
        _claimed(by_id[plan.order_id], plan, each.key, rules.settle(by_id[plan.order_id].order, plan, look, uncounted))
        for each, plan in zip(asked, plans, strict=True)
    ]
    await shared.set_vectors(tx, [move for claimed in claims for move in claimed.settled.moves])
    await eventlog.append(tx, [_placed_fact(claimed, now=now) for claimed in claims if claimed.settled.moves])
    await fulfilments.release_many(tx, [work for claimed in claims for work in claimed.work], now=now)
    return claims


def _claimed(case: _Case, plan: Plan, key: ReservationKey, settled: rules.Settled) -> _Claimed:
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
        for location, lines in settled.work.items()
    )
    return _Claimed(case, plan, key, settled, work)


def _placed_fact(claimed: _Claimed, *, now: datetime) -> NewFact:
    fact = OrderPlacedOnStock(
        order_id=str(claimed.plan.order_id),
        lines=tuple(
            PlacedLine(line_id=pick.line_id, sku=pick.sku, location=pick.location, quantity=pick.quantity)
            for pick in claimed.plan.picks
        ),
        backordered=claimed.settled.backordered,
    )
    return NewFact(stream=stream_of(claimed.plan.order_id), fact=fact, happened_at=now, origin=claimed.case.origin)
