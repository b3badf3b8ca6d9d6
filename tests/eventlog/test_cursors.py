"""A reader stands where its effects stand: one at a time, never twice over the same fact, never in the way for ever."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest

from crossdock.canonical.facts import ItemChanged
from crossdock.eventlog import service
from crossdock.eventlog.model import START, Cursor
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database, Tx, fetch_tuples
from eventlog.log import item, names, other, write

ITEMS = ["item.described"]
READER = "reader"


async def read_on(tx: Tx, limit: int = 500) -> Sequence[str]:
    """What a reader does: look, do, remember."""
    cursor = await service.cursor_of(tx, READER)
    events = await service.read_after(tx, cursor, limit=limit, types=ITEMS)
    if events:
        await service.move_cursor(tx, READER, events[-1].cursor)
    return [event.fact.name for event in events if isinstance(event.fact, ItemChanged)]


async def waiting_for_a_lock(database: Database) -> bool:
    async with database.transaction() as tx:
        rows = await fetch_tuples(
            tx, "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
    return bool(rows)


@pytest.mark.parametrize("began", [False, True], ids=["its first batch", "a later batch"])
async def test_two_readers_of_one_name_take_turns(database: Database, *, began: bool) -> None:
    """Also before the first move, when there is no row yet that could be locked."""
    if began:
        await write(database, item("0"))
        async with database.transaction() as tx:
            await read_on(tx)
    await write(database, item("1"), item("2"))

    async def second() -> Sequence[str]:
        async with database.transaction() as tx:
            return await read_on(tx)

    async with database.transaction() as tx:
        first = await read_on(tx)
        task = asyncio.create_task(second())
        async with asyncio.timeout(60):
            while not await waiting_for_a_lock(database):
                await SYSTEM_CLOCK.sleep(0.01)

    assert first == ["1", "2"]
    assert await task == []


async def test_readers_of_different_names_do_not_wait_for_each_other(database: Database) -> None:
    await write(database, item("1"))
    async with database.transaction() as one:
        await service.cursor_of(one, "one")
        async with database.transaction() as two:
            assert await service.cursor_of(two, "two") == START
            await service.move_cursor(two, "two", Cursor(1, 1))


async def test_a_crash_between_effect_and_cursor_repeats_nothing_and_loses_nothing(database: Database) -> None:
    await write(database, *(item(str(n)) for n in range(10)))
    done: list[str] = []

    for turn in range(20):
        with suppress(ConnectionAbortedError):
            async with database.transaction() as tx:
                found = await read_on(tx, limit=3)
                if turn % 3 == 0:
                    raise ConnectionAbortedError
            done += found

    assert done == [str(n) for n in range(10)]


async def test_a_reader_of_few_types_is_moved_past_the_others(database: Database) -> None:
    await write(database, item("1"))
    async with database.transaction() as tx:
        await read_on(tx)
        before = await service.cursor_of(tx, READER)
    await write(database, *(other() for _ in range(5)))

    async with database.transaction() as tx:
        assert not await service.move_past(tx, READER, ITEMS), "a short way is not worth a write"
        assert await service.move_past(tx, READER, ITEMS, distance=1)
        after = await service.cursor_of(tx, READER)
        assert after == await service.head(tx) > before
    await write(database, item("2"))
    async with database.transaction() as tx:
        assert await read_on(tx) == ["2"]


async def test_a_reader_is_never_moved_past_what_it_reads(database: Database) -> None:
    await write(database, item("1"))
    async with database.transaction() as tx:
        await read_on(tx)
    await write(database, other(), item("2"), other())

    async with database.transaction() as tx:
        assert not await service.move_past(tx, READER, ITEMS, distance=1)
        assert await read_on(tx) == ["2"]


async def test_a_reader_is_never_moved_past_a_fact_that_commits_late(database: Database) -> None:
    await write(database, item("1"))
    async with database.transaction() as tx:
        await read_on(tx)
    async with database.transaction() as early:
        await service.append(early, [item("late")])
        await write(database, other(), other())
        async with database.transaction() as tx:
            await service.move_past(tx, READER, ITEMS, distance=1)

    async with database.transaction() as tx:
        assert await read_on(tx) == ["late"]


async def test_who_never_began_is_not_moved(database: Database) -> None:
    await write(database, item("1"), other())
    async with database.transaction() as tx:
        assert not await service.move_past(tx, "newcomer", ["connection.broken"], distance=1)
        assert await service.cursor_of(tx, "newcomer") == START


async def test_the_head_is_where_one_starts_who_wants_only_what_comes(database: Database) -> None:
    async with database.transaction() as tx:
        assert await service.head(tx) == START
    await write(database, item("before"))
    async with database.transaction() as tx:
        head = await service.head(tx)
    await write(database, item("after"))

    assert await names(database, head) == ["after"]


async def test_it_is_told_since_when_facts_are_hidden(database: Database) -> None:
    await write(database, item("1"))
    async with database.transaction() as tx:
        assert await service.hidden_since(tx) is None
    async with database.transaction() as open_still:
        await service.append(open_still, [item("2")])
        await write(database, item("3"))
        async with database.transaction() as tx:
            (recorded,) = [event.recorded_at for event in await service.of_stream(tx, "item/A")][1:]
            assert await service.hidden_since(tx) == recorded
