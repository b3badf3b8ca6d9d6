"""The event log is read in commit order, completely, and never changes."""

import asyncio
import random
from contextlib import suppress
from datetime import UTC, datetime
from typing import LiteralString

import psycopg
import pytest

from crossdock.canonical.facts import ItemChanged
from crossdock.eventlog import service
from crossdock.eventlog.model import START, Cursor
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database, Tx, execute, fetch_tuples, fetch_value
from crossdock.foundation.migrations import apply_migrations

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


async def test_who_waited_for_a_stream_is_read_after_whom_it_waited_for(database: Database) -> None:
    """The early transaction began first and writes last: by its number alone it would be read first."""
    async with database.transaction() as early:
        await execute(early, "SELECT pg_current_xact_id()")
        async with database.transaction() as late:
            await service.append(late, [new_fact("found")])
        await service.append(early, [new_fact("lost again"), new_fact("and found", stream="item/B")])

    async with database.transaction() as reader:
        assert await names_after(reader, START) == ["found", "lost again", "and found"]


async def test_what_waits_behind_nothing_can_be_read_at_once(database: Database) -> None:
    """A place beyond the last transaction would hide a fact until somebody happens to write."""
    async with database.transaction() as early:
        await execute(early, "SELECT pg_current_xact_id()")
        for _ in range(3):
            async with database.transaction() as late:
                await execute(late, "SELECT pg_current_xact_id()")
        await service.append(early, [new_fact("told")])

    async with database.transaction() as reader:
        assert await names_after(reader, START) == ["told"]
        assert await service.hidden_since(reader) is None


WRITERS, STREAMS, ROUNDS = 8, 3, 15


async def test_no_stream_is_read_in_another_order_than_it_was_written_however_writers_wait_for_each_other(
    dsn: str,
) -> None:
    """Each writer takes its number, waits, takes a stream's lock, counts on, waits again and commits."""
    chance = random.Random(4)  # noqa: S311 (a seed)
    async with Database(dsn, size_max=WRITERS + 2) as database:
        async with database.transaction() as tx:
            await execute(tx, "CREATE TABLE public.counter (stream text PRIMARY KEY, n int NOT NULL)")
            sql = "INSERT INTO public.counter SELECT 'item/' || n, 0 FROM generate_series(1, %(streams)s) n"
            await execute(tx, sql, {"streams": STREAMS})

        async def write() -> None:
            for _ in range(ROUNDS):
                streams = [f"item/{n}" for n in range(1, STREAMS + 1) if chance.random() < 0.6]
                async with database.transaction() as tx:
                    await execute(tx, "SELECT pg_current_xact_id()")
                    await SYSTEM_CLOCK.sleep(chance.random() * 0.004)
                    for stream in streams:
                        count_on: LiteralString = (
                            "UPDATE public.counter SET n = n + 1 WHERE stream = %(stream)s RETURNING n"
                        )
                        count = await fetch_value(tx, count_on, int, {"stream": stream})
                        await service.append(tx, [new_fact(f"{stream}#{count}", stream=stream)])
                    await SYSTEM_CLOCK.sleep(chance.random() * 0.004)

        seen: list[str] = []

        async def read_on(cursor: Cursor) -> Cursor:
            async with database.transaction() as tx:
                events = await service.read_after(tx, cursor, limit=7)
            seen.extend(event.fact.name for event in events if isinstance(event.fact, ItemChanged))
            return events[-1].cursor if events else cursor

        writers = asyncio.gather(*(write() for _ in range(WRITERS)))
        cursor = START
        while not writers.done():
            cursor = await read_on(cursor)
            await SYSTEM_CLOCK.sleep(0.001)
        await writers
        while (after := await read_on(cursor)) != cursor:
            cursor = after

        async with database.transaction() as tx:
            rows = await fetch_tuples(tx, "SELECT stream, n FROM public.counter")
            counts: dict[str, int] = {row[0]: row[1] for row in rows}
    for stream, count in counts.items():
        read = [name for name in seen if name.startswith(f"{stream}#")]
        assert read == [f"{stream}#{n}" for n in range(1, count + 1)]
    assert sum(counts.values()) == len(seen)


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


async def test_a_log_that_moved_to_a_server_that_counts_from_the_beginning_is_read_on(database: Database) -> None:
    """A restore on a new machine brings rows and cursors with the numbers of the old one."""
    far = 5_000_000_000
    async with database.transaction() as tx:
        await service.append(tx, [new_fact("read before the move"), new_fact("not yet read")])
        await execute(tx, "ALTER TABLE eventlog.event DISABLE TRIGGER USER")
        await execute(tx, "UPDATE eventlog.event SET xid = %(far)s::text::xid8", {"far": str(far)})
        await execute(tx, "ALTER TABLE eventlog.event ENABLE TRIGGER USER")
        first = await fetch_value(tx, "SELECT min(position) FROM eventlog.event", int)
    assert first is not None
    cursor = Cursor(far, first)
    async with database.transaction() as tx:
        await service.move_cursor(tx, "reader", cursor)

    assert await asyncio.to_thread(apply_migrations, database.dsn) == 0
    async with database.transaction() as tx:
        await service.append(tx, [new_fact("written after the move")])
    async with database.transaction() as tx:
        assert await names_after(tx, cursor) == ["not yet read", "written after the move"]


async def test_a_start_beside_writers_leaves_their_numbers_alone(database: Database) -> None:
    """Raised for rows of our own, the horizon would pass a transaction that is still open, and its facts be lost."""
    async with database.transaction() as slow:
        await service.append(slow, [new_fact("slow", "item/S")])
        async with database.transaction() as tx:
            await service.append(tx, [new_fact("quick", "item/Q")])

        await asyncio.to_thread(apply_migrations, database.dsn)

        async with database.transaction() as tx:
            assert await fetch_value(tx, "SELECT foundation.shift()", int) == 0
            assert await names_after(tx, START) == [], "nobody passes the open one"
    async with database.transaction() as tx:
        assert sorted(await names_after(tx, START)) == ["quick", "slow"]
