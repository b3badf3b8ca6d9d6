"""What is wanted, what is there, and the plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from crossdock.canonical.base import LocationCode, OrderId, ReservationKey, Sku

ZERO: Final = Decimal(0)
NOBODY: Final = ReservationKey("")
Stock: TypeAlias = Mapping[tuple[Sku, LocationCode], Decimal]
"""Units that may be claimed; absent means none, negative counts as none."""

Takes: TypeAlias = Mapping[tuple[Sku, LocationCode], Decimal]
"""Units claimed."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Units one order line still needs."""

    line_id: str
    sku: Sku
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One order that looks for goods: where it may look (best first), and whether it may be split."""

    order_id: OrderId
    locations: Sequence[LocationCode]
    split: bool
    demands: Sequence[Demand]

    def __post_init__(self) -> None:
        assert self.locations, self.order_id
        assert self.demands, self.order_id
        assert all(demand.quantity > 0 for demand in self.demands), self.demands


@dataclass(frozen=True, slots=True)
class Pick:
    """Units of one line at one location."""

    line_id: str
    sku: Sku
    location: LocationCode
    quantity: Decimal
    key: ReservationKey = NOBODY
    """The reservation that claims them."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Units of one line that no location can give."""

    line_id: str
    sku: Sku
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Plan:
    """Where each unit of an order comes from."""

    order_id: OrderId
    picks: tuple[Pick, ...]
    missing: tuple[Missing, ...]
