"""A balance, and the ledger row that set it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from crossdock.canonical.base import LocationCode, Sku

ON_HAND = "on_hand"


class Balance(NamedTuple):
    """One balance of a position: `on_hand`, or an account of its own."""

    sku: Sku
    location: LocationCode
    term: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBy:
    """The last row of the ledger that changed a balance."""

    sku: Sku
    location: LocationCode
    term: str
    movement: UUID
    kind: str
    quantity: Decimal
    key: str
    """The movement's key, or the reservation's for claims."""
    reason: str
    source: str
    happened_at: datetime
    recorded_at: datetime
