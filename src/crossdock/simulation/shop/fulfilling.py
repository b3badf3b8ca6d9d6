"""Sending: units leave a fulfilment order, and with them committed and on-hand stock."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from crossdock.simulation.shop.books import Books
from crossdock.simulation.shop.model import (
    Fulfillment,
    FulfillmentLine,
    FulfillmentOrder,
    FulfillmentOrderLine,
    Tracking,
)

LINES_MAX: Final = 512
ROOT: Final = ("fulfillment", "lineItemsByFulfillmentOrder")
NO_WORK: Final = "Fulfillment order does not exist."

Wanted = Mapping[int, Mapping[int, int] | None]
"""Fulfilment order id → its line id → units; None sends all that is left."""


@dataclass(frozen=True, slots=True)
class NotFulfillable:
    """Why nothing was sent; `path` points into the request."""

    reason: str
    path: tuple[str, ...] = ()


FulfilOutcome = Fulfillment | NotFulfillable


def fulfil(books: Books, wanted: Wanted, tracking: Tracking) -> FulfilOutcome:
    """Send *wanted* as one parcel, or nothing at all."""
    picked = _pick(books, wanted)
    if isinstance(picked, NotFulfillable):
        return picked
    now = books.second()
    works = [work for work, _, _ in picked]
    order = books.orders[works[0].order_id]
    units: dict[int, int] = {}
    for work, part, quantity in picked:
        line = order.line(part.line_id)
        part.remaining -= quantity
        line.fulfilled += quantity
        units[line.id] = units.get(line.id, 0) + quantity
        books.stock.shift(
            (line.variant.inventory_item_id, work.location_id),
            {"committed": -quantity},
            at=now,
            cause="fulfilment",
            reference=order.name,
        )
    for work in works:
        work.updated_at = now
        work.status = "IN_PROGRESS" if any(part.remaining for part in work.lines) else "CLOSED"
    fulfillment = Fulfillment(
        id=next(books.ids),
        order_id=order.id,
        location_id=works[0].location_id,
        fulfillment_order_ids=tuple(dict.fromkeys(work.id for work in works)),
        lines=tuple(FulfillmentLine(next(books.ids), line_id, quantity) for line_id, quantity in units.items()),
        tracking=tracking,
        name=f"{order.name}.{len(order.fulfillments) + 1}",
        created_at=now,
    )
    order.fulfillments.append(fulfillment)
    if order.fulfillment_status == "fulfilled":
        order.closed_at = now
    return fulfillment


Picked = list[tuple[FulfillmentOrder, FulfillmentOrderLine, int]]


def _pick(books: Books, wanted: Wanted) -> Picked | NotFulfillable:
    picked: Picked = []
    for index, (work_id, lines) in enumerate(wanted.items()):
        work = books.fulfillment_orders.get(work_id)
        reason = _unworkable(work, picked)
        if reason is not None or work is None:
            return NotFulfillable(reason or NO_WORK, (*ROOT, str(index), "fulfillmentOrderId"))
        parts = {part.id: part for part in work.lines}
        chosen = {part.id: part.remaining for part in work.lines if part.remaining} if lines is None else lines
        for part_id, quantity in chosen.items():
            if part_id not in parts or not 0 < quantity <= parts[part_id].remaining:
                reason = "Invalid fulfillment order line item quantity requested."
                return NotFulfillable(reason, (*ROOT, str(index), "fulfillmentOrderLineItems"))
            picked.append((work, parts[part_id], quantity))
    if not picked:
        return NotFulfillable("There is nothing to fulfill.", ROOT)
    if len(picked) > LINES_MAX:
        return NotFulfillable(f"A fulfillment can have at most {LINES_MAX} line items.", ROOT)
    return picked


def _unworkable(work: FulfillmentOrder | None, picked: Picked) -> str | None:
    if work is None:
        return NO_WORK
    if work.status not in ("OPEN", "IN_PROGRESS"):
        return f"Fulfillment order {work.id} has an unfulfillable status= {work.status.lower()}."
    if picked and (picked[0][0].order_id, picked[0][0].location_id) != (work.order_id, work.location_id):
        return "All fulfillment orders must have the same order and assigned location."
    return None
