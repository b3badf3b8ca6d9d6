"""The API, served for one test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crossdock.assembly.registry import connectors
from gateway.shop import Api, opened


@pytest.fixture
async def api(dsn: str, tmp_path: Path) -> AsyncIterator[Api]:
    async with opened(tmp_path / "home", dsn, connectors()) as served:
        yield served


@pytest.fixture
async def second(api: Api, dsn: str) -> AsyncIterator[Api]:
    """Another gateway on the same database, as if in another process."""
    async with opened(api.hub.settings.home, dsn, connectors(), name="second") as served:
        yield served
