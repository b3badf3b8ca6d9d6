"""Work that does not get on is seen by people, whatever it fails of, until it gets on."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from crossdock.assembly.hub import Hub
from crossdock.foundation.db import Database, execute
from crossdock.foundation.settings import Settings
from crossdock.foundation.tasks import end
from crossdock.foundation.trouble import TOLD_FROM, Trouble
from crossdock.foundation.vault import Vault
from crossdock.operations import service as operations
from crossdock.operations.health import service as health
from crossdock.operations.model import OpenException
from crossdock.operations.stuck import service as stuck
from crossdock.worker import loop as loops
from crossdock.worker.loop import Loop, run_loop
from crossdock.worker.watch import teller
from worker.plant import apply, estate, eventually

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)


@pytest.fixture
async def hub(database: Database, tmp_path: Path) -> Hub:
    made = Hub(
        settings=Settings(home=tmp_path),
        dsn=database.dsn,
        database=database,
        vault=Vault(os.urandom(32)),
        connectors={},
    )
    await apply(database, estate())
    return made


class Worker:
    """A loop whose step fails as long as it is told to."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.tries = 0

    async def step(self) -> bool:
        self.tries += 1
        if self.error is not None:
            raise self.error
        return False


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "FAILED_FIRST_S", 0.01)
    monkeypatch.setattr(loops, "FAILED_MAX_S", 0.01)


@asynccontextmanager
async def at_work(hub: Hub, worker: Worker) -> AsyncIterator[None]:
    loop = Loop(name="sort", step=worker.step, every_s=0.01)
    task = asyncio.create_task(run_loop(loop, hub.hints, hub.clock, teller(hub)))
    yield
    await end([task])


async def tries(worker: Worker, number: int) -> None:
    """Until it has tried so often, and all that it had to tell of that is told."""
    await eventually(lambda: worker.tries > number)


async def exceptions(hub: Hub) -> Sequence[OpenException]:
    async with hub.database.transaction() as tx:
        return await operations.list_exceptions(tx, type_name="work_stuck")


async def sick(hub: Hub) -> list[str]:
    """What `doctor` says of the hub's work."""
    async with hub.database.transaction() as tx:
        found = await health.books(tx, now=hub.clock.now(), retention=timedelta(days=400))
    return [each.text for each in found if each.subject == "work" and not each.ok]


@pytest.mark.parametrize(
    "error",
    [ZeroDivisionError("a bug"), psycopg.errors.QueryCanceled("too slow"), ValueError("half \\udc80 a \\x00 letter")],
    ids=lambda error: type(error).__name__,
)
async def test_work_that_fails_again_and_again_is_an_exception_until_it_gets_on(hub: Hub, error: Exception) -> None:
    worker = Worker(error)
    async with at_work(hub, worker):
        await tries(worker, TOLD_FROM + 3)
        (opened,) = await exceptions(hub)
        assert (opened.subject, opened.occurrences) == ("work/sort", 1)
        assert type(error).__name__ in opened.detail
        (said,) = await sick(hub)
        assert said.startswith("`sort` has not got on for")

        worker.error = None
        await tries(worker, worker.tries + 2)
        assert await exceptions(hub) == []
        assert await sick(hub) == []


async def test_a_bad_minute_is_nobodys_matter() -> None:
    told: list[int] = []

    async def tell(_work: str, _error: str, failures: int) -> None:
        told.append(failures)

    trouble = Trouble("sort", tell)
    await trouble.got_on()
    for _ in range(TOLD_FROM - 1):
        await trouble.failed(ZeroDivisionError())
    await trouble.got_on()
    for _ in range(TOLD_FROM - 1):
        await trouble.failed(ZeroDivisionError())

    assert told == [0], "only what a process before it may have told"


async def test_what_a_dead_process_has_told_is_cleared_by_the_next_one_that_gets_on(hub: Hub) -> None:
    async with hub.database.transaction() as tx:
        await stuck.fails(tx, await hub.estate.get(tx), "sort", "it broke", failures=9, now=NOW)
    worker = Worker(None)

    async with at_work(hub, worker):
        await tries(worker, 2)

    assert await exceptions(hub) == []


async def test_nothing_stops_because_it_cannot_be_told(hub: Hub) -> None:
    async with hub.database.transaction() as tx:
        await execute(tx, "ALTER TABLE operations.stuck RENAME TO gone")
    worker = Worker(ZeroDivisionError())

    async with at_work(hub, worker):
        await tries(worker, TOLD_FROM + 2)
        worker.error = None
        await tries(worker, worker.tries + 2)
