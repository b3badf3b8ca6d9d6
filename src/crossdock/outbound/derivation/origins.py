"""What derivation remembers of orders, as the facts told it. Pure."""

from dataclasses import dataclass, replace
from decimal import Decimal

from crossdock.canonical import facts
from crossdock.canonical.base import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderOrigin:
    """What derivation remembers of an order: where it came from and what became of it."""

    order_id: str
    connection: str
    channel: str
    channel_order_id: str
    total: Decimal
    currency: str
    shipped: bool = False
    cancelled: bool = False
    reduced: bool = False
    """Part of it was cancelled."""


def remembered(fact: Document, origin: OrderOrigin | None) -> OrderOrigin | None:
    """What is known of the order after *fact*; the same object when nothing is new."""
    match fact:
        case facts.OrderAccepted() if origin is None:
            return OrderOrigin(
                order_id=fact.order_id,
                connection=fact.connection,
                channel=fact.channel,
                channel_order_id=fact.channel_order_id,
                total=fact.total,
                currency=fact.currency,
            )
        case facts.FulfilmentShipped() if origin is not None and not origin.shipped:
            return replace(origin, shipped=True)
        case facts.OrderLinesCancelled() if origin is not None and not origin.reduced:
            return replace(origin, reduced=True)
        case facts.OrderCancelled() if origin is not None and not origin.cancelled:
            return replace(origin, cancelled=True)
        case _:
            return origin


def order_of(fact: Document) -> str | None:
    """The order that a fact is about, where it is about one."""
    match fact:
        case (
            facts.OrderAccepted()
            | facts.OrderPlacedOnStock()
            | facts.OrderCompleted()
            | facts.OrderCancelled()
            | facts.OrderLinesCancelled()
            | facts.FulfilmentReleased()
            | facts.FulfilmentShipped()
            | facts.FulfilmentCancelled()
        ):
            return fact.order_id
        case _:
            return None
