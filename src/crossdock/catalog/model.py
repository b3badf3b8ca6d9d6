"""An item as we know it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


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
    source: str
    changed_at: datetime
