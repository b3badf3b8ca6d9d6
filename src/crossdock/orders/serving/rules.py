"""Which waiting units an order takes of the goods at its locations. Pure."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from crossdock.canonical.base import LocationCode, Sku
from crossdock.estate.model import Estate
from crossdock.inventory.reservations.model import Claim
from crossdock.inventory.waiting.model import Basis
from crossdock.orders.model import ZERO, Order
from crossdock.orders.rules import servants
from crossdock.orders.standing.rules import waits
from crossdock.sourcing.model import Demand, Request, Takes

NO_LINE: Final = ""


def request_of(order: Order, claims: Sequence[Claim], estate: Estate) -> Request | None:
    """What the order still waits for, and where it may be taken; None when it waits for nothing, or may go nowhere."""
    units: dict[Sku, Decimal] = {}
    for claim in waits(claims):
        units[claim.sku] = units.get(claim.sku, ZERO) + claim.remaining
    locations = tuple(LocationCode(code) for code in servants(order.header, estate))
    channel = estate.channel(order.header.channel)
    if not units or not locations or channel is None:
        return None
    return Request(
        order_id=order.header.order_id,
        locations=locations,
        split=channel.split,
        demands=[Demand(NO_LINE, sku, wanted) for sku, wanted in units.items()],
    )


def moves(claims: Sequence[Claim], takes: Takes) -> Iterator[tuple[Claim, LocationCode, Decimal]]:
    """Which claim goes where, those without a day first. A claim's own place serves it by itself, as soon as goods land."""
    left = {claim.ground: claim.remaining for claim in waits(claims)}
    for (sku, place), wanted in takes.items():
        missing = wanted
        for claim in sorted(waits(claims), key=lambda each: each.basis is Basis.DATED):
            units = min(missing, left[claim.ground]) if claim.sku == sku and claim.location != place else ZERO
            if units > 0:
                yield claim, place, units
                left[claim.ground] -= units
                missing -= units
