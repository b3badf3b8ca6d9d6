"""How money is rounded and shown, everywhere: by the currency's own smallest unit."""

from decimal import ROUND_HALF_EVEN, Decimal

from babel.numbers import get_currency_precision


def unit(currency: str) -> Decimal:
    """The smallest amount that can be paid in it: 0.01 EUR, 1 JPY, 0.001 KWD."""
    return Decimal(1).scaleb(-get_currency_precision(currency))


def rounded(amount: Decimal, currency: str) -> Decimal:
    """To the smallest unit of the currency, half to even."""
    return amount.quantize(unit(currency), rounding=ROUND_HALF_EVEN)


def exact(amount: Decimal, currency: str) -> Decimal:
    """With the currency's places, for machines: 62.3 and 62.300000 EUR are 62.30. What is finer stays as fine as it is."""
    smallest = unit(currency)
    plain = amount.normalize()
    places = max(-int(plain.as_tuple().exponent), -int(smallest.as_tuple().exponent))
    return Decimal(f"{amount:.{places}f}")


def money(amount: Decimal, currency: str) -> str:
    """As people read it: `1,234.50 EUR`, `100 JPY`."""
    return f"{exact(amount, currency):,f} {currency}"
