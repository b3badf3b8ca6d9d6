"""What outbound needs from the domains: documents built when they are sent, stock as it stands, news applied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from crossdock.assembly.appliers import apply_news
from crossdock.assembly.hub import Hub
from crossdock.availability import service as availability
from crossdock.availability.model import Confirmed, Target
from crossdock.canonical.base import ChannelCode, Document, FulfilmentId, OrderId, Sku
from crossdock.canonical.intents import IntentDocument, PublishStock
from crossdock.estate.model import ConnectionConfig, FlowKind
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.orders import service as orders
from crossdock.outbound.model import Intent, StateItem
from crossdock.outbound.ports import ApplyNews, Builder, StateSource, Unbuildable


def builders(hub: Hub) -> Mapping[str, Builder]:
    """Kinds whose documents are built in the transaction that claims the intent.

    They hold personal data, or change until they are sent: lines may be cancelled in the meantime.
    """

    async def sale(tx: Tx, intent: Intent) -> IntentDocument:
        document = await orders.sale_document(tx, hub.vault, OrderId(UUID(intent.reference)))
        if document is None:
            raise Unbuildable(f"order {intent.reference} is not known")
        # The day that the ERP books it on is the company's, not Greenwich's.
        zone = ZoneInfo((await hub.estate.get(tx)).company.zone)
        return msgspec.structs.replace(document, placed_at=document.placed_at.astimezone(zone))

    async def invoice(tx: Tx, intent: Intent) -> IntentDocument:
        zone = ZoneInfo((await hub.estate.get(tx)).company.zone)
        document = await orders.invoice_document(tx, OrderId(UUID(intent.reference)), zone)
        if document is None:
            raise Unbuildable(f"order {intent.reference} is not complete")
        return document

    async def shipment(tx: Tx, intent: Intent) -> IntentDocument:
        document = await orders.shipment_document(tx, FulfilmentId(UUID(intent.reference)))
        if document is None:
            raise Unbuildable(f"fulfilment {intent.reference} is not known")
        zone = ZoneInfo((await hub.estate.get(tx)).company.zone)
        return msgspec.structs.replace(document, released_at=document.released_at.astimezone(zone))

    async def cancellation(tx: Tx, intent: Intent) -> IntentDocument:
        order_id = OrderId(UUID(intent.reference.partition("/")[0]))
        document = await orders.cancellation_document(tx, order_id, intent.reference)
        if document is None:
            raise Unbuildable(f"order {order_id} is not known")
        return document

    return {
        FlowKind.SALE: sale,
        FlowKind.SHIPMENT: shipment,
        FlowKind.INVOICE: invoice,
        FlowKind.ORDER_CANCEL: cancellation,
    }


def sources(hub: Hub, config: ConnectionConfig) -> Mapping[str, StateSource]:
    """Kinds that are read as they stand when they are sent."""
    if config.channel is None:
        return {}
    return {FlowKind.STOCK: StockSource(hub, ChannelCode(config.channel))}


def news(hub: Hub) -> ApplyNews:
    """What a connector learnt while sending is applied in the landing transaction."""

    async def apply(tx: Tx, document: Document, origin: Origin) -> None:
        await apply_news(tx, document, origin, hub.clock.now())

    return apply


@dataclass(frozen=True, slots=True)
class StockSource:
    """A channel's stock figures: what it does not know yet, and what it has confirmed."""

    hub: Hub
    channel: ChannelCode

    async def pending(self, tx: Tx, limit: int) -> Sequence[StateItem]:
        """Figures that the channel has not confirmed, most urgent first."""
        return [_item(target) for target in await availability.pending(tx, self.channel, limit=limit)]

    async def confirmed(self, tx: Tx, items: Sequence[StateItem]) -> None:
        """The channel holds these now."""
        said = [Confirmed(Sku(each.sku), each.version, each.quantity) for each in _publications(items)]
        await availability.confirmed_all(tx, self.channel, said, now=self.hub.clock.now())

    async def stale(self, tx: Tx, item: StateItem, current: str) -> None:
        """The channel holds another figure than the one that ours was to replace: that one is the base now."""
        for document in _publications([item]):
            await availability.found(tx, self.channel, Sku(document.sku), Decimal(current), now=self.hub.clock.now())


def _item(target: Target) -> StateItem:
    document = PublishStock(
        reference=f"{target.channel}/{target.sku}/{target.version}",
        channel=target.channel,
        sku=target.sku,
        quantity=target.quantity,
        version=target.version,
        last_confirmed=target.confirmed_quantity,
        urgent=target.urgent,
    )
    return StateItem(document=document, subject=f"stock/{target.sku}", happened_at=target.happened_at)


def _publications(items: Sequence[StateItem]) -> Sequence[PublishStock]:
    return [item.document for item in items if isinstance(item.document, PublishStock)]
