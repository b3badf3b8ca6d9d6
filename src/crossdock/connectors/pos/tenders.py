"""Money that changed hands at a till, from POSLog."""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from crossdock.canonical.receipts import ReceiptTender
from crossdock.connectors.pos.lines import is_struck
from crossdock.connectors.pos.money import NOTHING
from crossdock.connectors.pos.node import Node

KINDS: Final[Mapping[str, str]] = {
    "Cash": "cash",
    "CreditDebit": "card",
    "Check": "check",
    "GiftCard": "gift_card",
    "GiftCertificate": "gift_card",
    "StoredValue": "gift_card",
    "Voucher": "voucher",
    "Coupon": "voucher",
    "ManufacturerCoupon": "voucher",
}
OUTGOING: Final = frozenset({"Refund", "Change"})
BEFORE_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def read_tenders(items: Sequence[Node], names: Mapping[str, str]) -> tuple[ReceiptTender, ...]:
    """Every tender with its sign as the drawer sees it; change and cashback are cash that goes out."""
    return tuple(
        tender
        for item in items
        if not is_struck(item)
        for node in item.each("Tender")
        for tender in _tenders(node, names)
        if tender.amount
    )


def _tenders(node: Node, names: Mapping[str, str]) -> Iterator[ReceiptTender]:
    amount = node.number_of("Amount")
    if node.attribute("TypeCode") in OUTGOING:
        amount = -abs(amount)
    authorization = node.one_or_none("Authorization")
    yield ReceiptTender(
        tender=_kind(node, names, default="Other"),
        amount=amount,
        reference=authorization.text_of("ReferenceNumber") if authorization else "",
    )
    for change in node.each("TenderChange"):
        yield ReceiptTender(tender=_kind(change, names, default="Cash"), amount=-abs(change.number_of("Amount")))
    cashback = node.number_or_none("Cashback")
    if cashback:
        yield ReceiptTender(tender=_named("Cash", names), amount=-abs(cashback))


def _kind(node: Node, names: Mapping[str, str], *, default: str) -> str:
    """By the estate's `tenders` table under `Type/id`, `Type`; else the standard's types in our words."""
    kind = node.attribute("TenderType").rpartition(":")[2] or default
    numbered = f"{kind}/{node.text_of('TenderID')}"
    return names[numbered] if numbered in names else _named(kind, names)


def _named(kind: str, names: Mapping[str, str]) -> str:
    return names.get(kind) or KINDS.get(kind) or BEFORE_CAPITAL.sub("_", kind).lower()[:64]


def read_rounding(items: Sequence[Node]) -> Decimal:
    """Cash rounding, on lines of its own."""
    rounding = NOTHING
    for item in items:
        if not is_struck(item):
            for node in item.each("Rounding"):
                rounding += node.number_of("Amount") if node.one_or_none("Amount") else node.number
    return rounding
