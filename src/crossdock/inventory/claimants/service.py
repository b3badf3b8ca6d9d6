"""Whose claims stand where, to look at and to decide by."""

from collections.abc import Collection, Sequence
from datetime import datetime

from crossdock.canonical.base import ReservationKey, Sku
from crossdock.foundation.db import Tx
from crossdock.inventory import store as ledger
from crossdock.inventory.claimants import store
from crossdock.inventory.claimants.model import ClaimedUnits, DatedUnits
from crossdock.inventory.model import PositionKey


async def claimed_by_channel(
    tx: Tx, skus: Collection[Sku], *, now: datetime, without_hold: ReservationKey | None = None
) -> Sequence[ClaimedUnits]:
    """Open holds and allocations per item, location and channel. A read, it locks nothing."""
    return await store.claimed(tx, sorted(skus), now=now, without=without_hold)


async def claimed_by_channel_as_of(tx: Tx, skus: Collection[Sku], as_of: datetime) -> Sequence[ClaimedUnits]:
    """The same as it was known at a past moment, from the ledger."""
    return await store.claimed_as_of(tx, sorted(skus), as_of)


async def claimed_under_locks(tx: Tx, positions: set[PositionKey], *, now: datetime) -> Sequence[ClaimedUnits]:
    """The same, and nobody can change it before the transaction ends: *positions* must be all that it will touch."""
    await ledger.lock(tx, positions, make=False)
    return await store.claimed(tx, sorted({position.sku for position in positions}), now=now, without=None)


async def dated(
    tx: Tx, skus: Collection[Sku], *, now: datetime, without_hold: ReservationKey | None = None
) -> Sequence[DatedUnits]:
    """Open claims on receipts that are due by a day, per item, location and day."""
    return await store.dated(tx, sorted(skus), now=now, without=without_hold)


async def dated_as_of(tx: Tx, skus: Collection[Sku], as_of: datetime) -> Sequence[DatedUnits]:
    """The same as it was known at a past moment, from the ledger."""
    return await store.dated_as_of(tx, sorted(skus), as_of)
