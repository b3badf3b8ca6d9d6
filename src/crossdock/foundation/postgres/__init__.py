"""The embedded PostgreSQL: started, supervised and ended by the hub itself."""

from crossdock.foundation.postgres.binaries import MAJOR, programs
from crossdock.foundation.postgres.configuration import Profile
from crossdock.foundation.postgres.errors import (
    AccountError,
    BinariesError,
    DiskFullError,
    FolderInUseError,
    FolderNotWritableError,
    FolderTooNewError,
    LeftoversError,
    PortTakenError,
    PostgresError,
    SocketError,
    StartError,
    WrongVersionError,
)
from crossdock.foundation.postgres.server import ConnectionInfo, EmbeddedPostgres, Tcp, running
from crossdock.foundation.postgres.supervisor import Died, PostgresEvent, Restarted, RestartFailed

__all__ = [
    "MAJOR",
    "AccountError",
    "BinariesError",
    "ConnectionInfo",
    "Died",
    "DiskFullError",
    "EmbeddedPostgres",
    "FolderInUseError",
    "FolderNotWritableError",
    "FolderTooNewError",
    "LeftoversError",
    "PortTakenError",
    "PostgresError",
    "PostgresEvent",
    "Profile",
    "RestartFailed",
    "Restarted",
    "SocketError",
    "StartError",
    "Tcp",
    "WrongVersionError",
    "programs",
    "running",
]
