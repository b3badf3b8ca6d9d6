"""Claim goods for placed orders, each from the locations that our rule chooses under inventory's locks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from crossdock.canonical.base import ChannelCode, LocationCode, ReservationKey, Sku
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.inventory import service as inventory
from crossdock.inventory.model import Account, PositionKey
from crossdock.inventory.reservations.model import (
    ClaimKind,
    Fill,
    OutOfStock,
    Placement,
    Reserved,
    ReserveLine,
    ReserveOutcome,
    ReserveRequest,
    Shelf,
    Shortage,
)
from crossdock.inventory.waiting.model import AS_FAR_AS_IT_TAKES, Basis, Promise
from crossdock.sourcing import rules
from crossdock.sourcing.model import ZERO, Plan, Request, Stock, Takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sourcing:
    """One order's request, and the key and trace of the claim it will stand on."""

    request: Request
    key: ReservationKey
    channel: ChannelCode
    correlation_id: UUID
    promise: Promise
    """What ranks it when goods do not suffice for all."""


async def source_many(tx: Tx, sourcings: Sequence[Sourcing], *, origin: Origin, now: datetime) -> Sequence[Plan]:
    """Claim what is there, up to the last unit available; one plan per request, decided in the order given.

    An order is a fact: what is missing is claimed, too, and waits, on receipts or on nothing yet.
    """
    by_key = {sourcing.key: sourcing.request for sourcing in sourcings}

    def place(request: ReserveRequest, shelf: Shelf) -> Placement:
        return _placement(by_key[request.key], shelf)

    outcomes = await inventory.reserve(
        tx, [_reserve_request(sourcing) for sourcing in sourcings], origin=origin, now=now, placer=place
    )
    return [
        rules.dealt(sourcing.request, _granted(outcome), sourcing.key)
        for sourcing, outcome in zip(sourcings, outcomes, strict=True)
    ]


def choose(request: Request, stock: Stock) -> Takes:
    """What a request would take of *stock*, by the same rule."""
    return rules.takes(request, stock)


def _placement(request: Request, shelf: Shelf) -> Placement:
    stock = {
        (demand.sku, location): _available(shelf, demand.sku, location)
        for demand in request.demands
        for location in request.locations
    }
    taken = rules.takes(request, stock)
    needs = rules.needs(request.demands)
    given = {sku: sum((units for (item, _), units in taken.items() if item == sku), ZERO) for sku in needs}
    return Placement(
        {PositionKey(sku, location): units for (sku, location), units in taken.items()},
        tuple(
            Shortage(sku, PositionKey(sku, request.locations[0]).condition, need, given[sku])
            for sku, need in needs.items()
            if given[sku] < need
        ),
    )


def _available(shelf: Shelf, sku: Sku, location: LocationCode) -> Decimal:
    balances = shelf.get(PositionKey(sku, location))
    return ZERO if balances is None else balances[Account.AVAILABLE]


def _reserve_request(sourcing: Sourcing) -> ReserveRequest:
    request = sourcing.request
    return ReserveRequest(
        key=sourcing.key,
        kind=ClaimKind.ALLOCATION,
        lines=[ReserveLine(sku, need, request.locations) for sku, need in rules.needs(request.demands).items()],
        fill=Fill.PARTIAL,
        reach=AS_FAR_AS_IT_TAKES,
        promise=sourcing.promise,
        channel=sourcing.channel,
        correlation_id=sourcing.correlation_id,
    )


def _granted(outcome: ReserveOutcome) -> Mapping[tuple[Sku, LocationCode], Decimal]:
    if isinstance(outcome, Reserved):
        return {
            (position.sku, position.location): rules.tidy(units)
            for position, units, basis in outcome.grants
            if basis is Basis.GOODS
        }
    assert isinstance(outcome, OutOfStock), outcome
    return {}
