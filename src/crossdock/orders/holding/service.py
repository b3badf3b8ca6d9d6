"""Place and release holds on orders whose headers are locked."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from crossdock.canonical.base import OrderId, Sku
from crossdock.canonical.facts import OrderHeld, OrderHoldReleased
from crossdock.estate.model import Estate
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx
from crossdock.orders import store as shared
from crossdock.orders.holding import store
from crossdock.orders.model import SOURCE, Finding, HoldCode, HoldReleased, NoSuchHold, ReleaseOutcome
from crossdock.orders.rules import RECHECKED, WAIVABLE, findings

Known: TypeAlias = Callable[[Tx, Collection[Sku]], Awaitable[Mapping[Sku, bool]]]
"""Which of some SKUs exist, and whether anybody counts their stock."""


@dataclass(frozen=True, slots=True)
class Placing:
    """A finding about to hold an order."""

    order_id: OrderId
    finding: Finding
    origin: Origin


@dataclass(frozen=True, slots=True)
class Releasing:
    """A hold about to go; `who` is a person, or RECHECK when its reason has gone by itself."""

    order_id: OrderId
    hold: HoldCode
    who: str
    reason: str
    origin: Origin


def stream_of(order_id: OrderId) -> str:
    """Where an order's facts lie."""
    return f"order/{order_id}"


async def place_many(tx: Tx, holds: Sequence[Placing], *, now: datetime) -> None:
    """Hold orders; the fact is told once per reason, however often the reason is found."""
    if not holds:
        return
    told = await store.place(tx, [(hold.order_id, hold.finding) for hold in holds], now=now)
    await eventlog.append(
        tx,
        [
            NewFact(
                stream=stream_of(hold.order_id),
                fact=OrderHeld(
                    order_id=str(hold.order_id),
                    hold=hold.finding.hold.value,
                    reason=hold.finding.reason,
                    path=hold.finding.path,
                ),
                happened_at=now,
                origin=hold.origin,
            )
            for hold in holds
            if (hold.order_id, hold.finding.hold) in told
        ],
    )


async def release_many(tx: Tx, holds: Sequence[Releasing], *, now: datetime) -> set[tuple[OrderId, HoldCode]]:
    """Let holds go; those that stood."""
    if not holds:
        return set()
    gone = await store.release(tx, [(hold.order_id, hold.hold, hold.who, hold.reason) for hold in holds], now=now)
    await eventlog.append(
        tx,
        [
            NewFact(
                stream=stream_of(hold.order_id),
                fact=OrderHoldReleased(order_id=str(hold.order_id), hold=hold.hold.value, reason=hold.reason),
                happened_at=now,
                origin=hold.origin,
            )
            for hold in holds
            if (hold.order_id, hold.hold) in gone
        ],
    )
    return gone


async def release_hold(
    tx: Tx, order_id: OrderId, hold: HoldCode, *, who: str, reason: str, now: datetime
) -> ReleaseOutcome:
    """A person lets a hold go. Placing checks again: a reason that nobody may overrule holds the order again."""
    order = (await shared.lock_orders(tx, [order_id])).get(order_id)
    if order is None:
        return NoSuchHold(order_id)
    origin = Origin(correlation_id=order.header.correlation_id, source=SOURCE)
    gone = await release_many(tx, [Releasing(order_id, hold, who, reason, origin)], now=now)
    return HoldReleased(order_id) if gone else NoSuchHold(order_id)


async def standing(tx: Tx, estate: Estate, order_id: OrderId, hold: HoldCode, *, known: Known) -> Finding | None:
    """The reason of a hold as it is today, when it is still there and nobody may overrule it: releasing would not last."""
    if hold not in RECHECKED - WAIVABLE:
        return None
    order = (await shared.orders(tx, [order_id])).get(order_id)
    if order is None:
        return None
    items = await known(tx, {Sku(line.sku) for line in order.lines})
    return next((finding for finding in findings(order, estate, items) if finding.hold is hold), None)


async def hold_order(tx: Tx, order_id: OrderId, reason: str, *, now: datetime) -> bool:
    """A person holds an order by hand; False when there is no such order."""
    order = (await shared.lock_orders(tx, [order_id])).get(order_id)
    if order is None:
        return False
    origin = Origin(correlation_id=order.header.correlation_id, source=SOURCE)
    await place_many(tx, [Placing(order_id, Finding(HoldCode.MANUAL, reason), origin)], now=now)
    return True
