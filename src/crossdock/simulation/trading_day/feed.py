"""The day as the hub tells it: its public events feed, added up. The proof and the screen know nothing else of it."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import msgspec

from crossdock.simulation.trading_day.hub import HubProcess

PAGE = 500


class FeedEvent(msgspec.Struct, frozen=True):
    """One fact of the feed."""

    id: str
    type: str
    subject: str
    happened_at: datetime
    recorded_at: datetime
    trace: str
    source: str
    payload: "dict[str, object]"


class FeedPage(msgspec.Struct, frozen=True):
    """One page of it."""

    events: list[FeedEvent]
    next: str


@dataclass(slots=True)
class OrderStory:
    """What the feed said of one order."""

    order_id: str
    number: str
    channel_order_id: str
    accepted_at: datetime
    total: Decimal
    locations: set[str] = field(default_factory=set)
    landed: dict[str, datetime] = field(default_factory=dict)
    """Kind of intent → when it landed."""
    completed_at: datetime | None = None
    cancelled: bool = False


@dataclass(slots=True)
class Feed:
    """Reads on from where it stopped."""

    hub: HubProcess
    cursor: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    orders: dict[str, OrderStory] = field(default_factory=dict)
    landed: Counter[str] = field(default_factory=Counter)
    receipts_total: Decimal = Decimal(0)
    receipts: int = 0
    store_days: dict[str, Decimal] = field(default_factory=dict)
    journal: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """Debit - credit per posting key, over all closed store days."""
    open_exceptions: dict[str, str] = field(default_factory=dict)
    matters: set[tuple[str, str]] = field(default_factory=set)
    """Type and subject of every exception that was ever opened."""
    shorts: list[tuple[str, str]] = field(default_factory=list)
    """Position and cause of every moment at which more was promised than was there."""
    waiting: set[str] = field(default_factory=set)
    """Orders that have neither goods nor a day."""
    latest: list[str] = field(default_factory=list)

    async def read(self) -> int:
        """Everything new; how many facts."""
        read = 0
        while True:
            page = await self.hub.get(f"/v1/events?limit={PAGE}&after={self.cursor}", FeedPage)
            for event in page.events:
                self._take(event)
            self.cursor = page.next
            read += len(page.events)
            if len(page.events) < PAGE:
                return read

    def _take(self, event: FeedEvent) -> None:
        self.counts[event.type] += 1
        said = event.payload
        match event.type:
            case "order.accepted":
                self.orders[str(said["order_id"])] = OrderStory(
                    order_id=str(said["order_id"]),
                    number=str(said["number"]),
                    channel_order_id=str(said["channel_order_id"]),
                    accepted_at=event.recorded_at,
                    total=Decimal(str(said["total"])),
                )
            case "fulfilment.released":
                self.orders[str(said["order_id"])].locations.add(str(said["location"]))
            case "order.completed":
                self.orders[str(said["order_id"])].completed_at = event.recorded_at
            case "order.cancelled":
                self.orders[str(said["order_id"])].cancelled = True
            case "intent.landed":
                self._landed(event)
            case "receipt.recorded":
                self.receipts += 1
                self.receipts_total += Decimal(str(said["total"]))
            case "store_day.closed":
                self._closed(event)
            case (
                "exception.opened" | "exception.closed" | "stock.short" | "order.backordered" | "order.backorder_ended"
            ):
                self._trouble(event)
            case _:
                pass

    def _trouble(self, event: FeedEvent) -> None:
        said = event.payload
        match event.type:
            case "exception.opened":
                self.open_exceptions[str(said["exception_id"])] = f"{said['type']}: {said['subject']} ({said['owner']})"
                self.matters.add((str(said["type"]), str(said["subject"])))
            case "order.backordered":
                self.waiting.add(str(said["order_id"]))
            case "order.backorder_ended":
                self.waiting.discard(str(said["order_id"]))
            case "exception.closed":
                self.open_exceptions.pop(str(said["exception_id"]), None)
            case _:
                self.shorts.append((event.subject, str(said["cause"])))

    def _landed(self, event: FeedEvent) -> None:
        said = event.payload
        kind = str(said["kind"])
        self.landed[kind] += 1
        order = self.orders.get(str(said.get("subject", "")).removeprefix("order/"))
        if order is not None:
            order.landed[kind] = event.recorded_at
            self.latest.append(f"{order.number}: {kind} landed as {said.get('number') or said['document_id']}")
            del self.latest[:-5]

    def _closed(self, event: FeedEvent) -> None:
        said = event.payload
        self.store_days[f"{said['store']}/{said['run']}"] = Decimal(str(said["total"]))
        lines = said["journal"]
        assert isinstance(lines, list)
        for line in lines:
            amount = Decimal(str(line.get("debit", 0))) - Decimal(str(line.get("credit", 0)))
            self.journal[str(line["account"])] += amount
