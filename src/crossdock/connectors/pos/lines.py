"""Goods, rewards and taxes of a POSLog receipt, as the till wrote them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from crossdock.canonical.base import Tax
from crossdock.canonical.receipts import LineKind, ReceiptRef
from crossdock.connector_kit.record import Undecodable
from crossdock.connectors.pos.money import NOTHING, Goods, Reduction
from crossdock.connectors.pos.node import NCR, TEXT_MAX, Node

GOODS: Final[Mapping[str, LineKind]] = {
    "Sale": LineKind.SALE,
    "SaleForDelivery": LineKind.SALE,
    "SaleForPickup": LineKind.SALE,
    "Return": LineKind.RETURN,
}
OTHER_MONEY: Final = frozenset({"Tender", "Tax", "LoyaltyReward", "Discount", "Rounding"})
LINES_MAX: Final = 5_000
CENT: Final = Decimal("0.01")


def refuse_unknown_lines(retail: Node, items: Sequence[Node]) -> None:
    """Money on a line of a kind that is not understood must not vanish: the receipt goes to a person."""
    if len(items) > LINES_MAX:
        raise Undecodable(f"{retail.path}/LineItem", f"more than {LINES_MAX} lines")
    for item in items:
        for name in item.children():
            if name in GOODS or name in OTHER_MONEY or is_struck(item):
                continue
            child = item.one(name)
            if child.number_or_none("Amount") or child.number_or_none("ExtendedAmount"):
                raise Undecodable(child.path, "money on a line of a kind that is not understood")


def is_struck(item: Node) -> bool:
    """Voided or given up before payment."""
    return item.flag("VoidFlag") or item.flag("CancelFlag")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How the connection reads its tills: its settings, its names for taxes, and who *link* points at."""

    settings: Mapping[str, str]
    taxes: Mapping[str, str]
    link: Callable[[Node], ReceiptRef]


def read_goods(items: Sequence[Node], words: Words, linked: ReceiptRef | None) -> tuple[Goods, ...]:
    """The lines of goods, in their order. Returns without a link of their own take back *linked*."""
    goods: list[Goods] = []
    for place, item in enumerate(items, 1):
        name = next((name for name in item.children() if name in GOODS), None)
        if name is not None:
            number = item.whole("SequenceNumber") if item.text_of("SequenceNumber") else place
            goods.append(_goods(item.one(name), item, GOODS[name], words, linked=linked, number=number))
    return tuple(goods)


def _goods(node: Node, item: Node, kind: LineKind, words: Words, *, linked: ReceiptRef | None, number: int) -> Goods:
    extended = node.number_of("ExtendedAmount")
    quantity, unit = _quantity(node, item, extended, words.settings)
    if quantity == 0:
        raise Undecodable(f"{node.path}/Quantity", "wanted a quantity above 0, got 0")
    if quantity < 0 and kind is LineKind.SALE:
        # Some tills write a return as a sale of less than nothing; a return's signs vary and mean nothing.
        kind = LineKind.RETURN
    turned = kind is LineKind.RETURN
    pointed = node.one_or_none("TransactionLink")
    original = words.link(pointed) if pointed else linked
    reference = item.extension(NCR, "OperatorSequence") or node.extension(NCR, "OperatorSequence")
    return Goods(
        number=number,
        kind=kind,
        sku=_sku(node, words.settings),
        name=next((each.text[:TEXT_MAX] for each in node.each("Description")), ""),
        quantity=abs(quantity),
        unit=unit,
        extended=abs(extended) if turned else extended,
        discount=_magnitude(node.number_or_none("ExtendedDiscountAmount")),
        modifiers=_modifiers(node),
        taxes=tuple(_tax(each, words.taxes, turned=turned) for each in node.each("Tax")),
        voided=is_struck(item),
        original=original if turned else None,
        reason=node.text_of("Reason") or node.text_of("Disposition"),
        reference=reference.text if reference else "",
    )


def _sku(node: Node, settings: Mapping[str, str]) -> str:
    """The item's number by the connection's setting; where that one is missing, the other one."""
    identity = node.one_or_none("POSIdentity")
    scanned = identity.code_or_none("POSItemID") if identity else None
    item_id = node.code_or_none("ItemID")
    found = (scanned or item_id) if settings.get("item_id") == "POSItemID" else (item_id or scanned)
    if found is None:
        raise Undecodable(f"{node.path}/ItemID", "wanted text, got nothing")
    return found


