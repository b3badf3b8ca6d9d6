"""Facts become intents by the estate's flows: in commit order, once, to those who must know and nobody else."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from crossdock.canonical import facts
from crossdock.canonical.base import Document, LocationCode
from crossdock.canonical.intents import (
    CancelOrder,
    GoodsLine,
    IntentDocument,
    JournalLine,
    PostInvoice,
    PostSale,
    PostShipment,
    SaleLine,
)
from crossdock.canonical.orders import Mode, PaymentStatus
from crossdock.estate.model import FlowKind
from crossdock.foundation.db import Database, Tx
from crossdock.outbound.derivation.rules import SOURCES
from crossdock.outbound.model import Intent, IntentState, Outcome
from crossdock.outbound.ports import Builder, Unbuildable
from outbound.rig import (
    DAY,
    Rig,
    at,
    connector,
    count,
    derive_all,
    estate,
    flow,
    intents,
    tell,
    transfer,
    until,
    until_state,
)
from outbound.target import Fault, Target, serving

FOR_CHANNELS = {FlowKind.FULFILMENT, FlowKind.ORDER_CANCEL}
ALL = estate(
    *(flow(kind, "erp") for kind in FlowKind if kind not in {FlowKind.STOCK, *FOR_CHANNELS}),
    *(flow(kind, channel) for kind in sorted(FOR_CHANNELS) for channel in ("shop", "market")),
)
GOODS = (GoodsLine(sku="A", quantity=Decimal(2), line_id="1"),)
STORE = LocationCode("S1")


def accepted(order: str = "o1", connection: str = "shop", channel: str = "web") -> Document:
    return facts.OrderAccepted(
        order_id=order,
        connection=connection,
        channel=channel,
        channel_order_id=f"gid/{order}",
        number=f"#{order}",
        placed_at=at(0),
        currency="USD",
        prices_include_tax=False,
        lines=(SaleLine(line_id="1", sku="A", quantity=Decimal(2), unit_price=Decimal(5)),),
        total=Decimal(10),
        mode=Mode.SHIP,
        payment_status=PaymentStatus.PAID,
    )


def placed(order: str = "o1") -> Document:
    line = facts.PlacedLine(line_id="1", sku="A", location=STORE, quantity=Decimal(2))
    return facts.OrderPlacedOnStock(order_id=order, lines=(line,))


def released(order: str = "o1", fulfilment: str = "f1") -> Document:
    return facts.FulfilmentReleased(
        fulfilment_id=fulfilment, order_id=order, location=STORE, mode=Mode.SHIP, lines=GOODS
    )


def shipped(order: str = "o1", fulfilment: str = "f1", tracking: str = "X1") -> Document:
    return facts.FulfilmentShipped(
        fulfilment_id=fulfilment, order_id=order, location=STORE, lines=GOODS, shipped_at=at(1), tracking=(tracking,)
    )


def less(order: str = "o1") -> Document:
    return facts.OrderLinesCancelled(order_id=order, lines=GOODS, reason="one is enough", cancelled_at=at(1))


def cancelled(order: str = "o1") -> Document:
    return facts.OrderCancelled(order_id=order, reason="changed my mind", cancelled_at=at(2))


def closed(run: int = 1, *, journal: tuple[JournalLine, ...] = ()) -> Document:
    lines = journal or (
        JournalLine(account="tender.cash", debit=Decimal(10)),
        JournalLine(account="revenue.standard", credit=Decimal(10)),
    )
    return facts.StoreDayClosed(
        store=STORE,
        business_day=DAY,
        run=run,
        currency="USD",
        receipts=1,
        total=Decimal(10),
        journal=lines,
        goods=GOODS,
    )


async def sale(_tx: Tx, intent: Intent) -> IntentDocument:
    """A builder as the orders package has one; order `gone` was erased."""
    if intent.reference == "gone":
        raise Unbuildable("order gone is not known")
    return PostSale(
        reference="the builder's own",
        order_id=intent.reference,
        channel="web",
        channel_order_id="1",
        number="#1",
        placed_at=at(0),
        currency="USD",
        prices_include_tax=False,
        lines=(),
        total=Decimal(10),
    )


async def goods(_tx: Tx, intent: Intent) -> IntentDocument:
    return PostShipment(
        reference=intent.reference,
        sale_reference=intent.subject,
        order_id=intent.subject,
        location=STORE,
        lines=GOODS,
        released_at=at(0),
    )


async def bill(_tx: Tx, intent: Intent) -> IntentDocument:
    return PostInvoice(
        reference=intent.reference,
        sale_reference=intent.reference,
        order_id=intent.reference,
        invoice_date=DAY,
        total=Decimal(10),
        currency="USD",
    )


async def word(_tx: Tx, intent: Intent) -> IntentDocument:
    return CancelOrder(reference=intent.reference, order_id="o1", channel_order_id="gid/o1", reason="one is enough")


BUILDERS: Mapping[str, Builder] = {
    FlowKind.SALE: sale,
    FlowKind.SHIPMENT: goods,
    FlowKind.INVOICE: bill,
    FlowKind.ORDER_CANCEL: word,
}


async def made(database: Database) -> list[tuple[str, str, str]]:
    return [(intent.kind, intent.connection, intent.reference.partition("/")[0]) for intent in await intents(database)]


async def test_an_orders_life_becomes_sale_shipment_report_and_invoice(database: Database) -> None:
    order = [accepted(), placed(), released(), shipped(), facts.OrderCompleted(order_id="o1")]
    await tell(database, *order)

    assert await derive_all(database, ALL, BUILDERS) == 4
    assert await made(database) == [
        ("sale.post", "erp", "o1"),
        ("shipment.post", "erp", "f1"),
        ("fulfilment.report", "shop", "f1"),
        ("invoice.post", "erp", "o1"),
    ]
    sold, ship, report, invoice = await intents(database)
    assert sold.document is None  # a person's data: built when it is sent
    assert {intent.business_key for intent in (sold, ship, report, invoice)} == {"order/o1"}
    assert (ship.document, invoice.document) == (None, None)  # lines may be cancelled until they are sent
    assert isinstance(report.document, dict)
    assert report.document["channel_order_id"] == "gid/o1"


async def test_a_fact_that_waits_for_its_order_reads_it_from_an_earlier_batch(database: Database) -> None:
    await tell(database, accepted())
    await derive_all(database, ALL, BUILDERS)
    await tell(database, shipped())
    await derive_all(database, ALL, BUILDERS)

    assert await made(database) == [("fulfilment.report", "shop", "f1")]


async def test_each_parcel_of_a_fulfilment_is_reported(database: Database) -> None:
    await tell(database, accepted(), shipped(tracking="X1"), shipped(tracking="X2"))

    assert await derive_all(database, ALL, BUILDERS) == 2
    first, second = await intents(database)
    assert first.reference != second.reference
    assert first.reference.startswith("f1/")


async def test_a_connection_is_not_told_what_it_said_itself(database: Database) -> None:
    await tell(database, accepted(), shipped(), source="shop")
    await tell(database, transfer(1), count(1), source="erp")

    assert await derive_all(database, ALL, BUILDERS) == 0


async def test_a_flow_limited_to_channels_carries_only_their_orders(database: Database) -> None:
    only_web = estate(flow(FlowKind.SALE, "erp", channels=("web",)))
    await tell(database, accepted("o1"), accepted("o2", channel="phone"), placed("o1"), placed("o2"))
    await derive_all(database, only_web, BUILDERS)

    assert await made(database) == [("sale.post", "erp", "o1")]


async def test_a_store_day_becomes_one_journal_and_one_goods_issue_per_closing(database: Database) -> None:
    await tell(database, closed(1), closed(1), closed(2), stream="store_day/S1/2026-11-20")
    await derive_all(database, ALL, BUILDERS)

    found = await intents(database)
    assert [(intent.kind, intent.reference) for intent in found] == [
        ("journal.post", "S1/2026-11-20/1"),
        ("goods_issue.post", "S1/2026-11-20/1"),
        ("journal.post", "S1/2026-11-20/2"),
        ("goods_issue.post", "S1/2026-11-20/2"),
    ]
    assert {intent.subject for intent in found} == {"store_day/S1/2026-11-20"}


async def test_a_fact_that_cannot_be_told_is_parked_and_stops_nobody(database: Database) -> None:
    askew = (JournalLine(account="a", debit=Decimal(10)), JournalLine(account="b", credit=Decimal(9)))
    await tell(database, closed(1, journal=askew), transfer(1))
    await derive_all(database, ALL, BUILDERS)

    journal, goods, moved = await intents(database)
    assert (journal.state, journal.cause) == (IntentState.PARKED, "document:journal.post")
    assert "do not balance" in journal.reason
    assert (goods.state, moved.state) == (IntentState.PENDING, IntentState.PENDING)


async def test_a_cancelled_order_withdraws_what_has_not_begun(database: Database) -> None:
    await tell(database, accepted(), placed(), released(), accepted("o2"), placed("o2"))
    await derive_all(database, ALL, BUILDERS)
    await tell(database, cancelled())
    await derive_all(database, ALL, BUILDERS)

    states = {(intent.kind, intent.reference): (intent.state, intent.outcome) for intent in await intents(database)}
    assert states == {
        ("sale.post", "o1"): (IntentState.WITHDRAWN, Outcome.NOT_WANTED),
        ("shipment.post", "f1"): (IntentState.WITHDRAWN, Outcome.NOT_WANTED),
        ("order.cancel", "o1"): (IntentState.PENDING, Outcome.OPEN),
        ("sale.post", "o2"): (IntentState.PENDING, Outcome.OPEN),
    }


async def test_an_order_cancelled_in_the_same_batch_is_never_sent(database: Database) -> None:
    await tell(database, accepted(), placed(), cancelled(), placed())
    await derive_all(database, ALL, BUILDERS)

    assert [(intent.kind, intent.state) for intent in await intents(database)] == [
        ("sale.post", IntentState.WITHDRAWN),
        ("order.cancel", IntentState.PENDING),
    ]


async def test_a_channel_that_cancelled_is_not_told_so_and_no_other_channel_is(database: Database) -> None:
    await tell(database, accepted(), placed())
    await tell(database, less(), cancelled(), source="shop")
    await derive_all(database, ALL, BUILDERS)

    assert [intent.kind for intent in await intents(database)] == ["sale.post"]


async def test_each_time_lines_are_cancelled_their_channel_is_told(database: Database) -> None:
    await tell(database, accepted(), placed(), less(), less())
    await derive_all(database, ALL, BUILDERS)

    told = [intent for intent in await intents(database) if intent.kind == "order.cancel"]
    assert [(each.connection, each.business_key, each.document) for each in told] == [("shop", "order/o1", None)] * 2
    assert len({each.reference for each in told}) == 2
    assert all(each.reference.startswith("o1/") for each in told)


async def test_a_cancelled_order_whose_sale_has_landed_is_undone(database: Database) -> None:
    await tell(database, accepted(), placed())
    await derive_all(database, ALL, BUILDERS)
    async with serving(Target()) as target, Rig(database, ALL, builders=BUILDERS).pumping(target):
        await until_state(database, IntentState.LANDED)
    await tell(database, cancelled())
    await derive_all(database, ALL, BUILDERS)

    sold, undoes, told = await intents(database)
    assert (sold.state, sold.outcome) == (IntentState.LANDED, Outcome.TO_UNDO)
    assert (undoes.kind, undoes.connection, undoes.business_key) == ("sale.cancel", "erp", sold.business_key)
    assert (told.kind, told.connection) == ("order.cancel", "shop")

    async def undone() -> bool:
        return [each.outcome for each in await intents(database)][:2] == [Outcome.UNDONE, Outcome.APPLIED]

    async with serving(Target()) as target, Rig(database, ALL, builders=BUILDERS).pumping(target):
        await until(undone)


async def test_a_sale_that_may_have_arrived_is_undone_behind_the_look_for_it(database: Database) -> None:
    """Until it is found out, the intent that undoes it waits for its turn."""
    lost = Target(plan=lambda reference, number: Fault.LOSE_ANSWER if reference == "o1" and number == 0 else Fault.NONE)
    slow = connector(settle=timedelta(seconds=2))
    await tell(database, accepted(), placed())
    await derive_all(database, ALL, BUILDERS)
    async with serving(lost) as target, Rig(database, ALL, slow, builders=BUILDERS).pumping(target):
        await until_state(database, IntentState.IN_DOUBT)
        await tell(database, cancelled())
        await derive_all(database, ALL, BUILDERS)
        await until_state(database, IntentState.LANDED, IntentState.PENDING)

        async def undone() -> bool:
            return [each.outcome for each in await intents(database)][:2] == [Outcome.UNDONE, Outcome.APPLIED]

        await until(undone)
    assert [each.kind for each in lost.documents] == ["sale.post", "sale.cancel"]


async def test_a_sale_that_was_tried_in_vain_is_undone_for_the_try_may_have_left_a_draft(database: Database) -> None:
    refusing = Target(plan=lambda _reference, _number: Fault.REFUSE)
    await tell(database, accepted(), placed())
    await derive_all(database, ALL, BUILDERS)
    async with serving(refusing) as target, Rig(database, ALL, builders=BUILDERS).pumping(target):
        await until_state(database, IntentState.REFUSED)
    await tell(database, cancelled())
    await derive_all(database, ALL, BUILDERS)

    assert [(intent.kind, intent.state) for intent in await intents(database)] == [
        ("sale.post", IntentState.WITHDRAWN),
        ("sale.cancel", IntentState.PENDING),
        ("order.cancel", IntentState.PENDING),
    ]


async def test_an_order_that_was_made_less_has_its_sale_closed_behind_its_invoice(database: Database) -> None:
    await tell(database, accepted(), placed(), released(), less(), shipped(), facts.OrderCompleted(order_id="o1"))
    await derive_all(database, ALL, BUILDERS)

    assert [kind for kind, _, _ in await made(database)] == [
        "sale.post",
        "shipment.post",
        "order.cancel",
        "fulfilment.report",
        "invoice.post",
        "sale.cancel",
    ]


async def test_what_has_shipped_is_sold_and_invoiced_although_the_rest_is_cancelled(database: Database) -> None:
    await tell(database, accepted(), placed(), shipped(), cancelled(), facts.OrderCompleted(order_id="o1"))
    await derive_all(database, ALL, BUILDERS)

    kinds = {intent.kind: intent.state for intent in await intents(database)}
    assert kinds["sale.post"] is IntentState.PENDING
    assert kinds["invoice.post"] is IntentState.PENDING


async def test_a_cancelled_fulfilment_withdraws_only_its_own_shipment(database: Database) -> None:
    taken_back = facts.FulfilmentCancelled(fulfilment_id="f1", order_id="o1", reason="moved")
    await tell(database, accepted(), placed(), released(fulfilment="f1"), released(fulfilment="f2"), taken_back)
    await derive_all(database, ALL, BUILDERS)

    states = {intent.reference: intent.state for intent in await intents(database)}
    assert states == {
        "o1": IntentState.PENDING,
        "f1": IntentState.WITHDRAWN,
        "f2": IntentState.PENDING,
    }


async def test_a_document_built_when_it_is_sent_carries_the_intents_reference_and_is_not_kept(
    database: Database,
) -> None:
    await tell(database, accepted(), placed(), accepted("gone"), placed("gone"))
    await derive_all(database, ALL, BUILDERS)

    async with serving(Target()) as target, Rig(database, ALL, builders=BUILDERS).pumping(target):
        await until_state(database, IntentState.LANDED, IntentState.PARKED)

    assert target.order == ["o1"]
    sold, gone = await intents(database)
    assert sold.document is None
    assert (gone.cause, gone.reason) == ("document:sale.post", "order gone is not known")


async def test_a_shipment_never_reaches_the_erp_before_its_sale(database: Database) -> None:
    busy = Target(plan=lambda reference, number: Fault.UNAVAILABLE if reference == "o1" and number < 3 else Fault.NONE)
    await tell(database, accepted(), placed(), released())
    await derive_all(database, ALL, BUILDERS)

    async with serving(busy) as target, Rig(database, ALL, builders=BUILDERS).pumping(target):
        await until_state(database, IntentState.LANDED)

    assert target.order == ["o1", "f1"]


def test_derivation_reads_every_fact_that_its_table_names() -> None:
    assert set(SOURCES) <= set(facts.FACT_TYPES)
