"""The one invoice of a sale: over what was kept of the order, once nothing more of it will be shipped.

Tried on 8.0: a sale whose invoice is made by hand gets it by `manual_invoice`, over everything that was sold. Its lines can be
changed while it is a draft; taxes follow. What it leaves out stays "to invoice" on the sale until the sale is cancelled for the
rest. Sales of an earlier release have a draft from the beginning; it is used the same way.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from crossdock.canonical.intents import IntentDocument, PostInvoice, SaleLine
from crossdock.connector_kit.model import Absent, Found, Landed, Outcome, Refused
from crossdock.connector_kit.record import Record
from crossdock.connector_kit.session import Session
from crossdock.connectors.tryton import codes
from crossdock.connectors.tryton.codes import document_id, of_kind
from crossdock.connectors.tryton.rpc import Tryton
from crossdock.connectors.tryton.sales import SALE, find_sale
from crossdock.connectors.tryton.wire import Json, day, decimal, money_of, quantity

INVOICE: Final = "account.invoice"
_FIELDS: Final = ("state", "number", "total_amount", "_timestamp")
_CENT: Final = Decimal("0.01")
_OTHER_TAXES: Final = ".invoice_taxes"
"""Tryton asks when taxes are not the item's own: what the channel has charged, and the estate has mapped, is a fact."""
_POSTED: Final = frozenset({"posted", "paid"})


async def post_invoices(session: Session, documents: Sequence[IntentDocument]) -> Sequence[Outcome]:
    """Each becomes the one posted invoice of its sale.

    Numbers are drawn under a lock that Tryton does not wait for: side by side, all but one get 503. Hence `serial`.
    """
    return [await _post(session, of_kind(document, PostInvoice)) for document in documents]


async def probe_invoice(session: Session, document: IntentDocument) -> Found:
    """Posted or not."""
    tryton = Tryton(session)
    sale = await find_sale(tryton, of_kind(document, PostInvoice).sale_reference)
    invoice = await newest_invoice(tryton, sale) if sale is not None else None
    return _landed(invoice) if invoice is not None and invoice.text("state") in _POSTED else Absent()


async def newest_invoice(tryton: Tryton, sale: Record) -> Record | None:
    """The sale's invoice that counts."""
    domain: Sequence[Json] = [["sales", "=", sale.whole("id")], ["state", "!=", "cancelled"], ["type", "=", "out"]]
    return await tryton.first(INVOICE, domain, _FIELDS)


async def _post(session: Session, document: PostInvoice) -> Outcome:
    tryton = Tryton(session)
    sale = await find_sale(tryton, document.sale_reference)
    if sale is None:
        return Refused(reason="Tryton has no sale for this order", path="$.sale_reference", code="sale_missing")
    invoice = await newest_invoice(tryton, sale)
    if invoice is None and sale.text("invoice_method") == "manual":
        await tryton.press(SALE, "manual_invoice", sale.whole("id"))
        invoice = await newest_invoice(tryton, sale)
    if invoice is None:
        return Refused(reason="the sale has no invoice in Tryton", path="$.sale_reference", code="invoice_missing")
    if invoice.text("state") in _POSTED:
        return _landed(invoice)
    record = invoice.whole("id")
    kept = await _keep(tryton, sale, invoice, document)
    if isinstance(kept, Refused):
        return kept
    off = await _rounded(session, tryton, record, document)
    if off is not None:
        return off
    await tryton.press(INVOICE, "post", record, accept=_OTHER_TAXES)
    return _landed((await tryton.read(INVOICE, [record], _FIELDS))[0])


async def _keep(tryton: Tryton, sale: Record, invoice: Record, document: PostInvoice) -> Refused | None:
    """Date and reference, and every line with what was kept of it, in one write that a colleague's change stops."""
    record = invoice.whole("id")
    lines = await tryton.rows("account.invoice.line", [["invoice", "=", record]], ["origin", "quantity"])
    by_origin = {line.text_or_empty("origin"): line for line in lines}
    sold = await tryton.rows("sale.line", [["sale", "=", sale.whole("id")]], ["quantity"])
    if len(sold) < len(document.lines):
        reason = f"the sale in Tryton has {len(sold)} lines, the order {len(document.lines)}: somebody has changed it"
        return Refused(reason=reason, path="$.lines", code="lines_differ")
    changes: list[Json] = []
    for ours, theirs in zip(document.lines, sold, strict=False):
        line = by_origin.get(f"sale.line,{theirs.whole('id')}")
        if line is None or line.number("quantity") == ours.quantity:
            continue
        if invoice.text("state") != "draft":
            reason = "the invoice was validated in Tryton over other quantities: set it back to draft there"
            return Refused(reason=reason, path="$.lines", code="validated")
        changes.append(_change(line, ours))
    values: Mapping[str, Json] = {
        "invoice_date": day(document.invoice_date), "reference": document.reference,
        **({"lines": changes} if changes else {}),
    }  # fmt: skip
    await tryton.write(INVOICE, record, values, unless_changed_since=invoice)
    return None


def _change(line: Record, ours: SaleLine) -> Json:
    if not ours.quantity:
        return ["delete", [line.whole("id")]]
    return ["write", [line.whole("id")], {"quantity": quantity(ours.quantity)}]


async def _rounded(session: Session, tryton: Tryton, record: int, document: PostInvoice) -> Refused | None:
    """The document's own total: what is a few cents off goes to a line with the rounding item."""
    invoice = (await tryton.read(INVOICE, [record], _FIELDS))[0]
    difference = document.total - money_of(invoice, "total_amount")
    if abs(difference) < _CENT:
        return None
    largest = Decimal(session.settings["rounding_max"]) if document.lines else Decimal(0)
    if abs(difference) > largest or invoice.text("state") != "draft":
        total = money_of(invoice, "total_amount")
        reason = f"the invoice in Tryton is over {total}, what was kept of the order over {document.total}"
        return Refused(reason=reason, path="$.total", code="total_differs")
    code = session.settings["rounding_item"]
    item = (await codes.services(tryton, [code]))[code]
    domain: Sequence[Json] = [["invoice", "=", record], ["product", "=", item.id]]
    there = await tryton.first("account.invoice.line", domain, ["unit_price", "quantity"])
    if there is None:
        line: Json = ["create", [{
            "type": "line", "product": item.id, "unit": item.unit, "quantity": 1, "description": "Rounding",
            "unit_price": decimal(difference), "account": await _account(tryton, item.id, record),
        }]]  # fmt: skip
    else:
        price = money_of(there, "unit_price") + difference / there.number("quantity")
        line = ["write", [there.whole("id")], {"unit_price": decimal(price)}]
    await tryton.write(INVOICE, record, {"lines": [line]}, unless_changed_since=invoice)
    return None


async def _account(tryton: Tryton, item: int, invoice: int) -> int:
    """The item's own revenue account; where its category has it from elsewhere, the one of the invoice's goods."""
    row = (await tryton.read("product.product", [item], ["account_category.account_revenue"]))[0]
    category = row.one_or_none("account_category.")
    if category is not None and category.has("account_revenue"):
        return category.whole("account_revenue")
    lines = await tryton.rows("account.invoice.line", [["invoice", "=", invoice]], ["account"], limit=1)
    return lines[0].whole("account")


def _landed(invoice: Record) -> Landed:
    return Landed(document_id=document_id(INVOICE, invoice.whole("id")), number=invoice.text_or_empty("number"))
