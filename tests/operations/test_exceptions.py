"""Exceptions on a real database: one per matter, with the money at risk, closed by the fact that settles it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from crossdock.canonical import facts
from crossdock.canonical.base import Document, LocationCode
from crossdock.canonical.receipts import ReceiptRef
from crossdock.estate.model import Company, Estate, Ownership
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Database, Tx
from crossdock.operations import service as operations
from crossdock.operations.model import Matter, OpenException

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
ESTATE = Estate(
    company=Company(name="Corner", currency="EUR"),
    ownership=(Ownership(owner="operations"), Ownership(owner="finance", type="receipt_unsound", within="30m")),
)
HELD = facts.OrderHeld(order_id="019a7c3e-0000-7000-8000-000000000000", hold="unknown_sku", reason="no item A")
RELEASED = facts.OrderHoldReleased(order_id=HELD.order_id, hold=HELD.hold)


async def told(tx: Tx, *said: Document, now: datetime = NOW) -> Sequence[OpenException]:
    """Facts happen and are watched; the work list afterwards."""
    for fact in said:
        await eventlog.append(tx, [NewFact(stream="order/1", fact=fact, happened_at=now, origin=Origin.begin("test"))])
        event = (await eventlog.of_stream(tx, "order/1"))[-1]
        await operations.watch(tx, ESTATE, [event], now=now)
    return await operations.list_exceptions(tx)


async def test_the_same_matter_is_one_exception_however_often_it_comes_up(database: Database) -> None:
    async with database.transaction() as tx:
        (found,) = await told(tx, HELD, HELD, HELD)

        assert (found.type, found.owner, found.occurrences) == ("order_unknown_sku", "operations", 3)
        opened = await eventlog.of_stream(tx, f"exception/{found.id}")
        assert [event.type for event in opened] == ["exception.opened"]


async def test_the_fact_that_settles_a_matter_closes_it_and_a_new_one_opens_anew(database: Database) -> None:
    async with database.transaction() as tx:
        (first,) = await told(tx, HELD)

        assert await told(tx, RELEASED, RELEASED) == []

        (second,) = await told(tx, HELD)
        assert second.id != first.id
        closed = await operations.get(tx, first.id)
        assert closed is not None
        assert closed.resolution == "settled by order.hold_released"
        assert [event.type for event in await eventlog.of_stream(tx, f"exception/{first.id}")] == [
            "exception.opened",
            "exception.closed",
        ]


async def test_orders_behind_one_cause_add_up_and_other_matters_do_not(database: Database) -> None:
    def matter(key: str, *, adds_up: bool) -> Matter:
        return Matter(
            type="intent_parked", key=key, subject="", detail="", amount=Decimal(10), currency="EUR", adds_up=adds_up
        )

    origin = Origin.begin("test")
    async with database.transaction() as tx:
        for key, adds_up in (("cause/erp/x", True), ("receipt/1", False)):
            for _ in range(3):
                await operations.open_exception(tx, ESTATE, matter(key, adds_up=adds_up), origin=origin, now=NOW)

        money = {each.key: each.amount for each in await operations.list_exceptions(tx)}

        assert money == {"cause/erp/x": Decimal(30), "receipt/1": Decimal(10)}


async def test_the_work_list_is_by_clock_and_counts_what_is_overdue_with_its_money(database: Database) -> None:
    unsound = facts.ReceiptUnsound(
        receipt_id="1",
        ref=ReceiptRef(store=LocationCode("S1"), till="1", business_day=NOW.date(), sequence=1),
        difference=Decimal("-2.50"),
        currency="EUR",
    )
    async with database.transaction() as tx:
        listed = await told(tx, HELD, unsound)

        assert [each.type for each in listed] == ["receipt_unsound", "order_unknown_sku"]
        assert await operations.counts(tx, now=NOW + timedelta(hours=1)) == [
            ("finance", "receipt_unsound", 1, 1, Decimal("2.50")),
            ("operations", "order_unknown_sku", 1, 0, Decimal(0)),
        ]
        assert [each.type for each in await operations.list_exceptions(tx, owner="finance")] == ["receipt_unsound"]


async def test_closing_what_is_not_open_says_so(database: Database) -> None:
    async with database.transaction() as tx:
        assert not await operations.close(tx, "nothing", "", origin=Origin.begin("test"), now=NOW)
        assert await operations.get(tx, UUID(int=0)) is None


@pytest.mark.parametrize(
    "end",
    [
        facts.OrderCompleted(order_id=HELD.order_id),
        facts.OrderCancelled(order_id=HELD.order_id, reason="", cancelled_at=NOW),
    ],
)
async def test_goods_that_are_gone_are_nobodys_matter_once_their_order_has_ended(
    database: Database, end: facts.OrderCompleted | facts.OrderCancelled
) -> None:
    gone = [
        facts.OrderGoodsGone(
            order_id=HELD.order_id,
            number="1001",
            sku=sku,
            location=LocationCode("S1"),
            quantity=Decimal(1),
            cause="issue till-7",
        )
        for sku in ("TEA", "JAM")
    ]
    async with database.transaction() as tx:
        assert [each.type for each in await told(tx, HELD, *gone)] == ["order_unknown_sku", *["order_goods_gone"] * 2]

        assert [each.type for each in await told(tx, end)] == ["order_unknown_sku"]
