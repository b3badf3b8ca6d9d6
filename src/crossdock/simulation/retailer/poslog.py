"""Till events as POSLog XML, in the two dialects that stores are found to speak.

Dialect 2 (`RetailStoreID` on the transaction, local time without a zone): a line's `ExtendedAmount` is before its
`ExtendedDiscountAmount`, change is a tender line of its own, goods that come back bear positive amounts.
Dialect 6 (`BusinessUnit/UnitID`, `TransactionID`, time with offset): `ExtendedAmount` is what was paid, each discount is a
`RetailPriceModifier`, change hangs below the tender, a transaction has an id.
Both give the tax of each line and the same tax again in a summary.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from lxml import etree

from crossdock.simulation.retailer.model import (
    Control,
    Line,
    Receipt,
    ReceiptKey,
    ReceiptKind,
    Tender,
    TenderKind,
    TenderPurpose,
    TillEvent,
)

NAMESPACE: Final = "http://www.nrf-arts.org/IXRetail/namespace/"
TENDER_TYPE: Final = {
    TenderKind.CASH: "Cash",
    TenderKind.CARD: "CreditDebit",
    TenderKind.VOUCHER: "ManufacturerCoupon",
}
STATUS: Final = {
    ReceiptKind.SALE: "Finished",
    ReceiptKind.RETURN: "Finished",
    ReceiptKind.POST_VOID: "PostVoided",
    ReceiptKind.CANCELLED: "Voided",
    ReceiptKind.SUSPENDED: "Suspended",
    ReceiptKind.TRAINING: "Finished",
}
TYPE_CODE: Final = {
    ReceiptKind.SALE: "SaleTransaction",
    ReceiptKind.RETURN: "ReturnTransaction",
    ReceiptKind.POST_VOID: "PostVoidTransaction",
    ReceiptKind.CANCELLED: "SaleTransaction",
    ReceiptKind.SUSPENDED: "SaleTransaction",
    ReceiptKind.TRAINING: "SaleTransaction",
}

Element = etree._Element  # noqa: SLF001 (lxml has no public name for the type)


def poslog_2(events: Sequence[TillEvent]) -> bytes:
    """Events of a store in the older dialect."""
    root = _root({})
    for event in events:
        _transaction_2(root, event)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def poslog_6(events: Sequence[TillEvent]) -> bytes:
    """Events of a store in the newer dialect."""
    root = _root({"MajorVersion": "6", "MinorVersion": "0", "FixVersion": "1"})
    for event in events:
        _transaction_6(root, event)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def _transaction_2(root: Element, event: TillEvent) -> None:
    local = event.at.astimezone(ZoneInfo(event.zone)).replace(tzinfo=None).isoformat()
    top = _put(root, "Transaction", **_flags(event))
    _key(top, event.key)
    _put(top, "EndDateTime", local)
    _put(top, "OperatorID", event.cashier)
    _put(top, "CurrencyCode", event.currency)
    if isinstance(event, Control):
        _put(_put(top, "ControlTransaction", Version="2.1"), "ReasonCode", event.reason)
        return
    retail = _put(top, "RetailTransaction", Version="2.1", TransactionStatus=STATUS[event.kind])
    _put(retail, "ReceiptDateTime", local)
    _link(retail, event, whole=True)
    for line in event.lines:
        item = _put(retail, "LineItem", EntryMethod="Scanned", **({"VoidFlag": "true"} if line.voided else {}))
        _put(item, "SequenceNumber", str(line.number))
        _goods_2(item, event, line)
    summed = _tax_summary(retail, event, len(event.lines), number_first=True)
    for place, tender in enumerate(event.tenders, summed + 1):
        item = _put(retail, "LineItem")
        _put(item, "SequenceNumber", str(place))
        paid = _put(item, "Tender", TenderType=TENDER_TYPE[tender.kind], TypeCode=tender.purpose.value.capitalize())
        _put(paid, "Amount", str(tender.amount))
    _put(retail, "Total", str(event.total), TotalType="TransactionGrandAmount")
    _put(retail, "Total", str(event.tax), TotalType="TransactionTaxAmount")


def _goods_2(item: Element, receipt: Receipt, line: Line) -> None:
    back = receipt.kind is ReceiptKind.RETURN
    goods = _put(item, "Return" if back else "Sale", ItemType="Stock")
    _put(_put(goods, "POSIdentity", POSIDType="GTIN"), "POSItemID", line.barcode)
    _put(goods, "ItemID", line.sku)
    _put(goods, "MerchandiseHierarchy", line.department, Level="Department")
    _put(goods, "Description", line.name)
    _put(goods, "RegularSalesUnitPrice", str(line.unit_price))
    off = sum((discount.amount for discount in line.discounts), Decimal("0.00"))
    _put(goods, "ExtendedAmount", str(line.amount + off))
    _put(goods, "ExtendedDiscountAmount", str(off))
    _put(goods, "Quantity", str(line.quantity))
    _put(goods, "TaxIncludedInPriceFlag", "true")
    _tax(goods, line.tax_code, line.tax_percent, line.amount - line.tax, line.tax)
    if back:
        _link(goods, receipt, whole=False)


def _transaction_6(root: Element, event: TillEvent) -> None:
    local = event.at.astimezone(ZoneInfo(event.zone)).isoformat()
    code = "ControlTransaction" if isinstance(event, Control) else TYPE_CODE[event.kind]
    top = _put(root, "Transaction", MajorVersion="6", MinorVersion="0", TypeCode=code, **_flags(event))
    _put(_put(top, "BusinessUnit"), "UnitID", event.key.store, TypeCode="RetailStore")
    _put(top, "WorkstationID", event.key.till, TypeCode="POS")
    _put(top, "SequenceNumber", str(event.key.sequence))
    _put(top, "TransactionID", transaction_id(event.key))
    _put(top, "OperatorID", event.cashier)
    _put(top, "CurrencyCode", event.currency)
    if isinstance(event, Control):
        _put(_put(top, "ControlTransaction"), "ReasonCode", event.reason)
    else:
        _retail_6(_put(top, "RetailTransaction", TransactionStatus=STATUS[event.kind]), event)
    _put(top, "BusinessDayDate", event.key.business_day.isoformat())
    _put(top, "EndDateTime", local)


def _retail_6(retail: Element, receipt: Receipt) -> None:
    _link(retail, receipt, whole=True)
    for line in receipt.lines:
        item = _put(retail, "LineItem", EntryMethod="Scanned", **({"VoidFlag": "true"} if line.voided else {}))
        _goods_6(item, receipt, line)
        _put(item, "SequenceNumber", str(line.number))
    place = len(receipt.lines)
    for tender, change in _with_change(receipt.tenders):
        place += 1
        item = _put(retail, "LineItem")
        paid = _put(item, "Tender", TenderType=TENDER_TYPE[tender.kind], TypeCode=tender.purpose.value.capitalize())
        _put(paid, "Amount", str(tender.amount), Currency=receipt.currency)
        if change is not None:
            _put(_put(paid, "TenderChange"), "Amount", str(change.amount), Currency=receipt.currency)
        _put(item, "SequenceNumber", str(place))
    _tax_summary(retail, receipt, place, number_first=False)
    _put(retail, "Total", str(receipt.total), CurrencyCode=receipt.currency, TotalType="TransactionGrandAmount")
    _put(retail, "Total", str(receipt.tax), CurrencyCode=receipt.currency, TotalType="TransactionTaxAmount")


def _goods_6(item: Element, receipt: Receipt, line: Line) -> None:
    back = receipt.kind is ReceiptKind.RETURN
    goods = _put(item, "Return" if back else "Sale")
    _put(_put(goods, "POSIdentity"), "POSItemID", line.barcode)
    _put(goods, "MerchandiseHierarchy", line.department, ID="Merchandise")
    _put(goods, "ItemID", line.sku)
    _put(goods, "Description", line.name)
    _put(goods, "RegularSalesUnitPrice", str(line.unit_price), Currency=receipt.currency)
    _put(goods, "ExtendedAmount", str(line.amount), Currency=receipt.currency)
    _put(goods, "Quantity", str(line.quantity), Units=str(line.quantity), UnitOfMeasureCode="EA")
    for place, discount in enumerate(line.discounts, 1):
        modifier = _put(goods, "RetailPriceModifier", MethodCode="Promotion")
        _put(modifier, "SequenceNumber", str(place))
        _put(modifier, "Amount", str(discount.amount), Action="Subtract", Currency=receipt.currency)
        _put(modifier, "ReasonCode", discount.reason)
    _put(goods, "TaxIncludedInPriceFlag", "true")
    _tax(goods, line.tax_code, line.tax_percent, line.amount - line.tax, line.tax)
    if back:
        _link(goods, receipt, whole=False)


def transaction_id(key: ReceiptKey) -> str:
    """The id that a till of the newer dialect gives a receipt."""
    return f"{key.store}-{key.till}-{key.business_day:%Y%m%d}-{key.sequence}"


def _flags(event: TillEvent) -> dict[str, str]:
    if isinstance(event, Control):
        return {}
    match event.kind:
        case ReceiptKind.TRAINING:
            return {"TrainingModeFlag": "true"}
        case ReceiptKind.CANCELLED:
            return {"CancelFlag": "true"}
        case _:
            return {}


def _with_change(tenders: Sequence[Tender]) -> list[tuple[Tender, Tender | None]]:
    """Each tender with the change that was given on it."""
    paired: list[tuple[Tender, Tender | None]] = []
    for tender in tenders:
        if tender.purpose is TenderPurpose.CHANGE and paired and paired[-1] == (paired[-1][0], None):
            paired[-1] = (paired[-1][0], tender)
        else:
            paired.append((tender, None))
    return paired


def _tax_summary(retail: Element, receipt: Receipt, place: int, *, number_first: bool) -> int:
    """One line per tax rate, over the lines that count; the place of the last line."""
    sums: dict[tuple[str, Decimal], tuple[Decimal, Decimal]] = {}
    for line in receipt.lines:
        if not line.voided:
            net, tax = sums.get((line.tax_code, line.tax_percent), (Decimal(0), Decimal(0)))
            sums[line.tax_code, line.tax_percent] = (net + line.amount - line.tax, tax + line.tax)
    for (code, percent), (net, tax) in sums.items():
        place += 1
        item = _put(retail, "LineItem")
        if number_first:
            _put(item, "SequenceNumber", str(place))
        _tax(item, code, percent, net, tax)
        if not number_first:
            _put(item, "SequenceNumber", str(place))
    return place


def _tax(parent: Element, code: str, percent: Decimal, net: Decimal, tax: Decimal) -> None:
    node = _put(parent, "Tax", TaxType="Sales")
    _put(node, "TaxableAmount", str(net), TaxIncludedInTaxableAmountFlag="false")
    _put(node, "Amount", str(tax))
    _put(node, "Percent", str(percent))
    _put(node, "TaxGroupID", code)


def _link(parent: Element, receipt: Receipt, *, whole: bool) -> None:
    """What is taken back: on the transaction when all of it is, on the line when goods come back."""
    if receipt.original is None or whole is not (receipt.kind is ReceiptKind.POST_VOID):
        return
    _key(_put(parent, "TransactionLink", ReasonCode="Void" if whole else "Return"), receipt.original)


def _key(parent: Element, key: ReceiptKey) -> None:
    _put(parent, "RetailStoreID", key.store)
    _put(parent, "WorkstationID", key.till)
    _put(parent, "SequenceNumber", str(key.sequence))
    _put(parent, "BusinessDayDate", key.business_day.isoformat())


def _root(attributes: dict[str, str]) -> Element:
    return etree.Element(_tag("POSLog"), attributes, {None: NAMESPACE})  # type: ignore[dict-item]  # the stubs forget the default namespace


def _put(parent: Element, name: str, text: str | None = None, /, **attributes: str) -> Element:
    node = etree.SubElement(parent, _tag(name), attributes)
    node.text = text
    return node


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
