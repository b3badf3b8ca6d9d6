"""Give work to locations, take it back, let goods leave. Callers hold the locks of the orders concerned."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from crossdock.canonical.base import FulfilmentId, OrderId
from crossdock.canonical.facts import FulfilmentCancelled, FulfilmentReduced, FulfilmentReleased, FulfilmentShipped
from crossdock.canonical.intents import GoodsLine
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx
from crossdock.fulfilment import rules, store
from crossdock.fulfilment.model import (
    Fulfilment,
    NewFulfilment,
    Parcel,
    ShipOutcome,
    Shipping,
    State,
    Unknown,
)
from crossdock.inventory import service as inventory
from crossdock.inventory.model import MovementKey, PositionKey
from crossdock.inventory.reservations.model import Consume, Grant, Release

SOURCE: Final = "fulfilment"


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Work that a location need not do any more."""

    fulfilment: Fulfilment
    reason: str
    causation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Reduction:
    """Open units, per order line, that a location need not give any more."""

    fulfilment: Fulfilment
    units: Mapping[str, Decimal]
    reason: str
    reference: str
    """Tells this reduction from others of the same fulfilment."""
    causation_id: UUID | None = None
    frees: bool = True
    """False: what claimed the units stands elsewhere already."""


def stream_of(fulfilment_id: FulfilmentId) -> str:
    """Where a fulfilment's facts lie."""
    return f"fulfilment/{fulfilment_id}"


async def release_many(tx: Tx, new: Sequence[NewFulfilment], *, now: datetime) -> None:
    """Locations may start. The units are claimed already, under each fulfilment's reservation key."""
    if not new:
        return
    await begin_many(tx, new, now=now)
    await eventlog.append(
        tx,
        [
            NewFact(
                stream=stream_of(fulfilment.fulfilment_id),
                fact=FulfilmentReleased(
                    fulfilment_id=str(fulfilment.fulfilment_id),
                    order_id=str(fulfilment.order_id),
                    location=fulfilment.location,
                    mode=fulfilment.mode,
                    lines=fulfilment.lines,
                ),
                happened_at=now,
                origin=Origin(
                    correlation_id=fulfilment.correlation_id, source=SOURCE, causation_id=fulfilment.causation_id
                ),
            )
            for fulfilment in new
        ],
    )


async def begin_many(tx: Tx, new: Sequence[NewFulfilment], *, now: datetime) -> None:
    """The same without telling anybody to start: nobody has to do anything for goods that are only issued."""
    await store.insert(tx, new, now=now)


async def of_orders(tx: Tx, orders: Collection[OrderId]) -> Sequence[Fulfilment]:
    """All fulfilments of the orders, oldest first, as they stand."""
    return await store.of_orders(tx, orders)


async def lock_of_orders(tx: Tx, orders: Collection[OrderId]) -> Sequence[Fulfilment]:
    """The same, locked until the transaction ends."""
    return await store.lock_of_orders(tx, orders)


async def orders_of(tx: Tx, ids: Collection[FulfilmentId]) -> Mapping[FulfilmentId, OrderId]:
    """Whose work it is; unknown ones are absent."""
    return await store.orders_of(tx, ids)


async def orders_by_tracking(tx: Tx, tracking: str, *, limit: int = 20) -> Sequence[OrderId]:
    """Orders that have a parcel with this tracking number."""
    return await store.orders_by_tracking(tx, tracking, limit=limit)


