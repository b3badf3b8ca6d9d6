"""Keeps one server process alive: started, watched, started again, ended with us."""

import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.log import logger
from crossdock.foundation.postgres.errors import PostgresError, explained
from crossdock.foundation.postgres.postmaster import Postmaster

_log = logger("postgres")
_DELAY_FIRST_S: Final = 0.25
_DELAY_S_MAX: Final = 15.0
_STEADY_S: Final = 60.0
_LOG_BYTES_MAX: Final = 16 << 20
_LOG_LOOK_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Died:
    """The server ended without being asked to."""

    exit_code: int
    last_words: str


@dataclass(frozen=True, slots=True)
class Restarted:
    """It serves again; what it had acknowledged is there."""

    down_s: float


@dataclass(frozen=True, slots=True)
class RestartFailed:
    """A try to start it again failed; there will be another."""

    reason: str
    next_try_s: float


PostgresEvent: TypeAlias = Died | Restarted | RestartFailed
Launch: TypeAlias = Callable[[threading.Event, threading.Event], Postmaster]
"""Starts a server and returns when it serves; the events wake the supervisor and tell that starting is to be given up."""


class Supervisor:
    """A thread, not a task: it outlives the event loop that asked for it and is not slowed by a busy one.

    The thread also starts the server, because the system ties a child's life to the thread that made it.
    """

    def __init__(self, launch: Launch, on_event: Callable[[PostgresEvent], None], log: Path) -> None:
        self._launch = launch
        self._on_event = on_event
        self._log = log
        self._first: Future[None] = Future()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._deadline_s = 10.0
        self._server: Postmaster | None = None
        self._thread = threading.Thread(target=self._run, name="postgres-supervisor", daemon=True)

    @property
    def pid(self) -> int | None:
        """The server's process id; None while it is down."""
        server = self._server
        return None if server is None or server.has_ended() else server.pid

    def start(self) -> None:
        """Return when the server accepts connections, or raise why it does not."""
        self._thread.start()
        self._first.result()

    def stop(self, deadline_s: float) -> None:
        """Return when the server has ended."""
        self._deadline_s = deadline_s
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            self._server = self._launch(self._wake, self._stopping)
        except BaseException as error:  # noqa: BLE001 (it is the caller of start who must see it)
            self._first.set_exception(error)
            return
        self._first.set_result(None)
        delay_s = 0.0
        while True:
            began = SYSTEM_CLOCK.monotonic()
            self._watch(self._server)
            if self._stopping.is_set():
                self._server.end(self._deadline_s)
                return
            died = SYSTEM_CLOCK.monotonic()
            self._tell(Died(self._server.exit_code, self._server.said()[-2000:]))
            delay_s = next_delay(delay_s, up_s=died - began)
            again = self._restarted(delay_s)
            if again is None:
                return
            self._server = again
            self._tell(Restarted(SYSTEM_CLOCK.monotonic() - died))

    def _tell(self, event: PostgresEvent) -> None:
        """A listener that fails must not end the supervision."""
        try:
            self._on_event(event)
        except Exception:  # noqa: BLE001 (foreign code: logged, and supervision goes on)
            _log.exception("postgres_listener_failed", told=type(event).__name__)

    def _watch(self, server: Postmaster) -> None:
        while not (self._stopping.is_set() or server.has_ended()):
            self._wake.wait(_LOG_LOOK_S)
            self._wake.clear()
            shorten(self._log)

    def _restarted(self, delay_s: float) -> Postmaster | None:
        """A new server, however long that takes (a full disk may last for hours); None when told to stop."""
        while not self._stopping.wait(delay_s):
            try:
                return self._launch(self._wake, self._stopping)
            except PostgresError as error:
                reason = str(error)
            except OSError as error:
                reason = str(explained(error, self._log.parent))
            delay_s = next_delay(delay_s, up_s=0.0)
            self._tell(RestartFailed(reason, delay_s))
        return None


def next_delay(delay_s: float, *, up_s: float) -> float:
    """How long to wait before the next start: not at all after a steady time, doubling up to a bound otherwise."""
    if up_s >= _STEADY_S:
        return 0.0
    return min(max(_DELAY_FIRST_S, delay_s * 2), _DELAY_S_MAX)


def shorten(log: Path) -> None:
    """Keep the log bounded: past its limit it becomes the one old copy and begins anew (the server appends)."""
    with suppress(OSError):  # no log, or no room for the copy: supervision matters more
        if log.stat().st_size <= _LOG_BYTES_MAX:
            return
        with suppress(OSError):
            shutil.copyfile(log, log.with_name(log.name + ".1"))
        os.truncate(log, 0)
