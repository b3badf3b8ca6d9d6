"""SQL of claims with what ranks them."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, LiteralString

from psycopg.rows import TupleRow

from crossdock.canonical.base import ReservationKey, Sku
from crossdock.foundation.db import Tx, fetch_tuples
from crossdock.inventory.expected.model import Expected, ExpectedKind
from crossdock.inventory.model import PositionKey
from crossdock.inventory.reservations.store import claim_of
from crossdock.inventory.store import Places
from crossdock.inventory.waiting.model import Promise
from crossdock.inventory.waiting.ranking import Ranked

# Who waits at some positions, the first ranked of each.
WAITING_AT: Final[LiteralString] = """
SELECT w.*
  FROM unnest(%(skus)b::text[], %(locations)b::text[], %(conditions)b::text[]) AS at(sku, location, condition)
  JOIN LATERAL (
       SELECT key, c.sku, c.location, c.condition, c.kind, c.expires_at, trim_scale(granted), trim_scale(arrived),
              trim_scale(remaining), trim_scale(consumed), trim_scale(released), trim_scale(expired),
              trim_scale(moved), basis, due_by, coalesce(r.promised_at, r.requested_at), coalesce(r.worth, 0),
              coalesce(r.penalty, 0)
         FROM inventory.claim c
         JOIN inventory.reservation r USING (key)
        WHERE c.sku = at.sku AND c.location = at.location AND c.condition = at.condition
          AND c.remaining > 0 AND c.basis <> 'goods'
        ORDER BY c.kind = 'hold', coalesce(r.promised_at, r.requested_at), coalesce(r.worth, 0) DESC,
                 coalesce(r.penalty, 0) DESC, key COLLATE "C"
        LIMIT %(limit)s) AS w ON true
"""

# Receipts that claims at some positions expect, by day, without the claims named: those were looked at one by one.
DATED_AT: Final[LiteralString] = """
SELECT c.sku, c.location, c.condition, c.due_by, trim_scale(sum(c.remaining))
  FROM unnest(%(skus)b::text[], %(locations)b::text[], %(conditions)b::text[]) AS at(sku, location, condition)
  JOIN inventory.claim c USING (sku, location, condition)
 WHERE c.remaining > 0 AND c.basis = 'dated'
   AND NOT EXISTS (
       SELECT 1
         FROM unnest(%(keys)b::text[], %(key_skus)b::text[], %(key_locations)b::text[], %(key_conditions)b::text[])
              AS known(key, sku, location, condition)
        WHERE known.key = c.key AND known.sku = c.sku AND known.location = c.location
          AND known.condition = c.condition)
 GROUP BY c.sku, c.location, c.condition, c.due_by
"""

# Who stands on goods there, the last ranked of each first: they lose first.
STANDING_AT: Final[LiteralString] = """
SELECT w.*
  FROM unnest(%(skus)b::text[], %(locations)b::text[], %(conditions)b::text[]) AS at(sku, location, condition)
  JOIN LATERAL (
       SELECT key, c.sku, c.location, c.condition, c.kind, c.expires_at, trim_scale(granted), trim_scale(arrived),
              trim_scale(remaining), trim_scale(consumed), trim_scale(released), trim_scale(expired),
              trim_scale(moved), basis, due_by, coalesce(r.promised_at, r.requested_at), coalesce(r.worth, 0),
              coalesce(r.penalty, 0)
         FROM inventory.claim c
         JOIN inventory.reservation r USING (key)
        WHERE c.sku = at.sku AND c.location = at.location AND c.condition = at.condition
          AND c.remaining > 0 AND c.basis = 'goods'
        ORDER BY c.kind = 'hold' DESC, coalesce(r.promised_at, r.requested_at) DESC, coalesce(r.worth, 0),
                 coalesce(r.penalty, 0), key COLLATE "C" DESC
        LIMIT %(limit)s) AS w ON true
"""

# Placed orders that wait for some items, wherever, by rank.
WAITING_FOR: Final[LiteralString] = """
SELECT key, c.sku, c.location, c.condition, c.kind, c.expires_at, trim_scale(granted), trim_scale(arrived),
       trim_scale(remaining), trim_scale(consumed), trim_scale(released), trim_scale(expired), trim_scale(moved),
       basis, due_by, coalesce(r.promised_at, r.requested_at), coalesce(r.worth, 0), coalesce(r.penalty, 0)
  FROM inventory.claim c
  JOIN inventory.reservation r USING (key)
 WHERE c.sku = ANY(%(skus)b::text[]) AND c.remaining > 0 AND c.basis <> 'goods' AND c.kind = 'allocation'
 ORDER BY coalesce(r.promised_at, r.requested_at), coalesce(r.worth, 0) DESC, coalesce(r.penalty, 0) DESC,
          key COLLATE "C"
 LIMIT %(limit)s
OFFSET %(offset)s
"""

# What is under way to some positions.
COMING_TO: Final[LiteralString] = """
SELECT kind, reference, line, sku, location, condition, due_at, trim_scale(open)
  FROM unnest(%(skus)b::text[], %(locations)b::text[], %(conditions)b::text[]) AS at(sku, location, condition)
  JOIN inventory.expected USING (sku, location, condition)
 WHERE open > 0
"""


async def waiting_at(tx: Tx, positions: set[PositionKey], *, limit: int) -> Sequence[Ranked]:
    """Claims without goods at locked positions, at most *limit* per position."""
    rows = await fetch_tuples(tx, WAITING_AT, {**Places.of(positions).params, "limit": limit})
    return [_ranked(row) for row in rows]


async def dated_at(
    tx: Tx, positions: set[PositionKey], *, without: Collection[tuple[ReservationKey, PositionKey]]
) -> Sequence[tuple[PositionKey, datetime, Decimal]]:
    """Units that claims on receipts expect at locked positions, by day; not those of *without*."""
    params = {
        **Places.of(positions).params,
        "keys": [key for key, _ in without],
        "key_skus": [at.sku for _, at in without],
        "key_locations": [at.location for _, at in without],
        "key_conditions": [at.condition for _, at in without],
    }
    rows = await fetch_tuples(tx, DATED_AT, params)
    return [(PositionKey(sku, location, condition), day, units) for sku, location, condition, day, units in rows]


async def standing_at(tx: Tx, positions: set[PositionKey], *, limit: int) -> Sequence[Ranked]:
    """Claims on goods at some positions, at most *limit* per position: the last ranked."""
    rows = await fetch_tuples(tx, STANDING_AT, {**Places.of(positions).params, "limit": limit})
    return [_ranked(row) for row in rows]


async def waiting_for(tx: Tx, skus: Iterable[Sku], *, limit: int, offset: int) -> Sequence[Ranked]:
    """Placed orders' claims without goods on some items, by rank."""
    params = {"skus": list(skus), "limit": limit, "offset": offset}
    return [_ranked(row) for row in await fetch_tuples(tx, WAITING_FOR, params)]


async def coming_to(tx: Tx, positions: set[PositionKey]) -> Sequence[Expected]:
    """Open lines to some positions."""
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
        for kind, reference, line, sku, location, condition, due_at, units in await fetch_tuples(
            tx, COMING_TO, Places.of(positions).params
        )
    ]


def _ranked(row: TupleRow) -> Ranked:
    *claim, promised_at, worth, penalty = row
    return Ranked(claim_of(tuple(claim)), Promise(promised_at, worth, penalty))
