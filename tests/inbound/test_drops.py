# ruff: noqa: ASYNC230, ASYNC240 (a folder of the test's own, on the local disk)
"""Drop folders: every file's bytes are committed before it moves, once, whatever it is called."""

import asyncio
import hashlib
import os
from pathlib import Path
from typing import LiteralString

import pytest

from crossdock.canonical.facts import MessageQuarantined
from crossdock.connector_kit.model import FileDrop
from crossdock.foundation.db import Database, execute
from crossdock.inbound import service as inbound
from crossdock.inbound.feeds.model import Swept
from crossdock.inbound.model import MessageId
from crossdock.inbound.service import Drop
from inbound.shopfloor import DROP, MARKED, SHOP, Hub, blocked, count, counts, hub_on, write


@pytest.fixture
async def hub(database: Database) -> Hub:
    return await hub_on(database)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "drop"


async def settled(hub: Hub, folder: Path, declared: FileDrop = DROP) -> Drop:
    """A drop whose files have been seen to be quiet for long enough."""
    drop = Drop(connection=SHOP, declared=declared, folder=folder, vault=hub.vault)
    await inbound.sweep(hub.database, drop, hub.clock)
    await hub.clock.advance(drop.rules.settle_s)
    return drop


async def swept(hub: Hub, folder: Path, declared: FileDrop = DROP) -> Swept:
    drop = await settled(hub, folder, declared)
    return await inbound.sweep(hub.database, drop, hub.clock)


async def headers(hub: Hub) -> list[tuple[str, str]]:
    async with hub.database.transaction() as tx:
        cursor = await tx.execute("SELECT id FROM inbound.message ORDER BY id")
        shown = [await inbound.show(tx, hub.vault, MessageId(message)) for (message,) in await cursor.fetchall()]
    return [
        (each.message.headers["file-name"], record.state)
        for each in shown
        if each is not None
        for record in each.records
    ]


async def test_a_file_is_taken_in_and_put_aside(hub: Hub, folder: Path) -> None:
    write(folder, "day.jsonl", counts(count("A", 1), count("B", 2)))

    result = await swept(hub, folder)
    await hub.work()

    assert result.stored == ("day.jsonl",)
    assert sorted(await hub.effects()) == ["1", "2"]
    assert (folder / "done" / "2026-11-27" / "day.jsonl").exists()
    assert not (folder / "day.jsonl").exists()


async def test_the_same_content_under_another_name_is_noted_not_taken_in_again(hub: Hub, folder: Path) -> None:
    write(folder, "day.jsonl", count("A", 1))
    await swept(hub, folder)
    write(folder, "day-resent.jsonl", count("A", 1))

    result = await swept(hub, folder)
    await hub.work()

    assert result.repeated == ("day-resent.jsonl",)
    assert await hub.effects() == ["1"]
    assert await headers(hub) == [("day.jsonl", "applied"), ("day-resent.jsonl", "repeated")]


async def test_two_files_of_one_name_are_both_kept(hub: Hub, folder: Path) -> None:
    for n in range(2):
        write(folder, "day.jsonl", count("A", n))
        await swept(hub, folder)

    names = sorted(path.name for path in (folder / "done" / "2026-11-27").iterdir())
    assert names == ["day.jsonl", "day.jsonl.1"]


async def test_files_that_would_lie_in_the_same_place_are_all_kept(hub: Hub, folder: Path) -> None:
    everything = FileDrop(name="counts", pattern="*", decode=DROP.decode)
    write(folder, "day", count("A", 0))
    await swept(hub, folder, everything)
    for n, name in enumerate(("day", "day.1"), 1):
        write(folder, name, count("A", n))
    await swept(hub, folder, everything)

    assert sorted(path.name for path in (folder / "done" / "2026-11-27").iterdir()) == ["day", "day.1", "day.1.1"]


async def test_a_crash_between_commit_and_move_takes_the_file_in_once(hub: Hub, folder: Path) -> None:
    write(folder, "day.jsonl", count("A", 1))
    drop = await settled(hub, folder)
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):  # root is not stopped by permissions: the folder for taken files is in the way
        folder.chmod(0o700)
        (folder / "done").write_text("in the way")
    with pytest.raises(OSError, match=r"."):
        await inbound.sweep(hub.database, drop, hub.clock)
    folder.chmod(0o700)
    (folder / "done").unlink(missing_ok=True)

    await swept(hub, folder)
    await hub.work()

    assert await hub.effects() == ["1"]
    assert await headers(hub) == [("day.jsonl", "applied")]
    assert (folder / "done" / "2026-11-27" / "day.jsonl").exists()


