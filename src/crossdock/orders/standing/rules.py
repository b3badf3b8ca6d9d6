"""What an order's claims say about its units. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from crossdock.availability.model import Availability
from crossdock.canonical.base import LocationCode, OrderId, ReservationKey, Sku
from crossdock.canonical.intents import GoodsLine
from crossdock.estate.model import Estate, duration
from crossdock.fulfilment.model import Fulfilment
from crossdock.inventory.reservations.model import Claim, ClaimKind, Grant
from crossdock.inventory.waiting.model import Basis, Promise
from crossdock.orders.model import ZERO, Header, Order
from crossdock.orders.rules import plain
from crossdock.sourcing.model import Pick

ORDER: Final = "order/"
LEAST_FIRST: Final = (Basis.BACKORDER, Basis.DATED, Basis.GOODS)


def owner_of(order_id: OrderId) -> str:
    """The name under which an order takes a reservation over."""
    return f"{ORDER}{order_id}"


def key_of(order_id: OrderId, placement: int) -> ReservationKey:
    """The key of an order's own claim: each placing that claims has a new one."""
    return ReservationKey(f"{owner_of(order_id)}/{placement}")


def order_of(name: str) -> OrderId | None:
    """The order that an owner's name or an own key means; None for everybody else's."""
    if not name.startswith(ORDER):
        return None
    try:
        return OrderId(UUID(name.removeprefix(ORDER).partition("/")[0]))
    except ValueError:
        return None


def promise_of(header: Header, estate: Estate) -> Promise:
    """What ranks the order when goods do not suffice for all. Without a day it is promised as soon as it was placed."""
    channel = estate.channel(header.channel)
    penalty = ZERO if channel is None else channel.penalty
    return Promise(header.promised_by or header.placed_at, header.total, penalty)


def waits(claims: Sequence[Claim]) -> Sequence[Claim]:
    """Claims that have no goods."""
    return [claim for claim in claims if claim.remaining and claim.basis is not Basis.GOODS]


def take_up(order: Order, claims: Sequence[Claim], work: Sequence[Fulfilment]) -> tuple[Pick, ...]:
    """Units that stand on goods although no location works on them yet, dealt to the lines that wait."""
    free: dict[tuple[ReservationKey, LocationCode, Sku], Decimal] = {
        (claim.key, claim.location, claim.sku): claim.remaining
        for claim in claims
        if claim.remaining and claim.basis is Basis.GOODS and claim.kind is ClaimKind.ALLOCATION
    }
    for each in work:
        for given in each.lines:
            stand = (each.reservation_key, each.location, given.sku)
            if given.tracked and stand in free:
                free[stand] -= given.open
    picks: list[Pick] = []
    for line in order.lines:
        rest = line.vector.backordered
        for (key, location, sku), there in free.items():
            units = min(rest, there) if sku == line.sku else ZERO
            if units > 0:
                picks.append(Pick(line.line_id, sku, location, units, key))
                free[key, location, sku] = there - units
                rest -= units
    return tuple(picks)


def unclaimed(order: Order, claims: Sequence[Claim], work: Sequence[Fulfilment]) -> Mapping[str, Decimal]:
    """Units per line that wait although nothing claims anything for them."""
    claimed: dict[str, Decimal] = {}
    for claim in claims:
        claimed[claim.sku] = claimed.get(claim.sku, ZERO) + claim.remaining
    for each in work:
        for line in each.lines:
            if line.tracked:
                claimed[line.sku] = claimed.get(line.sku, ZERO) - line.open
    found: dict[str, Decimal] = {}
    for order_line in order.lines:
        covered = min(order_line.vector.backordered, max(ZERO, claimed.get(order_line.sku, ZERO)))
        claimed[order_line.sku] = claimed.get(order_line.sku, ZERO) - covered
        if rest := order_line.vector.backordered - covered:
            found[order_line.line_id] = rest
    return found


def surplus(
    order: Order, claims: Sequence[Claim], work: Sequence[Fulfilment]
) -> Sequence[tuple[ReservationKey, Grant]]:
    """What the order claims beyond the units that wait and those that locations work on: what has no goods goes first."""
    units: dict[str, Decimal] = {}
    for line in order.lines:
        units[line.sku] = units.get(line.sku, ZERO) - line.vector.backordered
    for each in work:
        for given in each.lines:
            if given.tracked:
                units[given.sku] = units.get(given.sku, ZERO) - given.open
    for claim in claims:
        units[claim.sku] = units.get(claim.sku, ZERO) + claim.remaining
    found: list[tuple[ReservationKey, Grant]] = []
    for claim in sorted(claims, key=lambda each: LEAST_FIRST.index(each.basis)):
        taken = min(claim.remaining, units[claim.sku])
        if taken > 0:
            found.append((claim.key, Grant(claim.position, taken, claim.basis)))
            units[claim.sku] -= taken
    return found


def without_a_day(order: Order, claims: Sequence[Claim]) -> tuple[GoodsLine, ...]:
    """Units per line that have neither goods nor a day."""
    queued: dict[str, Decimal] = {}
    for claim in claims:
        if claim.basis is Basis.BACKORDER:
            queued[claim.sku] = queued.get(claim.sku, ZERO) + claim.remaining
    lines: list[GoodsLine] = []
    for line in order.lines:
        units = min(line.vector.backordered, queued.get(line.sku, ZERO))
        if units:
            lines.append(GoodsLine(sku=line.sku, quantity=units, line_id=line.line_id))
            queued[line.sku] -= units
    return tuple(lines)


def sells_without_goods(header: Header, estate: Estate) -> bool:
    """May its channel do that at all?"""
    channel = estate.channel(header.channel)
    return channel is not None and channel.backorder


def beyond(asked: Availability) -> str:
    """Why an item owes more than may be owed; empty when it does not. What is short uses the limit up first."""
    owed = sum((place.backordered + place.short for place in asked.locations), ZERO)
    if owed <= asked.backorder_limit:
        return ""
    return f"{plain(owed)} x {asked.sku} are owed, {plain(asked.backorder_limit)} may be"


def tell_at(estate: Estate, since: datetime, refused: str) -> datetime:
    """When people hear of an order that waits without goods or a day: at once where it should not have been sold."""
    return since if refused else since + duration(estate.policies.backorder_wait)


def why(estate: Estate, refused: str) -> str:
    """Why people hear of it."""
    return refused or f"nothing has come in {estate.policies.backorder_wait}, and nothing that comes has a day"


def named(lines: Sequence[GoodsLine]) -> str:
    """Units in words."""
    return ", ".join(f"{plain(line.quantity)} x {line.sku}" for line in lines)
