"""The table fact → service call, row by row, on real orders, goods and store days."""

from datetime import date
from decimal import Decimal

import pytest

from assembly.parts import DC, NOW, STORE, TEA, World, order
from crossdock.assembly.backorders import give_to_backorders
from crossdock.canonical.base import Sku
from crossdock.canonical.facts import IntentLanded, ItemChanged, OrderHeld, OrderPlacedOnStock
from crossdock.canonical.receipts import ReceiptLine, ReceiptTender, SaleRecorded
from crossdock.canonical.stock import FloorMovement, MovementRecorded
from crossdock.estate.model import FlowKind
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.finance import service as finance
from crossdock.finance.model import DayState
from crossdock.finance.service import Told
from crossdock.inventory import service as inventory
from crossdock.orders import service as orders
from crossdock.orders.model import HoldCode, Part

DAY = date(2026, 11, 27)


async def test_an_accepted_order_is_placed(world: World) -> None:
    await world.know(TEA)
    await world.land(TEA, 5)
    (order_id,) = await world.accept(order("1", quantity=2))
    await world.react()

    view = await world.view(order_id)
    assert view.order.units.of(Part.ALLOCATED) + view.order.units.of(Part.RELEASED) == 2
    (placed,) = await world.facts(OrderPlacedOnStock)
    (accepted,) = [event for event in await world.facts() if event.type == "order.accepted"]
    assert placed.causation_id == accepted.id


async def test_an_order_held_for_an_unknown_item_is_placed_when_the_item_becomes_known(world: World) -> None:
    await world.land(TEA, 5)
    (order_id,) = await world.accept(order("1"))
    await world.react()

    assert [hold.hold for hold in (await world.view(order_id)).order.standing] == [HoldCode.UNKNOWN_SKU]
    held = {each.type: each for each in await world.exceptions()}["order_unknown_sku"]
    assert (held.subject, held.amount, held.currency) == (f"order/{order_id}", Decimal(10), "EUR")

    await world.know(TEA)
    await world.react()

    view = await world.view(order_id)
    assert view.order.standing == ()
    assert [work.location for work in view.fulfilments] == [DC]
    assert "order_unknown_sku" not in {each.type for each in await world.exceptions()}


async def test_another_item_that_becomes_known_helps_nobody(world: World) -> None:
    (order_id,) = await world.accept(order("1"))
    await world.react()
    await world.know("MUG")
    await world.react()

    assert [hold.hold for hold in (await world.view(order_id)).order.standing] == [HoldCode.UNKNOWN_SKU]
    assert len(await world.facts(OrderHeld)) == 1


async def test_a_released_hold_places_the_order_and_settles_its_exception(world: World) -> None:
    await world.know(TEA)
    await world.land(TEA, 5)
    (order_id,) = await world.accept(order("1"))
    async with world.database.transaction() as tx:
        await orders.hold_order(tx, order_id, "look at it", now=NOW)
    await world.react()
    assert {each.type for each in await world.exceptions()} == {"order_manual"}

    async with world.database.transaction() as tx:
        await orders.release_hold(tx, order_id, HoldCode.MANUAL, who="ada", reason="fine", now=NOW)
    await world.react()

    assert await world.exceptions() == []
    assert len((await world.view(order_id)).fulfilments) == 1


async def test_goods_that_land_serve_those_who_wait_the_oldest_first(world: World) -> None:
    await world.know(TEA)
    await world.land(TEA, 1)
    first, second, third = await world.accept(order("1"), order("2", quantity=2), order("3"))
    await world.react()
    waiting = [(await world.view(each)).order.units.of(Part.BACKORDERED) for each in (first, second, third)]
    assert waiting == [0, 2, 1]

    await world.land(TEA, 2, STORE)
    await world.react()

    waiting = [(await world.view(each)).order.units.of(Part.BACKORDERED) for each in (first, second, third)]
    assert waiting == [0, 0, 1]
    assert [work.location for work in (await world.view(second)).fulfilments] == [STORE]


async def test_people_hear_which_order_lost_its_goods_to_what_until_it_has_others(world: World) -> None:
    await world.know(TEA)
    await world.land(TEA, 2)
    first, second = await world.accept(order("1"), order("2"))
    await world.react()

    await world.sell(TEA, 1)
    await world.react()

    (found,) = await world.exceptions()
    assert (found.type, found.subject, found.amount) == ("order_backordered", f"order/{second}", Decimal(10))
    assert found.detail.startswith("order 2, promised without a day: 1 x TEA without goods since ")
    assert "gone at DC1: issue " in found.detail
    assert (await world.view(first)).order.units.of(Part.RELEASED) == 1

    await world.land(TEA, 1, STORE)
    await world.react()

    assert await world.exceptions() == []
    assert [work.location for work in (await world.view(second)).fulfilments if work.open] == [STORE]
    closed = await world.exceptions(closed_too=True)
    assert sorted(each.type for each in closed) == ["order_backordered", "stock_short"]


