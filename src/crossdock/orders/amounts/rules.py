"""What cannot be right about an order's money and quantities, told by the order itself. Pure."""

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Final

from crossdock.canonical.base import Sku
from crossdock.canonical.money import money, rounded
from crossdock.canonical.orders import PaymentStatus
from crossdock.orders.model import ZERO, Finding, HoldCode, Order

NOT_PAYING: Final = frozenset({PaymentStatus.VOIDED, PaymentStatus.REFUNDED})


def computed_total(order: Order) -> Decimal:
    """The lines' and charges' own sum."""
    goods = sum((line.ordered * line.unit_price - line.discount for line in order.lines), ZERO)
    charges = sum((charge.amount - charge.discount for charge in order.header.charges), ZERO)
    if order.header.prices_include_tax:
        return goods + charges
    taxes = sum((tax.amount for line in order.lines for tax in line.taxes), ZERO)
    return goods + charges + taxes + sum((charge.tax for charge in order.header.charges), ZERO)


def total(order: Order, tolerance: Decimal) -> Finding | None:
    """It can be paid, and it is what the lines come to: a difference within *tolerance* is booked as rounding."""
    said, currency = order.header.total, order.header.currency
    if said != rounded(said, currency):
        reason = f"nobody can pay {money(said, currency)}: that is finer than the currency's smallest unit"
        return Finding(HoldCode.TOTAL_MISMATCH, reason, "$.total")
    computed = computed_total(order)
    if abs(said - computed) <= tolerance:
        return None
    reason = f"the channel says {money(said, currency)}, its lines say {money(computed, currency)}"
    return Finding(HoldCode.TOTAL_MISMATCH, reason, "$.total")


def payments(order: Order, tolerance: Decimal) -> Finding | None:
    """Of an order that is called paid: its payments come to its total. Without any, nobody has said how it was paid.

    Their own status is as old as the order's first message, so all count but those that were taken back.
    """
    header = order.header
    told = [payment.amount for payment in header.payments if payment.status not in NOT_PAYING]
    paid = sum(told, ZERO)
    if header.payment_status is not PaymentStatus.PAID or not header.payments or abs(paid - header.total) <= tolerance:
        return None
    reason = f"called paid with a total of {money(header.total, header.currency)}, its payments come to {money(paid, header.currency)}"
    return Finding(HoldCode.PAYMENT_MISMATCH, reason, "$.payments")


def amounts(order: Order) -> Finding | None:
    """No line and no charge takes more off than it costs, or bears a tax that is larger than its price."""
    currency = order.header.currency
    for place, price, discount, tax in _parts(order):
        if price >= 0 and discount > price:
            reason = f"{money(discount, currency)} are taken off a price of {money(price, currency)}"
            return Finding(HoldCode.AMOUNTS, reason, f"{place}.discount")
        if price >= 0 and tax > price - discount:
            reason = f"a tax of {money(tax, currency)} on a price of {money(price - discount, currency)}"
            return Finding(HoldCode.AMOUNTS, reason, f"{place}.taxes")
    return None


def _parts(order: Order) -> Iterable[tuple[str, Decimal, Decimal, Decimal]]:
    """Place, price, what is taken off, tax."""
    for line in order.lines:
        tax = sum((each.amount for each in line.taxes), ZERO)
        yield f"$.lines[{line.position}]", line.ordered * line.unit_price, line.discount, tax
    for place, charge in enumerate(order.header.charges):
        yield f"$.charges[{place}]", charge.amount, charge.discount, charge.tax


def fractional(orders: Iterable[Order]) -> set[Sku]:
    """Items of which a part is ordered: whether that can be depends on their unit."""
    return {Sku(line.sku) for order in orders for line in order.lines if line.ordered % 1}


def fractions(order: Order, whole: Collection[Sku]) -> Finding | None:
    """A part of something that is counted one by one; *whole* are such items."""
    for line in order.lines:
        if line.ordered % 1 and Sku(line.sku) in whole:
            reason = f"{line.ordered.normalize():f} of {line.sku}, which is counted each"
            return Finding(HoldCode.FRACTION, reason, f"$.lines[{line.position}].quantity")
    return None
