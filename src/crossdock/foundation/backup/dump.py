"""Making a backup: one snapshot, dumped and counted while others go on writing."""

import hashlib
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec
import psycopg

from crossdock import VERSION
from crossdock.foundation.backup.archive import DUMP, FORMAT, MANIFEST, Manifest
from crossdock.foundation.backup.task import (
    CHUNK,
    SYSTEM_SCHEMAS,
    BackupError,
    Listener,
    OnProgress,
    Session,
    Task,
    connected,
    major_of,
    only_value,
    silent,
    started,
    tool,
)
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.postgres.binaries import MAJOR


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What the dump and the counts both look at."""

    dsn: str
    major: int
    name: str
    sizes: Mapping[str, int]
    """Bytes of every table with rows of its own, by its quoted name."""


async def backup(dsn: str, target: Path, *, on_progress: OnProgress = silent) -> Manifest:
    """Write *target*, complete or not at all, while others go on reading and writing.

    The target must not exist. *on_progress* is called in another thread.
    """
    task = Task(on_progress)
    return await task.run(lambda: _backed_up(dsn, target, task))


def _backed_up(dsn: str, target: Path, task: Task) -> Manifest:
    if target.exists():
        raise BackupError(f"{target} exists already: name another file, or remove it first.")
    if not target.parent.is_dir():
        raise BackupError(f"The backup {target} cannot be written (there is no folder {target.parent}): make it first.")
    part = target.with_name(target.name + ".part")
    try:
        with connected(dsn) as session:
            manifest = _written(session, dsn, part, task)
        part.replace(target)
        _settle(target.parent)
    except OSError as error:
        raise BackupError(
            f"The backup {target} cannot be written ({error.strerror or error}): free some space there, or name another "
            "place."
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return manifest


def _written(session: Session, dsn: str, part: Path, task: Task) -> Manifest:
    snapshot = _taken(session, dsn)
    applied = _applied_migrations(session)
    made_at = SYSTEM_CLOCK.now()
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as raw:
        with zipfile.ZipFile(raw, "w", zipfile.ZIP_STORED) as archive:
            with archive.open(DUMP, "w", force_zip64=True) as sink:
                digest, length = _dumped(snapshot, sink, task)
            manifest = Manifest(
                format=FORMAT,
                made_at=made_at,
                made_by=VERSION,
                postgres_major=snapshot.major,
                migrations=applied,
                rows=_row_counts(session, snapshot, task),
                dump_bytes=length,
                dump_sha256=digest,
            )
            archive.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        raw.flush()
        os.fsync(raw.fileno())
    return manifest


def _taken(session: Session, dsn: str) -> _Snapshot:
    """Held by *session* until its transaction ends."""
    major = major_of(session)
    if major > MAJOR:
        raise BackupError(
            f"The server is PostgreSQL {major}, newer than the {MAJOR} that this release can back up: use the server's "
            "own pg_dump."
        )
    session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    session.read_only = True
    name = str(only_value(session, "SELECT pg_export_snapshot()"))
    tables = session.execute(
        "SELECT format('%%I.%%I', nspname, relname), pg_table_size(c.oid) FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind = 'r' AND nspname !~ %s ORDER BY 1",
        [SYSTEM_SCHEMAS],
    )
    return _Snapshot(dsn, major, name, {str(table): int(size) for table, size in tables})


def _dumped(snapshot: _Snapshot, sink: IO[bytes], task: Task) -> tuple[str, int]:
    """Run pg_dump into *sink*; the SHA-256 and length of what it wrote."""

    def hear(line: str) -> None:
        """It names each table as it begins with it, and goes by name: those before it are done."""
        table = line.partition('dumping contents of table "')[2].rstrip('"')
        if table in snapshot.sizes:
            done = sum(size for other, size in snapshot.sizes.items() if other < table)
            task.say("dump", done, sum(snapshot.sizes.values()))

    program = str(tool("pg_dump", snapshot.major))
    command = [program, "--format=custom", "--verbose", f"--snapshot={snapshot.name}"]
    digest = hashlib.sha256()
    length = 0
    with started(command, snapshot.dsn, snapshot.major) as dumping:
        assert dumping.stdout is not None
        listener = Listener(dumping, hear)
        while chunk := dumping.stdout.read(CHUNK):
            task.stop_if_cancelled()
            digest.update(chunk)
            length += len(chunk)
            sink.write(chunk)
        listener.finish("pg_dump")
    return digest.hexdigest(), length


def _row_counts(session: Session, snapshot: _Snapshot, task: Task) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    done = 0
    for table, size in snapshot.sizes.items():
        task.stop_if_cancelled()
        counts[table] = int(str(only_value(session, f"SELECT count(*) FROM {table}")))  # noqa: S608 (quoted by the server)
        done += size
        task.say("count", done, sum(snapshot.sizes.values()))
    return counts


def _applied_migrations(session: Session) -> tuple[str, ...]:
    if only_value(session, "SELECT to_regclass('_yoyo_migration')") is None:
        return ()
    return tuple(str(name) for (name,) in session.execute("SELECT migration_id FROM _yoyo_migration ORDER BY 1"))


def _settle(folder: Path) -> None:
    """Make the rename itself durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
