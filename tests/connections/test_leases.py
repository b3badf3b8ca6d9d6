"""One holder at a time; tokens only rise; a lost lease is noticed."""

import asyncio
from datetime import timedelta

import pytest

from crossdock.canonical.facts import ConnectionBroken, ConnectionRestored
from crossdock.connections import leases, service
from crossdock.connections.model import ConnectionState, Lease
from crossdock.connections.service import LeaseLostError
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database

LONG = timedelta(hours=1)
SHORT = timedelta(milliseconds=200)


async def take(database: Database, holder: str, span: timedelta) -> Lease | None:
    async with database.transaction() as tx:
        return await service.take_lease(tx, "send/erp", holder, span)


async def test_of_many_who_ask_at_once_one_gets_it(database: Database) -> None:
    taken = await asyncio.gather(*(take(database, f"p{number}", LONG) for number in range(8)))

    assert len([lease for lease in taken if lease is not None]) == 1


async def test_a_lease_that_ran_out_is_taken_with_a_higher_token(database: Database) -> None:
    first = await take(database, "one", timedelta(0))
    second = await take(database, "two", LONG)

    assert first is not None
    assert second is not None
    assert second.token > first.token
    async with database.transaction() as tx:
        await service.hold_lease(tx, second)
        with pytest.raises(LeaseLostError):
            await service.hold_lease(tx, first)
        with pytest.raises(LeaseLostError):
            await service.renew_lease(tx, first, LONG)


async def test_nobody_takes_a_lease_while_its_holder_writes(database: Database) -> None:
    lease = await take(database, "one", timedelta(0))
    assert lease is not None
    async with database.transaction() as tx:
        await service.hold_lease(tx, lease)
        taker = asyncio.create_task(take(database, "two", LONG))
        await SYSTEM_CLOCK.sleep(0.1)
        assert not taker.done()
    assert (await taker) is not None


async def test_a_kept_lease_outlives_its_span_and_is_given_back_at_the_end(database: Database) -> None:
    lease = await take(database, "one", SHORT)
    assert lease is not None
    async with leases.hold(database, lease, span=SHORT) as held:
        await SYSTEM_CLOCK.sleep(0.5)
        assert await take(database, "two", LONG) is None
        assert not held.lost.is_set()

    assert await take(database, "two", LONG) is not None


async def test_a_holder_hears_that_its_lease_was_taken(database: Database) -> None:
    lease = await take(database, "one", SHORT)
    assert lease is not None
    async with leases.hold(database, lease, span=SHORT) as held:
        async with database.transaction() as tx:
            await tx.execute("UPDATE connections.lease SET until = '-infinity'")
            await service.take_lease(tx, "send/erp", "two", LONG)
        async with asyncio.timeout(30):
            await held.lost.wait()

    async with database.transaction() as tx:  # leaving gave nothing back that belongs to another
        assert await service.take_lease(tx, "send/erp", "three", LONG) is None


async def test_a_holder_hears_that_its_lease_cannot_be_renewed_whatever_the_reason(database: Database) -> None:
    """Also for one that nobody foresaw: here, the table is gone."""
    lease = await take(database, "one", SHORT)
    assert lease is not None
    async with leases.hold(database, lease, span=SHORT) as held:
        async with database.transaction() as tx:
            await tx.execute("ALTER TABLE connections.lease RENAME TO elsewhere")
        async with asyncio.timeout(10):
            await held.lost.wait()


async def test_a_break_is_told_once_and_a_repair_once(database: Database) -> None:
    now = SYSTEM_CLOCK.now()
    async with database.transaction() as tx:
        told = [await service.broke(tx, "erp", "401", now), await service.broke(tx, "erp", "401 again", now)]
        assert await service.state_of(tx, "erp") is ConnectionState.BROKEN
        repaired = [await service.restored(tx, "erp", now), await service.restored(tx, "erp", now)]
        assert await service.state_of(tx, "erp") is ConnectionState.WORKING

    assert told == [ConnectionBroken(connection="erp", reason="401"), None]
    assert repaired == [ConnectionRestored(connection="erp"), None]


async def test_who_stopped_a_connection_starts_it_again_a_repair_does_not(database: Database) -> None:
    now = SYSTEM_CLOCK.now()
    async with database.transaction() as tx:
        assert await service.stop(tx, "erp", "month end", now)
        assert not await service.stop(tx, "erp", "month end", now)
        assert await service.broke(tx, "erp", "401", now) is None
        assert await service.restored(tx, "erp", now) is None
        (status,) = await service.statuses(tx)
        assert (status.state, status.reason) == (ConnectionState.STOPPED, "month end")
        assert await service.start(tx, "erp", now)
        assert await service.state_of(tx, "erp") is ConnectionState.WORKING