def _quantity(node: Node, item: Node, extended: Decimal, settings: Mapping[str, str]) -> tuple[Decimal, str]:
    """How many, of what. A weighed item may give pieces and weight: the one that the price counts by is meant."""
    stated = node.each("Quantity")
    if not stated:
        raise Undecodable(f"{node.path}/Quantity", "wanted a number, got nothing")
    price = node.number_or_none("ActualSalesUnitPrice") or node.number_or_none("RegularSalesUnitPrice")
    read = [(each.number, each.attribute("UnitOfMeasureCode")) for each in stated]
    priced = [each for each in read if price is not None and abs(abs(each[0] * price) - abs(extended)) < CENT]
    quantity, unit = (priced or read)[0]
    if not unit and item.element.get(f"{{{NCR}}}weightItem") == "true":
        unit = settings.get("weight_unit") or "kg"
    return quantity, "each" if unit.upper() in {"", "EA"} else unit.lower()[:64]


def _modifiers(node: Node) -> Decimal:
    """What price modifiers take off; one that adds counts against it, one that replaces the price says nothing here."""
    off = NOTHING
    for modifier in node.each("RetailPriceModifier"):
        if modifier.flag("VoidFlag"):
            continue
        amount = modifier.one_or_none("Amount")
        if amount is None or not amount.text:
            continue
        action = amount.attribute("Action")
        off += {"Add": -amount.number, "Replace": NOTHING}.get(action, abs(amount.number))
    return off


def _magnitude(amount: Decimal | None) -> Decimal:
    return NOTHING if amount is None else abs(amount)


def _tax(node: Node, names: Mapping[str, str], *, turned: bool = False) -> Tax:
    """Known by its rule, else its group, else its rate: the estate's `taxes` table says what that is with us."""
    amount = node.number_of("Amount")
    rate = node.number_or_none("Percent")
    theirs = node.code_or_none("TaxRuleID") or node.code_or_none("TaxGroupID")
    code = theirs or (f"{rate.normalize():f}" if rate is not None else node.code_or_none("TaxAuthority") or "tax")
    return Tax(code=names.get(code, code), amount=abs(amount) if turned else amount, rate=rate)


def read_summary(retail: Node, items: Sequence[Node], words: Words) -> tuple[tuple[Tax, ...], bool]:
    """The tax summary (which repeats the tax of the lines: never both), and whether prices include tax.

    What the till says about its prices goes before the connection's setting.
    """
    counted = [item for item in items if not is_struck(item)]
    summed = [tax for item in counted for tax in item.each("Tax")]
    goods = [item.one(name) for item in counted for name in item.children() if name in GOODS]
    taxes = [tax for each in goods for tax in each.each("Tax")] or summed
    included = _says_included(retail, goods, taxes)
    if included is None:
        included = words.settings.get("prices_include_tax", "yes") == "yes"
    summary = tuple(_tax(each, words.taxes) for each in summed)
    return summary or _tax_in_total(retail, words.taxes), included


def _tax_in_total(retail: Node, names: Mapping[str, str]) -> tuple[Tax, ...]:
    """The last resort of a till that tells its tax in one figure: code "tax", rate unknown."""
    stated = [total for total in retail.each("Total") if total.attribute("TotalType") == "TransactionTaxAmount"]
    return tuple(Tax(code=names.get("tax", "tax"), amount=total.number) for total in stated if total.number)


def _says_included(retail: Node, goods: Sequence[Node], taxes: Sequence[Node]) -> bool | None:
    if any(each.flag("TaxIncludedInPriceFlag") for each in goods):
        return True
    if any(t.attribute("TotalType").endswith("TransactionTaxIncluded") and t.number for t in retail.each("Total")):
        return True
    flags = {
        amount.attribute("TaxIncludedInTaxableAmountFlag").lower()
        for tax in taxes
        if (amount := tax.one_or_none("TaxableAmount"))
    }
    return True if "true" in flags else False if "false" in flags else None


def read_reductions(items: Sequence[Node]) -> tuple[Reduction, ...]:
    """Rewards and discounts on lines of their own.

    A reward in money may be listed in detail and once more in sum: the detail counts, the sum only without detail.
    """
    detailed: list[Reduction] = []
    summed: list[Reduction] = []
    for item in items:
        if is_struck(item):
            continue
        for reward in item.each("LoyaltyReward"):
            taken = _reward(reward)
            if taken is not None:
                (detailed if reward.element.get(f"{{{NCR}}}detailedData") == "true" else summed).append(taken)
        for discount in item.each("Discount"):
            amount = discount.number_or_none("Amount")
            if amount:
                detailed.append(Reduction(amount=abs(amount)))
    return tuple(detailed or summed)


def _reward(reward: Node) -> Reduction | None:
    category = reward.extension(NCR, "RewardCategory")
    amount = reward.extension(NCR, "ExtendedRewardAmount")
    if category is None or category.text != "Monetary" or amount is None or not amount.number:
        return None
    reference = reward.extension(NCR, "OperatorSequenceReference")
    pointed = reference.text if reference and reference.text != "0" else ""
    return Reduction(amount=-amount.number, reference=pointed)
