# ruff: noqa: ASYNC240 (a folder and a process of the test's own)
"""A file is taken when it is whole; a sender that writes on after all loses nothing, and a person is told."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from crossdock.canonical.base import Document
from crossdock.canonical.facts import FileChanged, MessageQuarantined
from crossdock.connector_kit.endings import ends_with_a_line
from crossdock.connector_kit.model import FileDrop
from crossdock.estate.model import DropRules
from crossdock.foundation.db import Database
from crossdock.inbound import service as inbound
from crossdock.inbound.feeds.folder import look, read
from crossdock.inbound.feeds.model import Swept
from crossdock.inbound.model import MessageId
from crossdock.inbound.service import Drop
from inbound.shopfloor import SHOP, Hub, count, decode_counts, hub_on, write

LINES = FileDrop(name="counts", pattern="*.jsonl", decode=decode_counts, ends=ends_with_a_line, size_max=10_000)
SETTLE_S, CUT_S = 5.0, 60.0
RULES = DropRules(settle_s=SETTLE_S, cut_s=CUT_S)


@pytest.fixture
async def hub(database: Database) -> Hub:
    return await hub_on(database)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "drop"
    made.mkdir()
    return made


class Sweeper:
    """A process that looks after a drop once a second."""

    def __init__(self, hub: Hub, folder: Path, rules: DropRules = RULES) -> None:
        self.hub = hub
        self.folder = folder
        self.rules = rules
        self.restart()

    def restart(self) -> None:
        self.drop = Drop(connection=SHOP, declared=LINES, folder=self.folder, vault=self.hub.vault, rules=self.rules)

    async def look(self) -> Swept:
        return await inbound.sweep(self.hub.database, self.drop, self.hub.clock)

    async def looks(self, seconds: float) -> Sequence[Swept]:
        """What these seconds bring, one look in each of them."""
        found = []
        for _ in range(int(seconds)):
            await self.hub.clock.advance(1)
            found.append(await self.look())
        return [swept for swept in found if swept != Swept()]


class Writer:
    """A slow sender."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def write(self, piece: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(piece) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "ok\n"

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(60) == 0


