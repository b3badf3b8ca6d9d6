"""Goods that land serve those who wait, whatever one item breaks on, and an idle reader holds nothing up."""

import pytest

from assembly.parts import NOW, STORE, TEA, World, order
from crossdock.assembly import backorders
from crossdock.assembly.backorders import give_to_backorders
from crossdock.assembly.means import means
from crossdock.canonical.base import Sku
from crossdock.eventlog import service as eventlog
from crossdock.foundation.db import execute
from crossdock.operations.casework import service as casework
from crossdock.operations.casework.service import By, ReleaseOutcome, StillWrong, Worked
from crossdock.orders.model import HoldCode, Part

BAD, MUG = Sku("BAD"), Sku("MUG")
BREAK = "UPDATE inventory.position SET on_hand = 'NaN', short = 'NaN' WHERE sku = 'BAD' AND location = 'S01'"
"""A figure that nothing can be compared with."""
MEND = "UPDATE inventory.position SET on_hand = 1, short = 0 WHERE sku = 'BAD' AND location = 'S01'"


async def do(world: World, *statements: str) -> None:
    async with world.database.transaction() as tx:
        for statement in statements:
            await execute(tx, statement)


async def waiting(world: World, *skus: Sku) -> list[object]:
    """Orders that wait for one of each, then goods for all of them, elsewhere than where they wait."""
    await world.know(*skus)
    ids = await world.accept(*(order(sku, sku) for sku in skus))
    await world.react()
    for sku in skus:
        await world.land(sku, 1, STORE)
    return list(ids)


async def backordered(world: World, order_id: object) -> int:
    return int((await world.view(order_id)).order.units.of(Part.BACKORDERED))  # type: ignore[arg-type]  # an id


async def test_an_item_that_breaks_is_set_aside_and_the_others_get_their_goods(world: World) -> None:
    first, bad, last = await waiting(world, MUG, BAD, TEA)
    await do(world, BREAK)

    assert await give_to_backorders(world.hub)
    await give_to_backorders(world.hub)  # what was given has moved as well
    assert not await give_to_backorders(world.hub), "passed"
    await do(world, MEND)

    assert [await backordered(world, each) for each in (first, bad, last)] == [0, 1, 0]
    (found,) = await world.exceptions()
    assert (found.type, found.subject) == ("reaction_failed", "item/BAD")
    assert found.detail.startswith("backorders: InvalidOperation")


async def test_what_was_set_aside_is_given_when_it_is_released(world: World) -> None:
    (bad,) = await waiting(world, BAD)
    await do(world, BREAK)
    await give_to_backorders(world.hub)
    (found,) = await world.exceptions()

    async def release() -> ReleaseOutcome:
        async with world.database.transaction() as tx:
            estate = await world.hub.estate.get(tx)
            return await casework.release(tx, means(world.hub, estate), found, By(who="ada", why="mended", now=NOW))

    still = await release()
    await do(world, MEND)
    done = await release()

    assert isinstance(still, StillWrong)
    assert isinstance(done, Worked)
    assert await backordered(world, bad) == 0
    assert await world.exceptions() == []


async def test_an_order_that_placing_breaks_on_is_held_and_the_others_that_wait_for_the_item_are_served(
    world: World,
) -> None:
    await world.know(TEA)
    ids = await world.accept(*(order(str(n)) for n in range(3)))
    await world.react()
    await do(
        world,
        f"""
        CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.order_id = '{ids[1]}' THEN RAISE EXCEPTION 'no such thing'; END IF;
            RETURN NEW;
        END $$
        """,
        "CREATE TRIGGER refuse BEFORE INSERT ON fulfilment.fulfilment FOR EACH ROW EXECUTE FUNCTION public.refuse()",
    )
    await world.land(TEA, 3)

    await world.react()

    assert [await backordered(world, each) for each in ids] == [0, 1, 0]
    assert [hold.hold for hold in (await world.view(ids[1])).order.standing] == [HoldCode.UNPLACEABLE]
    assert [each.type for each in await world.exceptions()] == ["order_unplaceable"]


async def test_a_reader_that_has_nothing_to_read_keeps_up_with_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the months of the log that it has not passed could never be dropped."""
    await world.land(TEA, 1)
    assert await give_to_backorders(world.hub)
    await world.know(*(f"I{n}" for n in range(5)))

    monkeypatch.setattr(backorders, "KEEP_UP_XIDS", 0)
    assert not await give_to_backorders(world.hub)

    async with world.database.transaction() as tx:
        assert await eventlog.cursor_of(tx, backorders.CURSOR) >= await eventlog.head(tx)
    await world.know(TEA)
    (waits,) = await world.accept(order("1", quantity=2))
    await world.react()
    await world.land(TEA, 5)
    await world.react()
    assert await backordered(world, waits) == 0, "what comes later is not passed over"
