"""One row that a loop breaks on stops neither its neighbours nor the loop, and a person is told."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, LiteralString

import msgspec
import psycopg
import pytest

from assembly.parts import DC, ESTATE, NOW, PLAIN, SHOP, TEA, Envelope, World, make_hub, order
from crossdock.assembly.hub import Hub
from crossdock.assembly.means import means
from crossdock.availability import service as availability
from crossdock.canonical.base import ChannelCode, OrderId, ReservationKey, Sku
from crossdock.canonical.facts import MessageOverdue
from crossdock.canonical.stock import ItemDescribed
from crossdock.catalog import service as catalog
from crossdock.connector_kit.model import Page, Pull
from crossdock.connector_kit.session import Session
from crossdock.estate.model import ConnectionConfig, Flow, FlowKind
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Database, execute, fetch_tuples
from crossdock.inbound import rules
from crossdock.inbound import service as inbound
from crossdock.inbound.model import NewMessage, Route
from crossdock.inventory import service as inventory
from crossdock.inventory.reservations.model import ClaimKind, ReserveLine, ReserveRequest
from crossdock.operations.casework import service as casework
from crossdock.operations.casework.service import By, Worked
from crossdock.operations.model import OpenException
from crossdock.outbound import service as outbound
from crossdock.worker.central import central_loops

WEB: Final = ChannelCode("web")
SELLING: Final = msgspec.structs.replace(
    ESTATE,
    connections=(
        *ESTATE.connections,
        ConnectionConfig(name="erp", connector="plain", settings={"token": "${SHOP_TOKEN}"}),
    ),
    flows=(Flow(kind=FlowKind.SALE, connection="erp"), Flow(kind=FlowKind.STOCK, connection=SHOP)),
    backorder_limits=(),
)
SPOIL: Final[LiteralString] = """
UPDATE eventlog.event SET payload = payload || '{"colour": "red"}' WHERE stream = %(stream)s AND type = 'order.accepted'
"""
MEND: Final[LiteralString] = "UPDATE eventlog.event SET payload = payload - 'colour'"
NO_GUARD: Final[LiteralString] = "ALTER TABLE eventlog.event DISABLE TRIGGER event_is_append_only"


@pytest.fixture
async def world(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("SHOP_TOKEN", "open sesame")
    made = World(make_hub(database, tmp_path, {"plain": PLAIN}))
    await made.apply_estate(SELLING)
    await made.know(TEA)
    return made


async def run(world: World, name: str) -> None:
    """The loop's step until nothing is left; a loop that never ends, or breaks, fails the law."""
    (loop,) = [each for each in central_loops(world.hub) if each.name == name]
    for _ in range(50):
        if not await loop.step():
            return
    raise AssertionError(f"{name} never ends")


async def do(world: World, statement: LiteralString, **params: object) -> None:
    async with world.database.transaction() as tx:
        await execute(tx, statement, params)


async def three_orders(world: World) -> Sequence[OrderId]:
    """The second one's facts are spoilt: no release reads them."""
    ids = await world.accept(order("1"), order("2"), order("3"))
    await do(world, NO_GUARD)
    await do(world, SPOIL, stream=f"order/{ids[1]}")
    return ids


async def told(world: World) -> OpenException:
    (found,) = await world.exceptions()
    return found


async def release(world: World, found: OpenException) -> object:
    async with world.database.transaction() as tx:
        estate = await world.hub.estate.get(tx)
        by = By(who="ada", why="mended", now=NOW)
        return await casework.release(tx, means(world.hub, estate), found, by)


async def placed(world: World, order_id: OrderId) -> bool:
    return bool((await world.view(order_id)).fulfilments)


async def intents(world: World) -> Sequence[str]:
    async with world.database.transaction() as tx:
        return sorted(each.reference for each in await outbound.list_intents(tx))


@pytest.mark.parametrize("name", ["placing", "exceptions"])
async def test_a_fact_that_cannot_be_read_is_set_aside_by_each_reaction(world: World, name: str) -> None:
    await world.land(TEA, 3)
    ids = await three_orders(world)

    await run(world, f"react {name}")

    found = await told(world)
    assert (found.type, found.subject) == ("reaction_failed", f"order/{ids[1]}")
    assert found.detail.startswith(f"{name}: UnreadableFactError: ValidationError")
    if name == "placing":
        assert [await placed(world, each) for each in ids] == [True, False, True]


