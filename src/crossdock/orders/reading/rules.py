"""What of an order was kept, in money: exact to the cent, and with what was cancelled it makes the whole. Pure."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from crossdock.canonical.intents import SaleLine
from crossdock.canonical.money import rounded
from crossdock.orders.model import ZERO, Line, Order


def sale_line(line: Line) -> SaleLine:
    """A line as it was accepted."""
    return SaleLine(
        line_id=line.line_id,
        quantity=line.ordered,
        unit_price=line.unit_price,
        sku=line.sku,
        discount=line.discount,
        taxes=line.taxes,
        name=line.name,
    )


def kept_line(line: Line, currency: str) -> SaleLine:
    """The line as if its cancelled units had never been ordered."""
    return left_of_line(line, line.ordered - line.vector.cancelled, currency)


def left_of_line(line: Line, left: Decimal, currency: str) -> SaleLine:
    """The line with *left* of its units: the others take their share of discount and taxes with them."""
    whole = sale_line(line)
    if left == line.ordered:
        return whole
    return msgspec.structs.replace(
        whole,
        quantity=left,
        discount=share(line.discount, left, line.ordered, currency),
        taxes=tuple(
            msgspec.structs.replace(tax, amount=share(tax.amount, left, line.ordered, currency)) for tax in line.taxes
        ),
    )


def kept_total(order: Order) -> Decimal:
    """The order's total less the worth of its cancelled units."""
    return left_of_total(order, {line.line_id: line.ordered - line.vector.cancelled for line in order.lines})


def left_of_total(order: Order, left: Mapping[str, Decimal]) -> Decimal:
    """The order's total with *left* units per line.

    What concerns the order as a whole stays with what is left: charges such as shipping, and the cents by which the
    channel's total differs from its lines.
    """
    header = order.header
    gone = sum(
        (
            _worth(sale_line(line), include=header.prices_include_tax)
            - _worth(left_of_line(line, left[line.line_id], header.currency), include=header.prices_include_tax)
            for line in order.lines
        ),
        ZERO,
    )
    return header.total if not gone else rounded(header.total - gone, header.currency)


def share(amount: Decimal, part: Decimal, whole: Decimal, currency: str) -> Decimal:
    """What of an amount falls on *part* of *whole* units; the other units have exactly the rest."""
    return amount if part == whole else rounded(amount * part / whole, currency)


def _worth(line: SaleLine, *, include: bool) -> Decimal:
    taxes = ZERO if include else sum((tax.amount for tax in line.taxes), ZERO)
    return line.quantity * line.unit_price - line.discount + taxes
