"""What orders stand on. Callers hold the locks of the orders concerned."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from crossdock.availability import service as availability
from crossdock.canonical.base import ChannelCode, Document, OrderId, ReservationKey, Sku
from crossdock.canonical.facts import OrderBackordered, OrderBackorderEnded
from crossdock.canonical.intents import GoodsLine
from crossdock.estate.model import Estate
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.fulfilment import service as fulfilments
from crossdock.inventory import service as inventory
from crossdock.inventory.model import MovementKey
from crossdock.inventory.reservations.model import Claim, Grant, Release
from crossdock.orders.holding.service import stream_of
from crossdock.orders.model import SOURCE, Order
from crossdock.orders.standing import rules, store
from crossdock.orders.standing.model import Case, Waiting

AGAIN: Final = timedelta(minutes=10)
"""So often an order that people know to wait is looked at, besides whenever something happens to it."""


async def claims_of(tx: Tx, orders: Collection[Order], *, now: datetime) -> Mapping[OrderId, Sequence[Claim]]:
    """Everything that the orders claim, under their own keys and under those of reservations that became theirs."""
    whose: dict[ReservationKey, OrderId] = {}
    named: dict[ReservationKey, OrderId] = {}
    for order in orders:
        header = order.header
        whose |= {rules.key_of(header.order_id, number): header.order_id for number in range(1, header.placements + 1)}
        named |= {ReservationKey(key): header.order_id for key in header.reservations}
    owners = await inventory.owners_of(tx, list(named)) if named else {}
    whose |= {key: order_id for key, order_id in named.items() if owners.get(key) == rules.owner_of(order_id)}
    found = await inventory.find(tx, whose, now=now) if whose else {}
    claims: dict[OrderId, list[Claim]] = {order.header.order_id: [] for order in orders}
    for key, reservation in found.items():
        claims[whose[key]] += reservation.claims
    return claims


async def orders_of(tx: Tx, keys: Collection[str]) -> Mapping[str, OrderId]:
    """Whose reservations they are; those of no order are absent."""
    own = {key: found for key in keys if (found := rules.order_of(key)) is not None}
    others = [ReservationKey(key) for key in keys if key not in own]
    owners = await inventory.owners_of(tx, others) if others else {}
    taken = {str(key): found for key, owner in owners.items() if (found := rules.order_of(owner)) is not None}
    return own | taken


async def free(tx: Tx, orders: Collection[Order], reason: str, *, now: datetime) -> None:
    """Nobody wants their units any more: whatever they still claim is free, once."""
    standing = await claims_of(tx, orders, now=now)
    traces = {order.header.order_id: order.header.correlation_id for order in orders}
    releases = {
        claim.key: Release(key=claim.key, reason=reason, correlation_id=traces[order_id])
        for order_id, claims in standing.items()
        for claim in claims
        if claim.remaining
    }
    if releases:
        await inventory.release(tx, list(releases.values()), origin=Origin.begin(SOURCE), now=now)


async def shed(tx: Tx, order: Order, reason: str, *, now: datetime) -> None:
    """The order wants less than it claims: what it does not want any more is free, what has no goods first."""
    order_id = order.header.order_id
    mine = (await claims_of(tx, [order], now=now))[order_id]
    found: dict[ReservationKey, list[Grant]] = {}
    for key, grant in rules.surplus(order, mine, await fulfilments.of_orders(tx, [order_id])):
        found.setdefault(key, []).append(grant)
    releases = [
        Release(
            key=key,
            reason=reason,
            lines=grants,
            reference=MovementKey(f"{key}/less/{new_id()}"),
            correlation_id=order.header.correlation_id,
        )
        for key, grants in found.items()
    ]
    if releases:
        await inventory.release(tx, releases, origin=Origin.begin(SOURCE), now=now)


async def note(tx: Tx, estate: Estate, cases: Collection[Case], *, now: datetime) -> None:
    """Remember who has units without goods or a day; tell people of them when it is time, and when it is over."""
    claims = await claims_of(tx, [case.order for case in cases], now=now)
    lacking = {
        case.order.header.order_id: lines
        for case in cases
        if (lines := rules.without_a_day(case.order, claims[case.order.header.order_id]))
    }
    known = {each.order_id: each for each in await store.find(tx, list(lacking))} if lacking else {}
    refused = await _refused(
        tx, estate, [(case, lacking.get(case.order.header.order_id, ())) for case in cases], now=now
    )
    kept: list[tuple[Waiting, datetime]] = []
    facts: list[NewFact] = []
    for case in cases:
        header = case.order.header
        if header.order_id not in lacking:
            continue
        before = known.get(header.order_id, Waiting(header.order_id, now, None))
        tell_at = rules.tell_at(estate, before.since, refused.get(header.order_id, ""))
        told_at = before.told_at
        if told_at is None and tell_at <= now:
            told_at = now
            fact = OrderBackordered(
                order_id=str(header.order_id),
                number=header.number,
                lines=lacking[header.order_id],
                since=before.since,
                reason=rules.why(estate, refused.get(header.order_id, "")),
                promised_by=header.promised_by,
            )
            facts.append(_new(case, fact, now))
        look_at = tell_at if told_at is None else now + AGAIN
        kept.append((Waiting(header.order_id, before.since, told_at), look_at))
    if kept:
        await store.keep(tx, kept)
    await eventlog.append(tx, facts)
    await forget(tx, [case for case in cases if case.order.header.order_id not in lacking], now=now)


async def _refused(
    tx: Tx, estate: Estate, lacking: Sequence[tuple[Case, Sequence[GoodsLine]]], *, now: datetime
) -> Mapping[OrderId, str]:
    """Why orders should not have been sold without goods, where that is so."""
    found: dict[OrderId, str] = {}
    for case, lines in lacking:
        header = case.order.header
        if not lines:
            continue
        if not rules.sells_without_goods(header, estate):
            found[header.order_id] = f"{header.channel} does not sell without goods"
            continue
        pairs = [(Sku(line.sku), ChannelCode(header.channel)) for line in lines]
        answers = await availability.query(tx, estate, pairs, now=now, mode=header.mode)
        found[header.order_id] = next((text for each in answers if (text := rules.beyond(each))), "")
    return found


async def tell(tx: Tx, fact: OrderBackordered, case: Case, *, now: datetime) -> None:
    """People hear of it at once: goods that the order was promised are gone."""
    order_id = case.order.header.order_id
    await store.keep(tx, [(Waiting(order_id, now, now), now + AGAIN)])
    await eventlog.append(tx, [_new(case, fact, now)])


async def forget(tx: Tx, cases: Collection[Case], *, now: datetime) -> None:
    """They wait no longer: all goods or days are there, or nobody wants the units any more."""
    by_id = {case.order.header.order_id: case for case in cases}
    ended = await store.end(tx, list(by_id)) if by_id else ()
    await eventlog.append(
        tx,
        [
            _new(by_id[each.order_id], OrderBackorderEnded(order_id=str(each.order_id)), now)
            for each in ended
            if each.told_at is not None
        ],
    )


def _new(case: Case, fact: Document, now: datetime) -> NewFact:
    return NewFact(stream=stream_of(case.order.header.order_id), fact=fact, happened_at=now, origin=case.origin)


async def due(tx: Tx, *, now: datetime, limit: int) -> Sequence[OrderId]:
    """Orders that wait without goods or a day, and are to be looked at; the next look is in a while."""
    ids = await store.due(tx, now, limit=limit)
    if ids:
        await store.put_off(tx, ids, now + AGAIN)
    return ids