async def test_a_fact_that_cannot_be_told_is_set_aside_by_derivation_and_told_when_it_is_mended(world: World) -> None:
    await world.land(TEA, 3)
    ids = await three_orders(world)
    await run(world, "react placing")
    (unplaced,) = await world.exceptions()

    await run(world, "derive")

    assert await intents(world) == sorted(str(each) for each in (ids[0], ids[2]))
    found = next(each for each in await world.exceptions() if each.id != unplaced.id)
    assert (found.type, found.key.split("/")[1], found.subject) == ("reaction_failed", "derivation", f"order/{ids[1]}")

    await do(world, MEND)
    for each in (found, unplaced):
        assert isinstance(await release(world, each), Worked)
    await run(world, "derive")
    assert await intents(world) == sorted(str(each) for each in ids)


BAD, MUG = Sku("BAD"), Sku("MUG")
BREAK: Final[LiteralString] = "UPDATE inventory.position SET on_hand = 'NaN', short = 'NaN' WHERE sku = 'BAD'"
"""A figure that nothing can be compared with."""
REPAIR: Final[LiteralString] = "UPDATE inventory.position SET on_hand = 5, short = 0 WHERE sku = 'BAD'"


async def refuse(world: World, table: LiteralString, moment: LiteralString, when: LiteralString) -> None:
    """A table that breaks one row, for a reason that nobody has thought of."""
    await do(
        world,
        "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF "
        + when
        + " THEN RAISE EXCEPTION 'no such thing'; END IF; RETURN NEW; END $$",
    )
    trigger: LiteralString = "CREATE TRIGGER refuse BEFORE " + moment + " ON " + table
    await do(world, trigger + " FOR EACH ROW EXECUTE FUNCTION public.refuse()")


PASS: Final[LiteralString] = "DROP FUNCTION public.refuse() CASCADE"


async def goods(world: World, *skus: Sku) -> None:
    await world.know(*skus)
    for sku in skus:
        await world.land(sku, 5)


async def figures(world: World) -> Mapping[str, int]:
    async with world.database.transaction() as tx:
        return {each.sku: int(each.quantity) for each in await availability.targets(tx, WEB)}


async def test_an_item_that_cannot_be_reckoned_keeps_no_other_from_being_told(world: World) -> None:
    await goods(world, BAD, MUG, TEA)
    await do(world, BREAK)

    await run(world, "promise")

    assert await figures(world) == {"MUG": 5, "TEA": 5}
    found = await told(world)
    assert (found.key, found.subject) == ("reaction/promise/BAD", "item/BAD")
    await world.land(TEA, 1)
    await run(world, "promise")
    assert (await figures(world))["TEA"] == 6, "it goes on"
    await do(world, REPAIR)
    assert isinstance(await release(world, found), Worked)
    assert (await figures(world))["BAD"] == 5


async def test_an_item_that_cannot_be_reckoned_does_not_end_the_sweep(world: World) -> None:
    await goods(world, BAD, MUG, TEA)
    await do(world, BREAK)

    await run(world, "promise all")

    assert await figures(world) == {"MUG": 5, "TEA": 5}
    assert (await told(world)).key == "reaction/promise/BAD"


async def hold(world: World, *skus: Sku) -> None:
    """Holds that have ended meanwhile."""
    asked = [
        ReserveRequest(
            key=ReservationKey(f"cart/{sku}"),
            kind=ClaimKind.HOLD,
            lines=[ReserveLine(sku, Decimal(1), [DC])],
            expires_at=NOW - timedelta(minutes=1),
        )
        for sku in skus
    ]
    early = NOW - timedelta(hours=1)
    async with world.database.transaction() as tx:
        await inventory.reserve(tx, asked, origin=Origin.begin("test"), now=early)


async def lapsed(world: World) -> Sequence[str]:
    async with world.database.transaction() as tx:
        rows = await fetch_tuples(tx, "SELECT sku FROM inventory.claim WHERE expired > 0 ORDER BY sku")
    return [row[0] for row in rows]


async def test_a_hold_that_cannot_be_ended_keeps_no_other_from_ending(world: World) -> None:
    await goods(world, BAD, MUG, TEA)
    await hold(world, BAD, MUG, TEA)
    await refuse(world, "inventory.claim", "UPDATE", "NEW.sku = 'BAD'")

    (loop,) = [each for each in central_loops(world.hub) if each.name == "lapse"]
    did = [await loop.step() for _ in range(5)]

    assert did[-1] is False, "what was set aside is left alone for a while"
    assert await lapsed(world) == ["MUG", "TEA"]
    found = await told(world)
    assert (found.subject, found.occurrences) == ("stock/BAD@DC1", 1)
    await do(world, PASS)
    assert isinstance(await release(world, found), Worked)
    assert await lapsed(world) == ["BAD", "MUG", "TEA"]