async def test_an_unreadable_file_is_quarantined_in_the_database_and_done_in_the_folder(hub: Hub, folder: Path) -> None:
    write(folder, "day.jsonl", "{")

    await swept(hub, folder)
    await hub.work()

    (fact,) = await hub.facts()
    assert isinstance(fact, MessageQuarantined)
    assert fact.path == "$[0]"
    assert (folder / "done" / "2026-11-27" / "day.jsonl").exists()


async def test_files_still_being_written_are_left_alone(hub: Hub, folder: Path) -> None:
    for name in (".day.jsonl", "~day.jsonl", "day.jsonl.part", "day.jsonl.tmp", "day.txt"):
        write(folder, name, count("A", 1))
    (folder / "sub.jsonl").mkdir()

    assert await swept(hub, folder) == Swept()


async def test_a_file_with_a_marker_waits_for_it(hub: Hub, folder: Path) -> None:
    write(folder, "a.dat", count("A", 1))
    write(folder, "b.dat", count("B", 2))
    drop = await settled(hub, folder, MARKED)
    assert await inbound.sweep(hub.database, drop, hub.clock) == Swept()

    write(folder, "a.dat.complete", "")
    write(folder, "b.complete", "")
    result = await inbound.sweep(hub.database, drop, hub.clock)

    assert sorted(result.stored) == ["a.dat", "b.dat"]
    assert [path.name for path in folder.iterdir()] == ["done"]


async def test_a_link_is_refused_and_what_it_points_at_is_not_read(hub: Hub, folder: Path, tmp_path: Path) -> None:
    secret = write(tmp_path, "secret", count("A", 1))
    folder.mkdir()
    (folder / "day.jsonl").symlink_to(secret)

    result = await swept(hub, folder)
    await hub.work()

    assert result.refused == ("day.jsonl",)
    assert (folder / "failed" / "day.jsonl").is_symlink()
    assert secret.exists()
    assert await headers(hub) == [("day.jsonl", "quarantined")]
    assert len(await hub.facts()) == 1


async def test_a_pipe_is_refused_without_waiting_for_its_writer(hub: Hub, folder: Path) -> None:
    folder.mkdir()
    os.mkfifo(folder / "day.jsonl")

    result = await asyncio.wait_for(swept(hub, folder), 20)

    assert result.refused == ("day.jsonl",)


async def test_a_file_over_the_limit_is_refused_visibly_and_kept(hub: Hub, folder: Path) -> None:
    write(folder, "big.jsonl", "x" * 10_001)
    write(folder, "day.jsonl", count("A", 1))

    result = await swept(hub, folder)
    await hub.work()

    assert (result.stored, result.refused) == (("day.jsonl",), ("big.jsonl",))
    assert (folder / "failed" / "big.jsonl").stat().st_size == 10_001
    (fact,) = await hub.facts()
    assert isinstance(fact, MessageQuarantined)
    assert "10001 bytes" in fact.reason


async def test_sweepers_at_once_take_each_file_in_once(hub: Hub, folder: Path) -> None:
    for n in range(250):
        write(folder, f"{n}.jsonl", count(f"S{n}", n))

    drops = [await settled(hub, folder) for _ in range(4)]
    while any(folder.glob("*.jsonl")):
        await asyncio.gather(*(inbound.sweep(hub.database, drop, hub.clock) for drop in drops))
    await hub.work()

    assert sorted(await hub.effects(), key=int) == [str(n) for n in range(250)]
    assert {state for _, state in await headers(hub)} == {"applied"}


async def test_a_file_that_grew_while_it_was_taken_in_is_taken_in_whole(hub: Hub, folder: Path) -> None:
    path = write(folder, "day.jsonl", count("A", 1) + "\n")
    drop = await settled(hub, folder)
    event = f"file/{hashlib.sha256(path.read_bytes()).hexdigest()}"
    async with hub.database.transaction() as tx:
        await tx.execute("INSERT INTO inbound.seen VALUES ('shop', %s, gen_random_uuid(), 0, now())", (event,))
        sweep = asyncio.create_task(inbound.sweep(hub.database, drop, hub.clock))
        await blocked(hub.database)
        with path.open("a") as file:
            file.write(count("A", 2))
        await tx.execute("DELETE FROM inbound.seen")
    await sweep
    assert path.exists()

    await swept(hub, folder)
    await hub.work()

    assert await hub.effects() == ["1", "2"]
    assert not path.exists()


async def test_a_sweep_is_bounded_and_says_that_there_is_more(hub: Hub, folder: Path) -> None:
    for n in range(120):
        write(folder, f"{n}.jsonl", count("A", n))

    drop = await settled(hub, folder)
    first, second = [await inbound.sweep(hub.database, drop, hub.clock) for _ in range(2)]

    assert (len(first.stored), first.more) == (100, True)
    assert (len(second.stored), second.more) == (20, False)


