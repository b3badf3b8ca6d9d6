"""What is undone for an order of which nothing more will be shipped: the way that Tryton itself has for it.

Tried on 8.0. A sale that is not being processed yet is cancelled. One that is being processed cannot be: its shipments that
have not left and its draft invoices are cancelled, what no shipment and no invoice carries yet is put on ones that are cancelled
at once, and the sale is told to ignore them; it is done then, or waits for the payment of what was kept. A posted invoice of an
order that was cancelled whole is credited with refund. What has left, or was paid, is refused in exact words.

Every step looks first: repeated after an interruption, it goes on where it was.
"""

from collections.abc import Sequence
from typing import Final

from crossdock.canonical.intents import CancelSale, IntentDocument
from crossdock.connector_kit.model import Absent, Found, Landed, Outcome, Refused
from crossdock.connector_kit.record import Record
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.connectors.tryton.codes import document_id, of_kind
from crossdock.connectors.tryton.invoices import INVOICE
from crossdock.connectors.tryton.rpc import Tryton
from crossdock.connectors.tryton.sales import SALE, find_sale, unhandled_moves
from crossdock.connectors.tryton.shipments import SHIPMENT
from crossdock.connectors.tryton.wire import Json, day

_BEFORE: Final = {"confirmed": "draft", "quotation": "cancel", "draft": "cancel"}
"""Not being processed yet: the button that leads on towards `cancelled`."""
_CANCELLABLE: Final = ("draft", "waiting", "assigned", "picked", "packed")


async def cancel_sales(session: Session, documents: Sequence[IntentDocument]) -> Sequence[Outcome]:
    """Each sale is cancelled, or closed for what was not kept of it."""
    return [await _cancel(session, of_kind(document, CancelSale)) for document in documents]


async def probe_cancellation(session: Session, document: IntentDocument) -> Found:
    """Closed or not: one that is half closed counts as absent, `cancel_sales` goes on from there."""
    tryton = Tryton(session)
    sale = await find_sale(tryton, of_kind(document, CancelSale).sale_reference)
    if sale is None or not await _is_closed(tryton, sale.whole("id")):
        return Absent()
    return _landed(await _read(tryton, sale.whole("id")))


async def _cancel(session: Session, document: CancelSale) -> Outcome:
    tryton = Tryton(session)
    found = await find_sale(tryton, document.sale_reference)
    if found is None:
        return Landed(document_id=f"none/{document.sale_reference}")  # it never arrived: nothing is to be undone
    record, state = found.whole("id"), found.text("state")
    while state in _BEFORE:
        await tryton.press(SALE, _BEFORE[state], record)
        state = (await _read(tryton, record)).text("state")
    if state != "cancelled":
        refused = await _close(tryton, record, document)
        if refused is not None:
            return refused
    return _landed(await _read(tryton, record))


async def _close(tryton: Tryton, sale: int, document: CancelSale) -> Refused | None:
    shipped = await _cancel_shipments(tryton, sale)
    if isinstance(shipped, Refused):
        return shipped
    refused = await _cancel_invoices(tryton, sale, document, anything_left=shipped)
    if refused is not None:
        return refused
    for button, rest in (("manual_shipment", "to_ship"), ("manual_invoice", "to_invoice")):
        if (await _read(tryton, sale)).flag_or(rest, default=False):
            await tryton.press(SALE, button, sale)
            await _cancel_shipments(tryton, sale)
            await _cancel_drafts(tryton, sale)
    await _ignore(tryton, sale, "sale.handle.shipment.exception", "moves", await unhandled_moves(tryton, sale))
    await _ignore(tryton, sale, "sale.handle.invoice.exception", "invoices", await _cancelled_invoices(tryton, sale))
    if not await _is_closed(tryton, sale):
        now = await _read(tryton, sale)
        words = f"shipments {now.text('shipment_state')}, invoices {now.text('invoice_state')}"
        raise CallFailed(Verdict.REFUSED, f"Tryton does not let the sale be closed: {words}", code="stuck")
    return None


