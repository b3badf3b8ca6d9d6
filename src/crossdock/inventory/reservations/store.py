"""SQL of reservations and their claims."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from psycopg.rows import TupleRow

from crossdock.canonical.base import ChannelCode, ReservationKey, Sku
from crossdock.foundation.db import Tx, fetch_all, fetch_tuples, post
from crossdock.inventory.arrays import Numbered, columns
from crossdock.inventory.model import PositionKey
from crossdock.inventory.reservations.model import Claim, ClaimKind, ReserveRequest
from crossdock.inventory.store import Places
from crossdock.inventory.waiting.model import Basis

# Waits for another transaction that is answering the same key; keys go in order so that two batches cannot deadlock.
BEGIN: Final[LiteralString] = """
INSERT INTO inventory.reservation
       (key, fingerprint, kind, channel, expires_at, requested_at, correlation_id, source, promised_at, worth, penalty)
SELECT key, fingerprint, kind, channel, expires_at, %(now)s, correlation_id, %(source)s, promised_at, worth, penalty
  FROM unnest(%(keys)b::text[], %(fingerprints)b::bytea[], %(kinds)b::text[], %(channels)b::text[],
              %(deadlines)b::timestamptz[], %(correlations)b::uuid[], %(promised)b::timestamptz[],
              %(worths)b::numeric[], %(penalties)b::numeric[])
       AS new(key, fingerprint, kind, channel, expires_at, correlation_id, promised_at, worth, penalty)
 ORDER BY key COLLATE "C"
    ON CONFLICT (key) DO NOTHING
RETURNING key
"""

ANSWERED: Final[LiteralString] = """
SELECT r.key, r.fingerprint, r.expires_at, s.answer
  FROM inventory.reservation r
  LEFT JOIN inventory.shortfall s USING (key)
 WHERE r.key = ANY(%(keys)b::text[])
"""

KEEP_SHORTFALLS: Final[LiteralString] = """
INSERT INTO inventory.shortfall (key, answer)
SELECT key, answer::jsonb FROM unnest(%(keys)b::text[], %(answers)b::text[]) AS new(key, answer)
"""

OPEN_CLAIMS: Final[LiteralString] = """
INSERT INTO inventory.claim (key, sku, location, condition, kind, expires_at, granted, arrived, remaining)
SELECT key, sku, location, condition, kind, expires_at, quantity, quantity, quantity
  FROM unnest(%(keys)b::text[], %(slots)b::int[], %(kinds)b::text[], %(deadlines)b::timestamptz[],
              %(quantities)b::numeric[]) AS new(key, slot, kind, expires_at, quantity)
  JOIN unnest(%(skus)b::text[], %(locations)b::text[], %(conditions)b::text[])
       WITH ORDINALITY AS place(sku, location, condition, slot) USING (slot)
"""

# Claims are written whole: they were read under the lock of their position.
CHANGE_CLAIMS: Final[LiteralString] = """
INSERT INTO inventory.claim (key, sku, location, condition, kind, expires_at, granted, arrived, remaining, consumed,
                             released, expired, moved, basis, due_by)
SELECT key, sku, location, condition, kind, expires_at, granted, arrived, remaining, consumed, released, expired, moved,
       basis, due_by
  FROM unnest(%(keys)b::text[], %(skus)b::text[], %(locations)b::text[], %(conditions)b::text[], %(kinds)b::text[],
              %(deadlines)b::timestamptz[], %(granted)b::numeric[], %(arrived)b::numeric[], %(remaining)b::numeric[],
              %(consumed)b::numeric[], %(released)b::numeric[], %(expired)b::numeric[], %(moved)b::numeric[],
              %(bases)b::text[], %(due)b::timestamptz[])
       AS new(key, sku, location, condition, kind, expires_at, granted, arrived, remaining, consumed, released,
              expired, moved, basis, due_by)
    ON CONFLICT (key, sku, location, condition, basis) DO UPDATE
   SET kind = excluded.kind, expires_at = excluded.expires_at, arrived = excluded.arrived,
       remaining = excluded.remaining, consumed = excluded.consumed, released = excluded.released,
       expired = excluded.expired, moved = excluded.moved, due_by = excluded.due_by
"""

CLAIMS_OF: Final[LiteralString] = """
SELECT key, sku, location, condition, kind, expires_at, trim_scale(granted), trim_scale(arrived),
       trim_scale(remaining), trim_scale(consumed),
       trim_scale(released), trim_scale(expired), trim_scale(moved), basis, due_by
  FROM inventory.claim
 WHERE key = ANY(%(keys)b::text[])
 ORDER BY key, sku, location, condition, basis
