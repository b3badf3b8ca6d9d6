"""Database folders: made once, kept in the cache, copied for every run, so that runs never meet."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from crossdock.foundation.postgres import EmbeddedPostgres, PostgresError, Profile
from crossdock.simulation.erp.errors import ErpError

_NAME: Final = "tryton"
_TUNING: Final = "min_wal_size = 32MB\nmax_wal_size = 256MB\nshared_buffers = 64MB\n"
"""A small folder, for it is copied often."""


class Cluster:
    """A running PostgreSQL with Tryton's databases in it."""

    def __init__(self, admin_dsn: str) -> None:
        self._admin_dsn = admin_dsn

    @property
    def tryton_url(self) -> str:
        """For Tryton's configuration, which adds the database's name. As superuser: set-up outlives a role's limits."""
        head, _, query = self._admin_dsn.partition("?")
        return f"{head.removesuffix('/postgres')}/?{query}"

    def create(self, database: str) -> None:
        """An empty database."""
        self._run(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(database)))

    def rename(self, database: str, name: str) -> None:
        """Nobody may be using it."""
        self._run(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(database), sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._admin_dsn, autocommit=True) as admin:
            admin.execute(statement)


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Cluster]:
    """PostgreSQL on *folder*, which is made when missing. No fsync: whatever is in it can be made again."""
    await asyncio.to_thread(_lay_out, folder)
    try:
        async with EmbeddedPostgres(folder, profile=Profile.UNSAFE, database=_NAME) as postgres:
            yield Cluster(postgres.connection.admin_dsn)
    except PostgresError as error:
        raise ErpError(f"The ERP's own database cannot run: {error}") from error


def _lay_out(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tuning.conf").write_text(_TUNING)


def copy(source: Path, target: Path) -> None:
    """A stopped cluster's files; settings, sockets and locks are made anew by whoever starts it."""
    target.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source / "cluster", target / "cluster")
    shutil.copy2(source / "folder.json", target / "folder.json")
