"""Orders together with their claims."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from crossdock.canonical.base import OrderId
from crossdock.eventlog.service import Origin
from crossdock.inventory.reservations.model import Claim
from crossdock.orders.model import SOURCE, Order


@dataclass(frozen=True, slots=True)
class Case:
    """One order in a batch, and whose doing this is."""

    order: Order
    origin: Origin

    @classmethod
    def of(cls, order: Order, causation_id: UUID | None = None) -> "Case":
        """What follows belongs to the order's own trace."""
        origin = Origin(correlation_id=order.header.correlation_id, source=SOURCE, causation_id=causation_id)
        return cls(order, origin)


@dataclass(frozen=True, slots=True)
class Standing:
    """An order with what it claims."""

    case: Case
    claims: Sequence[Claim]


@dataclass(frozen=True, slots=True)
class Waiting:
    """An order that has units without goods or a day."""

    order_id: OrderId
    since: datetime
    told_at: datetime | None
    """When people were told."""