async def test_a_position_that_cannot_be_settled_keeps_no_other_from_it(world: World) -> None:
    for _ in range(3):  # busy: their balances are rows of their own
        await goods(world, BAD, MUG, TEA)
    await do(world, "UPDATE inventory.running SET changed_at = changed_at - interval '1 day'")
    await refuse(world, "inventory.position", "UPDATE", "NEW.sku = 'BAD'")

    await run(world, "settle")

    async with world.database.transaction() as tx:
        busy = {row[0] for row in await fetch_tuples(tx, "SELECT sku FROM inventory.running")}
    assert busy == {"BAD"}
    found = await told(world)
    assert found.subject == "stock/BAD@DC1"
    await do(world, PASS)
    assert isinstance(await release(world, found), Worked)


async def receive(world: World, *skus: str) -> None:
    """Messages about items, not looked at yet."""
    told = [
        Envelope(key=f"item/{sku}", event_id=f"item/{sku}", document=ItemDescribed(sku=sku, name=sku)) for sku in skus
    ]
    messages = [
        NewMessage(connection=SHOP, route=Route.WEBHOOK, feed="told", body=msgspec.json.encode(each)) for each in told
    ]
    async with world.database.transaction() as tx:
        await inbound.receive(tx, world.hub.vault, messages, now=NOW)


async def known(world: World) -> set[str]:
    async with world.database.transaction() as tx:
        return {str(sku) for sku in await catalog.known(tx, [BAD, MUG, TEA])}


async def records(world: World) -> Mapping[str, str]:
    async with world.database.transaction() as tx:
        return {row[0]: row[1] for row in await fetch_tuples(tx, "SELECT key, state FROM inbound.record")}


async def test_a_message_that_cannot_be_kept_keeps_no_other_from_being_read(world: World) -> None:
    await receive(world, BAD, MUG, "CUP")
    await refuse(world, "inbound.record", "INSERT", "NEW.key = 'item/BAD'")

    await run(world, "decode")

    assert await records(world) == {"": "quarantined", "item/MUG": "received", "item/CUP": "received"}
    await run(world, "react exceptions")
    assert "no such thing" in (await told(world)).detail


async def test_a_record_that_cannot_be_settled_keeps_no_other_of_its_lane_from_being_applied(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "LANES", 1)
    await receive(world, MUG, BAD, "CUP")
    await run(world, "decode")
    await refuse(world, "inbound.record", "UPDATE", "NEW.key = 'item/BAD' AND NEW.state = 'applied'")

    await run(world, "apply")

    assert await records(world) == {"item/BAD": "quarantined", "item/MUG": "applied", "item/CUP": "applied"}
    assert await known(world) == {MUG, TEA}, "what could not be settled has no effect"
    await run(world, "react exceptions")
    assert "could not be settled" in (await told(world)).detail


def watched(world: World) -> Hub:
    """A hub that minds the silence of a feed."""

    async def nothing(_session: Session, cursor: str) -> Page:
        return Page(body=b"[]", cursor=cursor, more=False)

    pull = Pull(
        name="news",
        fetch=nothing,
        decode=lambda _received: (),
        every=timedelta(minutes=1),
        overlap=timedelta(0),
        silent_after=timedelta(minutes=5),
    )
    return replace(world.hub, connectors={"plain": replace(PLAIN, pulls=(pull,))})


async def test_what_breaks_one_clock_does_not_stop_the_other(world: World) -> None:
    """It is raised all the same, so that people hear of it."""
    await receive(world, MUG)
    await run(world, "decode")
    late = "UPDATE inbound.record SET state = 'waiting', waits_for = 'x', deadline = received_at - interval '1 day'"
    await do(world, late)
    await do(world, "ALTER TABLE inbound.cursor RENAME TO gone")

    (loop,) = [each for each in central_loops(watched(world)) if each.name == "clocks"]
    with pytest.raises(psycopg.errors.UndefinedTable):
        await loop.step()

    assert len(await world.facts(MessageOverdue)) == 1


async def test_what_breaks_one_packages_upkeep_does_not_stop_the_others(world: World) -> None:
    await do(world, "DROP FUNCTION inbound.make_partition")

    (loop,) = [each for each in central_loops(world.hub) if each.name == "upkeep"]
    with pytest.raises(psycopg.errors.UndefinedFunction):
        await loop.step()

    async with world.database.transaction() as tx:
        months = await fetch_tuples(
            tx, "SELECT DISTINCT inhparent::regclass::text FROM pg_inherits WHERE inhrelid::regclass::text ~ '_20'"
        )
    assert {"eventlog.event", "outbound.attempt"} <= {row[0] for row in months}
