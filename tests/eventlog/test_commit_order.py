"""The event log is read in commit order, completely, and never changes."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

import psycopg
import pytest

from crossdock.canonical.facts import ItemChanged
from crossdock.eventlog import service
from crossdock.eventlog.model import START, Cursor
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Database, Tx, execute

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)


def new_fact(name: str, stream: str = "item/A") -> NewFact:
    return NewFact(
        stream=stream,
        fact=ItemChanged(sku="A", name=name, active=True),
        happened_at=NOW,
        origin=Origin.begin("test"),
    )


async def names_after(tx: Tx, cursor: Cursor, limit: int = 500) -> list[str]:
    events = await service.read_after(tx, cursor, limit=limit)
    return [event.fact.name for event in events if isinstance(event.fact, ItemChanged)]


async def test_facts_of_one_transaction_keep_their_order(database: Database) -> None:
    async with database.transaction() as tx:
        await service.append(tx, [new_fact(str(n)) for n in range(100)])

    async with database.transaction() as tx:
        assert await names_after(tx, START) == [str(n) for n in range(100)]


async def test_a_reader_never_skips_a_fact_that_commits_late(database: Database) -> None:
    """Removing the horizon from READ_AFTER makes this fail: the early writer's fact would lie behind the cursor."""
    async with database.transaction() as early:
        await service.append(early, [new_fact("early")])
        async with database.transaction() as late:
            await service.append(late, [new_fact("late")])
        async with database.transaction() as reader:
            assert await names_after(reader, START) == []

    async with database.transaction() as reader:
        assert await names_after(reader, START) == ["early", "late"]


async def test_readers_see_everything_once_while_writers_race(database: Database) -> None:
    async def write(writer: int) -> None:
        for n in range(20):
            async with database.transaction() as tx:
                await service.append(tx, [new_fact(f"{writer}-{n}", stream=f"item/{writer}")])
                await execute(tx, "SELECT pg_sleep(0.002)")

    seen: list[str] = []

    async def read_on(cursor: Cursor) -> Cursor:
        async with database.transaction() as tx:
            events = await service.read_after(tx, cursor, limit=7)
        seen.extend(event.fact.name for event in events if isinstance(event.fact, ItemChanged))
        return events[-1].cursor if events else cursor

    writers = asyncio.gather(*(write(n) for n in range(5)))
    cursor = START
    while not writers.done() or len(seen) < 100:
        cursor = await read_on(cursor)
    await writers

    assert sorted(seen) == sorted(f"{writer}-{n}" for writer in range(5) for n in range(20))
    assert len(set(seen)) == len(seen)
    for writer in range(5):
        assert [name for name in seen if name.startswith(f"{writer}-")] == [f"{writer}-{n}" for n in range(20)]


async def test_a_fact_is_never_changed_or_deleted(database: Database) -> None:
    async with database.transaction() as tx:
        await service.append(tx, [new_fact("as it was")])

    for statement in ("UPDATE eventlog.event SET source = 'x'", "DELETE FROM eventlog.event"):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="facts are never changed"):
            async with database.transaction() as tx:
                await execute(tx, statement)


async def test_the_cursor_moves_with_the_effect_or_not_at_all(database: Database) -> None:
    async with database.transaction() as tx:
        await service.append(tx, [new_fact("one")])

    with suppress(ConnectionAbortedError):
        async with database.transaction() as tx:
            cursor = await service.cursor_of(tx, "reader")
            events = await service.read_after(tx, cursor)
            await service.move_cursor(tx, "reader", events[-1].cursor)
            raise ConnectionAbortedError

    async with database.transaction() as tx:
        assert await service.cursor_of(tx, "reader") == START


def test_a_cursor_survives_being_written_down() -> None:
    cursor = Cursor(741, 12)

    assert Cursor.parse(str(cursor)) == cursor