async def test_a_file_name_of_any_bytes_is_taken_in(hub: Hub, folder: Path) -> None:
    folder.mkdir()
    path = os.path.join(os.fsencode(folder), b"d\xff\n.jsonl")  # noqa: PTH118 (pathlib has no paths of bytes)
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(count("A", 1).encode())

    await swept(hub, folder)
    await hub.work()

    assert await hub.effects() == ["1"]


async def test_a_late_file_is_as_welcome_as_any(hub: Hub, folder: Path) -> None:
    path = write(folder, "2019-01-01.jsonl", count("A", 1))
    os.utime(path, (0, 0))

    assert (await swept(hub, folder)).stored == ("2019-01-01.jsonl",)


async def test_no_folder_yet_is_no_error(hub: Hub, folder: Path) -> None:
    assert await swept(hub, folder) == Swept()


NOT_THIS: LiteralString = """
CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF convert_from(NEW.place, 'UTF8') ~ '^done/.*2.jsonl' THEN RAISE EXCEPTION 'no such thing'; END IF;
    RETURN NEW;
END $$
"""
WATCH: LiteralString = (
    "CREATE TRIGGER refuse BEFORE INSERT ON inbound.taken FOR EACH ROW EXECUTE FUNCTION public.refuse()"
)


async def test_a_file_that_cannot_be_stored_is_put_aside_and_keeps_no_other_waiting(hub: Hub, folder: Path) -> None:
    async with hub.database.transaction() as tx:
        await execute(tx, NOT_THIS)
        await execute(tx, WATCH)
    for n in range(1, 4):
        write(folder, f"{n}.jsonl", count("A", n))

    result = await swept(hub, folder)
    await hub.work()

    assert (sorted(result.stored), result.refused) == (["1.jsonl", "3.jsonl"], ("2.jsonl",))
    assert (folder / "failed" / "2.jsonl").exists()
    assert sorted(await hub.effects()) == ["1", "3"]
    (fact,) = await hub.facts()
    assert isinstance(fact, MessageQuarantined)
    assert "no such thing" in fact.reason


async def test_a_name_in_capitals_is_the_same_name(hub: Hub, folder: Path) -> None:
    write(folder, "DAY.JSONL", count("A", 1))
    write(folder, "NIGHT.Dat", count("A", 2))
    write(folder, "NIGHT.Dat.COMPLETE", "")

    assert (await swept(hub, folder)).stored == ("DAY.JSONL",)
    marked = Drop(connection=SHOP, declared=MARKED, folder=folder, vault=hub.vault)
    assert (await inbound.sweep(hub.database, marked, hub.clock)).stored == ("NIGHT.Dat",)
    assert not (folder / "NIGHT.Dat.COMPLETE").exists()


def keeper(hub: Hub, folder: Path) -> Drop:
    """The drop that looks after files which fit none."""
    return Drop(connection=SHOP, declared=DROP, folder=folder, vault=hub.vault, siblings=(DROP, MARKED))


async def test_a_file_of_no_known_kind_is_told_and_put_aside_once_nobody_is_at_it(hub: Hub, folder: Path) -> None:
    drop = keeper(hub, folder)
    for name in ("receipts.json", "day.dat", "day.complete", ".hidden", "half.json.part"):
        write(folder, name, count("A", 1))
    await inbound.sweep(hub.database, drop, hub.clock)
    await hub.clock.advance(drop.rules.cut_s - 1)
    assert (await inbound.sweep(hub.database, drop, hub.clock)).refused == (), "it may get its name yet"
    await hub.clock.advance(1)

    result = await inbound.sweep(hub.database, drop, hub.clock)

    assert (result.stored, result.refused) == ((), ("receipts.json",))
    assert (folder / "failed" / "receipts.json").exists()
    assert (folder / "day.dat").exists(), "the other drop's"
    (fact,) = await hub.facts()
    assert isinstance(fact, MessageQuarantined)
    assert "no kind of file that this connection takes (it takes *.dat, *.jsonl)" in fact.reason


async def test_only_one_drop_of_a_connection_looks_after_strangers(hub: Hub, folder: Path) -> None:
    write(folder, "receipts.json", count("A", 1))
    drop = await settled(hub, folder)
    await hub.clock.advance(drop.rules.cut_s)

    assert await inbound.sweep(hub.database, drop, hub.clock) == Swept()
    assert (folder / "receipts.json").exists()


def test_what_lies_for_nobody_is_counted_by_its_name(tmp_path: Path) -> None:
    root = tmp_path / "drop"
    assert inbound.strays(root, ["shop"]) == {}
    for place in ("shop/day.xml", "shpo/day.xml", "shpo/night.xml", "shpo/done/old.xml", "shpo/.x", "loose.xml", ".y"):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text("")
    (root / "empty").mkdir()

    assert inbound.strays(root, ["shop"]) == {"shpo": 2, "loose.xml": 1}
