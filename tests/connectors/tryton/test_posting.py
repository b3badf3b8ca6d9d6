"""What lands in the ERP, seen from the ERP's own side."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

import msgspec
import pytest

from connectors.tryton.intents import (
    count,
    goods,
    invoice,
    issue,
    journal,
    landed,
    posted,
    sale,
    send,
    shipment,
    transfer,
)
from crossdock.canonical.intents import GoodsLine, PostSale, SaleLine
from crossdock.canonical.stock import ShipmentReported
from crossdock.connector_kit.model import Landed, Refused
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, LookupMissing, Unmatched
from crossdock.simulation.erp import Books, Erp

pytestmark = [pytest.mark.erp, pytest.mark.asyncio(loop_scope="session")]
Read = TypeVar("Read")


async def reading(erp: Erp, read: Callable[[Books], Read]) -> Read:
    return await asyncio.to_thread(lambda: read(erp.books()))


async def test_an_order_becomes_one_sale_however_often_it_is_sent(erp: Erp, session: Session) -> None:
    order = sale()

    first = await landed(session, order)
    again = await landed(session, order)

    assert first == again
    [seen] = [each for each in await reading(erp, Books.sales) if each.web_id == order.reference]
    assert (seen.state, seen.total) == ("processing", order.total)
    assert seen.lines == {"SKU-001": Decimal(2)}


async def test_cents_of_difference_go_to_a_rounding_line(erp: Erp, session: Session) -> None:
    order = sale(total="11.62")

    await landed(session, order)

    [seen] = [each for each in await reading(erp, Books.sales) if each.web_id == order.reference]
    assert (seen.total, seen.lines) == (Decimal("11.62"), {"SKU-001": Decimal(2), "ROUNDING": Decimal(1)})


async def test_more_than_cents_is_refused_and_leaves_nothing_behind(erp: Erp, session: Session) -> None:
    order = sale(total="15.00")

    outcome = await posted(session, order)

    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.path) == ("total_differs", "$.total")
    assert not [each for each in await reading(erp, Books.sales) if each.web_id == order.reference]
    corrected = msgspec.structs.replace(order, total=Decimal("11.65"))
    await landed(session, corrected)


async def test_prices_with_tax_and_charges_meet_the_channels_total(erp: Erp, session: Session) -> None:
    plain = sale()
    [line] = plain.lines
    freight = msgspec.structs.replace(
        line, line_id="2", sku="", charge="shipping", quantity=Decimal(1), unit_price=Decimal("4.99"), taxes=()
    )
    included = msgspec.structs.replace(line, unit_price=Decimal("5.825"))
    order = msgspec.structs.replace(plain, prices_include_tax=True, lines=(included, freight), total=Decimal("16.64"))

    await landed(session, order)

    [seen] = [each for each in await reading(erp, Books.sales) if each.web_id == order.reference]
    assert (seen.total, seen.tax) == (Decimal("16.64"), Decimal("0.89"))
    assert seen.lines["SHIPPING"] == 1


async def test_what_is_not_mapped_or_matched_is_named(session: Session) -> None:
    order = sale()
    [line] = order.lines
    strange = msgspec.structs.replace(line.taxes[0], code="luxury")

    with pytest.raises(LookupMissing, match='"tax" has no entry for "luxury"'):
        await posted(session, msgspec.structs.replace(order, lines=(msgspec.structs.replace(line, taxes=(strange,)),)))
    with pytest.raises(Unmatched, match='sku "SKU-999" is not matched'):
        await posted(session, msgspec.structs.replace(order, lines=(msgspec.structs.replace(line, sku="SKU-999"),)))


async def test_one_order_from_two_locations_is_one_sale_one_invoice_and_two_shipments(
    erp: Erp, session: Session
) -> None:
    order = sale(sku="SKU-003", quantity=2)
    before = await reading(erp, Books.stock)
    await landed(session, order)

    first = await landed(session, shipment(order, "DC1", goods(SKU_003=1)))
    second = await landed(session, shipment(order, "S01", goods(SKU_003=1)))
    billed = await landed(session, invoice(order))

    [seen] = [each for each in await reading(erp, Books.sales) if each.web_id == order.reference]
    assert (seen.state, seen.shipment_state) == ("processing", "sent")
    assert first.document_id != second.document_id
    after = await reading(erp, Books.stock)
    for location in ("DC1", "S01"):
        assert after["SKU-003", location] == before["SKU-003", location] - 1
    [bill] = [each for each in await reading(erp, Books.invoices) if order.reference in each.sales]
    assert (bill.state, bill.total, bill.number) == ("posted", order.total, billed.number)


async def test_a_shipment_brings_the_news_that_goods_have_left(session: Session) -> None:
    order = sale()
    await landed(session, order)
    parcel = shipment(order, "DC1", goods(SKU_001=2))

    outcome = await landed(session, parcel)

    [news] = outcome.news
    assert isinstance(news, ShipmentReported)
    assert (news.reference, news.document_id) == (parcel.reference, outcome.document_id)
    assert await landed(session, parcel) == outcome


@pytest.mark.parametrize("location", ["DC1", "S02"])
async def test_a_shipment_that_lacks_units_is_refused_and_claims_nothing(
    erp: Erp, session: Session, location: str
) -> None:
    order = sale(sku="SKU-005", quantity=150, price="0.01", total="1.62")
    await landed(session, order)
    small = sale(sku="SKU-005", quantity=2)
    await landed(session, small)

    outcome = await posted(session, shipment(order, location, goods(SKU_005=150)))

    assert isinstance(outcome, Refused)
    assert outcome.code == "short"
    assert "of SKU-005" in outcome.reason
    await landed(session, shipment(small, location, goods(SKU_005=2)))
    [seen] = [each for each in await reading(erp, Books.sales) if each.web_id == order.reference]
    assert seen.shipment_state == "none"


async def test_more_than_was_sold_is_not_shipped(session: Session) -> None:
    order = sale()
    await landed(session, order)
    await landed(session, shipment(order, "DC1", goods(SKU_001=1)))

    outcome = await posted(session, shipment(order, "DC1", goods(SKU_001=2)))

    assert isinstance(outcome, Refused)
    assert outcome.code == "not_sold"


async def test_an_invoice_over_another_total_is_not_posted(session: Session) -> None:
    order = sale()
    await landed(session, order)

    outcome = await posted(session, msgspec.structs.replace(invoice(order), total=Decimal("11.60")))

    assert isinstance(outcome, Refused)
    assert outcome.path == "$.total"


async def test_taxes_that_are_not_the_items_own_are_invoiced_as_charged(erp: Erp, session: Session) -> None:
    order = sale(sku="SKU-002")
    await landed(session, order)

    billed = await landed(session, invoice(order))

    [bill] = [each for each in await reading(erp, Books.invoices) if order.reference in each.sales]
    assert (bill.number, bill.tax) == (billed.number, Decimal("0.89"))


async def test_invoices_posted_side_by_side_all_land_once_each_is_sent_again(session: Session) -> None:
    orders = [sale() for _ in range(4)]
    for order in orders:
        await landed(session, order)
    waiting = [invoice(order) for order in orders]
    done: list[Landed] = []

    for _ in range(len(orders)):
        ends = await asyncio.gather(*(landed(session, each) for each in waiting), return_exceptions=True)
        done += [end for end in ends if isinstance(end, Landed)]
        waiting = [each for each, end in zip(waiting, ends, strict=True) if not isinstance(end, Landed)]
        assert all(isinstance(end, Landed | CallFailed) for end in ends), ends

    assert not waiting
    assert len({each.number for each in done}) == len(orders)
    assert send(invoice(orders[0])).serial, "the hub sends them one at a time"


async def test_a_store_day_is_one_issue_of_goods_and_one_balanced_journal(erp: Erp, session: Session) -> None:
    before = await reading(erp, Books.stock)
    day = issue("S01", goods(SKU_007=3, SKU_008=130, SKU_009=-2))
    entry = journal()

    out = await landed(session, day)
    assert await landed(session, day) == out
    ledger = await landed(session, entry)
    assert await landed(session, entry) == ledger

    after = await reading(erp, Books.stock)
    moved = {sku: after[sku, "S01"] - before[sku, "S01"] for sku in ("SKU-007", "SKU-008", "SKU-009")}
    assert moved == {"SKU-007": -3, "SKU-008": -130, "SKU-009": 2}
    parts = [each for each in await reading(erp, Books.shipments) if each.reference == day.reference]
    assert sorted((each.kind, each.state) for each in parts) == [("out", "done"), ("return", "done")]
    [booked] = [each for each in await reading(erp, Books.journals) if each.reference == entry.reference]
    sides = {line.account: line.debit - line.credit for line in booked.lines}
    assert sides == {
        "CASH": Decimal("10.00"),
        "CARD": Decimal("11.65"),
        "STORES": Decimal(-20),
        "TAX": Decimal("-1.65"),
    }
    assert booked.number == ledger.number


async def test_goods_of_a_picking_warehouse_are_issued_too(erp: Erp, session: Session) -> None:
    before = await reading(erp, Books.stock)

    await landed(session, issue("DC1", goods(SKU_010=5, SKU_011=-4)))

    after = await reading(erp, Books.stock)
    assert after["SKU-010", "DC1"] == before["SKU-010", "DC1"] - 5
    assert after["SKU-011", "DC1"] == before["SKU-011", "DC1"] + 4


async def test_a_transfer_moves_goods_even_beyond_what_the_erp_believes_is_there(erp: Erp, session: Session) -> None:
    before = await reading(erp, Books.stock)
    move = transfer("DC1", "S02", goods(SKU_012=7, SKU_013=120))

    outcome = await landed(session, move)

    assert await landed(session, move) == outcome
    after = await reading(erp, Books.stock)
    for sku, moved in (("SKU-012", 7), ("SKU-013", 120)):
        assert after.get((sku, "DC1"), Decimal(0)) == before[sku, "DC1"] - moved
        assert after[sku, "S02"] == before[sku, "S02"] + moved


async def test_a_count_sets_what_it_names_and_nothing_else(erp: Erp, session: Session) -> None:
    before = await reading(erp, Books.stock)
    counted = count("S02", goods(SKU_014=42, SKU_015=0))

    outcome = await landed(session, counted)

    assert await landed(session, counted) == outcome
    after = await reading(erp, Books.stock)
    assert after["SKU-014", "S02"] == 42
    assert ("SKU-015", "S02") not in after
    assert after["SKU-016", "S02"] == before["SKU-016", "S02"]


async def test_a_day_without_an_open_period_is_refused(session: Session) -> None:
    closed = msgspec.structs.replace(journal(), posting_date=journal().posting_date.replace(year=1999))

    outcome = await posted(session, closed)

    assert isinstance(outcome, Refused)
    assert outcome.path == "$.posting_date"


def with_wrapping(order: PostSale, *, goods: bool = True) -> PostSale:
    wrapping = SaleLine(line_id="2", sku="WRAP", quantity=Decimal(1), unit_price=Decimal("2.00"))
    lines = (*order.lines, wrapping) if goods else (wrapping,)
    total = order.total + 2 if goods else Decimal("2.00")
    return msgspec.structs.replace(order, lines=lines, total=total)


async def test_services_are_sold_and_invoiced_and_move_no_stock(erp: Erp, session: Session) -> None:
    order = with_wrapping(sale())
    await landed(session, order)
    wrapping = GoodsLine(sku="WRAP", quantity=Decimal(1), tracked=False)

    sent = await landed(session, shipment(order, "DC1", (*goods(SKU_001=2), wrapping)))
    billed = await landed(session, invoice(order))

    [shipped] = [each for each in await reading(erp, Books.shipments) if each.number == sent.number]
    assert (shipped.state, shipped.lines) == ("done", {"SKU-001": Decimal(2)})
    [bill] = [each for each in await reading(erp, Books.invoices) if each.number == billed.number]
    assert (bill.state, bill.total) == ("posted", Decimal("13.65"))


async def test_a_sale_of_services_alone_is_invoiced_without_a_shipment(erp: Erp, session: Session) -> None:
    order = with_wrapping(sale(), goods=False)

    await landed(session, order)
    billed = await landed(session, invoice(order))
    refused = await posted(session, shipment(order, "DC1", [GoodsLine(sku="WRAP", quantity=Decimal(1))]))

    [bill] = [each for each in await reading(erp, Books.invoices) if each.number == billed.number]
    assert bill.total == Decimal("2.00")
    assert isinstance(refused, Refused)
    assert refused.code == "no_goods"


async def test_a_store_day_moves_goods_and_no_services(erp: Erp, session: Session) -> None:
    before = await reading(erp, Books.stock)
    day = issue("S01", (*goods(SKU_003=2), GoodsLine(sku="WRAP", quantity=Decimal(5))))

    first = await landed(session, day)

    probe = send(day).probe
    assert probe is not None
    assert await probe(session, day) == first
    after = await reading(erp, Books.stock)
    assert before["SKU-003", "S01"] - after["SKU-003", "S01"] == 2
