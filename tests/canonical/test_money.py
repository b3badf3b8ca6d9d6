"""Money reads the same wherever it stands: with its currency's own places, and nothing lost."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.money import exact, money, rounded, unit

CURRENCIES = st.sampled_from(["EUR", "USD", "JPY", "KWD"])
AMOUNTS = st.decimals(-(10**12), 10**12, places=6)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("39.9", "EUR", "39.90 EUR"),
        ("62.300000", "EUR", "62.30 EUR"),
        ("1.000000", "EUR", "1.00 EUR"),
        ("1234567.5", "USD", "1,234,567.50 USD"),
        ("-1234.5", "USD", "-1,234.50 USD"),
        ("100.000000", "JPY", "100 JPY"),
        ("1E+3", "JPY", "1,000 JPY"),
        ("0", "KWD", "0.000 KWD"),
        ("19.955", "EUR", "19.955 EUR"),
    ],
)
def test_money_has_its_currencys_places_thousands_and_its_code_behind(amount: str, currency: str, text: str) -> None:
    assert money(Decimal(amount), currency) == text


@given(AMOUNTS, CURRENCIES)
def test_what_is_shown_is_the_amount_itself(amount: Decimal, currency: str) -> None:
    assert exact(amount, currency) == amount
    assert Decimal(money(amount, currency).split()[0].replace(",", "")) == amount


@given(AMOUNTS, CURRENCIES)
def test_what_can_be_paid_is_shown_with_the_places_of_the_currency(amount: Decimal, currency: str) -> None:
    paid = rounded(amount, currency)

    assert exact(paid + Decimal("0.000000"), currency).as_tuple().exponent == unit(currency).as_tuple().exponent


@given(AMOUNTS, CURRENCIES)
def test_rounding_moves_by_half_a_unit_at_most(amount: Decimal, currency: str) -> None:
    assert abs(rounded(amount, currency) - amount) <= unit(currency) / 2
