"""Place orders on stock: check, choose locations, claim, release work. A batch in one go; no order fails another."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import psycopg

from crossdock.canonical.base import ChannelCode, FulfilmentId, LocationCode, OrderId, ReservationKey, Sku
from crossdock.canonical.facts import OrderPlacedOnStock
from crossdock.canonical.intents import GoodsLine
from crossdock.catalog import service as catalog
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
from crossdock.orders.amounts.rules import fractional
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
from crossdock.orders.moving.service import move_units
from crossdock.orders.placing import rules, store
from crossdock.orders.placing.carrying import Carried, carry_out, planned
from crossdock.orders.rules import Review, findings, review, servants
from crossdock.orders.serving.service import serve, start
from crossdock.orders.standing import service as standing
from crossdock.orders.standing.model import Case
from crossdock.orders.standing.rules import key_of, promise_of
from crossdock.orders.taking.rules import Taken, together
from crossdock.orders.taking.service import take_over
from crossdock.sourcing import service as sourcing
from crossdock.sourcing.model import Plan, Request

log = logger(__name__)

Causes: TypeAlias = Mapping[OrderId, UUID]
"""The fact that led here, per order."""

ISSUED: Final = "issued"
"""The parcel that nobody packs: downloads, gift cards by mail, services."""
WAITING_MAX: Final = 200
"""Waiting claims looked at in one go, the first ranked first."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Orders under their locks, and what the catalogue says of their items."""

    orders: Mapping[OrderId, Order]
    cases: Mapping[OrderId, Case]
    standing: Mapping[OrderId, tuple[HoldCode, ...]]
    """What holds them, as far as they are open."""
    uncounted: frozenset[Sku]

    def free(self) -> Sequence[Case]:
        """Open orders that nothing holds."""
        return [case for order_id, case in self.cases.items() if self.standing.get(order_id) == ()]


async def place(
    tx: Tx, estate: Estate, order_ids: Sequence[OrderId], *, known: Known, now: datetime, causes: Causes | None = None
) -> Sequence[PlaceOutcome]:
    """Place what waits; one outcome per order, in order. Again changes nothing: units that stand are not asked for.

    Also looks at the holds again: those whose reason has gone are released, new reasons hold. Locations start on units that
    have got their goods since. An order that placing breaks on (the database refuses a quantity beyond every column) is
    held for a person, and its neighbours are placed.
    """
    return await _placed(tx, estate, order_ids, known=known, now=now, causes=causes or {}, part=Part.UNPLACED)


async def retry_backorders(
    tx: Tx, estate: Estate, skus: Collection[Sku], *, known: Known, now: datetime
) -> Sequence[PlaceOutcome]:
    """Goods are somewhere: waiting claims that may be served from there take them, the oldest promise first.

    Those that wait at the very place got theirs when the goods landed. Fewer goods than wishes: the rest goes on waiting.
    """
    outcomes: list[PlaceOutcome] = []
    passed = 0
    # What a shop sells over its own counter moves all day: nobody who waits may have it.
    places = {LocationCode(code) for channel in estate.channels for code in estate.pool_of(channel).locations}
    while True:
        positions = await inventory.positions(tx, skus, now=now, locations=places)
        if not any(each.available > 0 for each in positions):
            return outcomes
        asked = await inventory.waiting(tx, skus, limit=WAITING_MAX, offset=passed)
        whose = await standing.orders_of(tx, {each.claim.key for each in asked})
        ids = list(dict.fromkeys(whose[each.claim.key] for each in asked if each.claim.key in whose))
        outcomes += await _placed(tx, estate, ids, known=known, now=now, causes={}, part=Part.BACKORDERED)
        if len(asked) < WAITING_MAX:
            return outcomes
        before = {(each.claim.key, each.claim.ground) for each in asked}
        after = await inventory.waiting(tx, skus, limit=WAITING_MAX, offset=passed)
        passed += sum((each.claim.key, each.claim.ground) in before for each in after)


