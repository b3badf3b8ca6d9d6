"""Opening stock: enough for the real day, tight where web shop and tills shall compete."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from crossdock.simulation.retailer.draw import draw
from crossdock.simulation.retailer.model import (
    POSTING,
    DayRules,
    OpeningStock,
    Product,
    Receipt,
    ReceiptKind,
    Store,
    TillEvent,
    WebOrder,
)

TIGHT_SHARE: Final = 20
SPARE_MIN: Final = 3
SPARE_PART: Final = 4
DC_BASE: Final = 20


def opening_stock(
    rules: DayRules,
    stores: Sequence[Store],
    items: Sequence[Product],
    *,
    dc: str,
    events: Sequence[TillEvent],
    orders: Sequence[WebOrder],
) -> tuple[tuple[OpeningStock, ...], tuple[str, ...]]:
    """The stock to start with per location and product, and the products that are tight.

    A store opens with what its tills sell, so no till ever sells what is not there, plus a spare. A tight product has
    no spare (one unit in one store) and the DC holds half of what the web orders: whatever the web shop
    gets beyond that, a till will miss.
    """
    sold = units_sold(events)
    wanted = Counter[str]()
    for order in orders:
        for line in order.lines:
            wanted[line.sku] += line.quantity
    tight = _tight(rules, [item.sku for item in items], sold, wanted)
    levels: list[OpeningStock] = []
    for item in items:
        for place, store in enumerate(stores):
            units = sold[(store.code, item.sku)]
            if not units:
                continue
            spare = (1 if place == 0 else 0) if item.sku in tight else max(SPARE_MIN, -(-units // SPARE_PART))
            levels.append(OpeningStock(location=store.code, sku=item.sku, quantity=units + spare))
        central = wanted[item.sku] // 2 if item.sku in tight else 2 * wanted[item.sku] + DC_BASE
        if central:
            levels.append(OpeningStock(location=dc, sku=item.sku, quantity=central))
    return tuple(levels), tuple(sorted(tight))


def units_sold(events: Sequence[TillEvent]) -> Counter[tuple[str, str]]:
    """Units over the counter per (store, sku). What comes back later in the day is not taken off."""
    sold: Counter[tuple[str, str]] = Counter()
    for event in events:
        if isinstance(event, Receipt) and event.kind is ReceiptKind.SALE:
            for line in event.lines:
                if not line.voided:
                    sold[(event.key.store, line.sku)] += int(line.quantity)
    return sold


def units_gone(events: Sequence[TillEvent]) -> dict[tuple[str, str], Decimal]:
    """Units gone at the end of the day per (store, sku): sales less returns and post-voids."""
    gone: dict[tuple[str, str], Decimal] = {}
    for event in events:
        if not isinstance(event, Receipt) or event.kind not in POSTING:
            continue
        sign = 1 if event.kind is ReceiptKind.SALE else -1
        for line in event.lines:
            if not line.voided:
                key = (event.key.store, line.sku)
                gone[key] = gone.get(key, Decimal(0)) + sign * line.quantity
    return gone


def _tight(
    rules: DayRules, skus: Sequence[str], sold: Counter[tuple[str, str]], wanted: Counter[str]
) -> frozenset[str]:
    """One in twenty of the products that both tills and web shop want, drawn by seed."""
    at_tills = {sku for _, sku in sold}
    contested = [sku for sku in skus if sku in at_tills and wanted[sku]]
    contested.sort(key=lambda sku: draw(rules.seed, "tight", sku))
    return frozenset(contested[: -(-len(contested) // TIGHT_SHARE)])
