"""Fulfilments as frozen data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias
from uuid import UUID

from crossdock.canonical.base import FulfilmentId, LocationCode, OrderId, ReservationKey, Sku
from crossdock.canonical.intents import GoodsLine
from crossdock.canonical.orders import Mode

ZERO: Final = Decimal(0)


class State(StrEnum):
    """How far a location is. Mirrors the database's enum."""

    PROPOSED = "proposed"
    RELEASED = "released"
    ACCEPTED = "accepted"
    PICKING = "picking"
    PACKED = "packed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    READY_FOR_PICKUP = "ready_for_pickup"
    COLLECTED = "collected"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    RETURNED_TO_STOCK = "returned_to_stock"


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentLine:
    """Units of one order line that this location gives."""

    line_id: str
    sku: Sku
    quantity: Decimal
    shipped: Decimal = ZERO
    cancelled: Decimal = ZERO
    tracked: bool = True
    """False: nobody counts it, so no claim stands behind it."""

    @property
    def open(self) -> Decimal:
        """Units still to leave."""
        return self.quantity - self.shipped - self.cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What left together, told by whoever shipped it."""

    reference: str
    shipped_at: datetime
    carrier: str
    tracking: tuple[str, ...]
    lines: tuple[GoodsLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fulfilment:
    """One location's part of one order, as it stands."""

    fulfilment_id: FulfilmentId
    order_id: OrderId
    location: LocationCode
    mode: Mode
    state: State
    reservation_key: ReservationKey
    correlation_id: UUID
    released_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    lines: tuple[FulfilmentLine, ...]
    parcels: tuple[Parcel, ...] = ()

    @property
    def open(self) -> bool:
        """May anything still leave?"""
        return any(line.open for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFulfilment:
    """Work about to be given to a location."""

    fulfilment_id: FulfilmentId
    order_id: OrderId
    location: LocationCode
    mode: Mode
    reservation_key: ReservationKey
    lines: tuple[GoodsLine, ...]
    correlation_id: UUID
    causation_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipping:
    """Somebody says that goods have left."""

    fulfilment_id: FulfilmentId
    reference: str
    """Their document: the same one again says nothing new."""
    shipped_at: datetime
    lines: Mapping[str, Decimal] | None = None
    """Units per order line; None means everything that was still to leave."""
    units: Mapping[Sku, Decimal] | None = None
    """Units per item, from who knows no lines of ours; instead of `lines`."""
    carrier: str = ""
    tracking: tuple[str, ...] = ()
    source: str = "fulfilment"
    causation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Shipped:
    """The parcel is recorded, its goods are out of stock."""

    fulfilment_id: FulfilmentId
    order_id: OrderId
    mode: Mode
    open: Mapping[str, Decimal]
    """Units per order line that were to leave."""
    revived: Mapping[str, Decimal]
    """Units per order line that had been cancelled, and left all the same."""


@dataclass(frozen=True, slots=True)
class AlreadyShipped:
    """That parcel is known, or nothing was left to leave."""

    fulfilment_id: FulfilmentId


@dataclass(frozen=True, slots=True)
class Exceeds:
    """More than this location was given: nothing was recorded, a person must look."""

    fulfilment_id: FulfilmentId
    line_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unexpected:
    """A fulfilment in this state cannot ship: nothing was recorded, a person must look."""

    fulfilment_id: FulfilmentId
    state: State


@dataclass(frozen=True, slots=True)
class Unknown:
    """No such fulfilment."""

    fulfilment_id: FulfilmentId


ShipOutcome: TypeAlias = Shipped | AlreadyShipped | Exceeds | Unexpected | Unknown
