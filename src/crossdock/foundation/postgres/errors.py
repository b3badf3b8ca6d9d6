"""Why the embedded database cannot run: each text is one sentence and what to do."""

import errno
from enum import Enum
from pathlib import Path


class PostgresError(Exception):
    """The embedded database cannot be used; the text names the cause and the way out."""


class FolderNotWritableError(PostgresError):
    """The data folder cannot be made, or not be written by the user that runs PostgreSQL."""


class FolderInUseError(PostgresError):
    """Another hub owns the data folder."""


class FolderTooNewError(PostgresError):
    """A newer release laid the folder out."""


class WrongVersionError(PostgresError):
    """The folder belongs to another major version of PostgreSQL."""


class DiskFullError(PostgresError):
    """No room to start."""


class PortTakenError(PostgresError):
    """Another program listens on the TCP port that was asked for."""


class SocketError(PostgresError):
    """The Unix socket cannot be made."""


class AccountError(PostgresError):
    """No operating-system user fits: PostgreSQL refuses to run as root."""


class BinariesError(PostgresError):
    """The package with PostgreSQL's programs is missing or does not run here."""


class StartError(PostgresError):
    """PostgreSQL ended while starting for a reason not known above; the text carries its own last words."""


class LeftoversError(PostgresError):
    """Processes of an earlier run still hold the folder."""


_FULL = (errno.ENOSPC, errno.EDQUOT)


def explained(error: OSError, folder: Path) -> PostgresError:
    """The operating system's refusal, said so that a person can act on it."""
    if error.errno in _FULL:
        return disk_full(folder)
    return FolderNotWritableError(
        f"The data folder {folder} cannot be written ({error.strerror or error}): correct its path or permissions, or "
        "choose another folder with CROSSDOCK_HOME."
    )


def disk_full(folder: Path) -> DiskFullError:
    """One wording for every way of running out of room."""
    return DiskFullError(f"The disk that holds {folder} is full: free some space and start again; nothing was lost.")


class _Cause(Enum):
    """What PostgreSQL's own log can tell of a failed start, the surest signs first."""

    FULL = ("No space left on device", "Disk quota exceeded")
    VERSION = ("is not compatible with this version",)
    LEFTOVERS = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')
    PORT = ("could not bind IP", "could not create any TCP/IP sockets")
    SOCKET = ("Unix-domain socket", "could not create any Unix", "socket lock file")
    DENIED = ("Permission denied", "Read-only file system")
    OTHER = ("",)


def diagnosed(log: str, folder: Path, *, port: int, major: int) -> PostgresError:
    """Read PostgreSQL's own log of a failed start."""
    cause = next(cause for cause in _Cause if any(sign in log for sign in cause.value))
    said = _last_words(log)
    by_cause: dict[_Cause, PostgresError] = {
        _Cause.FULL: disk_full(folder),
        _Cause.VERSION: wrong_version(folder, "of another version", major),
        _Cause.LEFTOVERS: LeftoversError(
            f"Processes of an earlier PostgreSQL still hold {folder}: end them and start again."
        ),
        _Cause.PORT: PortTakenError(
            f"Port {port} on 127.0.0.1 is taken by another program: free it or choose another."
        ),
        _Cause.SOCKET: SocketError(
            f"The database's socket cannot be made ({said}): choose another folder with CROSSDOCK_HOME."
        ),
        _Cause.DENIED: FolderNotWritableError(
            f"PostgreSQL cannot write its data folder {folder} ({said}): correct the permissions, or choose another "
            "folder with CROSSDOCK_HOME."
        ),
        _Cause.OTHER: StartError(f"PostgreSQL did not start in {folder} ({said}): its log is postgres.log there."),
    }
    return by_cause[cause]


def wrong_version(folder: Path, found: str, major: int) -> WrongVersionError:
    """Data files of one major version cannot be opened by another."""
    return WrongVersionError(
        f"The data folder {folder} was made by PostgreSQL {found}, but this release brings PostgreSQL {major}: run "
        "`crossdock backup` with the release that made it, then `crossdock restore` into a new folder."
    )


def _last_words(log: str) -> str:
    said = [line for line in log.splitlines() if any(word in line for word in ("FATAL:", "PANIC:", "ERROR:", "error:"))]
    line = (said or log.splitlines() or ["it said nothing"])[-1]
    return line.split(":  ")[-1].strip().rstrip(".")
