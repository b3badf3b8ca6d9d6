"""What cannot be used is refused with one sentence that says what to do; what is only left over is cleared away."""

import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from crossdock.foundation.postgres import (
    DiskFullError,
    EmbeddedPostgres,
    FolderInUseError,
    FolderNotWritableError,
    FolderTooNewError,
    PostgresError,
    PostgresEvent,
    Profile,
    RestartFailed,
    WrongVersionError,
    programs,
)
from crossdock.foundation.postgres.account import chosen
from crossdock.foundation.postgres.binaries import environment
from own_clusters import answer, until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Not made yet."""
    return tmp_path / "data"


async def _refused(folder: Path) -> PostgresError:
    with pytest.raises(PostgresError) as caught:
        await EmbeddedPostgres(folder, profile=Profile.UNSAFE).start()
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert ": " in sentence, "the cause, then what to do"
    return caught.value


async def _made(folder: Path) -> None:
    async with EmbeddedPostgres(folder, profile=Profile.UNSAFE):
        pass


async def test_a_second_hub_on_a_folder_is_refused_and_the_first_goes_on(folder: Path) -> None:
    async with EmbeddedPostgres(folder, profile=Profile.UNSAFE) as first:
        error = await _refused(folder)

        assert isinstance(error, FolderInUseError)
        assert f"process {os.getpid()}" in str(error)
        assert answer(first.connection, "SELECT 1") == 1


async def test_a_file_in_the_folders_place_is_refused(folder: Path) -> None:
    folder.write_text("not a folder")  # noqa: ASYNC240 (nothing else runs)

    assert isinstance(await _refused(folder), FolderNotWritableError)
    assert isinstance(await _refused(folder / "below"), FolderNotWritableError)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_closed_folder_is_refused(folder: Path) -> None:
    folder.mkdir(mode=0o500)  # noqa: ASYNC240

    assert isinstance(await _refused(folder), FolderNotWritableError)


async def test_data_of_another_postgres_is_refused_and_left_alone(folder: Path) -> None:
    await _made(folder)
    (folder / "cluster" / "PG_VERSION").write_text("16\n")
    settings = (folder / "conf" / "postgresql.conf").stat().st_mtime_ns

    error = await _refused(folder)

    assert isinstance(error, WrongVersionError)
    assert "PostgreSQL 16" in str(error)
    assert "crossdock backup" in str(error)
    assert (folder / "conf" / "postgresql.conf").stat().st_mtime_ns == settings


async def test_a_folder_of_a_newer_release_is_refused(folder: Path) -> None:
    await _made(folder)
    stamp = json.loads((folder / "folder.json").read_text())
    (folder / "folder.json").write_text(json.dumps({**stamp, "format": 99}))

    assert isinstance(await _refused(folder), FolderTooNewError)


async def test_a_refused_start_leaves_the_folder_free(folder: Path) -> None:
    await _made(folder)
    version = folder / "cluster" / "PG_VERSION"
    version.write_text("16\n")
    await _refused(folder)
    version.write_text("18\n")

    await _made(folder)


async def test_a_start_cut_short_while_making_the_cluster_is_made_anew(folder: Path) -> None:
    await _made(folder)
    shutil.rmtree(folder / "cluster" / "base")
    (folder / "cluster" / "PG_VERSION").unlink()
    (folder / "cluster").rename(folder / "cluster.new")

    await _made(folder)


async def test_a_pid_file_that_names_a_stranger_is_no_obstacle(folder: Path) -> None:
    await _made(folder)
    (folder / "cluster" / "postmaster.pid").write_text(f"{os.getpid()}\n{folder}\n1\n5432\n/tmp\n\n\nready\n")

    await _made(folder)


async def test_a_server_left_by_an_earlier_run_is_ended_and_replaced(folder: Path) -> None:
    async with EmbeddedPostgres(folder, profile=Profile.UNSAFE) as server:
        with psycopg.connect(server.connection.dsn) as session:
            session.execute("CREATE TABLE kept AS SELECT 42 AS value")
    cluster, settings = folder / "cluster", folder / "conf" / "postgresql.conf"
    words = ["-D", str(cluster), f"--config-file={settings}"]
    command = chosen(cluster).command(programs() / "postgres", *words, needs=(cluster / "x", settings))
    left = subprocess.Popen(command, env=environment(), cwd="/", stderr=subprocess.DEVNULL)  # noqa: ASYNC220
    pid_file = cluster / "postmaster.pid"
    await until(lambda: pid_file.exists() and "ready" in pid_file.read_text())

    async with EmbeddedPostgres(folder, profile=Profile.UNSAFE) as server:
        assert left.wait(10) == 0
        assert server.pid != left.pid
        assert answer(server.connection, "SELECT value FROM kept") == 42


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become someone else")
async def test_root_runs_the_server_as_someone_else_even_where_that_one_has_no_way_in(folder: Path) -> None:
    async with EmbeddedPostgres(folder, profile=Profile.UNSAFE) as server:
        assert server.pid is not None
        uid = Path(f"/proc/{server.pid}").stat().st_uid  # noqa: ASYNC240

        assert pwd.getpwuid(uid).pw_name in {"postgres", "nobody"}
        assert folder.stat().st_uid == 0  # noqa: ASYNC240
        assert (folder / "cluster").stat().st_uid == uid


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become someone else")
async def test_root_in_someones_folder_runs_as_that_one_and_leaves_nothing_closed_to_them(folder: Path) -> None:
    folder.mkdir()  # noqa: ASYNC240 (nothing else runs)
    someone = pwd.getpwnam("nobody").pw_uid
    os.chown(folder, someone, -1)

    async with EmbeddedPostgres(folder, profile=Profile.UNSAFE) as server:
        assert server.pid is not None
        assert Path(f"/proc/{server.pid}").stat().st_uid == someone  # noqa: ASYNC240
    left = [path for path in (*folder.iterdir(), *(folder / "conf").iterdir()) if path.stat().st_uid != someone]  # noqa: ASYNC240
    assert left == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that can be filled."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m", "none", str(place)], check=False)
    if mounted.returncode != 0:
        pytest.skip("a file system of its own needs root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def _fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as sink:
        try:
            while True:
                sink.write(bytes(1 << 16))
        except OSError:
            return filler


async def test_a_disk_too_full_to_begin_is_one_sentence(small_disk: Path) -> None:
    _fill(small_disk)

    assert isinstance(await _refused(small_disk / "data"), DiskFullError)


async def test_a_disk_that_fills_while_stopped_is_one_sentence_and_no_loss(small_disk: Path) -> None:
    await _made(small_disk / "data")
    filler = _fill(small_disk)

    assert isinstance(await _refused(small_disk / "data"), DiskFullError)
    filler.unlink()
    await _made(small_disk / "data")


async def test_a_disk_that_fills_while_trading_stops_acknowledging_and_recovers_by_itself(small_disk: Path) -> None:
    events: list[PostgresEvent] = []
    async with EmbeddedPostgres(small_disk / "data", on_event=events.append) as server:
        with psycopg.connect(server.connection.dsn) as session:
            session.execute("CREATE TABLE orders (number int, filling text)")
        filler = _fill(small_disk)
        acknowledged = 0
        with pytest.raises(psycopg.Error), psycopg.connect(server.connection.dsn, autocommit=True) as session:  # noqa: PT012
            for number in range(100_000):
                session.execute("INSERT INTO orders VALUES (%s, repeat(md5(random()::text), 200))", [number])
                acknowledged += 1
        filler.unlink()

        await until(lambda: _accepts(server))
        assert acknowledged <= int(str(answer(server.connection, "SELECT count(*) FROM orders"))) <= acknowledged + 1
    assert all("full" in event.reason for event in events if isinstance(event, RestartFailed))


def _accepts(server: EmbeddedPostgres) -> bool:
    try:
        with psycopg.connect(server.connection.dsn, autocommit=True) as session:
            session.execute("CREATE TEMP TABLE probe AS SELECT 1")
    except psycopg.Error:
        return False
    return True
