"""A small shop to play in: short ways to say what happens to its stock."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

from crossdock.canonical.base import LocationCode, ReservationKey, Sku
from crossdock.canonical.stock import Bucket, FloorMovement
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Database
from crossdock.inventory import service
from crossdock.inventory.model import Difference, MovementKey, NewMovement, Position, PositionKey
from crossdock.inventory.reservations.model import (
    ClaimKind,
    CommitHold,
    CommitOutcome,
    Fill,
    Grant,
    Release,
    ReleaseOutcome,
    ReserveLine,
    ReserveOutcome,
    ReserveRequest,
)

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
A, B, C = Sku("A"), Sku("B"), Sku("C")
DC, STORE, SHOP = LocationCode("DC"), LocationCode("S1"), LocationCode("S2")
ORIGIN = Origin.begin("test")
_numbers = count(1)


def units(quantity: int | str) -> Decimal:
    return Decimal(quantity)


def each(*quantities: int) -> tuple[Decimal, ...]:
    """Several quantities to compare with."""
    return tuple(Decimal(quantity) for quantity in quantities)


def at(sku: Sku = A, location: LocationCode = DC) -> PositionKey:
    return PositionKey(sku, location)


def grant(quantity: int, sku: Sku = A, location: LocationCode = DC) -> Grant:
    return Grant(at(sku, location), units(quantity))


def movement(
    kind: FloorMovement,
    quantity: int,
    sku: Sku = A,
    location: LocationCode = DC,
    *,
    key: str = "",
    from_bucket: Bucket | None = None,
    to_bucket: Bucket | None = None,
    happened_at: datetime = NOW,
) -> NewMovement:
    return NewMovement(
        key=MovementKey(key or f"movement/{next(_numbers)}"),
        kind=kind,
        sku=sku,
        location=location,
        quantity=units(quantity),
        happened_at=happened_at,
        from_bucket=from_bucket,
        to_bucket=to_bucket,
    )


def line(quantity: int, sku: Sku = A, *locations: LocationCode) -> ReserveLine:
    return ReserveLine(sku, units(quantity), locations or (DC,))


def hold(
    key: str, *lines: ReserveLine, expires_at: datetime = NOW + 30 * MINUTE, fill: Fill = Fill.ALL
) -> ReserveRequest:
    return ReserveRequest(
        key=ReservationKey(key), kind=ClaimKind.HOLD, lines=lines or (line(1),), expires_at=expires_at, fill=fill
    )


def allocation(key: str, *lines: ReserveLine, fill: Fill = Fill.ALL) -> ReserveRequest:
    return ReserveRequest(key=ReservationKey(key), kind=ClaimKind.ALLOCATION, lines=lines or (line(1),), fill=fill)


async def record(database: Database, *movements: NewMovement, now: datetime = NOW) -> None:
    async with database.transaction() as tx:
        await service.record(tx, movements, origin=ORIGIN, now=now)


async def receive(
    database: Database, quantity: int, sku: Sku = A, location: LocationCode = DC, *, now: datetime = NOW
) -> None:
    await record(database, movement(FloorMovement.RECEIVE, quantity, sku, location, happened_at=now), now=now)


async def reserve(database: Database, *requests: ReserveRequest, now: datetime = NOW) -> Sequence[ReserveOutcome]:
    async with database.transaction() as tx:
        return await service.reserve(tx, requests, origin=ORIGIN, now=now)


async def commit(database: Database, key: str, *, now: datetime = NOW) -> CommitOutcome:
    async with database.transaction() as tx:
        (outcome,) = await service.commit(tx, [CommitHold(ReservationKey(key))], origin=ORIGIN, now=now)
    return outcome


async def release(database: Database, key: str, *, now: datetime = NOW) -> ReleaseOutcome:
    async with database.transaction() as tx:
        (outcome,) = await service.release(tx, [Release(key=ReservationKey(key))], origin=ORIGIN, now=now)
    return outcome


async def position(database: Database, sku: Sku = A, location: LocationCode = DC, *, now: datetime = NOW) -> Position:
    async with database.transaction() as tx:
        found = await service.positions(tx, [sku], now=now, locations=[location])
    return found[0] if found else Position(sku=sku, location=location, changed_at=NOW, happened_at=NOW)


async def differences(database: Database) -> Sequence[Difference]:
    async with database.transaction() as tx:
        return await service.audit(tx)
