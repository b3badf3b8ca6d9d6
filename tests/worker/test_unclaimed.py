"""Files that were put where nobody looks are told for as long as they lie there."""

from pathlib import Path

import pytest

from assembly.parts import ESTATE, PLAIN, World, make_hub
from crossdock.foundation.db import Database
from crossdock.worker.central import central_loops


@pytest.fixture
async def world(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("SHOP_TOKEN", "open sesame")
    made = World(make_hub(database, tmp_path, {"plain": PLAIN}))
    await made.apply_estate(ESTATE)
    return made


async def look(world: World) -> None:
    (loop,) = [each for each in central_loops(world.hub) if each.name == "unclaimed"]
    assert not await loop.step()


async def test_a_folder_of_no_connection_is_one_exception_until_it_is_empty(world: World) -> None:
    await look(world)
    assert await world.exceptions() == []
    file = world.hub.settings.home / "drop" / "shpo" / "day.xml"
    file.parent.mkdir(parents=True)
    file.write_text("<POSLog/>")

    await look(world)
    await look(world)

    (found,) = await world.exceptions()
    assert (found.type, found.subject, found.occurrences) == ("files_unclaimed", "folder/shpo", 1)
    assert found.detail == '1 file lies under drop/shpo: no connection "shpo" takes files'
    file.unlink()
    await look(world)
    assert await world.exceptions() == []


async def test_a_connection_that_takes_no_files_is_nobody(world: World) -> None:
    """The shop of this estate speaks by webhook only."""
    file = world.hub.settings.home / "drop" / ESTATE.connections[0].name / "day.xml"
    file.parent.mkdir(parents=True)
    file.write_text("<POSLog/>")

    await look(world)

    assert [each.type for each in await world.exceptions()] == ["files_unclaimed"]
