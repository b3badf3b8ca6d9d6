"""The embedded database: one PostgreSQL of our own, in one folder, for as long as the hub lives."""

import asyncio
import atexit
import json
import os
import shutil
import signal
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.postgres import account as accounts
from crossdock.foundation.postgres.binaries import MAJOR, environment, programs
from crossdock.foundation.postgres.configuration import (
    ROLE_SETTINGS,
    WAL_SEGMENT_MB,
    Profile,
    access_text,
    identity_text,
    settings_text,
)
from crossdock.foundation.postgres.errors import LeftoversError, StartError, diagnosed, disk_full, explained
from crossdock.foundation.postgres.folder import DataFolder, write_whole
from crossdock.foundation.postgres.postmaster import Postmaster, end_leftovers, read_pid_file
from crossdock.foundation.postgres.supervisor import PostgresEvent, Supervisor

SUPERUSER: Final = "postgres"
_START_S_MAX: Final = 180.0
"""Recovery after a crash reads at most max_wal_size: seconds, but disks differ."""
_LOOK_S: Final = 0.02
_SOCKET_PORT: Final = 5432
_LEFTOVERS_TRIES: Final = 10
_LEFTOVERS_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Tcp:
    """Listen on 127.0.0.1 too, for tools that cannot use a socket; the role then has a password."""

    port: int
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionInfo:
    """How to reach a running embedded database."""

    dsn: str
    """As the hub's role, over the socket."""
    admin_dsn: str
    """As superuser, over the socket: for making databases."""
    tcp_dsn: str
    """As the hub's role with its password over TCP; empty unless that was asked for."""
    socket: Path
    port: int


def no_listener(_: PostgresEvent) -> None:
    """For callers that do not care."""


