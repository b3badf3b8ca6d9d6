"""Facts of tomorrow are kept as they came, and a person is asked whose clock is wrong."""

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from assembly.parts import DC, NOW, TEA, Said, World, order
from assembly.test_appliers import movement, receipt
from crossdock.canonical.facts import OrderAccepted
from crossdock.canonical.stock import StockCounted
from crossdock.inventory import service as inventory

TOMORROW, LATER = NOW + timedelta(hours=24), NOW + timedelta(hours=25)


def of(said: Said, **when: object) -> Said:
    return msgspec.structs.replace(said, **when)


def counted(as_of: datetime) -> StockCounted:
    return StockCounted(sku=TEA, location=DC, on_hand=Decimal(3), as_of=as_of, reference="c1")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (of(order("1"), placed_at=LATER), "placed_at"),
        (of(order("1"), updated_at=LATER), "updated_at"),
        (of(receipt(), ended_at=LATER), "ended_at"),
        (of(receipt(), business_day=LATER.date() + timedelta(days=1)), "business_day"),
        (of(movement(), happened_at=LATER), "happened_at"),
        (counted(LATER), "as_of"),
    ],
)
async def test_a_time_that_lies_ahead_is_told_with_its_object_and_field(world: World, said: Said, field: str) -> None:
    await world.know(TEA)

    await world.hear(said, key="the/object")

    assert await world.states() == ["applied"]
    (found,) = [each for each in await world.exceptions() if each.type == "clock_skew"]
    assert (found.subject, found.path) == ("the/object", f"$.{field}")
    assert getattr(said, field).isoformat() in found.detail


@pytest.mark.parametrize("when", [NOW, TOMORROW, NOW - timedelta(days=9000)])
async def test_a_time_within_a_day_and_any_in_the_past_is_nothing_to_tell(world: World, when: datetime) -> None:
    await world.know(TEA)

    await world.hear(of(movement(), happened_at=when))

    assert [each.type for each in await world.exceptions()] == []


async def test_one_wrong_clock_is_one_exception_however_much_it_says(world: World) -> None:
    await world.know(TEA)

    for number in range(3):
        await world.hear(of(movement(f"m{number}"), happened_at=LATER), key=f"stock/{number}")
    await world.hear(of(movement("m0"), happened_at=LATER), key="stock/0")

    (found,) = await world.exceptions()
    assert found.occurrences == 3, "what has come before is no news"


async def test_what_came_is_kept_as_it_came(world: World) -> None:
    await world.know(TEA)

    await world.hear(of(order("1"), placed_at=LATER))

    (event,) = await world.facts(OrderAccepted)
    assert isinstance(event.fact, OrderAccepted)
    assert event.fact.placed_at == LATER
    await world.hear(of(movement(), happened_at=LATER))
    async with world.database.transaction() as tx:
        (position,) = await inventory.positions(tx, [TEA], now=NOW)
    assert position.on_hand == 5
