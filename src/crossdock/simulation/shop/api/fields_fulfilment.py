"""GraphQL fields of fulfilment orders and fulfilments, and the two mutations that end an order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from crossdock.simulation.shop.api.fields_catalogue import by_id, utc
from crossdock.simulation.shop.api.fields_orders import LineView
from crossdock.simulation.shop.api.paging import Page, page, plain_page
from crossdock.simulation.shop.api.table import Arguments, Call, Table, bad_request, gid_number, table
from crossdock.simulation.shop.fulfilling import NotFulfillable
from crossdock.simulation.shop.model import (
    Fulfillment,
    FulfillmentLine,
    FulfillmentOrder,
    FulfillmentOrderLine,
    Location,
    Order,
    Tracking,
)
from crossdock.simulation.shop.rest_parts import gid


@dataclass(frozen=True, slots=True)
class WorkLine:
    """A line of a fulfilment order with the order around it."""

    order: Order
    part: FulfillmentOrderLine

    @property
    def view(self) -> LineView:
        """The order line behind it."""
        return LineView(self.order, self.order.line(self.part.line_id))


@dataclass(frozen=True, slots=True)
class SentLine:
    """A line of a parcel with the order around it."""

    order: Order
    line: FulfillmentLine


@dataclass(frozen=True, slots=True)
class TrackingInfo:
    """One number of a parcel."""

    company: str | None
    number: str | None
    url: str | None


@dataclass(frozen=True, slots=True)
class Problem:
    """A user error: the call was understood and denied."""

    message: str
    field: tuple[str, ...] | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Payload:
    """What a mutation answers."""

    problems: tuple[Problem, ...] = ()
    result: object = None


@dataclass(frozen=True, slots=True)
class Job:
    """Work the vendor says it does later."""

    id: int


def work_page(call: Call) -> Page:
    """Fulfilment orders, open ones unless closed ones are asked for too."""
    every = call.arguments.flag("includeClosed")
    return page(
        [each for each in call.books.fulfillment_orders.values() if every or each.status in ("OPEN", "IN_PROGRESS")],
        call.arguments,
        rank=lambda each: by_id(each.id),
        row=lambda each: {
            "id": each.id,
            "status": each.status.lower(),
            "order_id": each.order_id,
            "assigned_location_id": each.location_id,
            "updated_at": each.updated_at,
        },
    )


def fulfillment_of(call: Call, text: str) -> Fulfillment | None:
    """The parcel of a global id."""
    number = gid_number("Fulfillment", text)
    orders = call.books.orders.values()
    return next((each for order in orders for each in order.fulfillments if each.id == number), None)


def fulfillment_create(call: Call) -> Payload:
    """Send units; there is no idempotency key, so a second call sends a second parcel."""
    asked = call.arguments.record("fulfillment")
    wanted: dict[int, Mapping[int, int] | None] = {}
    for work in asked.records("lineItemsByFulfillmentOrder"):
        number = gid_number("FulfillmentOrder", work.text("fulfillmentOrderId")) or 0
        lines = {
            gid_number("FulfillmentOrderLineItem", line.text("id")) or 0: line.whole("quantity")
            for line in work.records("fulfillmentOrderLineItems")
        }
        wanted[number] = lines or None
    outcome = call.shop.fulfil(wanted, _tracking(asked.record_or_none("trackingInfo")))
    if isinstance(outcome, NotFulfillable):
        return Payload((Problem(outcome.reason, outcome.path or None),))
    return Payload(result=outcome)


def order_cancel(call: Call) -> Payload:
    """Cancel; the vendor answers with a job and does it afterwards, here it is done before the answer arrives."""
    order = call.books.orders.get(gid_number("Order", call.arguments.text("orderId")) or 0)
    if order is None:
        return Payload((Problem("Order does not exist", ("orderId",), "NOT_FOUND"),))
    reason = call.arguments.text("reason").lower()
    method = call.arguments.record_or_none("refundMethod")
    if method is not None and not method.has("originalPaymentMethodsRefund"):
        raise bad_request("the rehearsal shop refunds to the original payment methods only", "NOT_REHEARSED")
    refusal = call.shop.cancel_order(
        order.id,
        reason=reason,
        restock=call.arguments.flag("restock"),
        refund=method is not None and method.flag("originalPaymentMethodsRefund"),
    )
    if refusal is not None:
        return Payload((Problem(refusal, ("orderId",), "INVALID"),))
    return Payload(result=Job(next(call.books.ids)))


def _tracking(asked: Arguments | None) -> Tracking:
    if asked is None:
        return Tracking()
    number, url = asked.text_or_none("number"), asked.text_or_none("url")
    return Tracking(
        company=asked.text_or_none("company"),
        numbers=asked.texts("numbers") or ((number,) if number else ()),
        urls=asked.texts("urls") or ((url,) if url else ()),
    )


def _tracking_info(it: Fulfillment, _call: Call) -> list[TrackingInfo]:
    numbers, urls = it.tracking.numbers, it.tracking.urls
    return [
        TrackingInfo(
            it.tracking.company,
            numbers[index] if index < len(numbers) else None,
            urls[index] if index < len(urls) else None,
        )
        for index in range(max(len(numbers), len(urls)))
    ]


def _order(it: FulfillmentOrder | Fulfillment, call: Call) -> Order:
    return call.books.orders[it.order_id]


PROBLEM: Final[Table] = table(
    Problem,
    {"message": lambda it, _: it.message, "field": lambda it, _: it.field, "code": lambda it, _: it.code},
)
TABLES: Final[dict[str, Table]] = {
    "FulfillmentOrder": table(
        FulfillmentOrder,
        {
            "id": lambda it, _: gid("FulfillmentOrder", it.id),
            "order": _order,
            "orderId": lambda it, _: gid("Order", it.order_id),
            "orderName": lambda it, call: _order(it, call).name,
            "status": lambda it, _: it.status,
            "requestStatus": lambda _it, _: "UNSUBMITTED",
            "supportedActions": lambda it, _: ["CREATE_FULFILLMENT"] if it.status in ("OPEN", "IN_PROGRESS") else [],
            "assignedLocation": lambda it, call: call.books.catalogue.locations[it.location_id],
            "lineItems": lambda it, call: plain_page(
                [WorkLine(_order(it, call), part) for part in it.lines], call.arguments, lambda each: each.part.id
            ),
            "fulfillments": lambda it, call: plain_page(
                [each for each in _order(it, call).fulfillments if it.id in each.fulfillment_order_ids],
                call.arguments,
                lambda each: each.id,
            ),
            "fulfillAt": lambda it, _: utc(it.created_at),
            "fulfillBy": lambda _it, _: None,
            "createdAt": lambda it, _: utc(it.created_at),
            "updatedAt": lambda it, _: utc(it.updated_at),
        },
    ),
    "FulfillmentOrderSupportedAction": table(str, {"action": lambda it, _: it}),
    "FulfillmentOrderAssignedLocation": table(
        Location,
        {
            "name": lambda it, _: it.name,
            "countryCode": lambda _it, call: call.books.seed.country_code,
            "location": lambda it, _: it,
        },
    ),
    "FulfillmentOrderLineItem": table(
        WorkLine,
        {
            "id": lambda it, _: gid("FulfillmentOrderLineItem", it.part.id),
            "sku": lambda it, _: it.view.line.variant.sku,
            "lineItem": lambda it, _: it.view,
            "inventoryItemId": lambda it, _: gid("InventoryItem", it.view.line.variant.inventory_item_id),
            "productTitle": lambda it, _: it.view.line.variant.product_title,
            "variant": lambda it, _: it.view.line.variant,
            "totalQuantity": lambda it, _: it.part.total,
            "remainingQuantity": lambda it, _: it.part.remaining,
        },
    ),
    "Fulfillment": table(
        Fulfillment,
        {
            "id": lambda it, _: gid("Fulfillment", it.id),
            "legacyResourceId": lambda it, _: str(it.id),
            "name": lambda it, _: it.name,
            "status": lambda _it, _: "SUCCESS",
            "order": _order,
            "location": lambda it, call: call.books.catalogue.locations[it.location_id],
            "totalQuantity": lambda it, _: sum(line.quantity for line in it.lines),
            "trackingInfo": _tracking_info,
            "fulfillmentLineItems": lambda it, call: plain_page(
                [SentLine(_order(it, call), line) for line in it.lines], call.arguments, lambda each: each.line.id
            ),
            "fulfillmentOrders": lambda it, call: plain_page(
                [call.books.fulfillment_orders[each] for each in it.fulfillment_order_ids],
                call.arguments,
                lambda each: each.id,
            ),
            "createdAt": lambda it, _: utc(it.created_at),
            "updatedAt": lambda it, _: utc(it.created_at),
        },
    ),
    "FulfillmentTrackingInfo": table(
        TrackingInfo,
        {"company": lambda it, _: it.company, "number": lambda it, _: it.number, "url": lambda it, _: it.url},
    ),
    "FulfillmentLineItem": table(
        SentLine,
        {
            "id": lambda it, _: gid("FulfillmentLineItem", it.line.id),
            "lineItem": lambda it, _: LineView(it.order, it.order.line(it.line.line_id)),
            "quantity": lambda it, _: it.line.quantity,
        },
    ),
    "UserError": table(Problem, {"message": lambda it, _: it.message, "field": lambda it, _: it.field}),
    "OrderCancelUserError": PROBLEM,
    "FulfillmentCreatePayload": table(
        Payload, {"fulfillment": lambda it, _: it.result, "userErrors": lambda it, _: it.problems}
    ),
    "Job": table(Job, {"id": lambda it, _: gid("Job", it.id), "done": lambda _it, _: False}),
    "OrderCancelPayload": table(
        Payload, {"job": lambda it, _: it.result, "orderCancelUserErrors": lambda it, _: it.problems}
    ),
}
