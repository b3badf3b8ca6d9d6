"""Orders of which less is shipped than was sold: the invoice over what was kept, the shipment of what is left, the rest undone."""

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeVar

import msgspec
import pytest

from connectors.tryton.intents import cancellation, goods, invoice, kept, landed, posted, sale, send, shipment
from connectors.tryton.test_doubt import lost
from crossdock.canonical.base import Tax
from crossdock.canonical.intents import PostSale, SaleLine
from crossdock.canonical.stock import ShipmentReported
from crossdock.connector_kit.model import Absent, Landed, Refused
from crossdock.connector_kit.session import Session
from crossdock.simulation.erp import Books, Erp
from crossdock.simulation.erp.books import InvoiceSeen, SaleSeen

pytestmark = [pytest.mark.erp, pytest.mark.asyncio(loop_scope="session")]
Read = TypeVar("Read")
STANDARD = Decimal("0.0825")


async def reading(erp: Erp, read: Callable[[Books], Read]) -> Read:
    return await asyncio.to_thread(lambda: read(erp.books()))


async def sale_of(erp: Erp, order: PostSale) -> SaleSeen:
    [seen] = [each for each in await reading(erp, Books.sales) if each.web_id == order.reference]
    return seen


async def invoices_of(erp: Erp, order: PostSale) -> list[InvoiceSeen]:
    return [each for each in await reading(erp, Books.invoices) if order.reference in each.sales]


async def claimed(erp: Erp, *states: str) -> int:
    """Shipments that claim goods."""
    return sum(each.state in states for each in await reading(erp, Books.shipments))


def two_lines() -> PostSale:
    """2 x 5.38 and 4 x 2.50 and shipping of 4.99: 10.76 + 0.89 + 10.00 + 0.83 + 4.99."""
    plain = sale()
    [line] = plain.lines
    tea = SaleLine(
        line_id="2", sku="SKU-003", quantity=Decimal(4), unit_price=Decimal("2.50"),
        taxes=(Tax(code="standard", amount=Decimal("0.83")),), name="Tea",
    )  # fmt: skip
    freight = SaleLine(line_id="charge 1", charge="shipping", quantity=Decimal(1), unit_price=Decimal("4.99"))
    return msgspec.structs.replace(plain, lines=(line, tea, freight), total=Decimal("27.47"))


async def test_the_invoice_is_over_what_was_kept_and_the_rest_of_the_sale_is_closed(erp: Erp, session: Session) -> None:
    order = two_lines()
    await landed(session, order)
    await landed(session, shipment(order, "DC1", goods(SKU_001=2, SKU_003=1)))

    billed = await landed(session, kept(order, 2, 1, 1, total="19.36"))
    closed = await landed(session, cancellation(order))

    [bill] = [each for each in await invoices_of(erp, order) if each.state != "cancelled"]
    assert (bill.number, bill.state, bill.total) == (billed.number, "posted", Decimal("19.36"))
    seen = await sale_of(erp, order)
    assert (seen.number, seen.shipment_state, seen.invoice_state) == (closed.number, "sent", "awaiting payment")
    assert await claimed(erp, "assigned", "waiting", "draft") == 0


async def test_a_line_of_which_nothing_was_kept_is_not_invoiced(erp: Erp, session: Session) -> None:
    order = two_lines()
    await landed(session, order)
    await landed(session, shipment(order, "DC1", goods(SKU_001=2)))

    await landed(session, kept(order, 2, 0, 1, total="16.64"))

    [bill] = await invoices_of(erp, order)
    assert (bill.state, bill.total) == ("posted", Decimal("16.64"))


async def test_cents_between_our_shares_and_the_erps_taxes_go_to_a_rounding_line(erp: Erp, session: Session) -> None:
    order = two_lines()
    await landed(session, order)
    await landed(session, shipment(order, "DC1", goods(SKU_001=1, SKU_003=2)))

    document = kept(order, 1, 2, 1, total="16.22")
    await landed(session, document)
    again = await landed(session, document)

    [bill] = await invoices_of(erp, order)
    assert (bill.total, bill.number) == (Decimal("16.22"), again.number)


