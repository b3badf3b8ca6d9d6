"""What the laws about whole processes share: a PostgreSQL of the retailer's own, and one ERP."""

import asyncio
from collections.abc import Iterator

import pytest

from crossdock.foundation.postgres import ConnectionInfo, EmbeddedPostgres
from erp_process import erp

__all__ = ["erp"]


@pytest.fixture(scope="session")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectionInfo]:
    """A server with fsync on, as a retailer would run it: a hub refuses any other."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("own-server"))
    connection = asyncio.run(server.start())
    try:
        yield connection
    finally:
        asyncio.run(server.stop())
