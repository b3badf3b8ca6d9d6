"""Laws of orders that the channel makes less: units and lines that are taken off before they leave are cancelled."""

from decimal import Decimal

import msgspec
import pytest

from crossdock.canonical.base import OrderId, Tax
from crossdock.canonical.orders import OrderLine, OrderPlaced
from crossdock.orders import service as orders
from crossdock.orders.model import LessByChannel, Part, Revised
from crossdock.orders.service import Shipping
from orders.kit import MUG, NOW, TEA, World, line, order


def told(minutes: int, *lines: OrderLine, total: str | None = None) -> OrderPlaced:
    return order("1", *lines, minutes=minutes, total=total)


async def bought(world: World) -> OrderId:
    """Three teas and two mugs, placed at the DC."""
    await world.stock(TEA, dc=9)
    await world.stock(MUG, dc=9)
    (order_id,) = await world.bought(told(1, line(TEA, 3), line(MUG, 2)))
    return order_id


async def vectors(world: World, order_id: OrderId) -> dict[str, dict[str, int]]:
    lines = (await world.view(order_id)).order.lines
    return {each.sku: {part: int(each.vector.of(part)) for part in Part if each.vector.of(part)} for each in lines}


async def test_fewer_units_are_cancelled_and_free_again_and_nobody_is_asked(world: World) -> None:
    order_id = await bought(world)

    (outcome,) = await world.accept(told(2, line(TEA, 1), line(MUG, 2)))

    assert outcome == Revised(order_id, (LessByChannel(("l-TEA",)),))
    assert await vectors(world, order_id) == {"TEA": {"cancelled": 2, "released": 1}, "MUG": {"released": 2}}
    assert await world.allocated(TEA) == 1
    assert not (await world.view(order_id)).order.standing
    fact = next(each for each in await world.events((await world.view(order_id)).order.header.correlation_id)
                if each.type == "order.lines_cancelled")  # fmt: skip
    assert fact.source == "shop"


async def test_a_line_that_is_gone_is_cancelled(world: World) -> None:
    order_id = await bought(world)

    await world.accept(told(2, line(MUG, 2)))

    assert await vectors(world, order_id) == {"TEA": {"cancelled": 3}, "MUG": {"released": 2}}


async def test_the_same_edit_told_again_or_late_changes_nothing(world: World) -> None:
    order_id = await bought(world)
    await world.accept(told(3, line(TEA, 1), line(MUG, 2)))

    await world.accept(told(4, line(TEA, 1), line(MUG, 2)))
    await world.accept(told(2, line(MUG, 2)))

    assert await vectors(world, order_id) == {"TEA": {"cancelled": 2, "released": 1}, "MUG": {"released": 2}}
    assert (await world.facts(order_id)).count("order.lines_cancelled") == 1


@pytest.mark.parametrize("teas", [3, 1], ids=["not told yet", "told"])
async def test_our_own_cancellation_that_comes_back_is_no_edit(world: World, teas: int) -> None:
    order_id = await bought(world)
    async with world.database.transaction() as tx:
        await orders.cancel_lines(tx, order_id, {"l-TEA": Decimal(2)}, "broken", now=NOW)

    await world.accept(told(2, line(TEA, teas), line(MUG, 2)))

    assert not (await world.view(order_id)).order.standing
    assert (await world.facts(order_id)).count("order.lines_cancelled") == 1


async def test_an_edit_that_also_adds_is_left_to_a_person_whole(world: World) -> None:
    order_id = await bought(world)

    await world.accept(told(2, line(TEA, 1), line(MUG, 3)))

    view = await world.view(order_id)
    assert [hold.hold for hold in view.order.standing] == ["edited"]
    assert await vectors(world, order_id) == {"TEA": {"released": 3}, "MUG": {"released": 2}}


async def test_less_than_has_left_is_left_to_a_person(world: World) -> None:
    order_id = await bought(world)
    (work,) = await world.work(order_id)
    async with world.database.transaction() as tx:
        await orders.ship(
            tx, Shipping(fulfilment_id=work, reference="P", shipped_at=NOW, lines={"l-TEA": Decimal(2)}), now=NOW
        )

    await world.accept(told(2, line(TEA, 2), line(MUG, 2)))
    followed = await vectors(world, order_id)
    await world.accept(told(3, line(TEA, 1), line(MUG, 2)))

    assert followed == {"TEA": {"cancelled": 1, "shipped": 2}, "MUG": {"released": 2}}
    assert [hold.hold for hold in (await world.view(order_id)).order.standing] == ["edited"]


async def test_units_that_come_back_are_an_edit_until_they_are_gone_again(world: World) -> None:
    order_id = await bought(world)
    await world.accept(told(2, line(MUG, 2)))

    await world.accept(told(3, line(TEA, 1), line(MUG, 2)))
    (held,) = (await world.view(order_id)).order.standing
    await world.accept(told(4, line(TEA, 1), line(MUG, 1)))
    still = (await world.view(order_id)).order.standing
    await world.accept(told(5, line(MUG, 2)))

    assert "line l-TEA quantity 0 → 1" in held.reason
    assert [hold.hold for hold in still] == ["edited"]
    assert not (await world.view(order_id)).order.standing
    assert await vectors(world, order_id) == {"TEA": {"cancelled": 3}, "MUG": {"released": 2}}


async def test_less_within_the_second_of_the_order_counts_and_more_does_not(world: World) -> None:
    """Some channels tell their time to the second."""
    order_id = await bought(world)

    await world.accept(told(1, line(TEA, 1), line(MUG, 2)))
    await world.accept(told(1, line(TEA, 2), line(MUG, 2)))

    assert await vectors(world, order_id) == {"TEA": {"cancelled": 2, "released": 1}, "MUG": {"released": 2}}
    assert not (await world.view(order_id)).order.standing


async def test_two_words_in_one_batch_are_taken_in_their_order(world: World) -> None:
    order_id = await bought(world)

    await world.accept(told(2, line(TEA, 2), line(MUG, 2)), told(3, line(TEA, 1), line(MUG, 2)))

    assert await vectors(world, order_id) == {"TEA": {"cancelled": 2, "released": 1}, "MUG": {"released": 2}}


async def test_money_that_does_not_follow_the_units_is_left_to_a_person(world: World) -> None:
    order_id = await bought(world)
    taxed = msgspec.structs.replace(line(TEA, 1), taxes=(Tax(code="std", amount=Decimal("0.86")),))

    await world.accept(told(2, taxed, line(MUG, 2), total="5.00"))

    (hold,) = (await world.view(order_id)).order.standing
    assert "total" in hold.reason
    assert "quantity" not in hold.reason
