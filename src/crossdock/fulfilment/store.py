"""SQL of fulfilments. Rows are locked in the order of their ids, behind their orders' locks."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, LiteralString

import msgspec
from psycopg.rows import TupleRow

from crossdock.canonical.base import FulfilmentId, OrderId
from crossdock.foundation.db import Tx, execute, fetch_tuples
from crossdock.foundation.ids import new_id
from crossdock.fulfilment.model import Fulfilment, FulfilmentLine, NewFulfilment, Parcel

INSERT: Final[LiteralString] = """
INSERT INTO fulfilment.fulfilment
       (fulfilment_id, order_id, location, mode, state, reservation_key, correlation_id, released_at)
SELECT fulfilment_id, order_id, location, mode::fulfilment.mode, 'released', reservation_key, correlation_id, %(now)s
  FROM unnest(%(ids)b::uuid[], %(orders)b::uuid[], %(locations)b::text[], %(modes)b::text[], %(keys)b::text[],
              %(correlations)b::uuid[])
       AS new(fulfilment_id, order_id, location, mode, reservation_key, correlation_id)
"""

INSERT_LINES: Final[LiteralString] = """
INSERT INTO fulfilment.line (fulfilment_id, line_id, sku, quantity, tracked)
SELECT fulfilment_id, line_id, sku, quantity, tracked
  FROM unnest(%(ids)b::uuid[], %(lines)b::text[], %(skus)b::text[], %(quantities)b::numeric[], %(tracked)b::boolean[])
       AS new(fulfilment_id, line_id, sku, quantity, tracked)
"""

OF_ORDERS: Final[LiteralString] = """
SELECT fulfilment_id, order_id, location, mode::text, state::text, reservation_key, correlation_id, released_at,
       ended_at, end_reason
  FROM fulfilment.fulfilment
 WHERE order_id = ANY(%(orders)b::uuid[])
 ORDER BY fulfilment_id
"""

LOCK_OF_ORDERS: Final[LiteralString] = """
SELECT fulfilment_id, order_id, location, mode::text, state::text, reservation_key, correlation_id, released_at,
       ended_at, end_reason
  FROM fulfilment.fulfilment
 WHERE order_id = ANY(%(orders)b::uuid[])
 ORDER BY fulfilment_id
   FOR UPDATE
"""

LINES: Final[LiteralString] = """
SELECT fulfilment_id, line_id, sku, quantity, shipped, cancelled, tracked
  FROM fulfilment.line
 WHERE fulfilment_id = ANY(%(ids)b::uuid[])
 ORDER BY fulfilment_id, line_id
"""

PARCELS: Final[LiteralString] = """
SELECT fulfilment_id, reference, shipped_at, carrier, tracking, lines
  FROM fulfilment.parcel
 WHERE fulfilment_id = ANY(%(ids)b::uuid[])
 ORDER BY parcel_id
"""

ORDERS_OF: Final[LiteralString] = """
SELECT fulfilment_id, order_id FROM fulfilment.fulfilment WHERE fulfilment_id = ANY(%(ids)b::uuid[])
"""

ORDERS_BY_TRACKING: Final[LiteralString] = """
SELECT DISTINCT fulfilment.order_id
  FROM fulfilment.parcel
  JOIN fulfilment.fulfilment USING (fulfilment_id)
 WHERE parcel.tracking @> ARRAY[%(tracking)s]
 LIMIT %(limit)s
"""

CHANGE: Final[LiteralString] = """
UPDATE fulfilment.fulfilment
   SET state = new.state::fulfilment.state, ended_at = new.ended_at, end_reason = new.end_reason
  FROM unnest(%(ids)b::uuid[], %(states)b::text[], %(ended)b::timestamptz[], %(reasons)b::text[])
       AS new(fulfilment_id, state, ended_at, end_reason)
 WHERE fulfilment.fulfilment_id = new.fulfilment_id
"""

CHANGE_LINES: Final[LiteralString] = """
UPDATE fulfilment.line
   SET shipped = new.shipped, cancelled = new.cancelled
  FROM unnest(%(ids)b::uuid[], %(lines)b::text[], %(shipped)b::numeric[], %(cancelled)b::numeric[])
       AS new(fulfilment_id, line_id, shipped, cancelled)
 WHERE line.fulfilment_id = new.fulfilment_id
   AND line.line_id = new.line_id
"""

INSERT_PARCELS: Final[LiteralString] = """
INSERT INTO fulfilment.parcel (parcel_id, fulfilment_id, reference, shipped_at, carrier, tracking, lines, recorded_at)
SELECT parcel_id, fulfilment_id, reference, shipped_at, carrier,
       ARRAY(SELECT jsonb_array_elements_text(tracking::jsonb)), lines::jsonb, %(now)s
  FROM unnest(%(ids)b::uuid[], %(fulfilments)b::uuid[], %(references)b::text[], %(shipped)b::timestamptz[],
              %(carriers)b::text[], %(trackings)b::text[], %(lines)b::text[])
       AS new(parcel_id, fulfilment_id, reference, shipped_at, carrier, tracking, lines)
