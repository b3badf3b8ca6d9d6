"""A database that was away is used again at once; one that is away or busy is told apart, without endless waiting."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from psycopg_pool import PoolTimeout

from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database, fetch_value
from crossdock.foundation.lending import LAST_TRY_S, DatabaseBusyError
from crossdock.foundation.postgres import EmbeddedPostgres, Profile

SIZE = 12
PATIENCE_S = 2.0


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A database to be stopped and started."""
    made = EmbeddedPostgres(tmp_path / "postgres", profile=Profile.UNSAFE)
    await made.start()
    yield made
    await made.stop()


async def ask(database: Database, patience_s: float = PATIENCE_S) -> int | None:
    async with database.transaction(patience_s=patience_s) as tx:
        return await fetch_value(tx, "SELECT 1", int)


async def grow(database: Database) -> None:
    """Every connection of the pool is made, and given back."""
    together = asyncio.Barrier(SIZE)

    async def hold() -> None:
        async with database.transaction():
            await together.wait()

    await asyncio.gather(*[hold() for _ in range(SIZE)])


async def test_a_restart_that_broke_every_idle_connection_costs_the_next_caller_nothing(
    server: EmbeddedPostgres,
) -> None:
    """Each of them would be found broken on its own, with a longer pause after each."""
    async with Database(server.connection.dsn, size_max=SIZE) as database:
        await grow(database)
        await server.stop()
        await server.start()

        assert await ask(database) == 1


async def test_whoever_waits_is_served_when_the_database_is_back(server: EmbeddedPostgres) -> None:
    async with Database(server.connection.dsn) as database:
        await server.stop()
        waiting = asyncio.create_task(ask(database, 15.0))
        await SYSTEM_CLOCK.sleep(PATIENCE_S)
        await server.start()
        on_time = asyncio.create_task(SYSTEM_CLOCK.sleep(PATIENCE_S))
        await asyncio.wait({waiting, on_time}, return_when=asyncio.FIRST_COMPLETED)

        assert waiting.done(), "the pool tried again soon after the database came back"
        assert await waiting == 1
        await on_time


async def test_patience_with_an_absent_database_is_used_up_once(server: EmbeddedPostgres) -> None:
    async with Database(server.connection.dsn) as database:
        await server.stop()
        with pytest.raises(PoolTimeout) as said:
            await ask(database)
        assert not isinstance(said.value, DatabaseBusyError)

        late = asyncio.create_task(ask(database))
        whole = asyncio.create_task(SYSTEM_CLOCK.sleep(PATIENCE_S))
        await asyncio.wait({late, whole}, return_when=asyncio.FIRST_COMPLETED)

        assert not whole.done(), "a later caller is not kept waiting as long as the first"
        with pytest.raises(PoolTimeout):
            await late

        await server.start()
        assert await ask(database) == 1
        await whole


async def test_a_busy_database_is_not_called_absent(dsn: str) -> None:
    async with Database(dsn, size_max=1) as database:
        async with database.transaction():
            with pytest.raises(DatabaseBusyError):
                await ask(database, LAST_TRY_S)

        assert await ask(database) == 1


async def test_whoever_stopped_asking_leaves_the_others_their_patience(dsn: str) -> None:
    async with Database(dsn, size_max=1) as database:
        async with database.transaction():
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(LAST_TRY_S / 2):
                    await ask(database)
            await SYSTEM_CLOCK.sleep(PATIENCE_S)
            waiting = asyncio.create_task(ask(database))
            await SYSTEM_CLOCK.sleep(2 * LAST_TRY_S)

        assert await waiting == 1
