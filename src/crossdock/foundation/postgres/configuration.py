"""PostgreSQL's settings, with the reason for each that differs from its default."""

import sys
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Final


class Profile(Enum):
    """How much a power cut may cost."""

    DURABLE = "durable"
    """Nothing acknowledged is lost."""
    UNSAFE = "unsafe"
    """No waiting for the disk: for tests and counterpart systems that can be made again, never for a hub."""


WAL_SEGMENT_MB: Final = 4
"""Making a segment holds up every commit: 75 ms for the default of 16 MB here, every few seconds, was the whole p99."""

_COMMON: Final[Mapping[str, str]] = {
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",  # restart after a crash within seconds
    "min_wal_size": "256MB",  # kept for use again, see WAL_SEGMENT_MB
    "max_wal_senders": "4",  # a retailer may stream a copy or take a base backup
    "max_logical_replication_workers": "0",
    "io_method": "sync",  # three processes fewer; our reads are short
    "jit": "off",
    "random_page_cost": "1.1",
    "effective_io_concurrency": "16",
    # Logs and outboxes are insert-only and small state tables are hot: look often, spend little each time.
    "autovacuum_naptime": "20s",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_analyze_scale_factor": "0.05",
    "autovacuum_vacuum_insert_scale_factor": "0.1",
    "autovacuum_max_workers": "2",
    "log_checkpoints": "off",
    "log_lock_waits": "on",
    "log_autovacuum_min_duration": "-1",
    "log_line_prefix": "'%m [%p] %a '",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "lc_messages": "C",
    "password_encryption": "scram-sha-256",
    "unix_socket_permissions": "0700",
}
_BY_PROFILE: Final[Mapping[Profile, Mapping[str, str]]] = {
    Profile.DURABLE: {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"},
    Profile.UNSAFE: {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"},
}
ROLE_SETTINGS: Final[Mapping[str, str]] = {
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
    "transaction_timeout": "15min",  # a forgotten snapshot holds back the clean-up of every table
}
"""Defaults of the hub's role: a session may ask for other values."""


def settings_text(profile: Profile, *, socket: Path, port: int, tcp: bool, conf: Path, tuning: Path) -> str:
    """The whole of postgresql.conf."""
    values = {
        **_COMMON,
        **_BY_PROFILE[profile],
        "listen_addresses": "'127.0.0.1'" if tcp else "''",
        "port": str(port),
        "unix_socket_directories": quoted(socket),
        "hba_file": quoted(conf / "pg_hba.conf"),
        "ident_file": quoted(conf / "pg_ident.conf"),
    }
    if sys.platform == "darwin":
        values["wal_sync_method"] = "fsync_writethrough"  # its plain fsync stops at the drive's cache
        values.pop("effective_io_concurrency")
    lines = [f"{name} = {value}" for name, value in values.items()]
    head = f"# Written at every start. Put settings of your own into {tuning}."
    theirs = [f"include = {quoted(tuning)}"] if tuning.exists() else []
    return "\n".join([head, *lines, *theirs, ""])


def access_text(*, tcp_role: str | None) -> str:
    """pg_hba.conf: the socket asks the system who we are, TCP (if any) asks for a password."""
    lines = ["local all all peer map=hub"]
    if tcp_role is not None:
        lines.append(f'host all "{tcp_role}" 127.0.0.1/32 scram-sha-256')
    return "\n".join([*lines, ""])


def identity_text(users: Sequence[str], roles: Sequence[str]) -> str:
    """pg_ident.conf: which system user may be which role."""
    return "\n".join([*(f'hub "{user}" "{role}"' for user in users for role in roles), ""])


def quoted(path: Path) -> str:
    """A path as a value in postgresql.conf."""
    return "'" + str(path).replace("'", "''") + "'"
