"""A shop with far more stock than a run can sell, and callers that reserve from it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Final, TypeAlias

from bench.cluster import Contender, contenders

from crossdock.canonical.base import LocationCode, ReservationKey, Sku
from crossdock.canonical.stock import FloorMovement
from crossdock.eventlog.service import Origin
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.commit import GroupCommit
from crossdock.foundation.db import Database
from crossdock.inventory import service as inventory
from crossdock.inventory.model import MovementKey, NewMovement
from crossdock.inventory.reservations.model import (
    ClaimKind,
    CommitHold,
    CommitOutcome,
    Reserved,
    ReserveLine,
    ReserveOutcome,
    ReserveRequest,
)

DC: Final = LocationCode("dc")
HOT: Final = Sku("HOT")
SPREAD: Final = 10_000
CALLERS: Final = 256
PLENTY: Final = Decimal(1_000_000_000)
ONE: Final = Decimal(1)
HOLD_LIVES: Final = timedelta(seconds=2)
_BATCH: Final = 2_000


@dataclass(slots=True)
class Shop:
    """One database with stock in it."""

    side: Contender
    database: Database
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def stock(self, skus: Sequence[Sku], quantity: Decimal = PLENTY) -> None:
        """Receive plenty of each, or so much."""
        now = SYSTEM_CLOCK.now()
        for start in range(0, len(skus), _BATCH):
            movements = [
                NewMovement(
                    key=MovementKey(f"opening/{sku}"),
                    kind=FloorMovement.RECEIVE,
                    sku=sku,
                    location=DC,
                    quantity=quantity,
                    happened_at=now,
                )
                for sku in skus[start : start + _BATCH]
            ]
            async with self.database.transaction() as tx:
                await inventory.record(tx, movements, origin=Origin.begin("bench"), now=now)

    async def reserve(self, seconds: float, pick: Callable[[int], Sku]) -> float:
        """Reservations per second of so many callers, each waiting until its own is durable."""
        desk: GroupCommit[ReserveRequest, ReserveOutcome] = GroupCommit(self._flush)
        clock = SYSTEM_CLOCK.monotonic
        began = clock()
        done = 0

        async def call() -> None:
            nonlocal done
            while clock() - began < seconds:
                number = next(self.numbers)
                answer = await desk.submit(_request(number, pick(number)))
                assert isinstance(answer, Reserved), answer
                done += 1

        await asyncio.gather(*(call() for _ in range(CALLERS)))
        return done / (clock() - began)

    async def drain(self, sku: Sku, wishes: int) -> int:
        """Everybody wants one of few: how many got it."""
        desk: GroupCommit[ReserveRequest, ReserveOutcome] = GroupCommit(self._flush, batch_max=CALLERS)
        answers = await asyncio.gather(*(desk.submit(_request(next(self.numbers), sku)) for _ in range(wishes)))
        return sum(isinstance(answer, Reserved) for answer in answers)

    async def hold(self, seconds: float) -> float:
        """Holds of the hot item per second, made and ended: every other one is committed, the rest lapse."""
        holds: GroupCommit[ReserveRequest, ReserveOutcome] = GroupCommit(self._flush)
        commits: GroupCommit[CommitHold, CommitOutcome] = GroupCommit(self._commit)
        clock = SYSTEM_CLOCK.monotonic
        began = clock()
        done = 0

        async def call() -> None:
            nonlocal done
            while clock() - began < seconds:
                request = _hold(next(self.numbers))
                assert isinstance(await holds.submit(request), Reserved)
                if done % 2:
                    await commits.submit(CommitHold(request.key))
                done += 1

        await asyncio.gather(*(call() for _ in range(CALLERS)))
        return done / (clock() - began)

    async def _commit(self, commits: Sequence[CommitHold]) -> Sequence[CommitOutcome]:
        async with self.database.pipelined() as tx:
            return await inventory.commit(tx, commits, origin=Origin.begin("bench"), now=SYSTEM_CLOCK.now())

    async def _flush(self, requests: Sequence[ReserveRequest]) -> Sequence[ReserveOutcome]:
        async with self.database.pipelined() as tx:
            return await inventory.reserve(tx, requests, origin=Origin.begin("bench"), now=SYSTEM_CLOCK.now())


def _request(number: int, sku: Sku) -> ReserveRequest:
    return ReserveRequest(
        key=ReservationKey(f"bench/{number}"), kind=ClaimKind.ALLOCATION, lines=(ReserveLine(sku, ONE, (DC,)),)
    )


def _hold(number: int) -> ReserveRequest:
    return ReserveRequest(
        key=ReservationKey(f"bench/{number}"),
        kind=ClaimKind.HOLD,
        lines=(ReserveLine(HOT, ONE, (DC,)),),
        expires_at=SYSTEM_CLOCK.now() + HOLD_LIVES,
    )


Work: TypeAlias = Callable[[Shop, float], Awaitable[float]]
"""Something done to a shop for some seconds; how often per second."""


async def allocate(shop: Shop, seconds: float) -> float:
    """Units of the hot item for placed orders."""
    return await shop.reserve(seconds, hot)


async def hold(shop: Shop, seconds: float) -> float:
    """Units of the hot item for customers who think about it."""
    return await shop.hold(seconds)


def hot(_number: int) -> Sku:
    """Everybody wants the same."""
    return HOT


def spread(number: int) -> Sku:
    """Everybody wants something else."""
    return Sku(f"SKU-{number * 7919 % SPREAD:05d}")


@asynccontextmanager
async def shops(*names: str) -> AsyncIterator[list[Shop]]:
    """Shops on one PostgreSQL, each with the hot item and the others in stock."""
    async with contenders(names) as sides:
        opened = [Shop(side, Database(side.dsn, size_max=4)) for side in sides]
        for shop in opened:
            await shop.database.__aenter__()
            await shop.stock([HOT, *(Sku(f"SKU-{number:05d}") for number in range(SPREAD))])
        try:
            yield opened
        finally:
            for shop in opened:
                await shop.database.__aexit__()
