"""Laws of intake: one business fact, one order, by whatever way and however often it comes."""

import asyncio
from decimal import Decimal
from random import Random

from crossdock.canonical.base import ConnectionName
from crossdock.canonical.facts import OrderAccepted
from crossdock.canonical.orders import PaymentStatus
from crossdock.eventlog import service as eventlog
from crossdock.foundation.db import fetch_tuples
from crossdock.orders import service as orders
from crossdock.orders.model import (
    Accepted,
    Cancelled,
    CancelledByChannel,
    EditedByChannel,
    PaymentChanged,
    Repeated,
    Revised,
)
from crossdock.orders.states import OrderStatus
from orders.kit import MUG, TEA, World, line, order


async def test_an_accepted_order_is_there_with_its_lines_and_its_fact(world: World) -> None:
    (outcome,) = await world.accept(order("1", line(TEA, 2), line(MUG, "0.5"), shipping="4.90"))

    assert isinstance(outcome, Accepted)
    view = await world.view(outcome.order_id)
    assert [(each.sku, each.ordered, each.vector.unplaced) for each in view.order.lines] == [
        (TEA, Decimal(2), Decimal(2)),
        (MUG, Decimal("0.5"), Decimal("0.5")),
    ]
    assert view.status is OrderStatus.ACCEPTED
    async with world.database.transaction() as tx:
        (event,) = await eventlog.of_stream(tx, f"order/{outcome.order_id}")
    assert isinstance(event.fact, OrderAccepted)
    assert [(each.sku, each.charge) for each in event.fact.lines] == [(TEA, ""), (MUG, ""), ("", "shipping")]


async def test_the_same_order_by_webhook_redelivery_poll_and_api_is_one_order(world: World) -> None:
    first = await world.accept(order("1", minutes=0))
    again = await world.accept(order("1", minutes=0), order("1", minutes=0), order("2", minutes=0))

    assert isinstance(first[0], Accepted)
    assert again[0] == again[1] == Repeated(first[0].order_id, identical=True)
    assert isinstance(again[2], Accepted)
    assert (await world.count("orders"), await world.count("accepted"), await world.count("lines")) == (2, 2, 2)


async def test_the_same_channel_order_id_on_another_connection_is_another_order(world: World) -> None:
    one = await world.accept(order("1"))
    other = await world.accept(order("1"), connection=ConnectionName("market"))

    assert isinstance(other[0], Accepted)
    assert one[0].order_id != other[0].order_id


async def test_two_revisions_in_one_batch_are_one_order_at_the_newer(world: World) -> None:
    outcomes = await world.accept(
        order("1", minutes=1, payment=PaymentStatus.PENDING), order("1", minutes=2, payment=PaymentStatus.PAID)
    )

    assert isinstance(outcomes[1], Revised)
    assert outcomes[1].changes == (PaymentChanged(PaymentStatus.PAID),)
    assert (await world.view(outcomes[0].order_id)).order.header.payment_status is PaymentStatus.PAID


async def test_an_older_revision_changes_nothing_whenever_it_comes(world: World) -> None:
    (accepted,) = await world.accept(order("1", minutes=5))

    (late,) = await world.accept(order("1", line(TEA, 9), minutes=1, payment=PaymentStatus.PENDING))

    assert late == Repeated(accepted.order_id, identical=False)
    view = await world.view(accepted.order_id)
    assert view.order.header.payment_status is PaymentStatus.PAID
    assert not view.order.holds
    assert await world.facts(accepted.order_id) == ["order.accepted"]


async def test_payment_news_of_the_same_second_is_not_lost(world: World) -> None:
    (accepted,) = await world.accept(order("1", minutes=1, payment=PaymentStatus.PENDING))

    (paid,) = await world.accept(order("1", minutes=1, payment=PaymentStatus.PAID))
    (late,) = await world.accept(order("1", minutes=1, payment=PaymentStatus.PENDING))

    assert paid == Revised(accepted.order_id, (PaymentChanged(PaymentStatus.PAID),))
    assert isinstance(late, Repeated)
    assert (await world.view(accepted.order_id)).order.header.payment_status is PaymentStatus.PAID