async def look_at_waiting(
    tx: Tx, estate: Estate, *, known: Known, now: datetime, limit: int = WAITING_MAX
) -> Sequence[PlaceOutcome]:
    """Orders that have waited without goods or a day for as long as they may: people hear of them. A backstop, too."""
    ids = await standing.due(tx, now=now, limit=limit)
    outcomes = await place(tx, estate, ids, known=known, now=now)
    orders = await shared.lock_orders(tx, ids) if ids else {}
    await standing.note(tx, estate, [Case.of(order) for order in orders.values()], now=now)
    return outcomes


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
    part: Part,
) -> Sequence[PlaceOutcome]:
    if not order_ids:
        return ()
    try:
        async with tx.transaction():
            batch = await _locked(tx, estate, order_ids, known=known, now=now, causes=causes)
            if part is Part.UNPLACED:
                outcomes = await _place_group(tx, estate, order_ids, batch, now=now)
            else:
                outcomes = await _serve_group(tx, estate, order_ids, batch, now=now)
            return [outcomes[order_id] for order_id in order_ids]
    except psycopg.OperationalError:
        raise  # the database's state, no order's fault
    except Exception as error:  # whatever one order breaks on, its neighbours are placed
        if len(order_ids) == 1:
            log.exception("order_unplaceable", order_id=str(order_ids[0]))
            return [await _unplaceable(tx, order_ids[0], error, now=now)]
    middle = len(order_ids) // 2
    halves = [order_ids[:middle], order_ids[middle:]]
    found = [await _placed(tx, estate, half, known=known, now=now, causes=causes, part=part) for half in halves]
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


async def _locked(
    tx: Tx, estate: Estate, order_ids: Sequence[OrderId], *, known: Known, now: datetime, causes: Causes
) -> _Batch:
    """The orders under their locks, their holds looked at again."""
    orders = await shared.lock_orders(tx, order_ids)
    cases = {order_id: Case.of(order, causes.get(order_id)) for order_id, order in orders.items()}
    existing = await known(tx, {Sku(line.sku) for order in orders.values() for line in order.lines})
    whole = await catalog.whole(tx, fractional(orders.values()))
    reviews = {
        order_id: review(order.holds, findings(order, estate, existing, whole))
        for order_id, order in orders.items()
        if order.open
    }
    await _change_holds(tx, cases, reviews, now=now)
    return _Batch(
        orders,
        {order_id: cases[order_id] for order_id in order_ids if order_id in cases},
        {order_id: found.standing for order_id, found in reviews.items()},
        frozenset(sku for sku, tracked in existing.items() if not tracked),
    )


async def _serve_group(
    tx: Tx, estate: Estate, order_ids: Sequence[OrderId], batch: _Batch, *, now: datetime
) -> Mapping[OrderId, PlaceOutcome]:
    outcomes = _as_they_stand(order_ids, batch)
    for carried in await serve(tx, estate, batch.free(), batch.uncounted, now=now):
        outcomes[carried.plan.order_id] = _outcome(carried)
    await _note(tx, estate, [case.order.header.order_id for case in batch.free()], batch, now=now)
    return outcomes


async def _place_group(
    tx: Tx, estate: Estate, order_ids: Sequence[OrderId], batch: _Batch, *, now: datetime
) -> Mapping[OrderId, PlaceOutcome]:
    outcomes = _as_they_stand(order_ids, batch)
    waited = [case.order.header.order_id for case in batch.free() if case.order.units.backordered]
    for carried in await start(tx, batch.free(), batch.uncounted, now=now):
        outcomes[carried.plan.order_id] = _outcome(carried)
    again = await shared.orders(tx, waited) if waited else {}
    wanting: list[tuple[Case, Request]] = []
    issuing: list[tuple[Case, rules.Settled]] = []
    for each in batch.free():
        order_id = each.order.header.order_id
        case = Case(again.get(order_id, each.order), each.origin)
        request = rules.request_of(case.order, estate, batch.uncounted)
        settled = rules.issued(case.order, batch.uncounted) if request is None else None
        if request is not None:
            wanting.append((case, request))
        elif settled is not None:
            issuing.append((case, settled))
    for issue in await _issue(tx, estate, issuing, now=now):
        outcomes[issue.order_id] = Placed(issue.order_id, (issue.fulfilment_id,), ZERO)
    taken = await take_over(tx, wanting, now=now)
    claimed = await _claim(tx, estate, wanting, taken, batch.uncounted, now=now)
    outcomes |= {each.plan.order_id: _outcome(each) for each in claimed}
    carts = [order_id for order_id, each in taken.items() if each.waiting]
    for carried in await _serve_carts(tx, estate, carts, batch, now=now):
        outcomes[carried.plan.order_id] = _outcome(carried)
    lacking = [each.plan.order_id for each in claimed if each.order.units.backordered]
    await _note(tx, estate, [*dict.fromkeys([*waited, *lacking])], batch, now=now)
    return outcomes


