"""Laws of a database that goes away: no false yes, a clear no, and back to work without a hand."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from crossdock.assembly.registry import connectors
from crossdock.foundation.migrations import apply_migrations
from crossdock.foundation.postgres import EmbeddedPostgres, Profile
from gateway.shop import Api, Told, eventually, opened, order


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A database of this test's own, to be stopped and started."""
    made = EmbeddedPostgres(tmp_path / "postgres", profile=Profile.UNSAFE)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def fragile(server: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[Api]:
    dsn = server.connection.dsn
    await asyncio.to_thread(apply_migrations, dsn)
    async with opened(tmp_path / "home", dsn, connectors()) as served:
        yield served


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that can be filled."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "none", str(place)], check=False)
    if mounted.returncode != 0:
        pytest.skip("a file system of its own needs root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


async def test_a_database_that_is_away_is_a_clear_no_and_comes_back_by_itself(
    fragile: Api, server: EmbeddedPostgres
) -> None:
    assert (await fragile.post("/v1/orders", order("A-1"))).status == 202
    await server.stop()

    asked = [
        fragile.post("/v1/orders", order("A-2"), idempotency="k2"),
        fragile.post("/v1/orders/batch", {"orders": [order("A-3")]}),
        fragile.get("/v1/orders"),
        fragile.post("/v1/availability/query", {"channel": "web", "skus": ["TEA"]}),
        fragile.ask("POST", "/v1/uploads/tills", raw=b"{}", headers={"Content-Type": "application/x-ndjson"}),
        fragile.get("/metrics"),
    ]
    for told in await asyncio.gather(*asked):
        assert (told.status, told.kind) == (503, "database-unavailable")
        assert int(told.headers["Retry-After"]) > 0
    assert (await fragile.get("/readyz")).status == 503
    assert (await fragile.get("/healthz")).status == 200, "a restart of the hub would not help"

    await server.start()

    async def taken() -> bool:
        return (await fragile.post("/v1/orders", order("A-2"), idempotency="k2")).status == 202

    await eventually(taken)
    assert (await fragile.get("/readyz")).status == 200
    assert await fragile.count("orders") == 2, "what was refused left nothing behind"


async def test_a_database_that_is_only_busy_is_called_so(api: Api) -> None:
    assert (await api.get("/v1/orders")).status == 200
    async with AsyncExitStack() as stack:
        for _ in range(api.hub.settings.pool_size_max):
            await stack.enter_async_context(api.hub.database.transaction())
        told = await api.get("/v1/orders")

    assert (told.status, told.kind) == (503, "overloaded")
    assert int(told.headers["Retry-After"]) > 0
    assert (await api.get("/v1/orders")).status == 200


async def test_a_database_that_restarts_is_waited_for(fragile: Api, server: EmbeddedPostgres) -> None:
    """Nobody is told no for a restart of a moment: the keys in hand and the wait for a connection bridge it."""
    await fragile.post("/v1/orders", order("A-0"))
    restarting = asyncio.create_task(_restart(server))
    told: list[Told] = []
    while not restarting.done():
        told.append(await fragile.post("/v1/orders", order(f"A-{len(told) + 1}")))
    await restarting

    assert {one.status for one in told} <= {202, 503}
    assert await fragile.count("orders") == 1 + sum(one.status == 202 for one in told)


async def _restart(server: EmbeddedPostgres) -> None:
    await server.stop()
    await server.start()


async def test_a_full_disk_stops_acknowledging_and_recovers_by_itself(small_disk: Path, tmp_path: Path) -> None:
    async with EmbeddedPostgres(small_disk / "postgres", profile=Profile.DURABLE) as server:
        dsn = server.connection.dsn
        await asyncio.to_thread(apply_migrations, dsn)
        async with opened(tmp_path / "home", dsn, connectors()) as api:
            assert (await api.post("/v1/orders", order("A-0"))).status == 202
            acknowledged = {"A-0"}
            filler = _fill(small_disk)

            async def refused() -> bool:
                """Batches of long notes until the space that was left inside PostgreSQL's files is used up."""
                batch = [order(f"B-{len(acknowledged)}-{n}", note="x" * 500) for n in range(200)]
                told = await api.post("/v1/orders/batch", {"orders": batch})
                if told.status == 207:
                    acknowledged.update(str(one["channel_order_id"]) for one in batch)
                return told.status == 503

            await eventually(refused)
            told = await api.get("/readyz")
            assert (told.status, "No space left on device" in told.text) == (503, True), told.text
            filler.unlink()

            async def taken() -> bool:
                return (await api.post("/v1/orders", order("A-1"))).status in {200, 202}

            await eventually(taken)
            assert (await api.get("/readyz")).status == 200
            rows = await api.rows("SELECT channel_order_id FROM orders.header")
            assert acknowledged <= {row[0] for row in rows}, "everything acknowledged is there"


def _fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as sink:
        try:
            while True:
                sink.write(bytes(1 << 16))
        except OSError:
            return filler
