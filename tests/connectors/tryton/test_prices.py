"""Tryton's prices are net per unit; whatever the channel writes becomes that."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.base import Tax
from crossdock.canonical.intents import SaleLine
from crossdock.connectors.tryton.sales import net_unit_price

MONEY = st.decimals(min_value="0.00", max_value="9999.99", places=2)
UNITS = st.integers(min_value=1, max_value=100)


@given(MONEY, UNITS, MONEY, MONEY)
def test_the_line_is_met_to_half_a_cent_whatever_the_tax_mode(
    price: Decimal, units: int, discount: Decimal, tax: Decimal
) -> None:
    line = SaleLine(
        line_id="1",
        sku="A",
        quantity=Decimal(units),
        unit_price=price,
        discount=discount,
        taxes=(Tax(code="standard", amount=tax),),
    )
    gross = units * price - discount

    assert abs(net_unit_price(line, include=False) * units - gross) <= Decimal("0.005")
    assert abs(net_unit_price(line, include=True) * units - (gross - tax)) <= Decimal("0.005")