"""

# Deadlines that have passed at the given positions: asked under their locks, so that no unit is given back twice. Whoever
# writes a position ends what had lapsed there first; below that, the index holds only the past, which is many pages while
# somebody holds a snapshot.
LAPSED: Final[LiteralString] = """
SELECT key, sku, location, condition, kind, expires_at, trim_scale(granted), trim_scale(arrived),
       trim_scale(remaining), trim_scale(consumed),
       trim_scale(released), trim_scale(expired), trim_scale(moved), basis, due_by
  FROM unnest(%(skus)b::text[], %(locations)b::text[], %(conditions)b::text[], %(since)b::timestamptz[])
       AS at(sku, location, condition, since)
  JOIN inventory.claim USING (sku, location, condition)
 WHERE remaining > 0 AND expires_at > at.since AND expires_at <= %(now)s
 ORDER BY expires_at, key
"""

DUE_POSITIONS: Final[LiteralString] = """
SELECT DISTINCT sku, location, condition
  FROM (SELECT sku, location, condition
          FROM inventory.claim
         WHERE remaining > 0 AND expires_at > %(since)s AND expires_at <= %(now)s
         ORDER BY expires_at
         LIMIT %(limit)s) AS due
"""

# One look into the index per position: a hot item has more live holds than anybody wants to read.
DEADLINES: Final[LiteralString] = """
SELECT p.sku, min(next.expires_at)
  FROM inventory.position p
  JOIN LATERAL (
       SELECT c.expires_at
         FROM inventory.claim c
        WHERE c.sku = p.sku AND c.location = p.location AND c.condition = p.condition
          AND c.remaining > 0 AND c.expires_at > %(now)s
        ORDER BY c.expires_at
        LIMIT 1) AS next ON true
 WHERE p.sku = ANY(%(skus)b::text[])
 GROUP BY p.sku
"""

CLAIMS_AT: Final[LiteralString] = """
SELECT key, sku, location, condition, kind, expires_at, trim_scale(granted), trim_scale(arrived),
       trim_scale(remaining), trim_scale(consumed),
       trim_scale(released), trim_scale(expired), trim_scale(moved), basis, due_by
  FROM inventory.claim
 WHERE sku = %(sku)s AND location = %(location)s AND condition = %(condition)s AND remaining > 0
 ORDER BY key
 LIMIT %(limit)s
"""


CHANNELS_OF: Final[LiteralString] = """
SELECT key, channel FROM inventory.reservation WHERE key = ANY(%(keys)b::text[]) AND channel IS NOT NULL
"""


# The rows are locked, keys in order: of two that want one reservation, the second finds that it has an owner.
TAKE_OVER: Final[LiteralString] = """
WITH free AS (
    SELECT r.key, new.owner
      FROM inventory.reservation r
      JOIN unnest(%(keys)b::text[], %(owners)b::text[]) AS new(key, owner) USING (key)
     WHERE r.owner IS NULL
     ORDER BY r.key COLLATE "C"
       FOR UPDATE OF r
)
UPDATE inventory.reservation r
   SET owner = free.owner
  FROM free
 WHERE r.key = free.key
"""

OWNERS: Final[LiteralString] = """
SELECT key, owner FROM inventory.reservation WHERE key = ANY(%(keys)b::text[]) AND owner IS NOT NULL
"""


class Answer(NamedTuple):
    """What was answered under a key, apart from the grants."""

    key: ReservationKey
    fingerprint: bytes
    expires_at: datetime | None
    shortfall: object
    """Plain JSON; None when everything was granted."""


async def begin(
    tx: Tx,
    requests: Sequence[ReserveRequest],
    fingerprints: Sequence[bytes],
    *,
    correlation_id: UUID,
    source: str,
    now: datetime,
) -> set[ReservationKey]:
    """Take the requests' keys; the ones that nobody had taken."""
    rows = await fetch_tuples(
        tx,
        BEGIN,
        {
            "keys": [request.key for request in requests],
            "fingerprints": fingerprints,
            "kinds": [request.kind.value for request in requests],
            "channels": [request.channel for request in requests],
            "deadlines": [request.expires_at for request in requests],
            "correlations": [request.correlation_id or correlation_id for request in requests],
            "promised": [None if request.promise is None else request.promise.promised_at for request in requests],
            "worths": [None if request.promise is None else request.promise.worth for request in requests],
            "penalties": [None if request.promise is None else request.promise.penalty for request in requests],
            "source": source,
            "now": now,
        },
    )
    return {key for (key,) in rows}


async def answered(tx: Tx, keys: Sequence[ReservationKey]) -> Mapping[ReservationKey, Answer]:
    """The keys that have an answer."""
    rows = await fetch_tuples(tx, ANSWERED, {"keys": keys})
    return {key: Answer(key, bytes(fingerprint), expires_at, answer) for key, fingerprint, expires_at, answer in rows}