"""

_ENCODE: Final = msgspec.json.Encoder().encode


async def insert(tx: Tx, new: Sequence[NewFulfilment], *, now: datetime) -> None:
    """Work for locations, with its lines."""
    await execute(
        tx,
        INSERT,
        {
            "ids": [fulfilment.fulfilment_id for fulfilment in new],
            "orders": [fulfilment.order_id for fulfilment in new],
            "locations": [fulfilment.location for fulfilment in new],
            "modes": [fulfilment.mode.value for fulfilment in new],
            "keys": [fulfilment.reservation_key for fulfilment in new],
            "correlations": [fulfilment.correlation_id for fulfilment in new],
            "now": now,
        },
    )
    lines = [(fulfilment.fulfilment_id, line) for fulfilment in new for line in fulfilment.lines]
    await execute(
        tx,
        INSERT_LINES,
        {
            "ids": [fulfilment_id for fulfilment_id, _ in lines],
            "lines": [line.line_id for _, line in lines],
            "skus": [line.sku for _, line in lines],
            "quantities": [line.quantity for _, line in lines],
            "tracked": [line.tracked for _, line in lines],
        },
    )


async def of_orders(tx: Tx, orders: Collection[OrderId]) -> Sequence[Fulfilment]:
    """All fulfilments of the orders, oldest first."""
    return await _whole(tx, await fetch_tuples(tx, OF_ORDERS, {"orders": sorted(orders)}))


async def lock_of_orders(tx: Tx, orders: Collection[OrderId]) -> Sequence[Fulfilment]:
    """The same, locked until the transaction ends."""
    return await _whole(tx, await fetch_tuples(tx, LOCK_OF_ORDERS, {"orders": sorted(orders)}))


async def orders_of(tx: Tx, ids: Collection[FulfilmentId]) -> dict[FulfilmentId, OrderId]:
    """Whose work it is; never changes, so nothing is locked."""
    rows = await fetch_tuples(tx, ORDERS_OF, {"ids": sorted(ids)})
    return {FulfilmentId(fulfilment_id): OrderId(order_id) for fulfilment_id, order_id in rows}


async def orders_by_tracking(tx: Tx, tracking: str, *, limit: int) -> Sequence[OrderId]:
    """Orders that have a parcel with this tracking number."""
    rows = await fetch_tuples(tx, ORDERS_BY_TRACKING, {"tracking": tracking, "limit": limit})
    return [OrderId(row[0]) for row in rows]


async def change(tx: Tx, changed: Sequence[Fulfilment]) -> None:
    """Write state and line quantities of locked fulfilments."""
    if not changed:
        return
    await execute(
        tx,
        CHANGE,
        {
            "ids": [fulfilment.fulfilment_id for fulfilment in changed],
            "states": [fulfilment.state.value for fulfilment in changed],
            "ended": [fulfilment.ended_at for fulfilment in changed],
            "reasons": [fulfilment.end_reason for fulfilment in changed],
        },
    )
    lines = [(fulfilment.fulfilment_id, line) for fulfilment in changed for line in fulfilment.lines]
    await execute(
        tx,
        CHANGE_LINES,
        {
            "ids": [fulfilment_id for fulfilment_id, _ in lines],
            "lines": [line.line_id for _, line in lines],
            "shipped": [line.shipped for _, line in lines],
            "cancelled": [line.cancelled for _, line in lines],
        },
    )


async def insert_parcels(tx: Tx, parcels: Sequence[tuple[FulfilmentId, Parcel]], *, now: datetime) -> None:
    """What left."""
    await execute(
        tx,
        INSERT_PARCELS,
        {
            "ids": [new_id() for _ in parcels],
            "fulfilments": [fulfilment_id for fulfilment_id, _ in parcels],
            "references": [parcel.reference for _, parcel in parcels],
            "shipped": [parcel.shipped_at for _, parcel in parcels],
            "carriers": [parcel.carrier for _, parcel in parcels],
            "trackings": [_ENCODE(parcel.tracking).decode() for _, parcel in parcels],
            "lines": [_ENCODE(parcel.lines).decode() for _, parcel in parcels],
            "now": now,
        },
    )


async def _whole(tx: Tx, rows: Sequence[TupleRow]) -> Sequence[Fulfilment]:
    if not rows:
        return ()
    ids = [row[0] for row in rows]
    lines: dict[FulfilmentId, list[FulfilmentLine]] = {row[0]: [] for row in rows}
    parcels: dict[FulfilmentId, list[Parcel]] = {row[0]: [] for row in rows}
    for fulfilment_id, *values in await fetch_tuples(tx, LINES, {"ids": ids}):
        lines[fulfilment_id].append(FulfilmentLine(**dict(zip(FulfilmentLine.__slots__, values, strict=True))))
    for fulfilment_id, *values in await fetch_tuples(tx, PARCELS, {"ids": ids}):
        parcels[fulfilment_id].append(msgspec.convert(dict(zip(Parcel.__slots__, values, strict=True)), Parcel))
    names = [name for name in Fulfilment.__slots__ if name not in {"lines", "parcels"}]
    return [
        msgspec.convert(
            {**dict(zip(names, row, strict=True)), "lines": lines[row[0]], "parcels": parcels[row[0]]}, Fulfilment
        )
        for row in rows
    ]
