"""SQL of expected receipts. A line belongs to a position; a purchase's row is the lock of its lines, before positions."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, LiteralString

from psycopg.rows import TupleRow

from crossdock.canonical.base import LocationCode, Sku
from crossdock.foundation.db import Tx, fetch_tuples, post
from crossdock.inventory.expected.model import Expected, ExpectedKind

MAKE_PURCHASES: Final[LiteralString] = """
INSERT INTO inventory.purchase (reference)
SELECT reference FROM unnest(%(references)b::text[]) AS new(reference)
 ORDER BY reference COLLATE "C"
    ON CONFLICT (reference) DO NOTHING
"""

LOCK_PURCHASES: Final[LiteralString] = """
SELECT 1 FROM inventory.purchase
 WHERE reference = ANY(%(references)b::text[])
 ORDER BY reference COLLATE "C"
   FOR NO KEY UPDATE
"""

# Read by a statement of its own, after the lock: who waited must not see what was there before.
PURCHASES: Final[LiteralString] = """
SELECT reference, supplier, nullif(revised_at, '-infinity')
  FROM inventory.purchase
 WHERE reference = ANY(%(references)b::text[])
"""

REVISE: Final[LiteralString] = """
UPDATE inventory.purchase SET supplier = %(supplier)s, revised_at = %(revised_at)s WHERE reference = %(reference)s
"""

LINES: Final[LiteralString] = """
SELECT kind, reference, line, sku, location, condition, due_at, trim_scale(quantity), trim_scale(received), closed_at,
       close_reason
  FROM inventory.expected
 WHERE kind = %(kind)s AND reference = ANY(%(references)b::text[])
 ORDER BY reference, line
"""

# Lines are what is true now; what was said of them is kept beside.
WRITE: Final[LiteralString] = """
WITH written AS (
    INSERT INTO inventory.expected
           (kind, reference, line, sku, location, condition, due_at, quantity, received, closed_at, close_reason)
    SELECT kind, reference, line, sku, location, condition, due_at, quantity, received, closed_at, close_reason
      FROM unnest(%(kinds)b::text[], %(references)b::text[], %(lines)b::text[], %(skus)b::text[],
                  %(locations)b::text[], %(conditions)b::text[], %(due)b::timestamptz[], %(quantities)b::numeric[],
                  %(received)b::numeric[], %(closed)b::timestamptz[], %(reasons)b::text[])
           AS new(kind, reference, line, sku, location, condition, due_at, quantity, received, closed_at, close_reason)
        ON CONFLICT (kind, reference, line) DO UPDATE
       SET sku = excluded.sku, location = excluded.location, condition = excluded.condition, due_at = excluded.due_at,
           quantity = excluded.quantity, received = excluded.received, closed_at = excluded.closed_at,
           close_reason = excluded.close_reason
    RETURNING kind, reference, line, sku, location, condition, due_at, open
)
INSERT INTO inventory.expected_told (kind, reference, line, sku, location, condition, due_at, open, recorded_at)
SELECT kind, reference, line, sku, location, condition, due_at, open, %(now)s FROM written
"""

OPEN: Final[LiteralString] = """
SELECT kind, reference, line, sku, location, condition, due_at, trim_scale(quantity), trim_scale(received), closed_at,
       close_reason
  FROM inventory.expected
 WHERE open > 0
   AND (%(skus)b::text[] IS NULL OR sku = ANY(%(skus)b::text[]))
   AND (%(location)s::text IS NULL OR location = %(location)s::text)
   AND (kind, reference, line) > (%(kind)s::text, %(reference)s::text, %(line)s::text)
 ORDER BY kind, reference, line
 LIMIT %(limit)s
"""

OPEN_OF: Final[LiteralString] = """
SELECT kind, reference, line, sku, location, condition, due_at, trim_scale(quantity), trim_scale(received), closed_at,
       close_reason
  FROM inventory.expected
 WHERE open > 0 AND sku = ANY(%(skus)b::text[])
 ORDER BY due_at NULLS LAST, kind, reference, line
"""


OPEN_AS_OF: Final[LiteralString] = """
SELECT kind, reference, line, sku, location, condition, due_at, trim_scale(open)
  FROM (SELECT DISTINCT ON (kind, reference, line) *
          FROM inventory.expected_told
         WHERE (kind, reference, line) IN (SELECT kind, reference, line
                                             FROM inventory.expected_told
                                            WHERE sku = ANY(%(skus)b::text[]) AND recorded_at <= %(as_of)s)
           AND recorded_at <= %(as_of)s
         ORDER BY kind, reference, line, seq DESC) AS known
 WHERE open > 0 AND sku = ANY(%(skus)b::text[])
 ORDER BY due_at NULLS LAST, kind, reference, line
