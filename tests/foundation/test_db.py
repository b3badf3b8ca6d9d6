"""What goes into PostgreSQL comes out exactly; a transaction is whole or not at all; unfit servers are refused."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from crossdock.foundation.db import (
    Database,
    DatabaseUnusableError,
    check_usable,
    execute,
    fetch_all,
    fetch_one,
    fetch_tuples,
    fetch_value,
)
from crossdock.foundation.ids import new_id
from crossdock.foundation.postgres import ConnectionInfo, EmbeddedPostgres
from crossdock.foundation.postgres.account import chosen
from crossdock.foundation.postgres.binaries import environment, programs
from own_clusters import answer, until

ARRAYS = """
SELECT %(texts)b::text[] AS texts, %(numbers)b::numeric[] AS numbers, %(ids)b::uuid[] AS ids,
       %(moments)b::timestamptz[] AS moments, %(flags)b::boolean[] AS flags, %(days)b::date[] AS days
"""


@dataclass(frozen=True, slots=True)
class Row:
    """What the arrays are read back into."""

    texts: list[str]
    numbers: list[Decimal]
    ids: list[UUID]
    moments: list[datetime]
    flags: list[bool]
    days: list[date]


letters = st.characters(categories=("L", "M", "N", "P", "S", "Z", "Cc"), exclude_characters="\x00")
rows = st.builds(
    Row,
    texts=st.lists(st.text(letters)),
    numbers=st.lists(st.decimals(-(10**18), 10**18, places=6)),
    ids=st.lists(st.uuids()),
    moments=st.lists(st.datetimes(timezones=st.just(UTC))),
    flags=st.lists(st.booleans()),
    days=st.lists(st.dates()),
)


@pytest.fixture
async def table(database: Database) -> Database:
    """With one table to write to."""
    async with database.transaction() as tx:
        await execute(
            tx, "CREATE TABLE public.note (id uuid PRIMARY KEY, amount numeric(24,6), at timestamptz, text text)"
        )
    return database


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(row=rows)
async def test_arrays_travel_in_binary_and_come_back_as_they_were(table: Database, row: Row) -> None:
    async with table.transaction() as tx:
        found = await fetch_one(tx, ARRAYS, Row, {name: getattr(row, name) for name in Row.__slots__})

    assert found == row


async def test_amounts_ids_and_moments_are_stored_exactly(table: Database) -> None:
    own, amount = new_id(), Decimal("123456789012345678.654321")
    moment = datetime(2026, 11, 27, 9, 30, 15, 123456, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    async with table.transaction() as tx:
        await execute(
            tx,
            "INSERT INTO public.note (id, amount, at, text) VALUES (%(id)s, %(amount)s, %(at)s, %(text)s)",
            {"id": own, "amount": amount, "at": moment, "text": "née ☕ 'quoted' \\"},
        )
    async with table.transaction() as tx:
        ((id_, stored, at, text),) = await fetch_tuples(tx, "SELECT id, amount, at, text FROM public.note")

    assert (id_, stored, at, text) == (own, amount, moment, "née ☕ 'quoted' \\")
    assert str(stored) == str(amount)
    assert at.utcoffset() == timedelta(0), "sessions speak UTC whatever the server's zone is"


async def test_json_keeps_numbers_written_as_text_and_hands_out_plain_objects(database: Database) -> None:
    async with database.transaction() as tx:
        found = await fetch_value(tx, "SELECT %(document)s::jsonb", dict, {"document": '{"amount": "0.10", "n": 1}'})

    assert found == {"amount": "0.10", "n": 1}


async def test_a_transaction_that_fails_leaves_nothing_and_its_connection_goes_on(table: Database) -> None:
    insert = "INSERT INTO public.note (id) VALUES (%(id)s)"

    async def break_down() -> None:
        async with table.transaction() as tx:
            await execute(tx, insert, {"id": new_id()})
            raise ZeroDivisionError

    async def repeat() -> None:
        async with table.transaction() as tx:
            await execute(tx, insert, {"id": UUID(int=1)})
            await execute(tx, insert, {"id": UUID(int=1)})

    with pytest.raises(ZeroDivisionError):
        await break_down()
    with pytest.raises(psycopg.errors.UniqueViolation):
        await repeat()
    async with table.transaction() as tx:
        assert await fetch_value(tx, "SELECT count(*) FROM public.note", int) == 0


async def test_a_cancelled_transaction_leaves_nothing(table: Database) -> None:
    inside = asyncio.Event()

    async def work() -> None:
        async with table.transaction() as tx:
            await execute(tx, "INSERT INTO public.note (id) VALUES (%(id)s)", {"id": new_id()})
            inside.set()
            await fetch_tuples(tx, "SELECT pg_sleep(60)")

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    async with table.transaction() as tx:
        assert await fetch_value(tx, "SELECT count(*) FROM public.note", int) == 0


async def test_nothing_is_seen_before_it_is_committed(table: Database) -> None:
    async with table.transaction() as writer:
        await execute(writer, "INSERT INTO public.note (id) VALUES (%(id)s)", {"id": new_id()})
        async with table.transaction() as reader:
            assert await fetch_value(reader, "SELECT count(*) FROM public.note", int) == 0
    async with table.transaction() as reader:
        assert await fetch_value(reader, "SELECT count(*) FROM public.note", int) == 1


async def test_a_snapshot_sees_one_moment_and_the_next_transaction_is_an_ordinary_one(dsn: str) -> None:
    note = "INSERT INTO public.note (id) VALUES (%(id)s)"
    async with Database(dsn, size_max=2) as database:
        async with database.transaction() as tx:
            await execute(tx, "CREATE TABLE public.note (id uuid)")
        async with database.snapshot() as looker:
            assert await fetch_value(looker, "SELECT count(*) FROM public.note", int) == 0
            async with database.transaction() as writer:
                await execute(writer, note, {"id": new_id()})
            assert await fetch_value(looker, "SELECT count(*) FROM public.note", int) == 0

        for _ in range(2):  # both of the pool's connections
            async with database.transaction(), database.transaction() as writer:
                await execute(writer, note, {"id": new_id()})
                assert await fetch_value(writer, "SELECT current_setting('transaction_isolation')", str) == (
                    "read committed"
                )


async def test_a_snapshot_changes_nothing(table: Database) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        async with table.snapshot() as tx:
            await execute(tx, "INSERT INTO public.note (id) VALUES (%(id)s)", {"id": new_id()})


async def test_every_acknowledgement_waits_for_the_disk(database: Database) -> None:
    """Also where the server's own default is otherwise, as on the fast one of these tests."""
    async with database.transaction() as tx:
        assert await fetch_value(tx, "SELECT current_setting('synchronous_commit')", str) == "on"
        assert await fetch_value(tx, "SELECT current_setting('timezone')", str) == "UTC"


