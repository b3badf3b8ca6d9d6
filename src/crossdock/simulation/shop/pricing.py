"""Order arithmetic of the shop: discounts, tax on top or inside, shipping. Pure; every rounding happens here."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from babel.numbers import get_currency_precision

ZERO: Final = Decimal(0)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """To the currency's smallest unit, half up as shops do."""
    return amount.quantize(Decimal(1).scaleb(-get_currency_precision(currency)), ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class PricedLine:
    """Units at a price; `discount` belongs to `quantity_original` units and shrinks with them."""

    unit_price: Decimal
    quantity: int
    discount: Decimal
    quantity_original: int
    tax_rate: Decimal


@dataclass(frozen=True, slots=True)
class PricedShipping:
    """What the parcel costs the customer."""

    price: Decimal
    tax_rate: Decimal


@dataclass(frozen=True, slots=True)
class LineSum:
    """One line, worked out."""

    gross: Decimal
    discount: Decimal
    tax: Decimal

    @property
    def subtotal(self) -> Decimal:
        """After discounts; holds the tax only where prices do."""
        return self.gross - self.discount


@dataclass(frozen=True, slots=True)
class OrderSum:
    """A whole order, worked out; the parts add up to `total` by construction."""

    lines: tuple[LineSum, ...]
    shipping: Decimal
    shipping_tax: Decimal
    taxes_included: bool

    @property
    def line_items(self) -> Decimal:
        """Lines before discounts."""
        return sum((line.gross for line in self.lines), ZERO)

    @property
    def discounts(self) -> Decimal:
        """All that was taken off."""
        return sum((line.discount for line in self.lines), ZERO)

    @property
    def subtotal(self) -> Decimal:
        """Lines after discounts, without shipping."""
        return self.line_items - self.discounts

    @property
    def tax(self) -> Decimal:
        """Lines' and shipping's tax."""
        return sum((line.tax for line in self.lines), self.shipping_tax)

    @property
    def total(self) -> Decimal:
        """What the customer pays."""
        return self.subtotal + self.shipping + (ZERO if self.taxes_included else self.tax)


def tax_of(amount: Decimal, rate: Decimal, *, currency: str, taxes_included: bool) -> Decimal:
    """The tax on top of, or hidden inside, *amount*."""
    return rounded(amount * rate / (1 + rate) if taxes_included else amount * rate, currency)


def sum_up(lines: Sequence[PricedLine], shipping: PricedShipping, *, currency: str, taxes_included: bool) -> OrderSum:
    """Work an order out."""

    def line_sum(line: PricedLine) -> LineSum:
        gross = rounded(line.unit_price * line.quantity, currency)
        share = Decimal(line.quantity) / line.quantity_original if line.quantity_original else ZERO
        discount = rounded(line.discount * share, currency)
        tax = tax_of(gross - discount, line.tax_rate, currency=currency, taxes_included=taxes_included)
        return LineSum(gross, discount, tax)

    return OrderSum(
        lines=tuple(line_sum(line) for line in lines),
        shipping=shipping.price,
        shipping_tax=tax_of(shipping.price, shipping.tax_rate, currency=currency, taxes_included=taxes_included),
        taxes_included=taxes_included,
    )


def spread(discount: Decimal, grosses: Sequence[Decimal], currency: str) -> tuple[Decimal, ...]:
    """Share *discount* over lines by value; the shares add up to it exactly, the last line takes the remainder."""
    whole = sum(grosses, ZERO)
    assert ZERO <= discount <= whole, (discount, whole)
    shares: list[Decimal] = []
    left, base = discount, whole
    for gross in grosses:
        share = rounded(left * gross / base, currency) if base else ZERO
        shares.append(min(share, gross))
        left, base = left - shares[-1], base - gross
    assert left == ZERO, left
    return tuple(shares)
