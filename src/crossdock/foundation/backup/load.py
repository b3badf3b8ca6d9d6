"""Restoring a backup: checked first, then loaded and compared in one transaction."""

import threading
import zipfile
from pathlib import Path

from psycopg import sql

from crossdock import VERSION
from crossdock.foundation import migrations
from crossdock.foundation.backup.archive import DUMP, FORMAT, Manifest, check_dump, manifest_in, opened
from crossdock.foundation.backup.task import (
    CHUNK,
    SYSTEM_SCHEMAS,
    BackupError,
    Listener,
    OnProgress,
    Process,
    Session,
    Task,
    connected,
    major_of,
    only_value,
    piped,
    silent,
    started,
    tool,
)
from crossdock.foundation.postgres.binaries import environment, programs


async def restore(file: Path, dsn: str, *, replace: bool = False, on_progress: OnProgress = silent) -> Manifest:
    """Check *file* against its manifest and load it into an empty database.

    With *replace* what the database holds is dropped in the same transaction: if anything fails it is all still there.
    The schema is that of the backup: apply this release's migrations afterwards. *on_progress* is called in other threads.
    """
    task = Task(on_progress)
    return await task.run(lambda: _restored(file, dsn, task, replace=replace))


def _restored(file: Path, dsn: str, task: Task, *, replace: bool) -> Manifest:
    with opened(file) as archive:
        manifest = manifest_in(archive, file)
        _check_release(manifest, file)
        with connected(dsn) as session:
            major = major_of(session)
            if major < manifest.postgres_major:
                raise BackupError(
                    f"{file} was made on PostgreSQL {manifest.postgres_major} and cannot be restored into the older "
                    f"{major}: use a server of that version or newer."
                )
            clearance = _clearance(session, replace=replace)
        check_dump(archive, manifest, file, task)
        _load(_Source(archive, manifest), clearance, dsn, major, task)
    with connected(dsn) as session:
        session.execute("ANALYZE")
    return manifest


def _check_release(manifest: Manifest, file: Path) -> None:
    known = {path.stem for folder in migrations.folders() for path in folder.glob("*.sql")}
    if manifest.format > FORMAT or not known.issuperset(manifest.migrations):
        raise BackupError(
            f"{file} was made by a newer Crossdock ({manifest.made_by}, this is {VERSION}): restore it with that release."
        )


def _clearance(session: Session, *, replace: bool) -> str:
    """The statements that empty the database; refuses one that holds something unless told, and one in use."""
    statements = [*_schema_drops(session), *_public_drops(session)]
    if not statements:
        return ""
    if not replace:
        raise BackupError(
            "The database to restore into is not empty: give a new data folder or an empty database, or say that what is "
            "there may be replaced."
        )
    others = only_value(
        session,
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'",
    )
    if others:
        raise BackupError(f"The database is in use by {others} other sessions: stop the hub and everything else first.")
    return "\n".join(statement.as_string(session) for statement in statements)


def _schema_drops(session: Session) -> list[sql.Composed]:
    names = session.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname !~ %s AND nspname <> 'public' ORDER BY 1", [SYSTEM_SCHEMAS]
    )
    return [sql.SQL("DROP SCHEMA {} CASCADE;").format(sql.Identifier(str(name))) for (name,) in names]


def _public_drops(session: Session) -> list[sql.Composed]:
    """The schema public stays (it may belong to someone else); what extensions and columns own goes with them."""
    found = session.execute(
        "SELECT relname, relkind = 'v', relkind = 'S' FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE nspname = 'public' AND relkind IN ('r', 'p', 'v', 'S')"
        " AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('e', 'a', 'i'))"
    )
    drops: list[sql.Composed] = []
    for name, is_view, is_sequence in found:
        kind = sql.SQL("VIEW") if is_view else sql.SQL("SEQUENCE") if is_sequence else sql.SQL("TABLE")
        drops.append(sql.SQL("DROP {} IF EXISTS public.{} CASCADE;").format(kind, sql.Identifier(str(name))))
    return drops


class _Source:
    """The dump, given to pg_restore by a thread of its own."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self.manifest = manifest
        self._archive = archive

    def feed(self, reader: Process, task: Task) -> threading.Thread:
        """Begin."""
        feeder = threading.Thread(target=self._feed, args=(reader, task), name="restore-feed", daemon=True)
        feeder.start()
        return feeder

    def _feed(self, reader: Process, task: Task) -> None:
        assert reader.stdin is not None
        done = 0
        try:
            with self._archive.open(DUMP) as source:
                while chunk := source.read(CHUNK):
                    reader.stdin.write(chunk)
                    done += len(chunk)
                    task.say("restore", done, self.manifest.dump_bytes)
            reader.stdin.close()
        except BrokenPipeError:
            return  # the reader's exit code tells why


def _load(source: _Source, clearance: str, dsn: str, major: int, task: Task) -> None:
    """One psql transaction: what was there goes, the dump comes, the counts are compared, then it commits.

    psql commits at the end of its input, so the input ends only after everything else went well; otherwise psql is
    killed and the server rolls back.
    """
    manifest = source.manifest
    reading = [str(tool("pg_restore", manifest.postgres_major)), "--no-owner", "--no-privileges", "--file=-"]
    loading = [str(programs() / "psql"), "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
    with (
        started([*loading, "--output=/dev/null", "--file=-"], dsn, major) as loader,
        piped(reading, environment()) as reader,
    ):
        assert loader.stdin is not None
        assert reader.stdout is not None
        loader_listener, reader_listener = Listener(loader), Listener(reader)
        feeder = source.feed(reader, task)
        try:
            loader.stdin.write(clearance.encode())
            while chunk := reader.stdout.read(CHUNK):
                task.stop_if_cancelled()
                loader.stdin.write(chunk)
            reader_listener.finish("pg_restore")
            loader.stdin.write(_comparison(manifest).encode())
            loader.stdin.close()
        except BrokenPipeError:
            reader.kill()  # psql gave up: it says why below
        loader_listener.finish("psql")
        feeder.join()


def _comparison(manifest: Manifest) -> str:
    """Fails inside the transaction if a table did not come back whole."""
    return "".join(
        f"DO $check$BEGIN ASSERT (SELECT count(*) FROM {table}) = {count},"  # noqa: S608 (quoted by the server that dumped)
        f" $name${table} does not hold its {count} rows$name$; END$check$;\n"
        for table, count in manifest.rows.items()
    )