"""

FALLING_DUE: Final[LiteralString] = """
SELECT DISTINCT sku FROM inventory.expected WHERE open > 0 AND due_at BETWEEN %(after)s AND %(until)s
"""


async def lock_purchases(tx: Tx, references: Collection[str]) -> Mapping[str, datetime | None]:
    """The documents, made where they are unknown, locked until the transaction ends; when each was last revised."""
    params = {"references": sorted(set(references))}
    await post(tx, MAKE_PURCHASES, params)
    await post(tx, LOCK_PURCHASES, params)
    return {reference: revised_at for reference, (_, revised_at) in (await purchases(tx, references)).items()}


async def purchases(tx: Tx, references: Collection[str]) -> Mapping[str, tuple[str, datetime | None]]:
    """Supplier and last revision of the documents there are."""
    rows = await fetch_tuples(tx, PURCHASES, {"references": sorted(set(references))})
    return {reference: (supplier, revised_at) for reference, supplier, revised_at in rows}


async def revise(tx: Tx, reference: str, supplier: str, revised_at: datetime) -> None:
    """Note the newest statement about a document."""
    await post(tx, REVISE, {"reference": reference, "supplier": supplier, "revised_at": revised_at})


async def lines(tx: Tx, kind: ExpectedKind, references: Collection[str]) -> Sequence[Expected]:
    """All lines of some documents, ended ones too."""
    params = {"kind": kind.value, "references": sorted(set(references))}
    return [_expected(row) for row in await fetch_tuples(tx, LINES, params)]


async def write(tx: Tx, changed: Sequence[Expected], now: datetime) -> None:
    """Write lines as they are now: the documents are locked."""
    if not changed:
        return
    await post(
        tx,
        WRITE,
        {
            "kinds": [line.kind.value for line in changed],
            "references": [line.reference for line in changed],
            "lines": [line.line for line in changed],
            "skus": [line.sku for line in changed],
            "locations": [line.location for line in changed],
            "conditions": [line.condition for line in changed],
            "due": [line.due_at for line in changed],
            "quantities": [line.quantity for line in changed],
            "received": [line.received for line in changed],
            "closed": [line.closed_at for line in changed],
            "reasons": [line.close_reason for line in changed],
            "now": now,
        },
    )


async def open_of(tx: Tx, skus: Iterable[Sku]) -> Sequence[Expected]:
    """Open lines of some items, the earliest due first, those without a day last."""
    return [_expected(row) for row in await fetch_tuples(tx, OPEN_OF, {"skus": list(skus)})]


async def open_as_of(tx: Tx, skus: Iterable[Sku], as_of: datetime) -> Sequence[Expected]:
    """Lines of some items that were open at a past moment, as they were known then; `quantity` is what was open."""
    rows = await fetch_tuples(tx, OPEN_AS_OF, {"skus": list(skus), "as_of": as_of})
    return [
        Expected(
            kind=ExpectedKind(kind),
            reference=reference,
            line=line,
            sku=sku,
            location=location,
            condition=condition,
            due_at=due_at,
            quantity=units,
        )
        for kind, reference, line, sku, location, condition, due_at, units in rows
    ]


async def falling_due(tx: Tx, after: datetime, until: datetime) -> set[Sku]:
    """Items with open lines that are due within a span."""
    return {sku for (sku,) in await fetch_tuples(tx, FALLING_DUE, {"after": after, "until": until})}


async def open_page(
    tx: Tx, *, sku: Sku | None, location: LocationCode | None, after: tuple[str, str, str], limit: int
) -> Sequence[Expected]:
    """Open lines by their names, page by page."""
    kind, reference, line = after
    params = {
        "skus": None if sku is None else [sku],
        "location": location,
        "kind": kind,
        "reference": reference,
        "line": line,
        "limit": limit,
    }
    return [_expected(row) for row in await fetch_tuples(tx, OPEN, params)]


def _expected(row: TupleRow) -> Expected:
    kind, reference, line, sku, location, condition, due_at, quantity, received, closed_at, close_reason = row
    return Expected(
        kind=ExpectedKind(kind),
        reference=reference,
        line=line,
        sku=sku,
        location=location,
        condition=condition,
        due_at=due_at,
        quantity=quantity,
        received=received,
        closed_at=closed_at,
        close_reason=close_reason,
    )
