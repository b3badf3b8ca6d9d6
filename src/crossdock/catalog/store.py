"""SQL of the catalogue."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, LiteralString

from crossdock.canonical.base import Sku
from crossdock.canonical.stock import ItemDescribed
from crossdock.catalog.model import Item
from crossdock.foundation.db import Tx, execute, fetch_all, fetch_tuples

# An unchanged item writes nothing: first loads and polls repeat most rows.
DESCRIBE: Final[LiteralString] = """
INSERT INTO catalog.item AS old (sku, name, unit, tax_class, price, barcodes, active, tracked, source, changed_at)
VALUES (%(sku)s, %(name)s, %(unit)s, %(tax_class)s, %(price)s, %(barcodes)s, %(active)s, %(tracked)s, %(source)s,
        %(now)s)
    ON CONFLICT (sku) DO UPDATE
   SET name = excluded.name, unit = excluded.unit, tax_class = excluded.tax_class, price = excluded.price,
       barcodes = excluded.barcodes, active = excluded.active, tracked = excluded.tracked, source = excluded.source,
       changed_at = excluded.changed_at, xid = foundation.place()
 WHERE (old.name, old.unit, old.tax_class, old.price, old.barcodes, old.active, old.tracked)
       IS DISTINCT FROM
       (excluded.name, excluded.unit, excluded.tax_class, excluded.price, excluded.barcodes, excluded.active,
        excluded.tracked)
"""

KNOWN: Final[LiteralString] = "SELECT sku FROM catalog.item WHERE sku = ANY(%(skus)b::text[])"

TRACKED: Final[LiteralString] = "SELECT sku, tracked FROM catalog.item WHERE sku = ANY(%(skus)b::text[])"

UNTRACKED: Final[LiteralString] = """
SELECT sku FROM catalog.item WHERE sku = ANY(%(skus)b::text[]) AND NOT tracked
"""

CHANGED_SINCE: Final[LiteralString] = """
SELECT sku, xid::text::bigint
  FROM catalog.item
 WHERE xid >= %(horizon)s::bigint::text::xid8
 LIMIT %(limit)s
"""

ITEMS: Final[LiteralString] = """
SELECT sku, name, unit, tax_class, price, barcodes, active, tracked, source, changed_at
  FROM catalog.item WHERE sku > %(after)s ORDER BY sku LIMIT %(limit)s
"""


async def describe(tx: Tx, item: ItemDescribed, source: str, now: datetime) -> bool:
    """Store one description; whether it changed anything."""
    params = {
        "sku": item.sku,
        "name": item.name,
        "unit": item.unit,
        "tax_class": item.tax_class,
        "price": item.price,
        "barcodes": sorted(item.barcodes),
        "active": item.active,
        "tracked": item.tracked,
        "source": source,
        "now": now,
    }
    return await execute(tx, DESCRIBE, params) > 0


async def known(tx: Tx, skus: Sequence[str]) -> set[str]:
    """Those of *skus* that are in the catalogue."""
    return {row[0] for row in await fetch_tuples(tx, KNOWN, {"skus": skus})}


async def tracked(tx: Tx, skus: Sequence[str]) -> dict[str, bool]:
    """Those of *skus* that are in the catalogue, and whether their stock is counted."""
    return dict(await fetch_tuples(tx, TRACKED, {"skus": skus}))


async def untracked(tx: Tx, skus: Sequence[str]) -> set[str]:
    """Those of *skus* whose stock nobody counts."""
    return {row[0] for row in await fetch_tuples(tx, UNTRACKED, {"skus": skus})}


async def changed_since(tx: Tx, horizon: int, *, limit: int) -> Mapping[Sku, int]:
    """Items that were written at or above a horizon, and where."""
    return dict(await fetch_tuples(tx, CHANGED_SINCE, {"horizon": horizon, "limit": limit}))


async def items(tx: Tx, after: str, limit: int) -> list[Item]:
    """A page by SKU."""
    return await fetch_all(tx, ITEMS, Item, {"after": after, "limit": limit})
