"""Schema changes: plain SQL files, `crossdock/<package>/migrations/<package>.NNNN.<what>.sql`, applied once and in order.

Each package creates only its own schema, so the packages' files do not depend on each other; inside a package the
number orders them. Every file is safe to apply while the previous release still runs.
"""

import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from urllib.parse import quote, urlencode

from psycopg.conninfo import conninfo_to_dict
from yoyo import get_backend, read_migrations
from yoyo.migrations import MigrationList

from crossdock.foundation.db import DatabaseUnusableError

_NAME = re.compile(r"^(?P<package>[a-z_]+)\.(?P<number>\d{4})\.[a-z0-9_]+\.sql$")


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

    Holds the tool's lock, so that two processes starting together apply each file once. A database that already
    has migrations unknown to this release belongs to a newer one and is refused.
    """
    backend = get_backend(_uri(dsn))
    try:
        known = _known()
        with backend.lock():
            _refuse_newer(backend.get_applied_migration_hashes(), known)
            pending = backend.to_apply(known)
            backend.apply_migrations(pending)
            return len(pending)
    finally:
        backend.connection.close()


def pending_count(dsn: str) -> int:
    """How many files this release would apply."""
    backend = get_backend(_uri(dsn))
    try:
        return len(backend.to_apply(_known()))
    finally:
        backend.connection.close()


def _known() -> MigrationList:
    return read_migrations(*(str(folder) for folder in folders()))


def _refuse_newer(applied: Sequence[str], known: MigrationList) -> None:
    unknown = sorted(set(applied) - {migration.hash for migration in known})
    if unknown:
        raise DatabaseUnusableError(
            f"This database was upgraded by a newer Crossdock ({len(unknown)} schema changes are unknown here). "
            "Start that release, or restore a backup made before the upgrade."
        )


def _uri(dsn: str) -> str:
    """The tool wants a URI; what it finds after the question mark it gives to the driver unchanged (socket folders too)."""
    parts = {key: str(value) for key, value in conninfo_to_dict(dsn).items() if value is not None}
    name = parts.pop("dbname", "")
    return f"postgresql+psycopg:///{quote(name)}?{urlencode(parts)}"