async def test_an_edit_on_the_channel_waits_for_a_person_and_is_told_once(world: World) -> None:
    (accepted,) = await world.accept(order("1", line(TEA, 2), minutes=1))

    (edited,) = await world.accept(order("1", line(TEA, 3), minutes=2))
    await world.accept(order("1", line(TEA, 3), minutes=3))

    assert isinstance(edited, Revised)
    assert isinstance(edited.changes[0], EditedByChannel)
    assert "quantity 2 → 3" in edited.changes[0].difference
    view = await world.view(accepted.order_id)
    assert view.order.lines[0].ordered == 2
    assert [hold.hold for hold in view.order.standing] == ["edited"]
    assert await world.facts(accepted.order_id) == ["order.accepted", "order.held", "order.edited"]


async def test_an_edit_that_is_undone_on_the_channel_holds_nobody_any_more(world: World) -> None:
    (accepted,) = await world.accept(order("1", line(TEA, 2), minutes=1))
    await world.accept(order("1", line(TEA, 3), minutes=2))

    await world.accept(order("1", line(TEA, 2), minutes=3))

    assert not (await world.view(accepted.order_id)).order.standing
    assert (await world.facts(accepted.order_id))[-1] == "order.hold_released"


async def test_another_address_is_an_edit_that_no_fact_tells(world: World) -> None:
    (accepted,) = await world.accept(order("1", minutes=1))

    await world.accept(order("1", minutes=2, city="Bremen"))

    view = await world.view(accepted.order_id)
    assert [hold.reason for hold in view.order.standing] == ["another address"]
    async with world.database.transaction() as tx:
        contact = await orders.contact_of(tx, world.vault, view.order)
    assert contact is not None
    assert contact.ship_to is not None
    assert contact.ship_to.city == "Bremen"


async def test_an_order_that_arrives_cancelled_is_accepted_and_cancelled(world: World) -> None:
    (accepted,) = await world.accept(order("1", cancelled=True, minutes=1))

    assert isinstance(accepted, Accepted)
    assert (await world.view(accepted.order_id)).status is OrderStatus.CANCELLED
    assert await world.facts(accepted.order_id) == ["order.accepted", "order.cancelled"]


async def test_a_cancellation_counts_even_when_newer_news_came_first(world: World) -> None:
    (accepted,) = await world.accept(order("1", minutes=5))

    (late,) = await world.accept(order("1", minutes=4, cancelled=True))

    assert late == Revised(accepted.order_id, (CancelledByChannel(Cancelled(accepted.order_id)),))
    assert (await world.view(accepted.order_id)).status is OrderStatus.CANCELLED


async def test_batches_from_eight_connections_at_once_are_one_set_of_orders(world: World) -> None:
    names = [f"o-{n}" for n in range(200)]

    async def one(seed: int) -> dict[str, object]:
        shuffled = names.copy()
        Random(seed).shuffle(shuffled)  # noqa: S311 (an order of arrival)
        outcomes = await world.accept(*(order(name) for name in shuffled))
        return {name: outcome.order_id for name, outcome in zip(shuffled, outcomes, strict=True)}

    answers = await asyncio.gather(*(one(seed) for seed in range(8)))

    assert all(answer == answers[0] for answer in answers)
    async with world.database.transaction() as tx:
        rows = await fetch_tuples(tx, "SELECT channel_order_id, order_id FROM orders.header")
    assert dict(rows) == answers[0]
    assert (await world.count("orders"), await world.count("accepted")) == (200, 200)
    assert await world.count("subjects") == 1


async def test_no_fact_and_no_order_row_carries_a_name_or_an_address(world: World) -> None:
    await world.accept(order("1", minutes=1))
    await world.accept(order("1", minutes=2, city="Bremen"))

    async with world.database.transaction() as tx:
        rows = str(await fetch_tuples(tx, "SELECT payload::text FROM eventlog.event"))
        rows += str(await fetch_tuples(tx, "SELECT h::text FROM orders.header h"))
        rows += str(await fetch_tuples(tx, "SELECT h::text FROM orders.hold h"))
    assert not [word for word in ("Zyxella", "zyxella", "Ulm", "Bremen") if word in rows]
