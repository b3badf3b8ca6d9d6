"""A worker follows the estate, and no connection's trouble is another's."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import msgspec
import pytest

from crossdock.assembly.hub import Hub
from crossdock.canonical.facts import ConnectionBroken, ItemChanged
from crossdock.canonical.stock import ItemDescribed
from crossdock.connections.model import ConnectionState
from crossdock.connector_kit.model import Decoded, FileDrop, Received
from crossdock.connector_kit.verdict import CallFailed, LookupMissing, Verdict
from crossdock.estate.model import DropRules
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.model import START
from crossdock.foundation.db import Database, execute
from crossdock.foundation.settings import Settings
from crossdock.foundation.vault import Vault
from crossdock.outbound import service as outbound
from crossdock.worker import process
from crossdock.worker.connection import drop_folder
from crossdock.worker.process import working
from worker.plant import Diary, apply, connection, connector, estate, eventually, state_of

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
MakeHub: TypeAlias = Callable[[Diary], Hub]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "ESTATE_LOOK_S", 0.02)
    monkeypatch.setattr(process, "RETRY_S", 0.05)
    monkeypatch.setenv("TOKEN", "open sesame")


@pytest.fixture
def make_hub(database: Database, tmp_path: Path) -> MakeHub:
    def make(diary: Diary) -> Hub:
        drop = FileDrop(name="items", pattern="*.txt", decode=decode_items)
        return Hub(
            settings=Settings(home=tmp_path),
            dsn=database.dsn,
            database=database,
            vault=Vault(bytes(32)),  # of one retailer, however many processes
            connectors={"notes": connector(diary, drops=(drop,))},
        )

    return make


def decode_items(received: Received) -> list[Decoded]:
    sku = received.body.decode().strip()
    return [Decoded(document=ItemDescribed(sku=sku, name=sku), key=f"item/{sku}", event_id=f"item/{sku}")]


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def hub(make_hub: MakeHub, diary: Diary) -> Hub:
    return make_hub(diary)


# ---------------------------------------------------------------- following the estate


async def test_work_begins_when_the_first_estate_is_applied(hub: Hub, diary: Diary) -> None:
    async with working(hub):
        await apply(hub.database, estate(connection("shop")))
        await diary.until_asked(("shop", "here"))


async def test_a_changed_estate_restarts_its_connections_with_what_is_new(hub: Hub, diary: Diary) -> None:
    await apply(hub.database, estate(connection("shop"), connection("erp")))
    async with working(hub, central=False):
        await diary.until_asked(("shop", "here"), ("erp", "here"))
        await apply(hub.database, estate(connection("shop", where="there"), connection("erp")))
        await diary.until_asked(("shop", "there"))
        await diary.until_asked(("shop", "there"), ("erp", "here"), times=3)

        assert ("shop", "here") not in diary.asked, "the old configuration is at work no longer"


@pytest.mark.parametrize("gone", ["removed", "switched off"])
async def test_a_connection_that_is_gone_stops_and_the_others_go_on(hub: Hub, diary: Diary, gone: str) -> None:
    await apply(hub.database, estate(connection("shop"), connection("erp")))
    without = (connection("shop", enabled=False),) if gone == "switched off" else ()
    async with working(hub, central=False):
        await diary.until_asked(("shop", "here"), ("erp", "here"))
        await apply(hub.database, estate(*without, connection("erp", where="there")))
        await diary.until_asked(("erp", "there"))
        await diary.until_asked(("erp", "there"), times=3)

        assert "shop" not in {name for name, _ in diary.asked}


async def test_a_worker_may_serve_some_connections_only(hub: Hub, diary: Diary) -> None:
    await apply(hub.database, estate(connection("shop"), connection("erp")))
    async with working(hub, central=False, connections=["erp"]):
        await diary.until_asked(("erp", "here"), times=5)

    assert "shop" not in {name for name, _ in diary.asked}


async def test_a_connector_that_is_not_installed_keeps_nobody_from_work(hub: Hub, diary: Diary) -> None:
    unknown = msgspec.structs.replace(connection("shop"), connector="nowhere")
    await apply(hub.database, estate(unknown, connection("erp")))
    async with working(hub):
        await diary.until_asked(("erp", "here"), times=2)


# ---------------------------------------------------------------- trouble of one


async def test_a_missing_secret_stops_only_its_own_connection_and_only_until_it_is_there(
    hub: Hub, diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    await apply(hub.database, estate(connection("shop", variable="SHOP_TOKEN"), connection("erp")))
    async with working(hub, central=False):
        await diary.until_asked(("erp", "here"), times=5)
        assert "shop" not in {name for name, _ in diary.asked}
        monkeypatch.setenv("SHOP_TOKEN", "found")
        await diary.until_asked(("shop", "here"), ("erp", "here"))


@pytest.mark.parametrize(
    "trouble",
    [
        ZeroDivisionError("a bug in the connector"),
        CallFailed(Verdict.NOT_SENT, "nobody answers"),
        CallFailed(Verdict.UNKNOWN, "HTTP 500"),
        LookupMissing("tax", "reduced"),
    ],
    ids=lambda trouble: type(trouble).__name__,
)
async def test_a_poll_that_fails_is_tried_again_and_the_others_go_on(
    hub: Hub, diary: Diary, trouble: Exception
) -> None:
    diary.trouble["shop"] = trouble
    await apply(hub.database, estate(connection("shop"), connection("erp")))
    async with working(hub, central=False):
        await diary.until_asked(("shop", "here"), ("erp", "here"), times=2)
        del diary.trouble["shop"]
        await diary.until_asked(("shop", "here"), times=3)

    assert await state_of(hub.database, "shop") is ConnectionState.WORKING


async def test_refused_credentials_stop_the_polls_of_that_connection_until_a_person_acts(
    hub: Hub, diary: Diary
) -> None:
    diary.trouble["shop"] = CallFailed(Verdict.BROKEN, "HTTP 401: the token is not valid")
    await apply(hub.database, estate(connection("shop"), connection("erp")))
    async with working(hub, central=False):
        await diary.until_asked(("shop", "here"))
        diary.asked.clear()
        await diary.until_asked(("erp", "here"), times=5)
        assert "shop" not in {name for name, _ in diary.asked}

        del diary.trouble["shop"]
        async with hub.database.transaction() as tx:
            await outbound.restore_connection(tx, "shop", NOW)
        await diary.until_asked(("shop", "here"), times=2)

    async with hub.database.transaction() as tx:
        told = [event.fact for event in await eventlog.read_after(tx, START, types=["connection.broken"])]
    assert told == [ConnectionBroken(connection="shop", reason="HTTP 401: the token is not valid")], "told once"


# ---------------------------------------------------------------- the whole of it


async def test_a_file_put_into_the_folder_has_its_effect(hub: Hub) -> None:
    await apply(hub.database, estate(connection("shop")))
    async with working(hub):
        folder = drop_folder(hub, "shop")
        await eventually(folder.is_dir)
        (folder / "one.txt").write_text("TEA\n")
        await _until_known(hub, "TEA")


async def test_the_estate_says_when_a_file_may_be_taken(hub: Hub) -> None:
    marked = msgspec.structs.replace(connection("shop"), drop=DropRules(settle_s=3600, marker=".ready"))
    await apply(hub.database, estate(marked))
    async with working(hub):
        folder = drop_folder(hub, "shop")
        await eventually(folder.is_dir)
        (folder / "one.txt").write_text("TEA\n")
        (folder / "one.ready").touch()
        await _until_known(hub, "TEA")
        await eventually(lambda: not (folder / "one.ready").exists())


async def _until_known(hub: Hub, sku: str) -> None:
    async with asyncio.timeout(60):
        while True:
            async with hub.database.transaction() as tx:
                events = await eventlog.read_after(tx, START, types=["item.described"])
            if sku in {event.fact.sku for event in events if isinstance(event.fact, ItemChanged)}:
                return
            await hub.hints.wait(0.05)


async def test_two_workers_share_the_work_and_do_it_once(make_hub: MakeHub) -> None:
    one, other = make_hub(Diary()), make_hub(Diary())
    await apply(one.database, estate(connection("shop")))
    async with working(one), working(other):
        folder = drop_folder(one, "shop")
        await eventually(folder.is_dir)
        for n in range(20):
            (folder / f"{n}.txt").write_text(f"SKU-{n}\n")
        for n in range(20):
            await _until_known(one, f"SKU-{n}")

    async with one.database.transaction() as tx:
        events = await eventlog.read_after(tx, START, types=["item.described"])
    assert len(events) == 20


async def test_leaving_ends_everything_that_was_begun(hub: Hub, diary: Diary) -> None:
    await apply(hub.database, estate(connection("shop"), connection("erp", variable="NOT_THERE")))
    async with working(hub):
        await diary.until_asked(("shop", "here"))
        assert ours_running()
    diary.asked.clear()

    assert ours_running() == []
    assert diary.asked == []


def ours_running() -> list[str]:
    """Tasks that run our code (the pool keeps some of its own)."""
    coroutines = {task.get_name(): task.get_coro() for task in asyncio.all_tasks() if not task.done()}
    files = {name: getattr(getattr(each, "cr_code", None), "co_filename", "") for name, each in coroutines.items()}
    return [name for name, file in files.items() if "/crossdock/" in file]


async def test_a_connection_that_waits_to_try_again_does_not_hold_up_the_end(
    hub: Hub, diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "RETRY_S", 3600.0)
    monkeypatch.setattr(process, "STOP_S", 3600.0)
    await apply(hub.database, estate(connection("shop", variable="NOT_THERE"), connection("erp")))
    async with asyncio.timeout(60), working(hub, central=False):
        await diary.until_asked(("erp", "here"), times=2)


async def test_an_estate_that_cannot_be_read_keeps_connections_at_work_as_they_were(hub: Hub, diary: Diary) -> None:
    """A newer release may have applied it: this one waits for one that it understands."""
    await apply(hub.database, estate(connection("shop")))
    async with working(hub, central=False):
        await diary.until_asked(("shop", "here"))
        await _put(hub, 2, b'{"company": {"name": "T", "currency": "EUR"}, "from_the_future": 1}')
        await diary.until_asked(("shop", "here"), times=5)
        await _put(hub, 3, msgspec.json.encode(estate(connection("shop", where="there"))))
        await diary.until_asked(("shop", "there"))


async def _put(hub: Hub, number: int, document: bytes) -> None:
    async with hub.database.transaction() as tx:
        await execute(
            tx,
            "INSERT INTO estate.version (number, digest, document, note, applied_at) "
            "VALUES (%(number)s, 'd', %(document)s::text::jsonb, 'by hand', now())",
            {"number": number, "document": document.decode()},
        )
