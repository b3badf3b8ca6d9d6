"""One row that a loop breaks on stops neither its neighbours nor the loop, and a person is told."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, LiteralString

import msgspec
import pytest

from assembly.parts import ESTATE, NOW, PLAIN, SHOP, TEA, World, make_hub, order
from crossdock.assembly.means import means
from crossdock.canonical.base import OrderId
from crossdock.estate.model import ConnectionConfig, Flow, FlowKind
from crossdock.foundation.db import Database, execute
from crossdock.operations.casework import service as casework
from crossdock.operations.casework.service import By, Worked
from crossdock.operations.model import OpenException
from crossdock.outbound import service as outbound
from crossdock.worker.central import central_loops

SELLING: Final = msgspec.structs.replace(
    ESTATE,
    connections=(
        *ESTATE.connections,
        ConnectionConfig(name="erp", connector="plain", settings={"token": "${SHOP_TOKEN}"}),
    ),
    flows=(Flow(kind=FlowKind.SALE, connection="erp"), Flow(kind=FlowKind.STOCK, connection=SHOP)),
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
