"""What may come of cancelling some lines, besides what comes of cancelling an order."""

from dataclasses import dataclass
from decimal import Decimal

from crossdock.canonical.base import OrderId
from crossdock.orders.model import CancelOutcome


@dataclass(frozen=True, slots=True)
class LinesCancelled:
    """Some units will not be shipped; the rest goes on."""

    order_id: OrderId
    units: Decimal


@dataclass(frozen=True, slots=True)
class NotOpen:
    """Of these lines not so many can be cancelled (they have left, or are none of the order's): nothing was changed."""

    order_id: OrderId
    line_ids: tuple[str, ...]


LinesOutcome = CancelOutcome | LinesCancelled | NotOpen