class EmbeddedPostgres:
    """`async with EmbeddedPostgres(folder) as server: … server.connection.dsn …`

    Raises a PostgresError whose text tells what to do. A server that dies is started again; *on_event* hears of it, in
    a thread of its own. The server ends when this object is stopped and when our process ends, also by kill -9.
    """

    def __init__(
        self,
        folder: Path,
        *,
        profile: Profile = Profile.DURABLE,
        database: str = "crossdock",
        tcp: Tcp | None = None,
        on_event: Callable[[PostgresEvent], None] = no_listener,
    ) -> None:
        self._folder = DataFolder(folder)
        self._profile = profile
        self._database = database
        self._tcp = tcp
        self._port = _SOCKET_PORT if tcp is None else tcp.port
        self._on_event = on_event
        self._supervisor: Supervisor | None = None
        self._connection: ConnectionInfo | None = None
        self._process = os.getpid()

    @property
    def connection(self) -> ConnectionInfo:
        """How to reach it; the same after a restart."""
        assert self._connection is not None, "not started"
        return self._connection

    @property
    def pid(self) -> int | None:
        """The server's process id; None while it is down."""
        return None if self._supervisor is None else self._supervisor.pid

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> ConnectionInfo:
        """Make the folder if need be, start, and return when connections are accepted."""
        starting = asyncio.ensure_future(asyncio.to_thread(self._start))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            await asyncio.wait([starting])
            await asyncio.to_thread(self._stop, 10.0)
            raise

    async def stop(self, *, deadline_s: float = 10.0) -> None:
        """End it: open transactions are rolled back. Safe to call twice."""
        await asyncio.shield(asyncio.to_thread(self._stop, deadline_s))

    def _start(self) -> ConnectionInfo:
        assert self._supervisor is None, "already started"
        try:
            self._folder.claim()
            self._folder.check_version()
            account = accounts.chosen(self._folder.cluster)
            self._connection = self._lay_out(account)
            self._supervisor = Supervisor(
                lambda wake, stopping: self._begun(account, wake, stopping), self._on_event, self._folder.log
            )
            self._supervisor.start()
            atexit.register(self._stop_at_exit)
            self._provision()
            write_whole(self._folder.connection, json.dumps(asdict(self._connection), default=str) + "\n")
            self._folder.connection.chmod(0o600)
        except OSError as error:
            self._stop(10.0)
            raise explained(error, self._folder.root) from error
        except BaseException:
            self._stop(10.0)
            raise
        return self._connection

    def _stop(self, deadline_s: float) -> None:
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            supervisor.stop(deadline_s)
            self._folder.forget(self.connection.socket)
        atexit.unregister(self._stop_at_exit)
        self._folder.release()

    def _stop_at_exit(self) -> None:
        if os.getpid() == self._process:  # a forked child inherits this hook, not the server
            self._stop(5.0)

    def _lay_out(self, account: accounts.Account) -> ConnectionInfo:
        """Everything on disk that the server needs; settings are written anew each time."""
        folder = self._folder
        if folder.is_fresh():
            self._initialise(account)
        folder.write_stamp()
        account.own_tree(folder.cluster)
        socket = folder.socket_folder(account, self._port)
        folder.conf.mkdir(mode=0o755, exist_ok=True)
        text = settings_text(
            self._profile,
            socket=socket,
            port=self._port,
            tcp=self._tcp is not None,
            conf=folder.conf,
            tuning=folder.tuning,
        )
        write_whole(folder.conf / "postgresql.conf", text)
        write_whole(folder.conf / "pg_hba.conf", access_text(tcp_role=self._database if self._tcp else None))
        write_whole(folder.conf / "pg_ident.conf", identity_text(accounts.names(), [self._database, SUPERUSER]))
        folder.log.touch()
        folder.hand_over(account)
        return self._reached_at(socket)

    def _reached_at(self, socket: Path) -> ConnectionInfo:
        where = f"host={quote(str(socket), safe='')}&port={self._port}"
        name = quote(self._database, safe="")
        return ConnectionInfo(
            dsn=f"postgresql://{name}@/{name}?{where}",
            admin_dsn=f"postgresql://{SUPERUSER}@/postgres?{where}",
            tcp_dsn=""
            if self._tcp is None
            else f"postgresql://{name}:{quote(self._tcp.password, safe='')}@127.0.0.1:{self._tcp.port}/{name}",
            socket=socket,
            port=self._port,
        )

    def _initialise(self, account: accounts.Account) -> None:
        """A new cluster, made aside and renamed, so that an interrupted first start leaves nothing half-made."""
        aside = self._folder.root / "cluster.new"
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(self._folder.cluster, ignore_errors=True)  # no PG_VERSION inside: never was a cluster
        aside.mkdir(mode=0o700)
        account.own(aside)
        arguments = [
            f"--pgdata={aside}",
            f"--username={SUPERUSER}",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--data-checksums",
            f"--wal-segsize={WAL_SEGMENT_MB}",
            "--auth=reject",
            *(["--no-sync"] if self._profile is Profile.UNSAFE else []),
        ]
        command = account.command(
            programs() / "initdb", *arguments, needs=(aside / "x",), die_with_us=signal.SIGTERM.value
        )
        made = Postmaster(command, environment(), self._folder.log, threading.Event())
        made.await_end()
        if made.exit_code != 0:
            raise diagnosed(made.said(), self._folder.root, port=self._port, major=MAJOR)
        aside.rename(self._folder.cluster)

    def _begun(self, account: accounts.Account, wake: threading.Event, stopping: threading.Event) -> Postmaster:
        """A start that waits for the dying children of a killed server, where the system does not show them to us."""
        for _ in range(_LEFTOVERS_TRIES):
            try:
                return self._launched(account, wake, stopping)
            except LeftoversError:
                if stopping.wait(_LEFTOVERS_S):
                    raise
        return self._launched(account, wake, stopping)

    def _launched(self, account: accounts.Account, wake: threading.Event, stopping: threading.Event) -> Postmaster:
        """One start, from whatever was left behind to accepting connections."""
        folder = self._folder
        end_leftovers(folder.cluster)
        command = account.command(
            programs() / "postgres",
            f"--config-file={folder.conf / 'postgresql.conf'}",
            "-D",
            str(folder.cluster),
            needs=(folder.cluster / "x", folder.conf / "x"),
            die_with_us=signal.SIGINT.value,
        )
        server = Postmaster(command, environment(), folder.log, wake)
        deadline = SYSTEM_CLOCK.monotonic() + _START_S_MAX
        while not server.has_ended():
            found = read_pid_file(folder.cluster)
            if found is not None and found.ready and found.pid == server.pid:
                return server
            if SYSTEM_CLOCK.monotonic() > deadline:
                server.end(5.0)
                raise StartError(
                    f"PostgreSQL in {folder.root} was still starting after {_START_S_MAX:.0f} s: look at {folder.log} and "
                    "start again."
                )
            if stopping.wait(_LOOK_S):
                server.end(5.0)
                raise StartError(f"PostgreSQL in {folder.root} was told to stop while starting.")
        raise diagnosed(server.said(), folder.root, port=self._port, major=MAJOR)

    def _provision(self) -> None:
        """Role, database and their defaults; repeated at every start, so that a release may change them."""
        role = sql.Identifier(self._database)
        try:
            with psycopg.connect(self.connection.admin_dsn, autocommit=True, connect_timeout=10) as admin:
                if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [self._database]).fetchone():
                    admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
                    admin.execute(sql.SQL("GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO {}").format(role))
                for name, value in ROLE_SETTINGS.items():
                    admin.execute(
                        sql.SQL("ALTER ROLE {} SET {} = {}").format(role, sql.Identifier(name), sql.Literal(value))
                    )
                if self._tcp is not None:
                    admin.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(self._tcp.password)))
                if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self._database]).fetchone():
                    admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))
        except psycopg.errors.DiskFull as error:
            raise disk_full(self._folder.root) from error
        except psycopg.Error as error:
            raise StartError(f"PostgreSQL in {self._folder.root} runs but cannot be prepared: {error}") from error


def running(folder: Path) -> ConnectionInfo | None:
    """How to reach the database that another process of ours runs in *folder*; None when none does."""
    place = DataFolder(folder)
    found = read_pid_file(place.cluster)
    if found is None or not found.ready or not place.connection.exists():
        return None
    try:
        os.kill(found.pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    said = json.loads(place.connection.read_text())
    return ConnectionInfo(
        dsn=str(said["dsn"]),
        admin_dsn=str(said["admin_dsn"]),
        tcp_dsn=str(said["tcp_dsn"]),
        socket=Path(said["socket"]),
        port=int(said["port"]),
    )
