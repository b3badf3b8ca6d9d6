"""SQL of the catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, LiteralString

import msgspec

from crossdock.canonical.base import Sku
from crossdock.canonical.stock import ItemDescribed
from crossdock.catalog.model import Item
from crossdock.foundation.db import Tx, execute, fetch_all, fetch_tuples

# In key order, so that two batches of the same items wait for each other instead of deadlocking.
LOCK: Final[LiteralString] = """
SELECT sku FROM catalog.item WHERE sku = ANY(%(skus)b::text[]) ORDER BY sku COLLATE "C" FOR UPDATE
"""

# Only what the promise looks at: another name or price explains no number.
KEEP_FORMER: Final[LiteralString] = """
INSERT INTO catalog.former (sku, until, category, tracked, components, component_quantities)
SELECT old.sku, %(now)s, old.category, old.tracked, old.components, old.component_quantities
  FROM catalog.item old
  JOIN jsonb_to_recordset(%(items)s::text::jsonb)
       AS new(sku text, category text, tracked boolean, components text[], component_quantities numeric(24, 6)[])
       USING (sku)
 WHERE (old.category, old.tracked, old.components, old.component_quantities)
       IS DISTINCT FROM (new.category, new.tracked, new.components, new.component_quantities)
    ON CONFLICT (sku, until) DO NOTHING
"""

# An unchanged item writes nothing: first loads and polls repeat most rows.
DESCRIBE: Final[LiteralString] = """
INSERT INTO catalog.item AS old
       (sku, name, unit, tax_class, price, barcodes, active, tracked, category, components, component_quantities, units,
        unit_factors, order_minimum, order_maximum, order_multiple, source, changed_at, known_at)
SELECT sku, name, unit, tax_class, price, barcodes, active, tracked, category, components, component_quantities, units,
       unit_factors, order_minimum, order_maximum, order_multiple, %(source)s, %(now)s, %(now)s
  FROM jsonb_to_recordset(%(items)s::text::jsonb)
       AS new(sku text, name text, unit text, tax_class text, price numeric(24, 6), barcodes text[], active boolean,
              tracked boolean, category text, components text[], component_quantities numeric(24, 6)[], units text[],
              unit_factors numeric(24, 6)[], order_minimum numeric(24, 6), order_maximum numeric(24, 6),
              order_multiple numeric(24, 6))
 ORDER BY sku COLLATE "C"
    ON CONFLICT (sku) DO UPDATE
   SET name = excluded.name, unit = excluded.unit, tax_class = excluded.tax_class, price = excluded.price,
       barcodes = excluded.barcodes, active = excluded.active, tracked = excluded.tracked,
       category = excluded.category, components = excluded.components,
       component_quantities = excluded.component_quantities, units = excluded.units,
       unit_factors = excluded.unit_factors, order_minimum = excluded.order_minimum,
       order_maximum = excluded.order_maximum, order_multiple = excluded.order_multiple,
       source = excluded.source, changed_at = excluded.changed_at, xid = foundation.place()
 WHERE (old.name, old.unit, old.tax_class, old.price, old.barcodes, old.active, old.tracked, old.category,
        old.components, old.component_quantities, old.units, old.unit_factors, old.order_minimum, old.order_maximum,
        old.order_multiple)
       IS DISTINCT FROM
       (excluded.name, excluded.unit, excluded.tax_class, excluded.price, excluded.barcodes, excluded.active,
        excluded.tracked, excluded.category, excluded.components, excluded.component_quantities, excluded.units,
        excluded.unit_factors, excluded.order_minimum, excluded.order_maximum, excluded.order_multiple)
RETURNING sku
"""

KNOWN: Final[LiteralString] = "SELECT sku FROM catalog.item WHERE sku = ANY(%(skus)b::text[])"

IN_UNIT: Final[LiteralString] = """
SELECT sku FROM catalog.item WHERE sku = ANY(%(skus)b::text[]) AND unit = %(unit)s
"""

TRACKED: Final[LiteralString] = "SELECT sku, tracked FROM catalog.item WHERE sku = ANY(%(skus)b::text[])"

CHANGED_SINCE: Final[LiteralString] = """
SELECT sku, xid::text::bigint
  FROM catalog.item
 WHERE xid >= %(horizon)s::bigint::text::xid8
 LIMIT %(limit)s
"""

ITEMS: Final[LiteralString] = """
SELECT sku, name, unit, tax_class, price, barcodes, active, tracked, category, source, changed_at
  FROM catalog.item WHERE sku > %(after)s ORDER BY sku LIMIT %(limit)s
"""

TRADED: Final[LiteralString] = """
SELECT sku, category, tracked, components, component_quantities, units, unit_factors,
       trim_scale(order_minimum) AS order_minimum, trim_scale(order_maximum) AS order_maximum,
       trim_scale(order_multiple) AS order_multiple
  FROM catalog.item WHERE sku = ANY(%(skus)b::text[])
"""

# What held at a moment is what was replaced first after it.
TRADED_AS_OF: Final[LiteralString] = """
SELECT i.sku, coalesce(f.category, i.category) AS category, coalesce(f.tracked, i.tracked) AS tracked,
       coalesce(f.components, i.components) AS components,
       coalesce(f.component_quantities, i.component_quantities) AS component_quantities,
       i.units, i.unit_factors, trim_scale(i.order_minimum) AS order_minimum,
       trim_scale(i.order_maximum) AS order_maximum, trim_scale(i.order_multiple) AS order_multiple
  FROM catalog.item i
  LEFT JOIN LATERAL (
       SELECT *
         FROM catalog.former f
        WHERE f.sku = i.sku AND f.until > %(at)s
        ORDER BY f.until
        LIMIT 1) AS f ON true
 WHERE i.sku = ANY(%(skus)b::text[]) AND i.known_at <= %(at)s
