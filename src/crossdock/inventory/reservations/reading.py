"""Look at reservations: where they stand, for whom, whose they are."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from crossdock.canonical.base import ChannelCode, ReservationKey, Sku
from crossdock.foundation.db import Tx
from crossdock.inventory.model import PositionKey
from crossdock.inventory.reservations import rules, store
from crossdock.inventory.reservations.model import Claim, Reservation


async def find(tx: Tx, keys: Iterable[ReservationKey], *, now: datetime) -> Mapping[ReservationKey, Reservation]:
    """Reservations as they stand at *now*; keys under which nothing was ever claimed are absent."""
    claims: dict[ReservationKey, list[Claim]] = {}
    for claim in await store.claims_of(tx, keys):
        claims.setdefault(claim.key, []).append(claim)
    return {
        key: Reservation(key=key, state=rules.state_of(mine, now), claims=tuple(mine)) for key, mine in claims.items()
    }


async def channels_of(tx: Tx, keys: Sequence[ReservationKey]) -> Mapping[ReservationKey, ChannelCode]:
    """For whom units were reserved; keys of reservations that no channel asked for are absent."""
    return await store.channels_of(tx, keys)


async def owners_of(tx: Tx, keys: Sequence[ReservationKey]) -> Mapping[ReservationKey, str]:
    """Who took reservations over; keys of those that nobody did are absent."""
    return await store.owners_of(tx, keys)


async def deadlines(tx: Tx, skus: Iterable[Sku], *, now: datetime) -> Mapping[Sku, datetime]:
    """When the next live hold on each SKU ends by itself; absent where there is none."""
    return await store.deadlines(tx, list(skus), now)


async def claims_at(tx: Tx, position: PositionKey, *, limit: int = 1000) -> Sequence[Claim]:
    """Who claims units of a position."""
    return await store.claims_at(tx, position, limit=limit)
