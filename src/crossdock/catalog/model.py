"""An item as we know it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from crossdock.canonical.base import Sku


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One article. `tracked` false means that its stock has no number."""

    sku: str
    name: str
    unit: str
    tax_class: str
    price: Decimal | None
    barcodes: list[str]
    active: bool
    tracked: bool
    category: str
    source: str
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What the promise must know of an item. Of one that nobody has described: nothing in particular."""

    category: str = ""
    tracked: bool = True
    parts: Mapping[Sku, Decimal] | None = None
    """What one unit of a kit takes of items that are no kits themselves; empty when it can never be put together,
    because it is part of itself. None: it is no kit."""
    units: Mapping[str, Decimal] = field(default_factory=dict)
    """Other units in which it is handled: how many of its own each holds."""
    order_minimum: Decimal | None = None
    order_maximum: Decimal | None = None
    order_multiple: Decimal | None = None


class OrderRule(StrEnum):
    """Which of an item's rules for ordered quantities a quantity breaks."""

    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    MULTIPLE = "multiple"
