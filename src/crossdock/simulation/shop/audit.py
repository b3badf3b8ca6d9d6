"""What the shop believes, for an auditor who shares no code with the hub."""

from collections import Counter
from datetime import datetime
from decimal import Decimal

import msgspec

from crossdock.simulation.shop.books import Books
from crossdock.simulation.shop.courier import Courier
from crossdock.simulation.shop.model import STATES, Level, Order, Oversold, Subscription


class StockLine(msgspec.Struct, frozen=True):
    """A SKU at a location."""

    sku: str
    location: str
    available: int
    committed: int
    on_hand: int
    ledger_on_hand: int
    """Σ of every change written down: equal to `on_hand`, or the shop itself is wrong."""


class OrderLineState(msgspec.Struct, frozen=True):
    """A line of an order."""

    id: int
    sku: str
    quantity: int
    current: int
    fulfilled: int


class ParcelState(msgspec.Struct, frozen=True):
    """A fulfilment that the hub reported."""

    id: int
    location: str
    tracking_numbers: tuple[str, ...]
    units: int


class OrderState(msgspec.Struct, frozen=True):
    """An order as the shop holds it."""

    id: int
    name: str
    currency: str
    total: Decimal
    current_total: Decimal
    financial_status: str
    fulfillment_status: str
    cancelled: bool
    created_at: datetime
    updated_at: datetime
    lines: tuple[OrderLineState, ...]
    parcels: tuple[ParcelState, ...]


class MutationCount(msgspec.Struct, frozen=True):
    """How often a mutation ended in a way."""

    name: str
    result: str
    reasons: tuple[str, ...]
    count: int


class WebhookState(msgspec.Struct, frozen=True):
    """A subscription and how it went."""

    topic: str
    uri: str
    accepted: int
    failed: int


class Readout(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one moment."""

    at: datetime
    stock: tuple[StockLine, ...]
    orders: tuple[OrderState, ...]
    mutations: tuple[MutationCount, ...]
    mutations_dropped: int
    oversold: tuple[Oversold, ...]
    oversold_units: int
    """Units sold that did not exist (where the rehearsal told the truth) or were not believed to."""
    webhooks: tuple[WebhookState, ...]
    webhooks_under_way: int
    webhooks_overflown: int
    """Messages that were given up because too many were under way: never told."""
    faults_struck: dict[str, int]


def read_out(books: Books, courier: Courier, faults_struck: dict[str, int]) -> Readout:
    """The books, added up."""
    counts = Counter((entry.name, entry.result, entry.reasons) for entry in books.mutations)
    return Readout(
        at=books.clock.now(),
        stock=_stock(books),
        orders=tuple(_order(books, order) for order in books.orders.values()),
        mutations=tuple(MutationCount(*key, count) for key, count in sorted(counts.items())),
        mutations_dropped=books.mutations_dropped,
        oversold=tuple(books.oversold),
        oversold_units=sum(each.quantity for each in books.oversold),
        webhooks=tuple(_webhook(each) for each in books.subscriptions.values()),
        webhooks_under_way=courier.under_way,
        webhooks_overflown=courier.overflown,
        faults_struck=dict(faults_struck),
    )


def _stock(books: Books) -> tuple[StockLine, ...]:
    sums: Counter[tuple[str, int]] = Counter()
    for entry in books.stock.ledger:
        if entry.name in STATES:
            sums[entry.sku, entry.location_id] += entry.delta

    def line(level: Level) -> StockLine:
        sku = books.catalogue.by_item[level.item_id].sku
        return StockLine(
            sku=sku,
            location=books.catalogue.locations[level.location_id].name,
            available=level.quantity("available"),
            committed=level.quantity("committed"),
            on_hand=level.quantity("on_hand"),
            ledger_on_hand=sums[sku, level.location_id],
        )

    return tuple(line(level) for level in books.stock.levels.values())


def _order(books: Books, order: Order) -> OrderState:
    return OrderState(
        id=order.id,
        name=order.name,
        currency=order.currency,
        total=order.original_sum().total,
        current_total=order.current_sum().total,
        financial_status=order.financial_status,
        fulfillment_status=order.fulfillment_status or "unfulfilled",
        cancelled=order.cancelled_at is not None,
        created_at=order.created_at,
        updated_at=order.updated_at,
        lines=tuple(
            OrderLineState(line.id, line.variant.sku, line.quantity, line.current_quantity, line.fulfilled)
            for line in order.lines
        ),
        parcels=tuple(
            ParcelState(
                each.id,
                books.catalogue.locations[each.location_id].name,
                each.tracking.numbers,
                sum(line.quantity for line in each.lines),
            )
            for each in order.fulfillments
        ),
    )


def _webhook(subscription: Subscription) -> WebhookState:
    return WebhookState(subscription.topic, subscription.uri, subscription.accepted, subscription.failed)
