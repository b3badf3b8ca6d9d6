"""One run of a backup or restore: how far it is, whether to stop, and PostgreSQL's programs at work for it."""

import asyncio
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

from crossdock.foundation.postgres.binaries import MAJOR, environment, programs

Result = TypeVar("Result")
Session: TypeAlias = "psycopg.Connection[TupleRow]"
Process: TypeAlias = "subprocess.Popen[bytes]"
CHUNK: Final = 1 << 18
SYSTEM_SCHEMAS: Final = "^(pg_|information_schema$)"
_OLD_TOOLS_MAJOR: Final = 16
_TRANSACTION_TIMEOUT_MAJOR: Final = 17


class BackupError(Exception):
    """The backup or restore did not happen; the text says why and what to do, and nothing was changed."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage has come, in bytes; *stage* is one of dump, count, check, restore."""

    stage: str
    done: int
    total: int


OnProgress: TypeAlias = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """For callers that show nothing."""


@dataclass(frozen=True, slots=True)
class Task:
    """Work in a thread of its own, which can be told to stop."""

    on_progress: OnProgress
    _cancelled: threading.Event = field(default_factory=threading.Event)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do *work* in a thread; when our task is cancelled, stop it, and return only when it has stopped."""
        working = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            self._cancelled.set()
            with suppress(BackupError):
                await working
            raise

    def say(self, stage: str, done: int, total: int) -> None:
        """Report."""
        self.on_progress(Progress(stage, done, total))

    def stop_if_cancelled(self) -> None:
        """Raises, so that everything is cleared away."""
        if self._cancelled.is_set():
            raise BackupError("Stopped on request; nothing was changed.")


@contextmanager
def connected(dsn: str) -> Iterator[Session]:
    """A session without the hub's time-outs: counting a large table takes as long as it takes."""
    try:
        with psycopg.connect(dsn, application_name="crossdock backup", connect_timeout=15) as session:
            for name, value in _unhurried(major_of(session)).items():
                session.execute("SELECT set_config(%s, %s, false)", [name, value])
            session.commit()
            yield session
    except psycopg.Error as error:
        raise BackupError(f"The database refused: {str(error).strip().splitlines()[0]}") from error


def major_of(session: Session) -> int:
    """The server's major version."""
    return session.info.server_version // 10_000


@contextmanager
def started(command: list[str], dsn: str, major: int) -> Iterator[Process]:
    """A PostgreSQL program on *dsn*, gone when left; its password goes by the environment, where others cannot read it."""
    parts = {name: str(value) for name, value in conninfo_to_dict(dsn).items() if value is not None}
    password = parts.pop("password", None)
    variables = environment()
    variables["PGOPTIONS"] = " ".join(f"-c {name}={value}" for name, value in _unhurried(major).items())
    if password is not None:
        variables["PGPASSWORD"] = password
    with piped([*command, "--no-password", "--dbname", make_conninfo("", **parts)], variables) as process:
        yield process


@contextmanager
def piped(command: list[str], variables: Mapping[str, str]) -> Iterator[Process]:
    """A program with all three channels open to us, ended when left."""
    process = subprocess.Popen(  # noqa: S603 (programs of our own package)
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=variables
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for channel in (process.stdin, process.stdout, process.stderr):
            if channel is not None:
                with suppress(BrokenPipeError):
                    channel.close()


class Listener:
    """Reads what a program says on its error channel, so that it never waits for us, and judges its end."""

    def __init__(self, process: Process, hear: Callable[[str], None] | None = None) -> None:
        self._process = process
        self._hear = hear
        self._errors: list[str] = []
        self._thread = threading.Thread(target=self._read, name="backup-listen", daemon=True)
        self._thread.start()

    def finish(self, name: str) -> None:
        """Wait for the end; a failure becomes one sentence."""
        code = self._process.wait()
        self._thread.join()
        if code != 0:
            reason = self._errors[0] if self._errors else f"exit code {code}"
            raise BackupError(f"{name} failed and nothing was changed: {reason}")

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            text = line.decode(errors="replace").rstrip()
            if self._hear is not None:
                self._hear(text)
            if "error:" in text.lower():
                self._errors.append(text)


def tool(name: str, major: int) -> Path:
    """Dumps of 15 and 16 are made and read by the tools of 16, whose scripts servers of those versions understand."""
    return programs(_OLD_TOOLS_MAJOR if major <= _OLD_TOOLS_MAJOR else MAJOR) / name


def _unhurried(major: int) -> Mapping[str, str]:
    settings = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
    return {**settings, "transaction_timeout": "0"} if major >= _TRANSACTION_TIMEOUT_MAJOR else settings


def only_value(session: Session, query: str) -> object:
    """The single value of a query without parameters."""
    row = session.execute(query.encode()).fetchone()
    assert row is not None, query
    return row[0]