async def cancel_many(tx: Tx, cancellations: Sequence[Cancellation], *, now: datetime) -> None:
    """Take open work back and free its units, once. The fulfilments are locked by the caller and still open."""
    if not cancellations:
        return
    ended = [replace(rules.cancelled(each.fulfilment), ended_at=now, end_reason=each.reason) for each in cancellations]
    await store.change(tx, ended)
    releases = [
        Release(
            key=each.fulfilment.reservation_key,
            reason=each.reason,
            lines=claimed,
            reference=MovementKey(f"fulfilment/{each.fulfilment.fulfilment_id}/cancel"),
            correlation_id=each.fulfilment.correlation_id,
        )
        for each in cancellations
        if (claimed := _grants(each.fulfilment, {line.line_id: line.open for line in each.fulfilment.lines}))
    ]
    if releases:
        await inventory.release(tx, releases, origin=Origin.begin(SOURCE), now=now)
    await eventlog.append(
        tx,
        [
            NewFact(
                stream=stream_of(each.fulfilment.fulfilment_id),
                fact=FulfilmentCancelled(
                    fulfilment_id=str(each.fulfilment.fulfilment_id),
                    order_id=str(each.fulfilment.order_id),
                    reason=each.reason,
                ),
                happened_at=now,
                origin=Origin(
                    correlation_id=each.fulfilment.correlation_id, source=SOURCE, causation_id=each.causation_id
                ),
            )
            for each in cancellations
        ],
    )


async def reduce_many(tx: Tx, reductions: Sequence[Reduction], *, now: datetime) -> None:
    """Take part of the open work back and free its units, once. The fulfilments are locked by the caller."""
    if not reductions:
        return
    changed = [rules.reduced(each.fulfilment, each.units) for each in reductions]
    await store.change(
        tx,
        [
            each if each.open else replace(each, ended_at=now, end_reason=reduction.reason)
            for each, reduction in zip(changed, reductions, strict=True)
        ],
    )
    releases = [
        Release(
            key=each.fulfilment.reservation_key,
            reason=each.reason,
            lines=claimed,
            reference=MovementKey(f"fulfilment/{each.fulfilment.fulfilment_id}/{each.reference}"),
            correlation_id=each.fulfilment.correlation_id,
        )
        for each in reductions
        if each.frees and (claimed := _grants(each.fulfilment, each.units))
    ]
    if releases:
        await inventory.release(tx, releases, origin=Origin.begin(SOURCE), now=now)
    await eventlog.append(tx, [_taken_back(each, left, now) for each, left in zip(reductions, changed, strict=True)])


def _taken_back(reduction: Reduction, left: Fulfilment, now: datetime) -> NewFact:
    """Less to do, or nothing any more."""
    fulfilment = reduction.fulfilment
    named = {"fulfilment_id": str(fulfilment.fulfilment_id), "order_id": str(fulfilment.order_id)}
    fact: FulfilmentReduced | FulfilmentCancelled
    if left.state is State.CANCELLED:
        fact = FulfilmentCancelled(**named, reason=reduction.reason)
    else:
        fact = FulfilmentReduced(
            **named,
            location=fulfilment.location,
            lines=tuple(
                GoodsLine(sku=line.sku, quantity=units, line_id=line.line_id, tracked=line.tracked)
                for line in fulfilment.lines
                if (units := reduction.units.get(line.line_id))
            ),
            reason=reduction.reason,
        )
    origin = Origin(correlation_id=fulfilment.correlation_id, source=SOURCE, causation_id=reduction.causation_id)
    return NewFact(stream=stream_of(fulfilment.fulfilment_id), fact=fact, happened_at=now, origin=origin)


async def ship_many(
    tx: Tx, shippings: Sequence[Shipping], fulfilments: Mapping[FulfilmentId, Fulfilment], *, now: datetime
) -> Sequence[ShipOutcome]:
    """Goods have left: parcels, stock and facts in one go. *fulfilments* are locked by the caller."""
    standing = dict(fulfilments)
    outcomes: list[ShipOutcome] = []
    left: list[tuple[Shipping, rules.Leaving]] = []
    for shipping in shippings:
        fulfilment = standing.get(shipping.fulfilment_id)
        if fulfilment is None:
            outcomes.append(Unknown(shipping.fulfilment_id))
            continue
        leaving = rules.leave(fulfilment, shipping)
        if isinstance(leaving, rules.Leaving):
            left.append((shipping, leaving))
            standing[shipping.fulfilment_id] = _told(leaving, shipping, now)
            outcomes.append(leaving.shipped)
        else:
            outcomes.append(leaving)
    if left:
        await _record(tx, left, standing, now=now)
    return outcomes