async def test_goods_that_nobody_waits_for_set_nothing_in_motion(world: World) -> None:
    await world.know(TEA)
    await world.land(TEA, 1)

    assert await give_to_backorders(world.hub)
    assert not await give_to_backorders(world.hub), "read once, passed"


async def test_those_who_cannot_take_goods_do_not_hide_those_behind_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More orders wait than are looked at in one go, and the first ones are held."""
    monkeypatch.setattr("crossdock.orders.placing.service.WAITING_MAX", 2)
    await world.know(TEA)
    *held, last = await world.accept(*(order(str(n)) for n in range(5)))
    await world.react()
    async with world.database.transaction() as tx:
        for each in held:
            await orders.hold_order(tx, each, "look at it", now=NOW)
    await world.land(TEA, 1, STORE)
    await world.react()

    left = [(await world.view(each)).order.units.of(Part.BACKORDERED) for each in (*held, last)]
    assert left == [1, 1, 1, 1, 0]


async def landed(world: World, kind: FlowKind, reference: str) -> None:
    fact = IntentLanded(
        intent_id="i",
        kind=kind,
        connection="erp",
        reference=reference,
        subject=f"store_day/{STORE}/{DAY}",
        document_id=f"D-{kind}",
        landed_at=NOW,
    )
    new = NewFact(stream=fact.subject, fact=fact, happened_at=NOW, origin=Origin.begin("erp"))
    async with world.database.transaction() as tx:
        await eventlog.append(tx, [new])


async def test_a_store_day_is_posted_when_the_erp_has_its_journal_and_its_goods(world: World) -> None:
    await world.know(TEA)
    receipt = SaleRecorded(
        store=STORE,
        till="1",
        business_day=DAY,
        sequence=1,
        ended_at=NOW,
        currency="EUR",
        total=Decimal("11.90"),
        lines=(ReceiptLine(number=1, sku=TEA, quantity=Decimal(1), amount=Decimal("11.90")),),
        tenders=(ReceiptTender(tender="cash", amount=Decimal("11.90")),),
    )
    async with world.database.transaction() as tx:
        estate = await world.hub.estate.get(tx)
        await finance.record_receipts(tx, estate, [Told(receipt=receipt, origin=Origin.begin("tills"))], now=NOW)
        await finance.close_day(tx, estate, STORE, DAY, now=NOW)

    states = [await day_state(world)]
    for kind in (FlowKind.JOURNAL, FlowKind.GOODS_ISSUE):
        await landed(world, kind, f"{STORE}/{DAY}/1")
        await world.react()
        states.append(await day_state(world))

    assert states == [DayState.CLOSED, DayState.CLOSED, DayState.POSTED]


async def day_state(world: World) -> DayState:
    async with world.database.transaction() as tx:
        (day,) = await finance.store_days(tx, location=STORE)
    return day.state


async def test_other_documents_that_land_are_no_business_of_store_days(world: World) -> None:
    await landed(world, FlowKind.SALE, "019a9f6e-2c3d-7a10-8b4c-5d6e7f809112")
    await world.react()

    assert await world.exceptions() == []


async def test_an_item_that_moved_unknown_is_settled_by_its_description(world: World) -> None:
    receipt = SaleRecorded(
        store=STORE,
        till="1",
        business_day=DAY,
        sequence=1,
        ended_at=NOW,
        currency="EUR",
        total=Decimal(5),
        lines=(ReceiptLine(number=1, sku="NEW", quantity=Decimal(1), amount=Decimal(5)),),
        tenders=(ReceiptTender(tender="cash", amount=Decimal(5)),),
    )
    async with world.database.transaction() as tx:
        estate = await world.hub.estate.get(tx)
        await finance.record_receipts(tx, estate, [Told(receipt=receipt, origin=Origin.begin("tills"))], now=NOW)
    await world.react()
    assert "item_unknown" in {each.type for each in await world.exceptions()}

    await world.know("NEW")
    await world.react()

    assert "item_unknown" not in {each.type for each in await world.exceptions()}
    assert [event.fact for event in await world.facts(ItemChanged)] == [ItemChanged(sku="NEW", name="NEW", active=True)]


async def test_goods_that_nobody_described_are_kept_and_one_exception_with_an_owner_is_opened(world: World) -> None:
    for number in range(3):
        await world.hear(
            MovementRecorded(
                reference=f"m{number}",
                kind=FloorMovement.RECEIVE,
                sku="NEW",
                location=DC,
                quantity=Decimal(2),
                happened_at=NOW,
            ),
            event_id=str(number),
        )
    await world.react()

    async with world.database.transaction() as tx:
        (position,) = await inventory.positions(tx, [Sku("NEW")], now=NOW)
    assert position.on_hand == 6
    (opened,) = [each for each in await world.exceptions() if each.type == "item_unknown"]
    assert (opened.subject, opened.path, bool(opened.owner)) == ("item/NEW", "$.sku", True)
