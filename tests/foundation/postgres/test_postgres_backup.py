"""A backup is one moment, whole; a restore is the same, or changes nothing."""

import asyncio
import signal
import stat
import subprocess
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from crossdock.foundation.backup import BackupError, Progress, backup, read_manifest, restore
from crossdock.foundation.migrations import apply_migrations, pending_count
from crossdock.foundation.postgres import ConnectionInfo, EmbeddedPostgres, Profile, programs
from crossdock.foundation.postgres.account import chosen
from crossdock.foundation.postgres.binaries import environment
from own_clusters import until

LEDGER = """
CREATE SCHEMA ledger;
CREATE TABLE ledger.move (id bigserial PRIMARY KEY, batch int NOT NULL, quantity numeric NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE ledger.move_1 PARTITION OF ledger.move FOR VALUES FROM (0) TO (2000);
CREATE TABLE ledger.move_2 PARTITION OF ledger.move FOR VALUES FROM (2000) TO (100000000);
CREATE TABLE ledger."Odd Näme" (value text);
INSERT INTO ledger."Odd Näme" VALUES ('quote '' and \\ backslash'), (NULL);
INSERT INTO ledger.move (batch, quantity) SELECT 0, n FROM generate_series(1, 3000) n;
"""

COLUMNS = """
SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns
 WHERE table_schema !~ '^(pg_|information_schema)' ORDER BY 1, 2, ordinal_position
"""


@pytest.fixture
def empty(cluster: ConnectionInfo) -> Iterator[str]:
    """A database without any schema."""
    name = "restored"
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER crossdock").format(sql.Identifier(name)))
    yield make_conninfo(cluster.dsn, dbname=name)
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _session(dsn: str) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    with psycopg.connect(dsn) as session:
        yield session


def _rows(dsn: str, query: str) -> list[tuple[object, ...]]:
    with _session(dsn) as session:
        return session.execute(query.encode()).fetchall()


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _make_ledger(dsn: str) -> None:
    with _session(dsn) as session:
        session.execute(LEDGER)


async def test_a_restored_database_equals_the_one_backed_up(dsn: str, empty: str, tmp_path: Path) -> None:
    _make_ledger(dsn)
    made = await backup(dsn, tmp_path / "a.backup")

    assert await restore(tmp_path / "a.backup", empty) == made
    for query in (
        "SELECT * FROM ledger.move ORDER BY id",
        'SELECT * FROM ledger."Odd Näme" ORDER BY 1',
        "SELECT nextval('ledger.move_id_seq')",
        "SELECT migration_id FROM _yoyo_migration ORDER BY 1",
        COLUMNS,
    ):
        assert _rows(empty, query) == _rows(dsn, query), query


async def test_a_restored_hub_needs_no_migration_that_it_had(dsn: str, empty: str, tmp_path: Path) -> None:
    await backup(dsn, tmp_path / "a.backup")
    await restore(tmp_path / "a.backup", empty)

    assert pending_count(empty) == 0
    assert apply_migrations(empty) == 0


async def test_a_backup_while_rows_arrive_holds_whole_transactions_of_one_moment(
    dsn: str, empty: str, tmp_path: Path
) -> None:
    _make_ledger(dsn)
    stop = asyncio.Event()
    trading = asyncio.create_task(_trade(dsn, stop))
    try:
        manifest = await backup(dsn, tmp_path / "a.backup")
    finally:
        stop.set()
        traded = await trading
    await restore(tmp_path / "a.backup", empty)

    batches = _rows(empty, "SELECT batch, count(*) FROM ledger.move WHERE batch > 0 GROUP BY batch ORDER BY batch")
    assert [batch for batch, _ in batches] == list(range(1, len(batches) + 1)), "nothing left out between"
    assert {count for _, count in batches} <= {7}, "no part of a transaction"
    assert len(batches) < traded, "trading went on"
    assert sum(manifest.rows.values()) == sum(
        int(str(_rows(empty, f"SELECT count(*) FROM {table}")[0][0]))  # noqa: S608
        for table in manifest.rows
    )


async def _trade(dsn: str, stop: asyncio.Event) -> int:
    """Seven rows a transaction until told to stop; how many transactions."""
    batch = 0
    async with await psycopg.AsyncConnection.connect(dsn) as session:
        while not stop.is_set():
            batch += 1
            await session.execute(
                "INSERT INTO ledger.move (batch, quantity) SELECT %s, n FROM generate_series(1, 7) n", [batch]
            )
            await session.commit()
    return batch