async def test_no_rows_are_an_empty_list_and_no_value(table: Database) -> None:
    async with table.transaction() as tx:
        assert await fetch_value(tx, "SELECT amount FROM public.note", Decimal) is None
        assert await fetch_one(tx, "SELECT text FROM public.note", dict) is None
        assert await fetch_all(tx, "SELECT text FROM public.note", dict) == []
        assert await execute(tx, "UPDATE public.note SET text = ''") == 0


async def test_a_value_of_another_type_than_promised_is_a_bug(database: Database) -> None:
    async with database.transaction() as tx:
        with pytest.raises(AssertionError):
            await fetch_value(tx, "SELECT 1", str)


async def test_a_connection_that_died_in_the_pool_is_replaced(dsn: str) -> None:
    async with Database(dsn, size_max=1) as database:
        async with database.transaction() as tx:
            pid = await fetch_value(tx, "SELECT pg_backend_pid()", int)
        with psycopg.connect(dsn, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(%s, 10000)", [pid]
            )  # returns when it has ended, not when it is told
        async with database.transaction() as tx:
            assert await fetch_value(tx, "SELECT pg_backend_pid()", int) != pid


# ---------------------------------------------------------------- servers that will not do


async def refusal(dsn: str) -> str:
    with pytest.raises(DatabaseUnusableError) as refused:
        await check_usable(dsn)
    return str(refused.value)


async def test_a_server_that_may_forget_is_refused(cluster: ConnectionInfo) -> None:
    assert "fsync=off" in await refusal(cluster.dsn)


async def test_a_database_that_cannot_hold_every_name_is_refused(cluster: ConnectionInfo) -> None:
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        admin.execute("CREATE DATABASE latin OWNER crossdock ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")

    told = await refusal(make_conninfo(cluster.dsn, dbname="latin"))

    assert "encoded in LATIN1" in told
    assert "ENCODING 'UTF8'" in told


async def test_a_server_that_keeps_its_word_is_used_and_its_replica_is_not(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / "data") as server:
        await check_usable(server.connection.dsn)
        connection = server.connection

    with standby(tmp_path / "data", connection) as dsn:
        await until(lambda: answers(dsn))
        assert answer(connection, "SELECT pg_is_in_recovery()") is True
        assert "replica" in await refusal(dsn)


async def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    said = await refusal("postgresql://crossdock:open-sesame@127.0.0.1:1/crossdock")

    assert "cannot be reached" in said
    assert "CROSSDOCK_DATABASE_URL" in said
    assert "open-sesame" not in said


async def test_an_address_that_is_none_is_named_without_its_password() -> None:
    said = await refusal("postgres:open-sesame")

    assert "CROSSDOCK_DATABASE_URL cannot be understood" in said
    assert "open-sesame" not in said


def answers(dsn: str) -> bool:
    try:
        psycopg.connect(dsn).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def standby(folder: Path, connection: ConnectionInfo) -> Iterator[str]:
    """The same cluster started as a replica of nobody: readable, never writable."""
    cluster, conf = folder / "cluster", folder / "conf"
    (cluster / "standby.signal").touch()
    account = chosen(cluster)
    connection.socket.mkdir(mode=0o700, exist_ok=True)
    account.own(connection.socket)
    command = account.command(
        programs() / "postgres",
        f"--config-file={conf / 'postgresql.conf'}",
        "-D",
        str(cluster),
        needs=(cluster / "x", conf / "x"),
    )
    server = subprocess.Popen(command, env=environment(), cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield connection.dsn
    finally:
        server.terminate()
        server.wait()
