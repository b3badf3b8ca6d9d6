"""Fixtures for every test: one real PostgreSQL per run, one empty migrated database per test."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from psycopg.conninfo import make_conninfo

from crossdock.foundation.db import Database
from crossdock.foundation.postgres import ConnectionInfo, EmbeddedPostgres, Profile
from databases import Shelf

# Whoever spreads tests over processes tells them how wide the terminal is; pipes and files have no width.
os.environ.pop("COLUMNS", None)

# No law is about how fast this machine happens to be.
settings.register_profile("crossdock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("crossdock")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Spread over processes, a file stays together, and so do all who talk to the one ERP."""
    if config.pluginmanager.hasplugin("dsession") or hasattr(config, "workerinput"):
        for item in items:
            talks_to_erp = "erp" in getattr(item, "fixturenames", ())
            item.add_marker(pytest.mark.xdist_group("erp" if talks_to_erp else str(item.path)))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectionInfo]:
    """A throw-away PostgreSQL for the whole run."""
    folder: Path = tmp_path_factory.mktemp("postgres")
    server = EmbeddedPostgres(folder / "data", profile=Profile.UNSAFE)
    connection = asyncio.run(server.start())
    try:
        yield connection
    finally:
        asyncio.run(server.stop())


@pytest.fixture(scope="session")
def shelf(cluster: ConnectionInfo) -> Shelf:
    """Its migrated databases."""
    return Shelf(cluster)


@pytest.fixture
def dsn(cluster: ConnectionInfo, shelf: Shelf) -> Iterator[str]:
    """A database with this release's schema and nothing in it."""
    name = shelf.take()
    yield make_conninfo(cluster.dsn, dbname=name)
    shelf.give_back(name)


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """A pool on a fresh migrated database."""
    async with Database(dsn) as pool:
        yield pool
