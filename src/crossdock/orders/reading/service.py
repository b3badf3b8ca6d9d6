"""Look at orders, find them by any name, build the documents that other systems get."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, assert_never
from uuid import UUID
from zoneinfo import ZoneInfo

from crossdock.canonical.base import FulfilmentId, OrderId
from crossdock.canonical.intents import CancelOrder, KeptLine, PostInvoice, PostSale, PostShipment, ReportFulfilment
from crossdock.customers import service as customers
from crossdock.customers.model import Contact, ContactId, Erased, Known, Unknown
from crossdock.foundation.db import Tx
from crossdock.foundation.vault import Vault
from crossdock.fulfilment import service as fulfilments
from crossdock.fulfilment.model import Fulfilment
from crossdock.orders import store as shared
from crossdock.orders.model import Order
from crossdock.orders.reading import store
from crossdock.orders.reading.rules import kept_line, kept_total, sale_line
from crossdock.orders.rules import charge_lines
from crossdock.orders.states import OrderStatus, status_of

PAGE: Final = 50
FOUND_MAX: Final = 20
PART_CANCELLED: Final = "part of the order was cancelled"


@dataclass(frozen=True, slots=True)
class View:
    """An order with everything that can be said of it without opening personal data."""

    order: Order
    fulfilments: tuple[Fulfilment, ...]

    @property
    def status(self) -> OrderStatus:
        """What people see first."""
        return status_of(self.order.units, held=bool(self.order.standing))


async def get(tx: Tx, order_id: OrderId) -> View | None:
    """One order as it stands; None when there is none."""
    views = await _views(tx, [order_id])
    return views[0] if views else None


async def get_many(tx: Tx, ids: Sequence[OrderId]) -> Sequence[View]:
    """Orders as they stand, in the order of *ids*; unknown ones are left out."""
    return await _views(tx, ids)


async def called(tx: Tx, ids: Collection[OrderId]) -> Mapping[OrderId, str]:
    """What people call these orders: `#1042 of web`; unknown ones are left out."""
    return await store.called(tx, sorted(ids)) if ids else {}


async def find(tx: Tx, text: str, *, limit: int = FOUND_MAX) -> Sequence[OrderId]:
    """Orders by any identifier: ours, a fulfilment's, the channel's id or number, a tracking number. Newest first."""
    uuid = _uuid(text)
    found = set(await store.by_name(tx, text, uuid, limit=limit))
    found |= set(await fulfilments.orders_by_tracking(tx, text, limit=limit))
    if uuid is not None:
        found |= set((await fulfilments.orders_of(tx, [FulfilmentId(uuid)])).values())
    return sorted(found, reverse=True)[:limit]


async def list_orders(
    tx: Tx, *, before: OrderId | None = None, channel: str | None = None, limit: int = PAGE
) -> Sequence[View]:
    """Orders, newest first; the last one's id is the cursor of the next page."""
    return await _views(tx, await store.newest(tx, before=before, channel=channel, limit=limit))


async def open_orders(tx: Tx, *, after: OrderId | None = None, limit: int = PAGE) -> Sequence[View]:
    """Orders with open units, oldest first; the last one's id is the cursor of the next page."""
    return await _views(tx, await store.open_after(tx, after=after, limit=limit))


async def contact_of(tx: Tx, vault: Vault, order: Order) -> Contact | None:
    """Who bought and where it goes; None when nobody told us, or the person was erased."""
    if order.header.contact_id is None:
        return None
    revealed = await customers.reveal(tx, vault, ContactId(order.header.contact_id))
    match revealed:
        case Known():
            return revealed.contact
        case Erased() | Unknown():
            return None
        case _:
            assert_never(revealed)


async def sale_document(tx: Tx, vault: Vault, order_id: OrderId) -> PostSale | None:
    """What the ERP gets as the order's sale: as accepted, with the person as far as they are known today."""
    order = (await shared.orders(tx, [order_id])).get(order_id)
    if order is None:
        return None
    contact = await contact_of(tx, vault, order)
    header = order.header
    return PostSale(
        reference=str(order_id),
        order_id=str(order_id),
        channel=header.channel,
        channel_order_id=header.channel_order_id,
        number=header.number,
        placed_at=header.placed_at,
        currency=header.currency,
        prices_include_tax=header.prices_include_tax,
        lines=(*(sale_line(line) for line in order.lines), *charge_lines(header.charges)),
        total=header.total,
        payments=header.payments,
        customer=None if contact is None else contact.person,
        ship_to=None if contact is None else contact.ship_to,
    )