@contextmanager
def writer(style: str, path: Path) -> Iterator[Writer]:
    command = [sys.executable, str(Path(__file__).with_name("slow_writer.py")), style, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Writer(process)
        finally:
            process.kill()


async def told(hub: Hub) -> list[Document]:
    return [fact for fact in await hub.facts() if isinstance(fact, FileChanged | MessageQuarantined)]


async def messages(hub: Hub) -> int:
    async with hub.database.transaction() as tx:
        cursor = await tx.execute("SELECT count(*) FROM inbound.message")
        (found,) = await cursor.fetchone() or (0,)
    return int(found)


async def watched(hub: Hub) -> int:
    async with hub.database.transaction() as tx:
        cursor = await tx.execute("SELECT count(*) FROM inbound.taken")
        (found,) = await cursor.fetchone() or (0,)
    return int(found)


# ---------------------------------------------------------------- while it is being written


@pytest.mark.parametrize("style", ["append", "reopen", "rewrite"])
async def test_a_file_that_is_written_slowly_is_taken_once_and_whole(hub: Hub, folder: Path, style: str) -> None:
    sweeper = Sweeper(hub, folder)
    with writer(style, folder / "day.jsonl") as slow:
        for n in range(4):
            slow.write(count(f"S{n}", n) + "\n")
            assert await sweeper.looks(SETTLE_S - 1) == []
        slow.end()

    (swept,) = await sweeper.looks(SETTLE_S)
    await hub.work()

    assert swept.stored == ("day.jsonl",)
    assert sorted(await hub.effects()) == ["0", "1", "2", "3"]
    assert await messages(hub) == 1
    assert await told(hub) == []


async def test_a_file_that_was_seen_under_its_temporary_name_is_taken_as_soon_as_it_has_its_own(
    hub: Hub, folder: Path
) -> None:
    sweeper = Sweeper(hub, folder)
    with writer("rename", folder / "day.jsonl") as slow:
        for n in range(3):
            slow.write(count(f"S{n}", n) + "\n")
            assert await sweeper.looks(SETTLE_S * 2) == []
        slow.end()

    swept = await sweeper.look()
    await hub.work()

    assert swept.stored == ("day.jsonl",)
    assert sorted(await hub.effects()) == ["0", "1", "2"]


def test_a_file_that_has_changed_since_it_was_seen_is_not_read(folder: Path) -> None:
    write(folder, "day.jsonl", count("A", 1))
    seen = look(folder)["day.jsonl"]
    write(folder, "day.jsonl", count("B", 2) + "\n" + count("C", 3))

    assert read(folder, "day.jsonl", as_seen=seen, size_max=1000) is None
    assert read(folder, "day.jsonl", as_seen=look(folder)["day.jsonl"], size_max=1000) is not None


async def test_a_newer_file_that_is_renamed_over_one_still_waiting_is_taken_at_once(hub: Hub, folder: Path) -> None:
    sweeper = Sweeper(hub, folder)
    write(folder, "day.jsonl", count("A", 1))
    half = write(folder, ".day.jsonl.tmp", count("B", 2))
    await sweeper.look()
    half.replace(folder / "day.jsonl")

    assert (await sweeper.look()).stored == ("day.jsonl",)


async def test_a_file_that_only_took_over_the_number_of_a_temporary_one_settles_like_any_other(
    hub: Hub, folder: Path
) -> None:
    """A file system gives the number of a removed file to the next one."""
    sweeper = Sweeper(hub, folder)
    half = write(folder, ".other.tmp", "x")
    await sweeper.look()
    half.rename(folder / "day.jsonl")

    assert await sweeper.looks(SETTLE_S - 1) == []


async def test_a_renamed_file_that_is_written_to_settles_like_any_other(hub: Hub, folder: Path) -> None:
    sweeper = Sweeper(hub, folder)
    half = write(folder, ".day.jsonl.tmp", count("A", 1) + "\n")
    await sweeper.look()
    whole = half.rename(folder / "day.jsonl")
    sweeper.drop.looks.note(look(folder), hub.clock.monotonic())
    with whole.open("a") as file:
        file.write(count("B", 2) + "\n")

    assert await sweeper.looks(SETTLE_S - 1) == []
    assert len(await sweeper.looks(2)) == 1


async def test_a_line_without_its_end_is_waited_for(hub: Hub, folder: Path) -> None:
    sweeper = Sweeper(hub, folder)
    line = count("B", 2) + "\n"
    with writer("append", folder / "day.jsonl") as slow:
        slow.write(count("A", 1) + "\n" + line[:10])
        assert await sweeper.looks(CUT_S - 2) == []
        slow.write(line[10:])
        slow.end()

    (swept,) = await sweeper.looks(SETTLE_S + 1)
    await hub.work()

    assert swept.stored == ("day.jsonl",)
    assert sorted(await hub.effects()) == ["1", "2"]
    assert await told(hub) == []


async def test_a_line_whose_end_never_comes_is_quarantined_with_its_number_and_its_neighbours_go_on(
    hub: Hub, folder: Path
) -> None:
    write(folder, "day.jsonl", count("A", 1) + "\n" + count("B", 2)[:10])

    (swept,) = await Sweeper(hub, folder).looks(CUT_S + 1)
    await hub.work()

    assert swept.stored == ("day.jsonl",)
    assert sorted(await hub.effects()) == ["1"]
    (fact,) = await told(hub)
    assert isinstance(fact, MessageQuarantined)
    assert fact.path == "$[1]"


async def test_a_last_line_without_a_newline_is_a_line(hub: Hub, folder: Path) -> None:
    write(folder, "day.jsonl", count("A", 1) + "\n" + count("B", 2))

    (swept,) = await Sweeper(hub, folder).looks(SETTLE_S + 1)
    await hub.work()

    assert swept.stored == ("day.jsonl",)
    assert sorted(await hub.effects()) == ["1", "2"]


async def test_an_empty_file_is_waited_for_and_then_shown_to_a_person(hub: Hub, folder: Path) -> None:
    sweeper = Sweeper(hub, folder)
    write(folder, "empty.jsonl", "")
    write(folder, "day.jsonl", "")
    assert await sweeper.looks(SETTLE_S * 2) == []
    write(folder, "day.jsonl", count("A", 1))

    found = await sweeper.looks(CUT_S)
    await hub.work()

    assert [name for swept in found for name in swept.stored] == ["day.jsonl"]
    assert [name for swept in found for name in swept.refused] == ["empty.jsonl"]
    assert (folder / "failed" / "empty.jsonl").exists()
    (fact,) = await told(hub)
    assert isinstance(fact, MessageQuarantined)
    assert fact.reason == "the file is empty"


async def test_the_estate_may_ask_for_a_marker_and_then_nothing_is_taken_without_it(hub: Hub, folder: Path) -> None:
    sweeper = Sweeper(hub, folder, DropRules(settle_s=SETTLE_S, cut_s=CUT_S, marker=".ready"))
    write(folder, "day.jsonl", count("A", 1))
    assert await sweeper.looks(CUT_S * 2) == []
    write(folder, "day.jsonl.ready", "")

    assert (await sweeper.look()).stored == ("day.jsonl",)
    assert [path.name for path in folder.iterdir()] == ["done"]


# ---------------------------------------------------------------- after it was taken


@pytest.mark.parametrize("hub_is", ["running all the time", "restarted meanwhile"])
async def test_what_a_stalled_sender_adds_is_taken_as_the_next_version_and_a_person_is_told(
    hub: Hub, folder: Path, hub_is: str
) -> None:
    sweeper = Sweeper(hub, folder)
    with writer("append", folder / "day.jsonl") as slow:
        slow.write(count("A", 1) + "\n")
        assert len(await sweeper.looks(SETTLE_S + 1)) == 1, "it stalled for longer than files settle"
        await sweeper.looks(600)
        slow.write(count("B", 2) + "\n")
        if hub_is == "restarted meanwhile":
            sweeper.restart()
        await sweeper.looks(3)
        slow.write(count("C", 3) + "\n")
        slow.end()

    (swept,) = await sweeper.looks(20)
    await hub.work()

    assert swept.changed == ("day.jsonl",)
    assert sorted(await hub.effects()) == ["1", "2", "3"]
    (fact,) = await told(hub)
    assert isinstance(fact, FileChanged)
    assert (fact.file, fact.version) == ("done/2026-11-27/day.jsonl", 2)
    assert await messages(hub) == 2
    async with hub.database.transaction() as tx:
        shown = await inbound.show(tx, hub.vault, MessageId(UUID(fact.message_id)))
    assert shown is not None
    assert shown.message.headers["file-follows"] == fact.follows


async def test_a_record_that_was_cut_when_its_file_was_taken_is_read_when_its_end_comes(hub: Hub, folder: Path) -> None:
    sweeper = Sweeper(hub, folder)
    line = count("B", 2) + "\n"
    with writer("append", folder / "day.jsonl") as slow:
        slow.write(count("A", 1) + "\n" + line[:10])
        await sweeper.looks(CUT_S + 1)
        await hub.work()
        assert sorted(await hub.effects()) == ["1"]
        slow.write(line[10:])
        slow.end()

    await sweeper.looks(20)
    await hub.work()

    assert sorted(await hub.effects()) == ["1", "2"]
    assert [type(fact) for fact in await told(hub)] == [MessageQuarantined, FileChanged]


async def test_a_taken_file_that_is_rewritten_from_its_beginning_is_taken_again(hub: Hub, folder: Path) -> None:
    sweeper = Sweeper(hub, folder)
    with writer("rewrite", folder / "day.jsonl") as slow:
        slow.write(count("A", 1) + "\n")
        await sweeper.looks(SETTLE_S + 1)
        slow.write(count("B", 2) + "\n")
        slow.end()

    await sweeper.looks(20)
    await hub.work()

    assert sorted(await hub.effects()) == ["1", "2"]
    assert len(await told(hub)) == 1


async def test_a_sender_that_opens_its_file_anew_for_every_line_makes_a_second_file_and_nothing_is_lost(
    hub: Hub, folder: Path
) -> None:
    sweeper = Sweeper(hub, folder)
    with writer("reopen", folder / "day.jsonl") as slow:
        slow.write(count("A", 1) + "\n")
        await sweeper.looks(SETTLE_S + 1)
        slow.write(count("B", 2) + "\n")
        slow.end()

    await sweeper.looks(20)
    await hub.work()

    assert sorted(await hub.effects()) == ["1", "2"]
    assert sorted(path.name for path in (folder / "done" / "2026-11-27").iterdir()) == ["day.jsonl", "day.jsonl.1"]


async def test_an_empty_file_that_was_put_aside_is_taken_when_its_content_comes(hub: Hub, folder: Path) -> None:
    sweeper = Sweeper(hub, folder)
    with writer("append", folder / "day.jsonl") as slow:
        slow.write("")
        await sweeper.looks(CUT_S + 1)
        assert (folder / "failed" / "day.jsonl").exists()
        slow.write(count("A", 1) + "\n")
        slow.end()

    await sweeper.looks(20)
    await hub.work()

    assert sorted(await hub.effects()) == ["1"]


async def test_a_taken_file_that_was_only_touched_is_nobodys_matter(hub: Hub, folder: Path) -> None:
    sweeper = Sweeper(hub, folder)
    write(folder, "day.jsonl", count("A", 1))
    await sweeper.looks(SETTLE_S + 1)
    os.utime(folder / "done" / "2026-11-27" / "day.jsonl", (0, 0))

    assert await sweeper.looks(30) == []
    assert await told(hub) == []
    assert await messages(hub) == 1


async def test_a_taken_file_is_watched_for_an_hour_and_one_that_was_cleared_away_no_longer(
    hub: Hub, folder: Path
) -> None:
    sweeper = Sweeper(hub, folder)
    for name in ("kept", "cleared"):
        write(folder, f"{name}.jsonl", count(name, 1))
    await sweeper.looks(SETTLE_S + 1)
    assert await watched(hub) == 2

    (folder / "done" / "2026-11-27" / "cleared.jsonl").unlink()
    await sweeper.looks(10)
    assert await watched(hub) == 1
    await hub.clock.advance(timedelta(hours=1).total_seconds())
    await sweeper.looks(10)
    assert await watched(hub) == 0
