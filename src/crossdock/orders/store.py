"""SQL that several use cases of orders share: rows, locks, moves of units.

Numbers of many rows are bound as text and cast: the driver packs a binary numeric three times slower.
Locks are always taken on headers, in the order of their ids; a header's lock covers its lines and holds.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from crossdock.canonical.base import ChannelCode, OrderId, Tax
from crossdock.foundation.db import Tx, execute, fetch_tuples
from crossdock.orders.model import Header, Hold, Line, Order, Part, Vector

LOCK_HEADERS: Final[LiteralString] = """
SELECT order_id, connection, channel, channel_order_id, number, placed_at, currency, prices_include_tax, total,
       mode::text, pickup_location, charges, payments, payment_status::text, contact_id, address_mark, content_mark,
       revised_at, payment_at, correlation_id, accepted_at, cancelled_at, cancel_reason, completed_at,
       forgotten_at, placements, promised_by, reservations
  FROM orders.header
 WHERE order_id = ANY(%(ids)b::uuid[])
 ORDER BY order_id
   FOR UPDATE
"""

HEADERS: Final[LiteralString] = """
SELECT order_id, connection, channel, channel_order_id, number, placed_at, currency, prices_include_tax, total,
       mode::text, pickup_location, charges, payments, payment_status::text, contact_id, address_mark, content_mark,
       revised_at, payment_at, correlation_id, accepted_at, cancelled_at, cancel_reason, completed_at,
       forgotten_at, placements, promised_by, reservations
  FROM orders.header
 WHERE order_id = ANY(%(ids)b::uuid[])
 ORDER BY order_id
"""

LINES: Final[LiteralString] = """
SELECT order_id, position, line_id, sku, name, unit_price, discount, taxes,
       cancelled, backordered, unplaced, allocated, released, picked, packed, shipped, collected
  FROM orders.line
 WHERE order_id = ANY(%(ids)b::uuid[])
 ORDER BY order_id, position
"""

HOLDS: Final[LiteralString] = """
SELECT order_id, hold::text, reason, path, placed_at, released_at, released_by, released_reason
  FROM orders.hold
 WHERE order_id = ANY(%(ids)b::uuid[])
 ORDER BY hold_id
"""

SET_VECTORS: Final[LiteralString] = """
UPDATE orders.line
   SET cancelled = new.cancelled::numeric, backordered = new.backordered::numeric, unplaced = new.unplaced::numeric,
       allocated = new.allocated::numeric, released = new.released::numeric, picked = new.picked::numeric,
       packed = new.packed::numeric, shipped = new.shipped::numeric, collected = new.collected::numeric
  FROM unnest(%(orders)b::uuid[], %(lines)b::text[], %(cancelled)b::text[], %(backordered)b::text[],
              %(unplaced)b::text[], %(allocated)b::text[], %(released)b::text[], %(picked)b::text[],
              %(packed)b::text[], %(shipped)b::text[], %(collected)b::text[])
       AS new(order_id, line_id, cancelled, backordered, unplaced, allocated, released, picked, packed, shipped,
              collected)
 WHERE line.order_id = new.order_id
   AND line.line_id = new.line_id
"""

CHANNELS: Final[LiteralString] = """
SELECT order_id, channel FROM orders.header WHERE order_id = ANY(%(ids)b::uuid[])
"""

SET_COMPLETED: Final[LiteralString] = """
UPDATE orders.header
   SET completed_at = %(now)s
 WHERE order_id = ANY(%(ids)b::uuid[])
   AND completed_at IS NULL
RETURNING order_id
"""


PARTS: Final = tuple(part.value for part in Part)


async def lock_orders(tx: Tx, ids: Collection[OrderId]) -> Mapping[OrderId, Order]:
    """The orders as they are now, locked until the transaction ends."""
    wanted = sorted(set(ids))
    headers = [_header(row) for row in await fetch_tuples(tx, LOCK_HEADERS, {"ids": wanted})]
    return await _whole(tx, headers)


async def orders(tx: Tx, ids: Collection[OrderId]) -> Mapping[OrderId, Order]:
    """The orders as they are now, without locking anything."""
    headers = [_header(row) for row in await fetch_tuples(tx, HEADERS, {"ids": sorted(set(ids))})]
    return await _whole(tx, headers)


async def _whole(tx: Tx, headers: Sequence[Header]) -> Mapping[OrderId, Order]:
    ids: list[UUID] = [header.order_id for header in headers]
    if not ids:
        return {}
    lines: dict[OrderId, list[Line]] = {header.order_id: [] for header in headers}
    holds: dict[OrderId, list[Hold]] = {header.order_id: [] for header in headers}
    for row in await fetch_tuples(tx, LINES, {"ids": ids}):
        lines[row[0]].append(_line(row))
    for row in await fetch_tuples(tx, HOLDS, {"ids": ids}):
        holds[row[0]].append(_hold(row))
    return {
        header.order_id: Order(header, tuple(lines[header.order_id]), tuple(holds[header.order_id]))
        for header in headers
    }


async def set_vectors(tx: Tx, moved: Sequence[tuple[Line, Vector]]) -> None:
    """Write new vectors of lines whose headers are locked."""
    if not moved:
        return
    parts = {part.value: [str(vector.of(part)) for _, vector in moved] for part in Part}
    keys = {"orders": [line.order_id for line, _ in moved], "lines": [line.line_id for line, _ in moved]}
    touched = await execute(tx, SET_VECTORS, {**keys, **parts})
    assert touched == len(moved), (touched, len(moved))


async def channels_of(tx: Tx, ids: Collection[OrderId]) -> Mapping[OrderId, ChannelCode]:
    """Where orders came from."""
    return dict(await fetch_tuples(tx, CHANNELS, {"ids": sorted(ids)}))


async def set_completed(tx: Tx, ids: Sequence[OrderId], *, now: datetime) -> set[OrderId]:
    """Those that were not complete before."""
    if not ids:
        return set()
    return {OrderId(row[0]) for row in await fetch_tuples(tx, SET_COMPLETED, {"ids": ids, "now": now})}


def _header(row: TupleRow) -> Header:
    values = dict(zip(Header.__slots__, row, strict=True))
    return msgspec.convert(
        {**values, "charges": row[11] or (), "payments": row[12] or (), "reservations": row[-1] or ()}, Header
    )


def _line(row: TupleRow) -> Line:
    order_id, position, line_id, sku, name, unit_price, discount, taxes, *units = row
    return Line(
        order_id=OrderId(order_id),
        position=position,
        line_id=line_id,
        sku=sku,
        name=name,
        unit_price=unit_price,
        discount=discount,
        taxes=msgspec.convert(taxes or (), tuple[Tax, ...]),
        vector=Vector(**dict(zip(PARTS, units, strict=True))),
    )


def _hold(row: TupleRow) -> Hold:
    return msgspec.convert(dict(zip(Hold.__slots__, row, strict=True)), Hold)