def _as_they_stand(order_ids: Sequence[OrderId], batch: _Batch) -> dict[OrderId, PlaceOutcome]:
    """What can be said before anything is done."""
    outcomes: dict[OrderId, PlaceOutcome] = {}
    for order_id in order_ids:
        holds = batch.standing.get(order_id, ())
        if order_id not in batch.cases:
            outcomes[order_id] = NotFound(order_id)
        else:
            outcomes[order_id] = Held(order_id, holds) if holds else NothingToPlace(order_id)
    return outcomes


def _outcome(carried: Carried) -> Placed:
    """What stands now, and how many units wait."""
    return Placed(
        carried.plan.order_id,
        tuple(each.fulfilment_id for each in carried.work),
        carried.order.units.backordered,
    )


async def _serve_carts(
    tx: Tx, estate: Estate, ids: Sequence[OrderId], batch: _Batch, *, now: datetime
) -> Sequence[Carried]:
    """Carts do not take goods elsewhere when theirs are gone; the orders that they became do."""
    orders = await shared.orders(tx, ids) if ids else {}
    cases = [Case(orders[order_id], batch.cases[order_id].origin) for order_id in ids]
    return await serve(tx, estate, cases, batch.uncounted, now=now)


async def _note(tx: Tx, estate: Estate, ids: Sequence[OrderId], batch: _Batch, *, now: datetime) -> None:
    """Who waits without goods or a day is remembered, and people hear of it in time."""
    orders = await shared.orders(tx, ids) if ids else {}
    cases = [Case(order, batch.cases[order_id].origin) for order_id, order in orders.items()]
    await standing.note(tx, estate, cases, now=now)


async def _change_holds(
    tx: Tx, cases: Mapping[OrderId, Case], reviews: Mapping[OrderId, Review], *, now: datetime
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
    tx: Tx, estate: Estate, issuing: Sequence[tuple[Case, rules.Settled]], *, now: datetime
) -> Sequence[NewFulfilment]:
    """What nobody counts and what has no goods to go along with has left as soon as it is placed."""
    if not issuing:
        return ()
    await move_units(tx, [move for _, settled in issuing for move in settled.moves])
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


def _issued(case: Case, settled: rules.Settled, location: LocationCode) -> NewFulfilment:
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
    estate: Estate,
    wanting: Sequence[tuple[Case, Request]],
    taken: Mapping[OrderId, Taken],
    uncounted: Collection[Sku],
    *,
    now: datetime,
) -> Sequence[Carried]:
    """Claim for all orders under one set of locks, earliest order first, and write what came of it."""
    if not wanting:
        return ()
    looking = [
        (case, rest)
        for case, request in sorted(wanting, key=lambda each: each[1].order_id)
        if (rest := taken[request.order_id].rest if request.order_id in taken else request) is not None
    ]
    numbers = await store.next_placements(tx, [request.order_id for _, request in looking]) if looking else {}
    asked = [
        sourcing.Sourcing(
            request=request,
            key=key_of(request.order_id, numbers[request.order_id]),
            channel=ChannelCode(case.order.header.channel),
            correlation_id=case.origin.correlation_id,
            promise=promise_of(case.order.header, estate),
        )
        for case, request in looking
    ]
    found = await sourcing.source_many(tx, asked, origin=Origin.begin(SOURCE), now=now) if asked else ()
    plans = {plan.order_id: plan for plan in found}
    look = rules.Look(Part.UNPLACED)
    carried = []
    for case, request in wanting:
        plan = plans.get(request.order_id, Plan(request.order_id, (), ()))
        named = taken.get(request.order_id, Taken())
        carried.append(planned(case, together(named, plan), look, uncounted, named.reservations))
    await carry_out(tx, carried, now=now)
    return carried