async def test_progress_only_grows_and_reaches_its_end(dsn: str, empty: str, tmp_path: Path) -> None:
    _make_ledger(dsn)
    seen: list[Progress] = []
    await backup(dsn, tmp_path / "a.backup", on_progress=seen.append)
    await restore(tmp_path / "a.backup", empty, on_progress=seen.append)

    assert {report.stage for report in seen} == {"dump", "count", "check", "restore"}
    for stage in ("count", "check", "restore"):
        reports = [report for report in seen if report.stage == stage]
        assert [report.done for report in reports] == sorted(report.done for report in reports)
        assert reports[-1].done == reports[-1].total


async def test_the_file_is_for_its_owner_alone_and_says_what_it_is(dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "a.backup"
    made = await backup(dsn, file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_manifest(file) == made
    assert made.migrations
    assert _names(tmp_path) == ["a.backup"]


async def test_an_existing_file_is_not_overwritten(dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "a.backup"
    file.write_text("precious")

    with pytest.raises(BackupError, match="exists already"):
        await backup(dsn, file)
    assert file.read_text() == "precious"


async def test_a_failed_backup_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="database refused"):
        await backup("postgresql://nobody@127.0.0.1:1/nothing", tmp_path / "a.backup")
    with pytest.raises(BackupError, match="cannot be written"):
        await backup("postgresql://nobody@127.0.0.1:1/nothing", tmp_path / "file" / "a.backup")
    assert _names(tmp_path) == []


async def test_a_filled_database_is_refused_unless_it_may_be_replaced(dsn: str, empty: str, tmp_path: Path) -> None:
    await backup(dsn, tmp_path / "a.backup")
    with _session(empty) as session:
        session.execute(
            "CREATE SCHEMA ledger; CREATE TABLE ledger.theirs AS SELECT 1; CREATE TABLE public.more (x serial)"
        )

    with pytest.raises(BackupError, match="not empty"):
        await restore(tmp_path / "a.backup", empty)
    assert len(_rows(empty, "SELECT * FROM ledger.theirs")) == 1

    await restore(tmp_path / "a.backup", empty, replace=True)
    assert _rows(empty, "SELECT to_regclass('ledger.theirs'), to_regclass('public.more')") == [(None, None)]


async def test_a_database_in_use_is_not_replaced(dsn: str, tmp_path: Path) -> None:
    await backup(dsn, tmp_path / "a.backup")

    with _session(dsn), pytest.raises(BackupError, match="in use by 1 other"):
        await restore(tmp_path / "a.backup", dsn, replace=True)


@pytest.mark.parametrize("harm", ["cut", "changed", "no manifest", "not a zip"])
async def test_a_damaged_file_is_refused_before_anything_is_touched(
    dsn: str, empty: str, tmp_path: Path, harm: str
) -> None:
    _make_ledger(dsn)
    _make_ledger(empty)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    await backup(dsn, whole)
    _harm(whole, broken, harm)

    with pytest.raises(BackupError, match="not a whole backup"):
        await restore(broken, empty, replace=True)
    assert len(_rows(empty, "SELECT 1 FROM ledger.move")) == 3000


def _harm(whole: Path, broken: Path, harm: str) -> None:
    content = whole.read_bytes()
    if harm == "cut":
        broken.write_bytes(content[: len(content) // 2])
    elif harm == "changed":
        middle = len(content) // 2
        broken.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    elif harm == "no manifest":
        with zipfile.ZipFile(whole) as source, zipfile.ZipFile(broken, "w") as sink:
            sink.writestr("database.dump", source.read("database.dump"))
    else:
        broken.write_text("not a zip")


async def test_a_restore_that_fails_midway_leaves_what_was_there(dsn: str, empty: str, tmp_path: Path) -> None:
    _make_ledger(dsn)
    _make_ledger(empty)
    file, wrong = tmp_path / "a.backup", tmp_path / "wrong.backup"
    await backup(dsn, file)
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(wrong, "w") as sink:
        sink.writestr("database.dump", source.read("database.dump"))
        sink.writestr(
            "manifest.json", source.read("manifest.json").replace(b'"ledger.move_1": 1999', b'"ledger.move_1": 1')
        )

    with pytest.raises(BackupError, match=r"ledger.move_1 does not hold its 1 rows"):
        await restore(wrong, empty, replace=True)
    assert len(_rows(empty, "SELECT 1 FROM ledger.move")) == 3000
    assert _rows(empty, "SELECT to_regclass('_yoyo_migration')") == [(None,)]


async def test_a_backup_of_a_newer_release_is_refused(dsn: str, empty: str, tmp_path: Path) -> None:
    with _session(dsn) as session:
        session.execute(
            "INSERT INTO _yoyo_migration (migration_hash, migration_id) VALUES ('x', 'eventlog.9999.from_the_future')"
        )
    await backup(dsn, tmp_path / "a.backup")

    with pytest.raises(BackupError, match="newer Crossdock"):
        await restore(tmp_path / "a.backup", empty)


async def test_a_stopped_backup_leaves_nothing(dsn: str, tmp_path: Path) -> None:
    _make_ledger(dsn)
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def begin(_: Progress) -> None:
        loop.call_soon_threadsafe(begun.set)

    running = asyncio.create_task(backup(dsn, tmp_path / "a.backup", on_progress=begin))
    await begun.wait()
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
    assert _names(tmp_path) == []


async def test_a_backup_fits_a_new_data_folder(dsn: str, tmp_path: Path) -> None:
    _make_ledger(dsn)
    await backup(dsn, tmp_path / "a.backup")

    async with EmbeddedPostgres(tmp_path / "new", profile=Profile.UNSAFE) as server:
        await restore(tmp_path / "a.backup", server.connection.dsn)
        assert len(_rows(server.connection.dsn, "SELECT 1 FROM ledger.move")) == 3000


@pytest.fixture
async def own_server(tmp_path: Path) -> AsyncIterator[str]:
    """An older PostgreSQL that is not ours to configure: the retailer's own; the DSN of a database with a role as owner."""
    cluster = tmp_path / "own"
    cluster.mkdir(mode=0o700)
    account = chosen(cluster)
    account.own(cluster)
    made = account.command(
        programs(16) / "initdb", "-D", str(cluster), "-U", "boss", "-EUTF8", "-N", needs=(cluster / "x",)
    )
    subprocess.run(made, env=environment(), check=True, capture_output=True)  # noqa: ASYNC221 (nothing else runs)
    words = ["-D", str(cluster), "-k", str(cluster), "-c", "listen_addresses=", "-F"]
    serving = subprocess.Popen(  # noqa: ASYNC220
        account.command(programs(16) / "postgres", *words, needs=(cluster / "x",)),
        env=environment(),
        stderr=subprocess.DEVNULL,
    )
    try:
        boss = make_conninfo(host=str(cluster), user="boss", dbname="postgres")
        await until(lambda: _answers(boss))
        with psycopg.connect(boss, autocommit=True) as session:
            session.execute("CREATE ROLE hub LOGIN PASSWORD 'x'")
            session.execute("CREATE DATABASE hub OWNER hub")
            session.execute("CREATE DATABASE hub_again OWNER hub")
        yield make_conninfo(boss, user="hub", dbname="hub", password="x")
    finally:
        serving.send_signal(signal.SIGINT)
        serving.wait(20)


def _answers(dsn: str) -> bool:
    try:
        psycopg.connect(dsn).close()
    except psycopg.OperationalError:
        return False
    return True


async def test_the_retailers_own_older_server_is_backed_up_and_restored_there_and_here(
    own_server: str, empty: str, tmp_path: Path
) -> None:
    _make_ledger(own_server)
    made = await backup(own_server, tmp_path / "a.backup")

    for target in (make_conninfo(own_server, dbname="hub_again"), empty):
        await restore(tmp_path / "a.backup", target)
        assert _rows(target, "SELECT * FROM ledger.move") == _rows(own_server, "SELECT * FROM ledger.move")
    assert made.postgres_major == 16


async def test_a_backup_is_not_forced_into_an_older_server(dsn: str, own_server: str, tmp_path: Path) -> None:
    await backup(dsn, tmp_path / "a.backup")

    with pytest.raises(BackupError, match="into the older 16"):
        await restore(tmp_path / "a.backup", own_server)