def _told(leaving: rules.Leaving, shipping: Shipping, now: datetime) -> Fulfilment:
    parcel = Parcel(
        reference=shipping.reference,
        shipped_at=shipping.shipped_at,
        carrier=shipping.carrier,
        tracking=shipping.tracking,
        lines=leaving.goods,
    )
    after = replace(leaving.fulfilment, parcels=(*leaving.fulfilment.parcels, parcel))
    return after if after.open else replace(after, ended_at=now, end_reason=None)


async def _record(
    tx: Tx,
    left: Sequence[tuple[Shipping, rules.Leaving]],
    standing: Mapping[FulfilmentId, Fulfilment],
    *,
    now: datetime,
) -> None:
    await store.change(tx, [standing[each] for each in dict.fromkeys(s.fulfilment_id for s, _ in left)])
    parcels = [
        (shipping.fulfilment_id, parcel)
        for shipping, _ in left
        for parcel in standing[shipping.fulfilment_id].parcels
        if parcel.reference == shipping.reference
    ]
    await store.insert_parcels(tx, parcels, now=now)
    taken = [_consumption(shipping, leaving, now) for shipping, leaving in left]
    if any(each.lines for each in taken):
        await inventory.consume(tx, [each for each in taken if each.lines], origin=Origin.begin(SOURCE), now=now)
    await eventlog.append(tx, [_shipped_fact(shipping, leaving) for shipping, leaving in left])


def _consumption(shipping: Shipping, leaving: rules.Leaving, now: datetime) -> Consume:
    fulfilment = leaving.fulfilment
    return Consume(
        key=fulfilment.reservation_key,
        reference=MovementKey(f"fulfilment/{fulfilment.fulfilment_id}/{shipping.reference}"),
        lines=_grants(fulfilment, {line.line_id: line.quantity for line in leaving.goods}),
        # Their clock may run ahead of ours; stock does not move in the future.
        happened_at=min(shipping.shipped_at, now),
        correlation_id=fulfilment.correlation_id,
    )


def _grants(fulfilment: Fulfilment, units: Mapping[str, Decimal]) -> tuple[Grant, ...]:
    """What stock must move: nothing for items that nobody counts."""
    return tuple(
        Grant(PositionKey(line.sku, fulfilment.location), units[line.line_id])
        for line in fulfilment.lines
        if line.tracked and units.get(line.line_id)
    )


def _shipped_fact(shipping: Shipping, leaving: rules.Leaving) -> NewFact:
    fulfilment = leaving.fulfilment
    fact = FulfilmentShipped(
        fulfilment_id=str(fulfilment.fulfilment_id),
        order_id=str(fulfilment.order_id),
        location=fulfilment.location,
        lines=leaving.goods,
        shipped_at=shipping.shipped_at,
        carrier=shipping.carrier,
        tracking=shipping.tracking,
    )
    origin = Origin(
        correlation_id=fulfilment.correlation_id, source=shipping.source, causation_id=shipping.causation_id
    )
    return NewFact(
        stream=stream_of(fulfilment.fulfilment_id), fact=fact, happened_at=shipping.shipped_at, origin=origin
    )


def stranded(fulfilment: Fulfilment, units: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    """What nobody counts and what would have no goods left to go along with, once *units* are taken back."""
    return rules.stranded(rules.reduced(fulfilment, units))


def goods_of(fulfilment: Fulfilment) -> tuple[GoodsLine, ...]:
    """Everything the location was given and has not been told to leave: what its documents ask for."""
    return tuple(
        GoodsLine(sku=line.sku, quantity=line.quantity - line.cancelled, line_id=line.line_id, tracked=line.tracked)
        for line in fulfilment.lines
        if line.quantity > line.cancelled
    )
