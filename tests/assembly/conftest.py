"""A hub with its estate applied."""

from pathlib import Path

import pytest

from assembly.parts import ESTATE, PLAIN, World, make_hub
from crossdock.foundation.db import Database


@pytest.fixture
async def world(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("SHOP_TOKEN", "open sesame")
    made = World(make_hub(database, tmp_path, {"plain": PLAIN}))
    await made.apply_estate(ESTATE)
    return made