async def test_an_invoice_that_is_far_from_what_was_kept_is_refused_and_stays_a_draft(
    erp: Erp, session: Session
) -> None:
    order = two_lines()
    await landed(session, order)

    outcome = await posted(session, kept(order, 2, 1, 1, total="25.00"))

    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.path) == ("total_differs", "$.total")
    [bill] = await invoices_of(erp, order)
    assert bill.state == "draft"
    await landed(session, kept(order, 2, 1, 1, total="19.36"))


async def test_a_sale_of_an_earlier_release_has_its_draft_from_the_beginning_and_it_is_used(
    erp: Erp, session: Session
) -> None:
    order = two_lines()
    await lost(session, erp, "model.sale.sale.create", order)

    def by_order() -> None:
        desk = erp.desk()
        record = desk.one("sale.sale", [["web_id", "=", order.reference]])
        desk.call("model.sale.sale.write", [record], {"invoice_method": "order"})
        for button in ("quote", "confirm"):
            desk.call(f"model.sale.sale.{button}", [record])

    await asyncio.to_thread(by_order)
    await landed(session, order)
    assert [each.state for each in await invoices_of(erp, order)] == ["draft"]
    await landed(session, shipment(order, "DC1", goods(SKU_001=2, SKU_003=1)))

    await landed(session, kept(order, 2, 1, 1, total="19.36"))
    await landed(session, cancellation(order))

    assert sorted((each.state, each.total) for each in await invoices_of(erp, order) if each.state != "cancelled") == [
        ("posted", Decimal("19.36"))
    ]
    assert (await sale_of(erp, order)).invoice_state == "awaiting payment"


# --- the shipment of what is left ----------------------------------------------------------------------------------


@pytest.mark.parametrize("button", ["wait", "assign_try", "pick", "pack"])
async def test_what_was_begun_with_more_leaves_with_what_is_left(erp: Erp, session: Session, button: str) -> None:
    order = sale()
    await landed(session, order)
    whole = shipment(order, "DC1", goods(SKU_001=2))
    before = (await reading(erp, Books.stock))["SKU-001", "DC1"]
    await lost(session, erp, f"model.stock.shipment.out.{button}", whole)

    done = await landed(session, msgspec.structs.replace(whole, lines=goods(SKU_001=1)))

    [left] = [each for each in done.news if isinstance(each, ShipmentReported)]
    assert left.lines == goods(SKU_001=1)
    assert before - (await reading(erp, Books.stock))["SKU-001", "DC1"] == 1
    assert await claimed(erp, "assigned", "waiting", "draft", "picked", "packed") == 0
    assert (await sale_of(erp, order)).shipment_state == "partially shipped"


async def test_what_is_on_its_way_is_not_made_less(erp: Erp, session: Session) -> None:
    order = sale()
    await landed(session, order)
    whole = shipment(order, "DC1", goods(SKU_001=2))
    await lost(session, erp, "model.stock.shipment.out.ship", whole)

    outcome = await posted(session, msgspec.structs.replace(whole, lines=goods(SKU_001=1)))

    assert isinstance(outcome, Refused)
    assert outcome.code == "shipped_more"
    await landed(session, whole)


async def test_when_nothing_is_left_nothing_is_begun(session: Session) -> None:
    order = sale()
    await landed(session, order)

    outcome = await posted(session, shipment(order, "DC1", ()))

    assert isinstance(outcome, Refused)
    assert outcome.code == "nothing_left"


async def test_a_shipment_found_after_a_lost_answer_tells_what_has_really_left(erp: Erp, session: Session) -> None:
    """Lines were cancelled while it was on its way: the hub must hear of what left all the same."""
    order = sale()
    await landed(session, order)
    whole = shipment(order, "DC1", goods(SKU_001=2))
    await lost(session, erp, "model.stock.shipment.out.do", whole)
    probe = send(whole).probe
    assert probe is not None

    found = await probe(session, msgspec.structs.replace(whole, lines=goods(SKU_001=1)))

    assert isinstance(found, Landed)
    [left] = [each for each in found.news if isinstance(each, ShipmentReported)]
    assert left.lines == goods(SKU_001=2)