async def invoice_document(tx: Tx, order_id: OrderId, zone: ZoneInfo) -> PostInvoice | None:
    """What the ERP gets as the order's invoice: what was kept. Dated in *zone*; None while anything is still open."""
    order = (await shared.orders(tx, [order_id])).get(order_id)
    completed_at = None if order is None else order.header.completed_at
    if order is None or completed_at is None:
        return None
    header = order.header
    kept = tuple(kept_line(line, header.currency) for line in order.lines)
    return PostInvoice(
        reference=str(order_id),
        sale_reference=str(order_id),
        order_id=str(order_id),
        invoice_date=completed_at.astimezone(zone).date(),
        total=kept_total(order),
        currency=header.currency,
        lines=(*kept, *charge_lines(header.charges)),
    )


async def cancellation_document(tx: Tx, order_id: OrderId, reference: str) -> CancelOrder | None:
    """What the channel is told of a cancellation: nothing is left of the order, or how much of each line."""
    order = (await shared.orders(tx, [order_id])).get(order_id)
    if order is None:
        return None
    whole = order.header.cancelled_at is not None and not order.units.out
    return CancelOrder(
        reference=reference,
        order_id=str(order_id),
        channel_order_id=order.header.channel_order_id,
        reason=order.header.cancel_reason or PART_CANCELLED,
        lines=()
        if whole
        else tuple(
            KeptLine(
                line_id=line.line_id, sku=line.sku, ordered=line.ordered, left=line.ordered - line.vector.cancelled
            )
            for line in order.lines
        ),
    )


async def shipment_document(tx: Tx, fulfilment_id: FulfilmentId) -> PostShipment | None:
    """What the system that ships gets: the location's part, less what was cancelled since. None: no such fulfilment.

    Without lines nothing of it is to leave any more; it can still be looked for.
    """
    fulfilment = await _fulfilment(tx, fulfilment_id)
    if fulfilment is None:
        return None
    return PostShipment(
        reference=str(fulfilment_id),
        sale_reference=str(fulfilment.order_id),
        order_id=str(fulfilment.order_id),
        location=fulfilment.location,
        lines=fulfilments.goods_of(fulfilment),
        released_at=fulfilment.released_at,
    )


async def fulfilment_report(tx: Tx, fulfilment_id: FulfilmentId, parcel: str) -> ReportFulfilment | None:
    """What the channel gets about one *parcel* (its shipper's reference); None when it is not known."""
    fulfilment = await _fulfilment(tx, fulfilment_id)
    parcels = () if fulfilment is None else fulfilment.parcels
    told = next((each for each in parcels if each.reference == parcel), None)
    if fulfilment is None or told is None:
        return None
    order = (await shared.orders(tx, [fulfilment.order_id]))[fulfilment.order_id]
    return ReportFulfilment(
        reference=str(fulfilment_id),
        order_id=str(fulfilment.order_id),
        channel_order_id=order.header.channel_order_id,
        location=fulfilment.location,
        lines=told.lines,
        shipped_at=told.shipped_at,
        carrier=told.carrier,
        tracking=told.tracking,
    )


async def _fulfilment(tx: Tx, fulfilment_id: FulfilmentId) -> Fulfilment | None:
    whose = await fulfilments.orders_of(tx, [fulfilment_id])
    if not whose:
        return None
    return next(each for each in await fulfilments.of_orders(tx, whose.values()) if each.fulfilment_id == fulfilment_id)


async def _views(tx: Tx, ids: Sequence[OrderId]) -> Sequence[View]:
    """In the order of *ids*."""
    found = await shared.orders(tx, ids)
    work: dict[OrderId, list[Fulfilment]] = {order_id: [] for order_id in found}
    for each in await fulfilments.of_orders(tx, found.keys()):
        work[each.order_id].append(each)
    return [View(found[order_id], tuple(work[order_id])) for order_id in ids if order_id in found]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