async def keep_shortfalls(tx: Tx, answers: Mapping[ReservationKey, str]) -> None:
    """Remember answers that are not a full grant, as JSON."""
    await post(tx, KEEP_SHORTFALLS, {"keys": list(answers), "answers": list(answers.values())})


async def open_claims(tx: Tx, claims: Sequence[Claim]) -> None:
    """Write claims on goods of new reservations."""
    places = Numbered[PositionKey]()
    slots = [places.of(claim.position) for claim in claims]
    await post(
        tx,
        OPEN_CLAIMS,
        {
            **columns(("skus", "locations", "conditions"), places.numbers),
            "slots": slots,
            "keys": [claim.key for claim in claims],
            "kinds": [claim.kind.value for claim in claims],
            "deadlines": [claim.expires_at for claim in claims],
            "quantities": [claim.granted for claim in claims],
        },
    )


async def change_claims(tx: Tx, claims: Sequence[Claim]) -> None:
    """Write claims as they are now."""
    await post(
        tx,
        CHANGE_CLAIMS,
        {
            "keys": [claim.key for claim in claims],
            "skus": [claim.sku for claim in claims],
            "locations": [claim.location for claim in claims],
            "conditions": [claim.condition for claim in claims],
            "kinds": [claim.kind.value for claim in claims],
            "deadlines": [claim.expires_at for claim in claims],
            "granted": [claim.granted for claim in claims],
            "arrived": [claim.arrived for claim in claims],
            "remaining": [claim.remaining for claim in claims],
            "consumed": [claim.consumed for claim in claims],
            "released": [claim.released for claim in claims],
            "expired": [claim.expired for claim in claims],
            "moved": [claim.moved for claim in claims],
            "bases": [claim.basis.value for claim in claims],
            "due": [claim.due_by for claim in claims],
        },
    )


async def claims_of(tx: Tx, keys: Iterable[ReservationKey]) -> Sequence[Claim]:
    """Every claim of some reservations, ended ones too."""
    return [claim_of(row) for row in await fetch_tuples(tx, CLAIMS_OF, {"keys": list(keys)})]


async def channels_of(tx: Tx, keys: Sequence[ReservationKey]) -> Mapping[ReservationKey, ChannelCode]:
    """For whom units were reserved, where that was said."""
    return {row[0]: row[1] for row in await fetch_tuples(tx, CHANNELS_OF, {"keys": keys})}


async def take_over(tx: Tx, owners: Mapping[ReservationKey, str]) -> None:
    """Give reservations that have no owner one."""
    await post(tx, TAKE_OVER, {"keys": list(owners), "owners": list(owners.values())})


async def owners_of(tx: Tx, keys: Sequence[ReservationKey]) -> Mapping[ReservationKey, str]:
    """Who took reservations over; those that nobody did are absent."""
    return {row[0]: row[1] for row in await fetch_tuples(tx, OWNERS, {"keys": keys})}


async def lapsed(tx: Tx, since: Mapping[PositionKey, datetime], now: datetime) -> Sequence[Claim]:
    """Holds at locked positions whose deadline has passed, since a moment of each."""
    params = {**Places.of(set(since)).params, "since": [since[position] for position in sorted(since)], "now": now}
    rows = await fetch_tuples(tx, LAPSED, params)
    return [claim_of(row) for row in rows]


async def due_positions(tx: Tx, now: datetime, *, since: datetime, limit: int) -> set[PositionKey]:
    """Where the oldest passed deadlines are, of those after *since*."""
    return set(await fetch_all(tx, DUE_POSITIONS, PositionKey, {"now": now, "since": since, "limit": limit}))


async def deadlines(tx: Tx, skus: Sequence[Sku], now: datetime) -> Mapping[Sku, datetime]:
    """When the next hold of each SKU lapses; SKUs without live holds are absent."""
    return dict(await fetch_tuples(tx, DEADLINES, {"skus": skus, "now": now}))


async def claims_at(tx: Tx, position: PositionKey, *, limit: int) -> Sequence[Claim]:
    """Who claims units of a position."""
    return [claim_of(row) for row in await fetch_tuples(tx, CLAIMS_AT, {**position._asdict(), "limit": limit})]


def claim_of(row: TupleRow) -> Claim:
    """A claim from its columns, in the order in which every statement here names them."""
    key, sku, location, condition, kind, expires_at, *quantities, basis, due_by = row
    granted, arrived, remaining, consumed, released, expired, moved = quantities
    return Claim(
        key=key,
        sku=sku,
        location=location,
        condition=condition,
        kind=ClaimKind(kind),
        expires_at=expires_at,
        granted=granted,
        arrived=arrived,
        remaining=remaining,
        consumed=consumed,
        released=released,
        expired=expired,
        moved=moved,
        basis=Basis(basis),
        due_by=due_by,
    )