"""

# Through kits in kits; each is met once, however they contain each other.
KITS_WITH: Final[LiteralString] = """
WITH RECURSIVE holder(sku) AS (
    SELECT sku FROM catalog.item WHERE components <> '{}' AND components && %(skus)b::text[]
    UNION
    SELECT i.sku FROM holder h JOIN catalog.item i ON i.components <> '{}' AND i.components && ARRAY[h.sku]
)
SELECT sku FROM holder
"""

WITHOUT_STOCK: Final[LiteralString] = """
SELECT sku FROM catalog.item
 WHERE sku > %(after)s AND (components <> '{}' OR NOT tracked)
 ORDER BY sku
 LIMIT %(limit)s
"""

IN_CATEGORY: Final[LiteralString] = """
SELECT sku FROM catalog.item WHERE category = %(category)s OR starts_with(category, %(category)s || '.')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """An item's traits as they are stored."""

    sku: Sku
    category: str
    tracked: bool
    components: list[Sku]
    component_quantities: list[Decimal]
    units: list[str]
    unit_factors: list[Decimal]
    order_minimum: Decimal | None
    order_maximum: Decimal | None
    order_multiple: Decimal | None


async def describe(tx: Tx, items: Sequence[ItemDescribed], source: str, now: datetime) -> set[str]:
    """Store descriptions, each of another item; the SKUs of those that changed anything."""
    params = {"skus": [item.sku for item in items], "source": source, "now": now, "items": _written(items)}
    await execute(tx, LOCK, {"skus": params["skus"]})
    await execute(tx, KEEP_FORMER, {"items": params["items"], "now": now})
    return {sku for (sku,) in await fetch_tuples(tx, DESCRIBE, params)}


def _written(items: Sequence[ItemDescribed]) -> str:
    rows = []
    for item in items:
        components = sorted(item.components, key=lambda component: component.sku)
        units = sorted(item.units, key=lambda unit: unit.code)
        rows.append(
            {
                "sku": item.sku,
                "name": item.name,
                "unit": item.unit,
                "tax_class": item.tax_class,
                "price": item.price,
                "barcodes": sorted(item.barcodes),
                "active": item.active,
                "tracked": item.tracked,
                "category": item.category,
                "components": [component.sku for component in components],
                "component_quantities": [component.quantity for component in components],
                "units": [unit.code for unit in units],
                "unit_factors": [unit.factor for unit in units],
                "order_minimum": item.order_minimum,
                "order_maximum": item.order_maximum,
                "order_multiple": item.order_multiple,
            }
        )
    return msgspec.json.encode(rows).decode()


async def known(tx: Tx, skus: Sequence[str]) -> set[str]:
    """Those of *skus* that are in the catalogue."""
    return {row[0] for row in await fetch_tuples(tx, KNOWN, {"skus": skus})}


async def in_unit(tx: Tx, skus: Sequence[str], unit: str) -> set[str]:
    """Those of *skus* that are counted in *unit*."""
    return {row[0] for row in await fetch_tuples(tx, IN_UNIT, {"skus": skus, "unit": unit})}


async def tracked(tx: Tx, skus: Sequence[str]) -> dict[str, bool]:
    """Those of *skus* that are in the catalogue, and whether their stock is counted."""
    return dict(await fetch_tuples(tx, TRACKED, {"skus": skus}))


async def changed_since(tx: Tx, horizon: int, *, limit: int) -> Mapping[Sku, int]:
    """Items that were written at or above a horizon, and where."""
    return dict(await fetch_tuples(tx, CHANGED_SINCE, {"horizon": horizon, "limit": limit}))


async def items(tx: Tx, after: str, limit: int) -> list[Item]:
    """A page by SKU."""
    return await fetch_all(tx, ITEMS, Item, {"after": after, "limit": limit})


async def traded(tx: Tx, skus: Sequence[Sku], at: datetime | None) -> list[Traded]:
    """What the promise must know of items, now or as it was known at a past moment; unknown ones are absent."""
    if at is None:
        return await fetch_all(tx, TRADED, Traded, {"skus": skus})
    return await fetch_all(tx, TRADED_AS_OF, Traded, {"skus": skus, "at": at})


async def kits_with(tx: Tx, skus: Sequence[Sku]) -> set[Sku]:
    """Kits that contain any of *skus*, directly or in a kit."""
    return {sku for (sku,) in await fetch_tuples(tx, KITS_WITH, {"skus": skus})}


async def without_stock(tx: Tx, after: Sku, limit: int) -> list[Sku]:
    """Kits and untracked items, by SKU: what can be sold although it has no positions."""
    return [sku for (sku,) in await fetch_tuples(tx, WITHOUT_STOCK, {"after": after, "limit": limit})]


async def in_category(tx: Tx, category: str) -> list[Sku]:
    """Items of a category and of those below it."""
    return [sku for (sku,) in await fetch_tuples(tx, IN_CATEGORY, {"category": category})]
