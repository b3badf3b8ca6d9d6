"""One server process: what it says of itself, and how to be rid of what an earlier run left."""

import contextlib
import os
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_READY: Final = "ready"
_LINES: Final = 8
_SAID_BYTES_MAX: Final = 20_000


@dataclass(frozen=True, slots=True)
class PidFile:
    """postmaster.pid, as far as we need it."""

    pid: int
    ready: bool


def read_pid_file(cluster: Path) -> PidFile | None:
    """What the server wrote; None when it runs not or is only beginning."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        return PidFile(int(lines[0]), ready=len(lines) >= _LINES and lines[_LINES - 1].strip() == _READY)
    except (OSError, ValueError, IndexError):
        return None


class Postmaster:
    """A child of ours; its end is noticed by a thread of its own, so that nobody has to poll."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path, wake: threading.Event) -> None:
        with log.open("ab") as sink:
            self.log_start = sink.tell()
            self._process = subprocess.Popen(  # noqa: S603 (the command is ours)
                command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env=environment,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the hub, which needs the database to finish its work
            )
        self._log = log
        self._ended = threading.Event()
        self._wake = wake
        threading.Thread(target=self._wait, name="postgres-wait", daemon=True).start()

    @property
    def pid(self) -> int:
        """The server's process id: the launcher becomes the server, so the id stays."""
        return self._process.pid

    @property
    def exit_code(self) -> int:
        """Negative is a signal."""
        assert self._process.returncode is not None
        return self._process.returncode

    def has_ended(self) -> bool:
        """Gone, and waited for."""
        return self._ended.is_set()

    def await_end(self) -> None:
        """For programs that end by themselves (initdb)."""
        self._ended.wait()

    def said(self) -> str:
        """Its own log since it was started, the last part of it."""
        try:
            with self._log.open("rb") as source:
                end = source.seek(0, os.SEEK_END)
                source.seek(max(self.log_start if end >= self.log_start else 0, end - _SAID_BYTES_MAX))
                return source.read().decode(errors="replace")
        except OSError:
            return ""  # somebody removed the log: no reason to fail

    def end(self, deadline_s: float) -> None:
        """Fast shutdown; past the deadline less polite (the next start then recovers, nothing is lost)."""
        for request, patience_s in ((signal.SIGINT, deadline_s), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            if self._ended.is_set():
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, request)
            self._ended.wait(patience_s)

    def _wait(self) -> None:
        self._process.wait()
        self._ended.set()
        self._wake.set()


def end_leftovers(cluster: Path, patience_s: float = 10.0) -> None:
    """End what an earlier run left in *cluster*; the caller holds the folder's lock, so nobody needs it.

    A postmaster.pid that names a process which is no server of this folder (numbers are reused, in containers
    within seconds) is removed: PostgreSQL itself would refuse to start.
    """
    found = read_pid_file(cluster)
    if found is None:
        return
    if not _is_alive(found.pid):
        _clear(cluster, patience_s)  # a killed server's children may still be writing
        return
    if not _serves(found.pid, cluster):
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        return
    for request in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        _end_all([found.pid], request)
        if _await_gone(found.pid, patience_s):
            break
    _clear(cluster, patience_s)


def _clear(cluster: Path, patience_s: float) -> None:
    """Kill what is left and see it gone: a new server refuses to start while one of them still holds the memory."""
    pause = threading.Event()
    for _ in range(int(patience_s / 0.05)):
        left = _servers_in(cluster)
        if not left:
            return
        _end_all(left, signal.SIGKILL)
        pause.wait(0.05)


def _end_all(pids: list[int], request: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, request)


def _await_gone(pid: int, patience_s: float) -> bool:
    pause = threading.Event()
    for _ in range(int(patience_s / 0.05)):
        if not _is_alive(pid):
            return True
        pause.wait(0.05)
    return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    try:
        return not Path("/proc/self").exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _serves(pid: int, cluster: Path) -> bool:
    """A server works inside its data directory, and is called postgres."""
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cwd").resolve(strict=True) == cluster.resolve()
        except OSError:
            return False
    asked = subprocess.run(  # noqa: S603 (a number is the only variable part)
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return str(cluster) in asked.stdout


def _servers_in(cluster: Path) -> list[int]:
    """Every server process of the folder where the system can tell (Linux)."""
    if not Path("/proc/self").exists():
        return []
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [number for number in numbers if _serves(number, cluster)]
