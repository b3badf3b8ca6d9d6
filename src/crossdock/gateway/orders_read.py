"""Orders as callers see them: list, find, get. No personal data leaves through here."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery

from crossdock.canonical.base import OrderId
from crossdock.canonical.money import exact
from crossdock.fulfilment.model import Fulfilment, Parcel
from crossdock.gateway.keys import Caller, Scope
from crossdock.gateway.parts import caller_of, check_limit, parts_of, wrong
from crossdock.gateway.problems import Problem
from crossdock.orders import service as orders
from crossdock.orders.model import Hold, Line, Part
from crossdock.orders.service import View

FIND_MAX: Final = 200


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """A line and where its units are."""

    line_id: str
    sku: str
    name: str
    ordered: Decimal
    unit_price: Decimal
    discount: Decimal
    units: dict[str, Decimal]
    """Units by part (unplaced, allocated, shipped…); empty parts are left out. They sum up to `ordered`."""


class HoldView(msgspec.Struct, frozen=True, kw_only=True):
    """Why an order waits, or waited."""

    hold: str
    reason: str
    path: str
    placed_at: datetime
    released_at: datetime | None
    released_by: str | None


class GoodsView(msgspec.Struct, frozen=True, kw_only=True):
    """Units of an order line in a parcel."""

    line_id: str
    sku: str
    quantity: Decimal


class WorkView(msgspec.Struct, frozen=True, kw_only=True):
    """Units of an order line that a location was given."""

    line_id: str
    sku: str
    quantity: Decimal
    shipped: Decimal
    cancelled: Decimal


class ParcelView(msgspec.Struct, frozen=True, kw_only=True):
    """What left."""

    reference: str
    shipped_at: datetime
    carrier: str
    tracking: list[str]
    lines: list[GoodsView]


class FulfilmentView(msgspec.Struct, frozen=True, kw_only=True):
    """One location's part."""

    fulfilment_id: UUID
    location: str
    mode: str
    state: str
    released_at: datetime
    ended_at: datetime | None
    lines: list[WorkView]
    parcels: list[ParcelView]


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it stands."""

    order_id: UUID
    channel: str
    channel_order_id: str
    number: str
    status: str
    payment_status: str
    mode: str
    pickup_location: str | None
    currency: str
    total: Decimal
    prices_include_tax: bool
    placed_at: datetime
    accepted_at: datetime
    cancelled_at: datetime | None
    completed_at: datetime | None
    correlation_id: UUID
    lines: list[LineView]
    holds: list[HoldView]
    fulfilments: list[FulfilmentView]


class OrderPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of orders. Ask again with `after=next`; `next` is null on the last page."""

    orders: list[OrderView]
    next: str | None


@get("/v1/orders", summary="Orders, newest first", opt={"scope": Scope.ORDERS_READ, "of_channels": True})
async def list_orders(
    request: "Request[Any, Any, State]",
    state: State,
    *,
    after: FromQuery[UUID | None] = None,
    channel: FromQuery[str | None] = None,
    open_only: FromQuery[bool] = False,
    q: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
) -> OrderPage:
    """Filter by `channel`; `open_only=true` lists those with open units, oldest first; `q` finds by any identifier
    (ours, the channel's, a number, a fulfilment, a tracking number).
    """
    check_limit(limit, 200)
    caller = caller_of(request)
    if channel is not None:
        caller.check_channel(channel)
    wanted = channel or caller.channel
    cursor = None if after is None else OrderId(after)
    async with parts_of(state).reads.transaction() as tx:
        if q is not None:
            found = await orders.get_many(tx, await orders.find(tx, _findable(q), limit=limit))
            return OrderPage(orders=[_order(view) for view in found if _of(view, wanted)], next=None)
        if open_only:
            found = await orders.open_orders(tx, after=cursor, limit=limit)
        else:
            found = await orders.list_orders(tx, before=cursor, channel=wanted, limit=limit)
    full = len(found) == limit
    last = str(found[-1].order.header.order_id) if full else None
    return OrderPage(orders=[_order(view) for view in found if _of(view, wanted)], next=last)


@get("/v1/orders/{order_id:uuid}", summary="One order", opt={"scope": Scope.ORDERS_READ, "of_channels": True})
async def get_order(request: "Request[Any, Any, State]", state: State, order_id: FromPath[UUID]) -> OrderView:
    """Its lines, holds and fulfilments as they stand now."""
    async with parts_of(state).reads.transaction() as tx:
        view = await orders.get(tx, OrderId(order_id))
    return _order(visible(view, caller_of(request)))


def _findable(text: str) -> str:
    if not 0 < len(text) <= FIND_MAX or "\x00" in text:
        raise wrong("q", f"must have 1 to {FIND_MAX} characters")
    return text


def visible(view: View | None, caller: Caller) -> View:
    """Another channel's order is not there for a key that is limited to one."""
    if view is None or not _of(view, caller.channel):
        raise Problem("not-found", "there is no such order")
    return view


def _of(view: View, channel: str | None) -> bool:
    return channel in {None, view.order.header.channel}


def _order(view: View) -> OrderView:
    header = view.order.header
    return OrderView(
        order_id=header.order_id,
        channel=header.channel,
        channel_order_id=header.channel_order_id,
        number=header.number,
        status=view.status.value,
        payment_status=header.payment_status.value,
        mode=header.mode.value,
        pickup_location=header.pickup_location,
        currency=header.currency,
        total=exact(header.total, header.currency),
        prices_include_tax=header.prices_include_tax,
        placed_at=header.placed_at,
        accepted_at=header.accepted_at,
        cancelled_at=header.cancelled_at,
        completed_at=header.completed_at,
        correlation_id=header.correlation_id,
        lines=[_line(line, header.currency) for line in view.order.lines],
        holds=[_hold(hold) for hold in view.order.holds],
        fulfilments=[_fulfilment(each) for each in view.fulfilments],
    )


def _line(line: Line, currency: str) -> LineView:
    units = {part.value: quantity for part in Part if (quantity := line.vector.of(part))}
    return LineView(
        line_id=line.line_id,
        sku=line.sku,
        name=line.name,
        ordered=line.ordered,
        unit_price=exact(line.unit_price, currency),
        discount=exact(line.discount, currency),
        units=units,
    )


def _hold(hold: Hold) -> HoldView:
    return HoldView(
        hold=hold.hold.value,
        reason=hold.reason,
        path=hold.path,
        placed_at=hold.placed_at,
        released_at=hold.released_at,
        released_by=hold.released_by,
    )


def _fulfilment(each: Fulfilment) -> FulfilmentView:
    return FulfilmentView(
        fulfilment_id=each.fulfilment_id,
        location=each.location,
        mode=each.mode.value,
        state=each.state.value,
        released_at=each.released_at,
        ended_at=each.ended_at,
        lines=[
            WorkView(
                line_id=line.line_id,
                sku=line.sku,
                quantity=line.quantity,
                shipped=line.shipped,
                cancelled=line.cancelled,
            )
            for line in each.lines
        ],
        parcels=[_parcel(parcel) for parcel in each.parcels],
    )


def _parcel(parcel: Parcel) -> ParcelView:
    return ParcelView(
        reference=parcel.reference,
        shipped_at=parcel.shipped_at,
        carrier=parcel.carrier,
        tracking=list(parcel.tracking),
        lines=[GoodsView(line_id=line.line_id, sku=line.sku, quantity=line.quantity) for line in parcel.lines],
    )