# --- cancelled whole -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("button", ["create", "quote", "confirm"])
async def test_a_sale_that_is_cancelled_is_closed_in_whatever_state_it_is(
    erp: Erp, session: Session, button: str
) -> None:
    order = two_lines()
    await lost(session, erp, f"model.sale.sale.{button}", order)

    await landed(session, cancellation(order))

    seen = await sale_of(erp, order)
    assert seen.state == ("done" if button == "confirm" else "cancelled")
    assert {each.state for each in await invoices_of(erp, order)} <= {"cancelled"}
    assert await claimed(erp, "assigned", "waiting", "draft") == 0


@pytest.mark.parametrize("button", ["create", "assign_try", "pick", "pack"])
async def test_a_shipment_that_was_begun_goes_with_its_sale_and_frees_its_goods(
    erp: Erp, session: Session, button: str
) -> None:
    order = sale()
    await landed(session, order)
    before = await reading(erp, Books.stock)
    await lost(session, erp, f"model.stock.shipment.out.{button}", shipment(order, "DC1", goods(SKU_001=2)))

    await landed(session, cancellation(order))

    assert (await sale_of(erp, order)).state == "done"
    assert await claimed(erp, "assigned", "waiting", "draft", "picked", "packed") == 0
    assert await reading(erp, Books.stock) == before


async def test_what_is_on_its_way_to_the_customer_is_not_cancelled(erp: Erp, session: Session) -> None:
    order = sale()
    await landed(session, order)
    leaving = shipment(order, "DC1", goods(SKU_001=2))
    await lost(session, erp, "model.stock.shipment.out.ship", leaving)

    outcome = await posted(session, cancellation(order))

    assert isinstance(outcome, Refused)
    assert outcome.code == "shipped"
    assert "on its way to the customer" in outcome.reason
    await landed(session, leaving)


async def test_a_posted_invoice_of_an_order_that_nothing_left_of_is_credited(erp: Erp, session: Session) -> None:
    order = two_lines()
    await landed(session, order)
    await landed(session, invoice(order))

    await landed(session, cancellation(order))

    assert [(each.state, each.total) for each in await invoices_of(erp, order)] == [("cancelled", Decimal("27.47"))]
    credited = [each for each in await reading(erp, Books.invoices) if each.total == Decimal("-27.47")]
    assert [each.state for each in credited] == ["paid"]
    assert (await sale_of(erp, order)).state == "done"


LOST: Mapping[str, str] = {
    "shipments made": "model.sale.sale.manual_shipment",
    "shipments cancelled": "model.stock.shipment.out.cancel",
    "invoice made": "model.sale.sale.manual_invoice",
    "invoice cancelled": "model.account.invoice.cancel",
    "moves ignored": "wizard.sale.handle.shipment.exception.execute",
    "invoices ignored": "wizard.sale.handle.invoice.exception.execute",
}


@pytest.mark.parametrize("method", LOST.values(), ids=LOST.keys())
async def test_a_cancellation_whose_answer_is_lost_is_carried_on_and_done_once(
    erp: Erp, session: Session, method: str
) -> None:
    order = two_lines()
    await landed(session, order)
    document = cancellation(order)

    _, dropper = await lost(session, erp, method, document)

    assert dropper.dropped
    probe = send(document).probe
    assert probe is not None
    found = await probe(session, document)
    final = found if isinstance(found, Landed) else await landed(session, document)
    assert await landed(session, document) == final
    assert (await sale_of(erp, order)).state == "done"
    assert [each.state for each in await invoices_of(erp, order)] == ["cancelled"]


async def test_a_sale_that_never_arrived_needs_no_undoing_and_a_probe_sees_what_is_not_done(session: Session) -> None:
    order = sale()
    nothing = cancellation(order)
    probe = send(nothing).probe
    assert probe is not None

    assert await probe(session, nothing) == Absent()
    done = await posted(session, nothing)
    await landed(session, order)
    assert await probe(session, nothing) == Absent()

    assert done == Landed(document_id=f"none/{nothing.sale_reference}")