async def _cancel_shipments(tryton: Tryton, sale: int) -> bool | Refused:
    """Those that have not left; whether any has."""
    domain: Sequence[Json] = [["moves.origin.sale", "=", sale, "sale.line"], ["state", "!=", "cancelled"]]
    left = False
    for shipment in await tryton.rows(SHIPMENT, domain, ["state", "number"]):
        if shipment.text("state") == "shipped":
            reason = (
                f"shipment {shipment.text_or_empty('number')} is on its way to the customer: stop it, or take it back"
            )
            return Refused(reason=reason, path="$.sale_reference", code="shipped")
        if shipment.text("state") in _CANCELLABLE:
            await tryton.press(SHIPMENT, "cancel", shipment.whole("id"))
        left = left or shipment.text("state") == "done"
    return left


async def _cancel_invoices(tryton: Tryton, sale: int, document: CancelSale, *, anything_left: bool) -> Refused | None:
    """Drafts go. What was posted is owed for what has left; when nothing has, it is credited."""
    await _cancel_drafts(tryton, sale)
    if anything_left:
        return None
    for invoice in await tryton.rows(INVOICE, [["sales", "=", sale], ["type", "=", "out"]], ["state", "number"]):
        number = invoice.text_or_empty("number")
        if invoice.text("state") == "paid":
            reason = f"invoice {number} is paid: credit it and give the money back"
            return Refused(reason=reason, path="$.sale_reference", code="paid")
        if invoice.text("state") == "posted":
            start: Json = {"with_refund": True, "with_refund_allowed": True, "invoice_date": day(document.cancelled_on)}
            await tryton.wizard("account.invoice.credit", INVOICE, invoice.whole("id"), "credit", {"start": start})
    return None


async def _cancel_drafts(tryton: Tryton, sale: int) -> None:
    domain: Sequence[Json] = [["sales", "=", sale], ["type", "=", "out"], ["state", "in", ["draft", "validated"]]]
    for invoice in await tryton.rows(INVOICE, domain, ["state"]):
        await tryton.press(INVOICE, "cancel", invoice.whole("id"))


async def _ignore(tryton: Tryton, sale: int, wizard: str, what: str, ids: Sequence[int]) -> None:
    """The sale need not wait for these any more."""
    if ids:
        ask: Json = {f"domain_{what}": list(ids), f"recreate_{what}": [], f"ignore_{what}": list(ids)}
        await tryton.wizard(wizard, SALE, sale, "handle", {"ask": ask})


async def _cancelled_invoices(tryton: Tryton, sale: int) -> list[int]:
    """Without those that a credit note has settled."""
    domain: Sequence[Json] = [["sales", "=", sale], ["state", "=", "cancelled"], ["cancel_move", "=", None]]
    invoices = {row.whole("id") for row in await tryton.rows(INVOICE, domain, ["id"])}
    head = (await tryton.read(SALE, [sale], ["invoices_ignored", "invoices_recreated"]))[0]
    return sorted(invoices - {*head.wholes("invoices_ignored"), *head.wholes("invoices_recreated")})


async def _is_closed(tryton: Tryton, sale: int) -> bool:
    now = await _read(tryton, sale)
    if now.text("state") in {"cancelled", "done"}:
        return True
    waits = now.flag_or("to_ship", default=False) or now.flag_or("to_invoice", default=False)
    return not waits and "exception" not in {now.text("shipment_state"), now.text("invoice_state")}


async def _read(tryton: Tryton, sale: int) -> Record:
    fields = ["state", "number", "to_ship", "to_invoice", "shipment_state", "invoice_state"]
    return (await tryton.read(SALE, [sale], fields))[0]


def _landed(sale: Record) -> Landed:
    return Landed(document_id=document_id(SALE, sale.whole("id")), number=sale.text_or_empty("number"))
