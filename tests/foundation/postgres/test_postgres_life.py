"""One server of our own: begun, kept, ended."""

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import psycopg
import pytest

from crossdock.foundation.postgres import EmbeddedPostgres, PortTakenError, PostgresEvent, Profile, Tcp, running
from own_clusters import answer, until

SOURCE = Path(__file__).parents[3] / "src"
HUB = """
import asyncio, sys
from pathlib import Path
from crossdock.foundation.postgres import EmbeddedPostgres

async def main():
    server = EmbeddedPostgres(Path(sys.argv[1]))
    await server.start()
    print(server.pid, flush=True)
    await asyncio.to_thread(sys.stdin.readline)

asyncio.run(main())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Not made yet."""
    return tmp_path / "data"


def _hub(folder: Path) -> "subprocess.Popen[str]":
    """A process that starts the database, names its server and goes on until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", HUB, str(folder)],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_what_was_committed_is_there_after_stop_and_start(folder: Path) -> None:
    async with EmbeddedPostgres(folder) as server:
        with psycopg.connect(server.connection.dsn) as session:
            session.execute("CREATE TABLE kept AS SELECT 42 AS value")

    async with EmbeddedPostgres(folder) as server:
        assert answer(server.connection, "SELECT value FROM kept") == 42


async def test_a_durable_server_keeps_every_promise_of_the_disk(folder: Path) -> None:
    async with EmbeddedPostgres(folder) as server:
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert answer(server.connection, f"SHOW {setting}") == "on", setting


async def test_no_commit_waits_long_for_a_new_piece_of_the_log(folder: Path) -> None:
    """Making one holds up everybody: small ones are made in the time of a few commits."""
    async with EmbeddedPostgres(folder, profile=Profile.UNSAFE) as server:
        assert answer(server.connection, "SHOW wal_segment_size") == "4MB"


async def test_the_hubs_role_is_no_superuser_and_forgotten_sessions_end(folder: Path) -> None:
    async with EmbeddedPostgres(folder, profile=Profile.UNSAFE) as server:
        assert answer(server.connection, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        for setting in ("statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"):
            assert answer(server.connection, f"SHOW {setting}") != "0", setting


async def test_text_is_utf8_and_sorts_the_same_on_every_machine(folder: Path) -> None:
    async with EmbeddedPostgres(folder, profile=Profile.UNSAFE) as server:
        assert answer(server.connection, "SELECT upper('ü')") == "Ü"
        assert answer(server.connection, "SELECT 'Z' < 'a'") is True


async def test_nobody_else_can_reach_the_server(folder: Path) -> None:
    async with EmbeddedPostgres(folder, profile=Profile.UNSAFE) as server:
        assert stat.S_IMODE(server.connection.socket.stat().st_mode) == 0o700
        assert answer(server.connection, "SHOW listen_addresses") == ""
        assert stat.S_IMODE((folder / "cluster").stat().st_mode) == 0o700


async def test_a_long_path_still_gets_a_socket(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / ("a" * 80) / ("b" * 80), profile=Profile.UNSAFE) as server:
        assert answer(server.connection, "SELECT 1") == 1
        assert stat.S_IMODE(server.connection.socket.stat().st_mode) == 0o700
    assert not server.connection.socket.exists()


async def test_tcp_asks_for_the_password(folder: Path) -> None:
    tcp = Tcp(port=_free_port(), password="it's a secret: 100%")
    async with EmbeddedPostgres(folder, profile=Profile.UNSAFE, database="books", tcp=tcp) as server:
        with psycopg.connect(server.connection.tcp_dsn) as session:
            assert session.execute("SELECT current_database()").fetchone() == ("books",)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host="127.0.0.1", port=tcp.port, user="books", dbname="books", password="guess")


async def test_a_taken_port_is_one_sentence(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = int(other.getsockname()[1])

        with pytest.raises(PortTakenError, match=f"Port {port} on 127.0.0.1 is taken"):
            await EmbeddedPostgres(folder, profile=Profile.UNSAFE, tcp=Tcp(port=port, password="x")).start()


async def test_another_process_finds_the_running_server(folder: Path) -> None:
    assert running(folder) is None
    async with EmbeddedPostgres(folder, profile=Profile.UNSAFE) as server:
        assert running(folder) == server.connection
    assert running(folder) is None


async def test_a_server_that_is_killed_comes_back_and_says_so(folder: Path) -> None:
    events: list[PostgresEvent] = []
    async with EmbeddedPostgres(folder, on_event=events.append) as server:
        for _ in range(2):
            killed = server.pid
            assert killed is not None
            seen = len(events)
            os.kill(killed, signal.SIGKILL)
            await until(partial(_has_more, events, seen + 2))
            assert server.pid not in {None, killed}
            assert answer(server.connection, "SELECT 1") == 1

    assert [type(event).__name__ for event in events] == ["Died", "Restarted"] * 2


async def test_a_listener_that_fails_and_a_log_that_is_gone_do_not_end_the_supervision(folder: Path) -> None:
    def fail(event: PostgresEvent) -> None:
        raise RuntimeError(type(event).__name__)

    async with EmbeddedPostgres(folder, profile=Profile.UNSAFE, on_event=fail) as server:
        killed = server.pid
        assert killed is not None
        (folder / "postgres.log").unlink()
        os.kill(killed, signal.SIGKILL)

        await until(lambda: server.pid not in {None, killed})


def _has_more(events: list[PostgresEvent], count: int) -> bool:
    return len(events) >= count


async def test_rows_acknowledged_before_a_kill_are_there_after_it(folder: Path) -> None:
    async with EmbeddedPostgres(folder) as server:
        with psycopg.connect(server.connection.dsn) as session:
            session.execute("CREATE TABLE orders (number int PRIMARY KEY)")
        acknowledged = await asyncio.to_thread(_commit_through_kills, server)
        with await asyncio.to_thread(_connected, server) as session:
            stored = {number for (number,) in session.execute("SELECT number FROM orders")}

    assert len(acknowledged) >= 600
    assert acknowledged <= stored
    assert len(stored - acknowledged) <= 3


def _commit_through_kills(server: EmbeddedPostgres) -> set[int]:
    """Three rounds of commits one by one, each ended by kill -9 in their midst; what was acknowledged."""
    acknowledged: set[int] = set()
    number = 0
    for round_ in range(1, 4):
        with _connected(server) as session:
            session.autocommit = True
            try:
                while True:
                    number += 1
                    session.execute("INSERT INTO orders VALUES (%s)", [number])
                    acknowledged.add(number)
                    if len(acknowledged) == 200 * round_ and server.pid is not None:
                        os.kill(server.pid, signal.SIGKILL)
            except psycopg.OperationalError:
                continue
    return acknowledged


def _connected(server: EmbeddedPostgres) -> "psycopg.Connection[tuple[object, ...]]":
    pause = threading.Event()
    for _ in range(600):
        try:
            return psycopg.connect(server.connection.dsn, connect_timeout=5)
        except psycopg.OperationalError:
            pause.wait(0.05)
    pytest.fail("the server did not come back")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child's life to its parent's")
async def test_a_killed_hub_leaves_no_server_behind(folder: Path) -> None:
    hub = await asyncio.to_thread(_hub, folder)
    assert hub.stdout is not None
    server = int(await asyncio.to_thread(hub.stdout.readline))

    hub.kill()
    await asyncio.to_thread(hub.communicate)
    await until(lambda: _is_gone(server))


async def test_a_start_right_after_a_killed_hub_takes_over(folder: Path) -> None:
    hub = await asyncio.to_thread(_hub, folder)
    assert hub.stdout is not None
    orphan = int(await asyncio.to_thread(hub.stdout.readline))
    hub.kill()
    await asyncio.to_thread(hub.communicate)

    async with EmbeddedPostgres(folder) as server:
        assert server.pid != orphan
        assert answer(server.connection, "SELECT 1") == 1


async def test_a_server_does_not_outlive_a_hub_that_forgot_to_stop_it(folder: Path) -> None:
    hub = await asyncio.to_thread(_hub, folder)
    assert hub.stdout is not None
    server = int(await asyncio.to_thread(hub.stdout.readline))

    await asyncio.to_thread(hub.communicate, "end\n")

    await until(lambda: _is_gone(server))
    assert "database system is shut down" in (folder / "postgres.log").read_text()


async def test_an_interrupt_typed_at_the_hub_does_not_reach_its_server(folder: Path) -> None:
    async with EmbeddedPostgres(folder, profile=Profile.UNSAFE) as server:
        assert server.pid is not None
        assert os.getpgid(server.pid) != os.getpgid(0)


async def test_stopping_twice_is_stopping(folder: Path) -> None:
    server = EmbeddedPostgres(folder, profile=Profile.UNSAFE)
    await server.start()
    await server.stop()
    await server.stop()

    assert server.pid is None


async def test_a_stopped_server_can_be_started_again(folder: Path) -> None:
    server = EmbeddedPostgres(folder, profile=Profile.UNSAFE)
    for _ in range(2):
        connection = await server.start()
        assert answer(connection, "SELECT 1") == 1
        await server.stop()


async def test_the_retailers_own_settings_win(folder: Path) -> None:
    async with EmbeddedPostgres(folder, profile=Profile.UNSAFE):
        pass
    (folder / "tuning.conf").write_text("work_mem = '17MB'\n")

    async with EmbeddedPostgres(folder, profile=Profile.UNSAFE) as server:
        assert answer(server.connection, "SHOW work_mem") == "17MB"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
