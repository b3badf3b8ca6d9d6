"""Schema changes: plain SQL files, `crossdock/<package>/migrations/<package>.NNNN.<what>.sql`, applied once and in order.

Each package creates only its own schema, so the packages' files do not depend on each other; inside a package the
number orders them. Every file is safe to apply while the previous release still runs. What was applied is kept by its
content: a file that is edited afterwards is refused, because databases would differ by when they were made.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Final, LiteralString
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict
from yoyo import get_backend, read_migrations
from yoyo.backends import DatabaseBackend
from yoyo.migrations import Migration, MigrationList

from crossdock.foundation.db import DatabaseUnusableError
from crossdock.foundation.reading_order import keep_ahead

_NAME = re.compile(r"^(?P<package>[a-z_]+)\.(?P<number>\d{4})\.[a-z0-9_]+\.sql$")
_SUMS: Final[LiteralString] = """
CREATE TABLE IF NOT EXISTS public.crossdock_schema_change (name text PRIMARY KEY, checksum text NOT NULL)
"""
_KEEP: Final[LiteralString] = """
INSERT INTO public.crossdock_schema_change (name, checksum) VALUES (%(name)s, %(checksum)s) ON CONFLICT DO NOTHING
"""
_KEPT: Final[LiteralString] = "SELECT name, checksum FROM public.crossdock_schema_change"
_TURN: Final = 0x63726F7373646F63
"""Our number among advisory locks."""


class _NoTablesError(Exception):
    pass


def folders() -> Sequence[Path]:
    """Every package's migrations folder, in the order of their names."""
    root = Path(str(resources.files("crossdock")))
    found = sorted(root.glob("*/migrations"))
    for file in (file for folder in found for file in folder.glob("*.sql")):
        match = _NAME.match(file.name)
        assert match is not None, f"{file.name}: wanted <package>.NNNN.<what>.sql"
        assert match["package"] == file.parent.parent.name, f"{file.name} lies in another package"
    return found


def apply_migrations(dsn: str) -> int:
    """Bring the database to this release's schema; the number of files applied.

    Of processes that start together one applies, the others wait. Killed at any moment, it goes on where it was: a file
    and the note that it was applied are one transaction. A database that already has migrations unknown to this release
    belongs to a newer one and is refused.
    """
    try:
        with _turn(dsn) as session:
            count = _apply(dsn)
            keep_ahead(session)
            return count
    except (psycopg.errors.InsufficientPrivilege, _NoTablesError):
        raise DatabaseUnusableError(
            "The database user may not make the hub's tables: make it the owner of its database, or GRANT it CREATE on "
            "the database and on the schema public."
        ) from None


def _apply(dsn: str) -> int:
    backend = get_backend(_uri(dsn))
    try:
        _break_lock(backend)
        known = _known()
        applied = set(backend.get_applied_migration_hashes())
        _refuse_newer(applied, known)
        with backend.transaction():
            backend.execute(_SUMS)
            _refuse_edited(known, applied, dict(backend.execute(_KEPT).fetchall()))
            for migration in known:
                if migration.hash in applied:
                    _keep(backend, migration)  # of a release that did not keep them yet
        pending = backend.to_apply(known)
        for migration in pending:
            with backend.transaction():
                migration.process_steps(backend, "apply")
                backend.mark_one(migration)
                _keep(backend, migration)
        return len(pending)
    finally:
        backend.connection.close()


def _break_lock(backend: DatabaseBackend) -> None:
    """The tool's own lock is a row, which outlives a killed process; who has the turn knows that it is nobody's."""
    try:
        backend.break_lock()
    except psycopg.errors.UndefinedTable:  # the tool says nothing when it may not make its tables
        raise _NoTablesError from None


@contextmanager
def _turn(dsn: str) -> "Iterator[psycopg.Connection[tuple[object, ...]]]":
    """A lock that the server lets go when we die."""
    with psycopg.connect(dsn, autocommit=True, application_name="crossdock migrations") as session:
        session.execute("SET statement_timeout = 0")
        session.execute("SELECT pg_advisory_lock(%s)", [_TURN])
        yield session


def pending_count(dsn: str) -> int:
    """How many files this release would apply."""
    backend = get_backend(_uri(dsn))
    try:
        return len(backend.to_apply(_known()))
    finally:
        backend.connection.close()


def edited_changes(dsn: str) -> Sequence[str]:
    """Files whose content is not what was applied; to look, without changing anything."""
    backend = get_backend(_uri(dsn))
    try:
        if backend.execute("SELECT to_regclass('public.crossdock_schema_change')").fetchone()[0] is None:
            return ()
        return _edited(_known(), backend.get_applied_migration_hashes(), dict(backend.execute(_KEPT).fetchall()))
    finally:
        backend.connection.close()


def _known() -> MigrationList:
    return read_migrations(*(str(folder) for folder in folders()))


def checksum(text: str) -> str:
    """Of what a file does: whole lines of comment, blank lines and the ends of lines do not count."""
    said = [line.rstrip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("--")]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _checksum_of(migration: Migration) -> str:
    return checksum(Path(migration.path).read_text(encoding="utf-8"))


def _keep(backend: DatabaseBackend, migration: Migration) -> None:
    backend.execute(_KEEP, {"name": migration.id, "checksum": _checksum_of(migration)})


def _refuse_edited(known: MigrationList, applied: Collection[str], kept: Mapping[str, str]) -> None:
    edited = _edited(known, applied, kept)
    if edited:
        more = f" (and {len(edited) - 1} more)" if edited[1:] else ""
        raise DatabaseUnusableError(
            f"The schema change {edited[0]} was applied to this database with other content than this release has{more}: "
            "start the release that applied it; what is to change in the schema goes into a file of its own."
        )


def _edited(known: MigrationList, applied: Collection[str], kept: Mapping[str, str]) -> Sequence[str]:
    return [
        migration.id
        for migration in known
        if migration.hash in applied and kept.get(migration.id, "") not in {"", _checksum_of(migration)}
    ]


def _refuse_newer(applied: Collection[str], known: MigrationList) -> None:
    unknown = sorted(set(applied) - {migration.hash for migration in known})
    if unknown:
        raise DatabaseUnusableError(
            f"This database was upgraded by a newer Crossdock ({len(unknown)} schema changes are unknown here). "
            "Start that release, or restore a backup made before the upgrade."
        )


def _uri(dsn: str) -> str:
    """The tool wants a URI; what it finds after the question mark it gives to the driver unchanged (socket folders too)."""
    parts = {key: str(value) for key, value in conninfo_to_dict(dsn).items() if value is not None}
    # A large table's new index takes as long as it takes.
    parts["options"] = f"{parts.get('options', '')} -c statement_timeout=0".lstrip()
    name = parts.pop("dbname", "")
    return f"postgresql+psycopg:///{quote(name)}?{urlencode(parts)}"
