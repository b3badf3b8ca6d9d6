"""What the channel now has otherwise than it was accepted. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from crossdock.canonical.money import money, unit
from crossdock.canonical.orders import OrderLine
from crossdock.orders.model import ZERO, Line, Order
from crossdock.orders.reading.rules import left_of_line, left_of_total
from crossdock.orders.rules import DIFFERENCE_CHARS_MAX, News, plain


@dataclass(frozen=True, slots=True)
class Edit:
    """An order of the channel against ours."""

    difference: str
    """What a person must decide on, in one sentence; empty when nothing."""
    less: Mapping[str, Decimal] = field(default_factory=dict)
    """Units per line that are cancelled there in all, where the channel wants less and nothing else is different."""
    wanted: Mapping[str, Decimal] = field(default_factory=dict)
    """Units per line that it wants, where that is less than was accepted."""


def read_edit(order: Order, news: News, fewest: Mapping[str, Decimal]) -> Edit:
    """Understand what *news* says of the order's content; *fewest* is what the channel has ever wanted of a line.

    A line may be told with anything between what has left and that: how much of it we have cancelled is told to the
    channel later, or never. Less than is left with us means that the channel wants it cancelled, too.
    """
    before = {line.line_id: fewest.get(line.line_id, line.ordered) for line in order.lines}
    told = before if news.lines is None else {line.line_id: line.quantity for line in news.lines}
    wanted = {line.line_id: told.get(line.line_id, ZERO) for line in order.lines}
    odd = {line.line_id for line in order.lines if not _followable(line, wanted[line.line_id], fewest)}
    parts = [] if news.lines is None else _line_differences(order, news.lines, odd, fewest)
    parts += _total_difference(order, news, wanted)
    known = order.header.forgotten_at is None
    if known and news.address_mark is not None and news.address_mark != order.header.address_mark:
        parts.append("another address")
    text = "; ".join(parts)
    if text:
        return Edit(text if len(text) <= DIFFERENCE_CHARS_MAX else text[:DIFFERENCE_CHARS_MAX] + " …")
    less = {line.line_id: wanted[line.line_id] for line in order.lines if wanted[line.line_id] < line.ordered}
    cancelled = {line.line_id: line.vector.cancelled for line in order.lines}
    gone = {line.line_id: line.ordered - wanted[line.line_id] for line in order.lines}
    return Edit("", {each: units for each, units in gone.items() if units > cancelled[each]}, less)


def _followable(line: Line, wanted: Decimal, fewest: Mapping[str, Decimal]) -> bool:
    """Neither more than the channel has wanted before nor less than has left."""
    return line.vector.out <= wanted <= fewest.get(line.line_id, line.ordered)


def _line_differences(
    order: Order, theirs: Sequence[OrderLine], odd: Collection[str], fewest: Mapping[str, Decimal]
) -> list[str]:
    before = {line.line_id: line for line in order.lines}
    now = {line.line_id: line for line in theirs}
    currency = order.header.currency
    gone = [
        f"line {line.line_id} ({line.sku}) is gone"
        for line in order.lines
        if line.line_id not in now and line.line_id in odd
    ]
    new = [
        f"line {line.line_id} ({line.sku} x {plain(line.quantity)}) is new"
        for line in theirs
        if line.line_id not in before
    ]
    changed = [
        f"line {line_id} {what} {was} → {now_is}"
        for line_id, line in before.items()
        if line_id in now
        for what, was, now_is, same in (
            ("sku", line.sku, now[line_id].sku, line.sku == now[line_id].sku),
            (
                "quantity",
                plain(fewest.get(line_id, line.ordered)),
                plain(now[line_id].quantity),
                line_id not in odd,
            ),
            (
                "price",
                money(line.unit_price, currency),
                money(now[line_id].unit_price, currency),
                line.unit_price == now[line_id].unit_price,
            ),
            (
                "discount",
                money(line.discount, currency),
                money(now[line_id].discount, currency),
                _same_discount(line, now[line_id], currency),
            ),
        )
        if not same
    ]
    return gone + new + changed


def _same_discount(line: Line, told: OrderLine, currency: str) -> bool:
    """Of a discount, units that are gone take their share; whoever shares may round the other way."""
    if told.quantity == line.ordered:
        return told.discount == line.discount
    share = left_of_line(line, min(told.quantity, line.ordered), currency).discount
    return abs(told.discount - share) <= unit(currency)


def _total_difference(order: Order, news: News, wanted: Mapping[str, Decimal]) -> list[str]:
    header = order.header
    if news.total is None:
        return []
    fewer = [line for line in order.lines if wanted[line.line_id] < line.ordered]
    counted = {line.line_id: min(wanted[line.line_id], line.ordered) for line in order.lines}
    expected = left_of_total(order, counted) if fewer else header.total
    # Each share of a discount or a tax may be rounded the other way.
    rounding = unit(header.currency) * sum(1 + len(line.taxes) for line in fewer)
    if abs(news.total - expected) <= rounding:
        return []
    return [f"total {money(header.total, header.currency)} → {money(news.total, header.currency)}"]
