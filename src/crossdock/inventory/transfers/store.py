"""SQL of transfers. A transfer's row is the lock of its lines, taken before positions."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, LiteralString

import msgspec

from crossdock.canonical.base import LocationCode, Sku
from crossdock.foundation.db import Tx, fetch_tuples, post
from crossdock.inventory.transfers.model import Header

INSERT: Final[LiteralString] = """
INSERT INTO inventory.transfer (reference, source, target, state, due_at, made_at, changed_at, correlation_id)
VALUES (%(reference)s, %(source)s, %(target)s, %(state)s, %(due_at)s, %(made_at)s, %(changed_at)s, %(correlation_id)s)
"""

INSERT_LINES: Final[LiteralString] = """
INSERT INTO inventory.transfer_line (reference, sku, quantity)
SELECT %(reference)s, sku, quantity FROM unnest(%(skus)b::text[], %(quantities)b::numeric[]) AS new(sku, quantity)
"""

LOCK: Final[LiteralString] = """
SELECT reference, source, target, state, due_at, made_at, changed_at, receptions, correlation_id
  FROM inventory.transfer
 WHERE reference = %(reference)s
   FOR NO KEY UPDATE
"""

HEADERS: Final[LiteralString] = """
SELECT reference, source, target, state, due_at, made_at, changed_at, receptions, correlation_id
  FROM inventory.transfer
 WHERE reference > %(after)s
   AND (%(location)s::text IS NULL OR %(location)s::text IN (source, target))
   AND state IN ('draft', 'ready', 'in_transit', 'partly_received', 'discrepancy')
 ORDER BY reference
 LIMIT %(limit)s
"""

HEADER: Final[LiteralString] = """
SELECT reference, source, target, state, due_at, made_at, changed_at, receptions, correlation_id
  FROM inventory.transfer
 WHERE reference = %(reference)s
"""

ASKED: Final[LiteralString] = """
SELECT reference, sku, trim_scale(quantity)
  FROM inventory.transfer_line
 WHERE reference = ANY(%(references)b::text[])
"""

CHANGE: Final[LiteralString] = """
UPDATE inventory.transfer
   SET state = %(state)s, changed_at = %(changed_at)s, receptions = %(receptions)s
 WHERE reference = %(reference)s
"""


async def insert(tx: Tx, header: Header, quantities: Mapping[Sku, Decimal]) -> None:
    """A new transfer with what is asked for."""
    await post(tx, INSERT, _params(header))
    await post(
        tx,
        INSERT_LINES,
        {"reference": header.reference, "skus": list(quantities), "quantities": list(quantities.values())},
    )


async def lock(tx: Tx, reference: str) -> Header | None:
    """The transfer, locked until the transaction ends."""
    rows = await fetch_tuples(tx, LOCK, {"reference": reference})
    return _header(rows[0]) if rows else None


async def find(tx: Tx, reference: str) -> Header | None:
    """The transfer as it stands."""
    rows = await fetch_tuples(tx, HEADER, {"reference": reference})
    return _header(rows[0]) if rows else None


async def open_page(tx: Tx, *, location: LocationCode | None, after: str, limit: int) -> Sequence[Header]:
    """Transfers that have not ended, by reference, page by page."""
    return [
        _header(row) for row in await fetch_tuples(tx, HEADERS, {"location": location, "after": after, "limit": limit})
    ]


async def asked(tx: Tx, references: Sequence[str]) -> Mapping[str, Mapping[Sku, Decimal]]:
    """What was asked for, per transfer."""
    found: dict[str, dict[Sku, Decimal]] = {reference: {} for reference in references}
    for reference, sku, quantity in await fetch_tuples(tx, ASKED, {"references": references}):
        found[reference][sku] = quantity
    return dict(found)


async def change(tx: Tx, header: Header) -> None:
    """Write where a locked transfer stands."""
    await post(tx, CHANGE, _params(header))


def _params(header: Header) -> Mapping[str, object]:
    return {name: getattr(header, name) for name in Header.__slots__}


def _header(row: Sequence[object]) -> Header:
    return msgspec.convert(dict(zip(Header.__slots__, row, strict=True)), Header)
