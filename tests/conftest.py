"""Fixtures for every test: one real PostgreSQL per run, one fresh migrated database per test."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql
from psycopg.conninfo import make_conninfo

from crossdock.foundation.db import Database
from crossdock.foundation.migrations import apply_migrations
from crossdock.foundation.postgres import ConnectionInfo, EmbeddedPostgres, Profile

# No law is about how fast this machine happens to be.
settings.register_profile("crossdock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("crossdock")

_numbers = itertools.count(1)
TEMPLATE = "crossdock_template"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Spread over processes, a file stays together, and so do all who talk to the one ERP."""
    if config.pluginmanager.hasplugin("dsession") or hasattr(config, "workerinput"):
        for item in items:
            talks_to_erp = "erp" in getattr(item, "fixturenames", ())
            item.add_marker(pytest.mark.xdist_group("erp" if talks_to_erp else str(item.path)))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectionInfo]:
    """A throw-away PostgreSQL for the whole run, with a migrated template database."""
    folder: Path = tmp_path_factory.mktemp("postgres")
    server = EmbeddedPostgres(folder / "data", profile=Profile.UNSAFE)
    connection = asyncio.run(server.start())
    try:
        with psycopg.connect(connection.admin_dsn, autocommit=True) as admin:
            admin.execute(sql.SQL("CREATE DATABASE {} OWNER crossdock").format(sql.Identifier(TEMPLATE)))
        apply_migrations(make_conninfo(connection.dsn, dbname=TEMPLATE))
        yield connection
    finally:
        asyncio.run(server.stop())


@pytest.fixture
def dsn(cluster: ConnectionInfo) -> Iterator[str]:
    """A fresh database with this release's schema."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER crossdock").format(
                sql.Identifier(name), sql.Identifier(TEMPLATE)
            )
        )
    yield make_conninfo(cluster.dsn, dbname=name)
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """A pool on a fresh migrated database."""
    async with Database(dsn) as pool:
        yield pool
