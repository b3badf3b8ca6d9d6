"""Till events as newline-delimited JSON: one event a line, in the hub's own receipt document, and a trailer that counts.

Stores that have no POSLog send this. Amounts are text, so that nobody reads them as binary floats.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from crossdock.simulation.retailer.model import (
    Line,
    Receipt,
    ReceiptKey,
    ReceiptKind,
    TenderKind,
    TillEvent,
)

Plain = dict[str, object]

KIND: Final = {
    ReceiptKind.SALE: "sale",
    ReceiptKind.RETURN: "sale",
    ReceiptKind.POST_VOID: "void",
    ReceiptKind.CANCELLED: "cancelled",
    ReceiptKind.SUSPENDED: "cancelled",
    ReceiptKind.TRAINING: "training",
}
TENDER: Final = {TenderKind.CASH: "cash", TenderKind.CARD: "card", TenderKind.VOUCHER: "voucher"}


def ndjson(events: Sequence[TillEvent]) -> bytes:
    """Events of a store, one a line; the last line says how many there are."""
    lines = [msgspec.json.encode(_event(event)) for event in events]
    trailer = msgspec.json.encode({"document": "trailer", "count": len(events)})
    return b"\n".join([*lines, trailer, b""])


def _event(event: TillEvent) -> Plain:
    plain: Plain = {
        "document": "sale_recorded",
        **_key(event.key),
        "ended_at": event.at.isoformat(),
        "currency": event.currency,
        "operator": event.cashier,
    }
    if not isinstance(event, Receipt):
        return plain | {"kind": "control", "total": "0"}
    # Lines say the direction of the goods: what is returned or voided comes back.
    back = event.kind in (ReceiptKind.RETURN, ReceiptKind.POST_VOID)
    plain |= {
        "kind": KIND[event.kind],
        "total": str(-event.total if back else event.total),
        "prices_include_tax": True,
        "lines": [_line(event, line, back=back) for line in event.lines],
        "tenders": [{"tender": TENDER[tender.kind], "amount": str(tender.incoming)} for tender in event.tenders],
    }
    if event.kind is ReceiptKind.POST_VOID and event.original is not None:
        plain["voids"] = _key(event.original)
    return plain


def _line(receipt: Receipt, line: Line, *, back: bool) -> Plain:
    off = sum((discount.amount for discount in line.discounts), Decimal(0))
    plain: Plain = {
        "number": line.number,
        "sku": line.sku,
        "name": line.name,
        "quantity": str(line.quantity),
        "amount": str(line.amount),
        "discount": str(off),
        "kind": "return" if back else "sale",
        "voided": line.voided,
        "taxes": [{"code": line.tax_code, "amount": str(line.tax), "rate": str(line.tax_percent)}],
    }
    if receipt.kind is ReceiptKind.RETURN and receipt.original is not None:
        plain["original"] = _key(receipt.original)
    return plain


def _key(key: ReceiptKey) -> Plain:
    return {
        "store": key.store,
        "till": key.till,
        "business_day": key.business_day.isoformat(),
        "sequence": key.sequence,
    }
