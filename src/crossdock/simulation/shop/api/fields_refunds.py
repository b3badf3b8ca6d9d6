"""GraphQL fields of refunds, and the mutation that takes units off an order while the rest goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from crossdock.simulation.shop.api.fields_catalogue import utc
from crossdock.simulation.shop.api.fields_fulfilment import Payload, Problem
from crossdock.simulation.shop.api.fields_orders import Both, PaymentView
from crossdock.simulation.shop.api.table import Arguments, Call, Table, bad_request, gid_number, table
from crossdock.simulation.shop.model import Order, Refund
from crossdock.simulation.shop.refunding import MoneyBack, NotRefundable, Unwanted, suggested
from crossdock.simulation.shop.rest_parts import gid
from crossdock.simulation.shop.rest_shape import GATEWAY


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the shop would give back for some units."""

    order: Order
    money: tuple[MoneyBack, ...]


@dataclass(frozen=True, slots=True)
class SuggestedPayment:
    """One payment's part of it."""

    order: Order
    money: MoneyBack


@dataclass(frozen=True, slots=True)
class RefundView:
    """A refund with the order around it."""

    order: Order
    refund: Refund


def suggested_refund(order: Order, call: Call) -> Suggestion:
    """For line items alone: shipping and duties are not rehearsed."""
    if call.arguments.flag("refundShipping") or call.arguments.flag("suggestFullRefund"):
        raise bad_request("the rehearsal shop suggests refunds of line items only", "NOT_REHEARSED")
    units: dict[int, int] = {}
    for each in _unwanted(call.arguments):
        units[each.line_id] = units.get(each.line_id, 0) + each.quantity
    return Suggestion(order, tuple(suggested(order, units)))


def refund_create(call: Call) -> Payload:
    """Units off the order, all or nothing; money moves only where transactions say so."""
    asked = call.arguments.record("input")
    for name in ("shipping", "refundDuties", "refundMethods"):
        if asked.values.get(name):
            raise bad_request(f"the rehearsal shop does not refund {name}", "NOT_REHEARSED")
    order = call.books.orders.get(gid_number("Order", asked.text("orderId")) or 0)
    if order is None:
        return Payload((Problem("Order does not exist", ("orderId",)),))
    lines = _unwanted(asked)
    for index, each in enumerate(asked.records("refundLineItems")):
        if each.text_or_none("restockType") == "CANCEL" and lines[index].location_id is None:
            path = ("refundLineItems", str(index), "locationId")
            return Payload((Problem("Location is required to restock", path),))
    outcome = call.shop.refund(order.id, lines, _money(asked), note=asked.text_or_none("note") or "")
    if isinstance(outcome, NotRefundable):
        return Payload((Problem(outcome.reason, outcome.path or None),))
    return Payload(result=RefundView(order, outcome))


def _unwanted(asked: Arguments) -> Sequence[Unwanted]:
    lines: list[Unwanted] = []
    for each in asked.records("refundLineItems"):
        restock = each.text_or_none("restockType")
        if restock not in ("CANCEL", "NO_RESTOCK"):
            raise bad_request(f"the rehearsal shop does not take goods back ({restock})", "NOT_REHEARSED")
        place = gid_number("Location", each.text_or_none("locationId") or "")
        line_id = gid_number("LineItem", each.text("lineItemId")) or 0
        lines.append(Unwanted(line_id, each.whole("quantity"), place if restock == "CANCEL" else None))
    return lines


def _money(asked: Arguments) -> Sequence[MoneyBack]:
    money: list[MoneyBack] = []
    for each in asked.records("transactions"):
        if each.text("kind") != "REFUND" or each.text("gateway") != GATEWAY:
            raise bad_request("a refund's transactions are refunds of the order's gateway")
        parent = gid_number("OrderTransaction", each.text_or_none("parentId") or "") or 0
        money.append(MoneyBack(parent, Decimal(each.text("amount"))))
    return money


def _parent(it: SuggestedPayment, _call: Call) -> PaymentView:
    return PaymentView(it.order, next(each for each in it.order.payments if each.id == it.money.parent_id))


ORDER: Final = table(Order, {"suggestedRefund": suggested_refund})
"""What refunds add to an order."""
TABLES: Final[dict[str, Table]] = {
    "SuggestedRefund": table(
        Suggestion,
        {
            "amountSet": lambda it, _: Both(it.order, sum((each.amount for each in it.money), Decimal(0))),
            "suggestedTransactions": lambda it, _: [SuggestedPayment(it.order, each) for each in it.money],
        },
    ),
    "SuggestedOrderTransaction": table(
        SuggestedPayment,
        {
            "kind": lambda _it, _: "SUGGESTED_REFUND",
            "gateway": lambda _it, _: GATEWAY,
            "amountSet": lambda it, _: Both(it.order, it.money.amount),
            "parentTransaction": _parent,
        },
    ),
    "Refund": table(
        RefundView,
        {
            "id": lambda it, _: gid("Refund", it.refund.id),
            "legacyResourceId": lambda it, _: str(it.refund.id),
            "createdAt": lambda it, _: utc(it.refund.created_at),
            "note": lambda it, _: it.refund.note or None,
            "order": lambda it, _: it.order,
        },
    ),
    "RefundCreatePayload": table(
        Payload,
        {
            "refund": lambda it, _: it.result,
            "order": lambda it, _: it.result.order if isinstance(it.result, RefundView) else None,
            "userErrors": lambda it, _: it.problems,
        },
    ),
}
