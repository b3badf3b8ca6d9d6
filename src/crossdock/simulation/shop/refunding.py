"""Units taken off an order while the rest goes on, with or without money back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from crossdock.simulation.shop.books import Books
from crossdock.simulation.shop.model import ZERO, Order, Payment, Refund
from crossdock.simulation.shop.ordering import take_off

CHARGES: Final = ("sale", "capture")


@dataclass(frozen=True, slots=True)
class Unwanted:
    """Units of a line that nobody sends any more; restocked at *location_id*, or nowhere."""

    line_id: int
    quantity: int
    location_id: int | None


@dataclass(frozen=True, slots=True)
class MoneyBack:
    """Part of a payment that goes back."""

    parent_id: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class NotRefundable:
    """Why not, and which field of the call says so."""

    reason: str
    path: tuple[str, ...] = ()


def refund(
    books: Books, order: Order, unwanted: Sequence[Unwanted], money: Sequence[MoneyBack], note: str
) -> Refund | NotRefundable:
    """All or nothing. Only units that have not been sent: taking goods back is not rehearsed."""
    refusal = _refusal(order, unwanted, money)
    if refusal is not None:
        return refusal
    by_id = {line.id: line for line in order.lines}
    lines = tuple(
        take_off(
            books, order, by_id[each.line_id], each.quantity, restock=each.location_id is not None, cause="refund",
            first=each.location_id,
        )
        for each in unwanted
    )  # fmt: skip
    now = books.second()
    payments = tuple(Payment(next(books.ids), "refund", each.amount, now) for each in money)
    order.payments.extend(payments)
    made = Refund(next(books.ids), now, note, any(each.location_id for each in unwanted), lines, payments)
    order.refunds.append(made)
    if payments:
        order.financial_status = "partially_refunded" if order.held else "refunded"
    return made


def suggested(order: Order, units: Mapping[int, int]) -> Sequence[MoneyBack]:
    """What these units are worth, out of the order's first payment; nothing where nothing was taken."""
    before = order.current_sum().total
    lines = [line for line in order.lines if line.id in units]
    for line in lines:
        line.removed += units[line.id]
    worth = before - order.current_sum().total
    for line in lines:
        line.removed -= units[line.id]
    parent = next((each for each in order.payments if each.kind in CHARGES), None)
    amount = min(worth, order.held)
    return () if parent is None or amount <= 0 else (MoneyBack(parent.id, amount),)


def _refusal(order: Order, unwanted: Sequence[Unwanted], money: Sequence[MoneyBack]) -> NotRefundable | None:
    if order.cancelled_at is not None:
        return NotRefundable("Order was cancelled", ("orderId",))
    by_id = {line.id: line for line in order.lines}
    seen: dict[int, int] = {}
    for index, each in enumerate(unwanted):
        seen[each.line_id] = seen.get(each.line_id, 0) + each.quantity
        path = ("refundLineItems", str(index), "quantity")
        if each.quantity <= 0 or each.line_id not in by_id:
            return NotRefundable("Line item or quantity is invalid", path)
        if seen[each.line_id] > by_id[each.line_id].fulfillable_quantity:
            return NotRefundable("Quantity cannot refund more items than were purchased", path)
    if not unwanted and not money:
        return NotRefundable("Refund has nothing to refund")
    charges = {each.id for each in order.payments if each.kind in CHARGES}
    amount = sum((each.amount for each in money), ZERO)
    if any(each.parent_id not in charges for each in money) or amount > order.held:
        return NotRefundable("Transactions exceed what can be refunded", ("transactions",))
    return None
