"""SQL of seals."""

from collections.abc import Sequence
from typing import Final, LiteralString
from uuid import UUID

from crossdock.eventlog.sealing.model import DroppedMonth, Kept, Leaving, Seal, SealedRow, Standing
from crossdock.foundation.db import Tx, execute, fetch_all, fetch_one, fetch_tuples, fetch_value

DROPPED_STREAM: Final = "log/months"

LAST: Final[LiteralString] = """
SELECT number, xid::text::bigint AS xid, position, events, hash FROM eventlog.seal ORDER BY number DESC LIMIT 1
"""

# The latest dropped month that had facts around a seal says what is left of it.
STANDINGS: Final[LiteralString] = """
SELECT seal.number, seal.xid::text::bigint AS xid, seal.position, seal.events, seal.hash,
       gone.number AS dropped, left_over.facts AS kept, left_over.hash AS kept_hash
  FROM eventlog.seal
  LEFT JOIN LATERAL (SELECT number FROM eventlog.dropped_month
                      WHERE seal.number BETWEEN first_seal AND last_seal
                      ORDER BY number DESC LIMIT 1) AS gone ON true
  LEFT JOIN eventlog.kept_of_seal AS left_over ON left_over.dropped = gone.number AND left_over.seal = seal.number
 WHERE seal.number > %(after)s
 ORDER BY seal.number
 LIMIT %(limit)s
"""

SEALS_BETWEEN: Final[LiteralString] = """
SELECT number, xid::text::bigint AS xid, position, events, hash
  FROM eventlog.seal WHERE number BETWEEN %(first)s AND %(last)s ORDER BY number
"""

# The first and the last fact of a month in commit order, and the seals that hold them.
SPAN: Final[LiteralString] = """
SELECT (SELECT min(number) FROM eventlog.seal AS s WHERE (s.xid, s.position) >= (first.xid, first.position)),
       (SELECT min(number) FROM eventlog.seal AS s WHERE (s.xid, s.position) >= (last.xid, last.position))
  FROM (SELECT xid, position FROM eventlog.event WHERE id >= %(low)s AND id < %(high)s
         ORDER BY xid, position LIMIT 1) AS first,
       (SELECT xid, position FROM eventlog.event WHERE id >= %(low)s AND id < %(high)s
         ORDER BY xid DESC, position DESC LIMIT 1) AS last
"""

DROPPED_MONTHS: Final[LiteralString] = """
SELECT number, month, facts, first_seal, last_seal, hash FROM eventlog.dropped_month ORDER BY number
"""

# One dropper at a time: numbers have no gaps, and each is chained to the one before.
LOCK_DROPPED: Final[LiteralString] = "LOCK TABLE eventlog.dropped_month IN SHARE ROW EXCLUSIVE MODE"

ADD_DROPPED: Final[LiteralString] = """
INSERT INTO eventlog.dropped_month (number, month, facts, first_seal, last_seal, hash)
VALUES (%(number)s, %(month)s, %(facts)s, %(first_seal)s, %(last_seal)s, %(hash)s)
"""

ADD_KEPT: Final[LiteralString] = """
INSERT INTO eventlog.kept_of_seal (dropped, seal, facts, hash)
SELECT %(dropped)s, seal, facts, hash
  FROM unnest(%(seals)b::bigint[], %(facts)b::int[], %(hashes)b::bytea[]) AS new(seal, facts, hash)
"""

KEPT: Final[LiteralString] = """
SELECT seal, facts, hash FROM eventlog.kept_of_seal WHERE dropped = %(dropped)s ORDER BY seal
"""

TOLD_DROPPED: Final[LiteralString] = """
SELECT payload->>'hash' FROM eventlog.event WHERE stream = %(stream)s ORDER BY xid DESC, position DESC LIMIT 1
"""

UNSEALED: Final[LiteralString] = """
SELECT xid::text::bigint, position, id::text, stream, type, schema_version::text,
       extract(epoch FROM happened_at)::text, extract(epoch FROM recorded_at)::text,
       correlation_id::text, coalesce(causation_id::text, ''), source, payload::text
  FROM eventlog.event
 WHERE (xid, position) > (%(xid)s::bigint::text::xid8, %(position)s)
   AND xid < foundation.horizon()
 ORDER BY xid, position
 LIMIT %(limit)s
"""

# Two sealers at once: the second meets the number and waits its turn.
INSERT: Final[LiteralString] = """
INSERT INTO eventlog.seal (number, xid, position, events, hash)
VALUES (%(number)s, %(xid)s::bigint::text::xid8, %(position)s, %(events)s, %(hash)s)
    ON CONFLICT (number) DO NOTHING
RETURNING number
"""


async def last(tx: Tx) -> Seal | None:
    """The newest seal."""
    return await fetch_one(tx, LAST, Seal)


async def standings(tx: Tx, after: int, limit: int) -> Sequence[Standing]:
    """Seals in order, as each should be found."""
    return await fetch_all(tx, STANDINGS, Standing, {"after": after, "limit": limit})


async def seals_between(tx: Tx, first: int, last: int) -> Sequence[Seal]:
    """Seals in order, both ends included."""
    return await fetch_all(tx, SEALS_BETWEEN, Seal, {"first": first, "last": last})


async def span(tx: Tx, low: UUID, high: UUID) -> tuple[int, int | None] | None:
    """The first and the last seal with facts of a month; None when it has no facts, no last one while it is not sealed."""
    rows = await fetch_tuples(tx, SPAN, {"low": low, "high": high})
    return (rows[0][0], rows[0][1]) if rows and rows[0][0] is not None else None


async def of_seal(tx: Tx, before: Seal, seal: Seal) -> list[SealedRow]:
    """The facts in a seal's place.

    One more than was sealed is read: a row slipped in at the very place of the last one shows as well.
    """
    rows = await unsealed(tx, before.xid, before.position, seal.events + 1)
    return [row for xid, position, row in rows if (xid, position) <= (seal.xid, seal.position)]


async def unsealed(tx: Tx, xid: int, position: int, limit: int) -> list[tuple[int, int, SealedRow]]:
    """Facts after a place, with their places."""
    rows = await fetch_tuples(tx, UNSEALED, {"xid": xid, "position": position, "limit": limit})
    return [(row[0], row[1], SealedRow(*row[2:])) for row in rows]


async def insert(tx: Tx, seal: Seal) -> bool:
    """Store it; False when another sealer was first."""
    params = {
        "number": seal.number,
        "xid": seal.xid,
        "position": seal.position,
        "events": seal.events,
        "hash": seal.hash,
    }
    return bool(await fetch_tuples(tx, INSERT, params))


async def dropped_months(tx: Tx) -> Sequence[DroppedMonth]:
    """Months that were dropped in good order, in that order."""
    return await fetch_all(tx, DROPPED_MONTHS, DroppedMonth)


async def lock_dropped(tx: Tx) -> None:
    """Drop alone until the transaction ends."""
    await execute(tx, LOCK_DROPPED)


async def add_dropped(tx: Tx, number: int, leaving: Leaving, hashed: bytes) -> None:
    """Write down that a month is gone, and what it has left."""
    params = {
        "number": number,
        "month": leaving.month,
        "facts": leaving.facts,
        "first_seal": leaving.first_seal,
        "last_seal": leaving.last_seal,
        "hash": hashed,
    }
    await execute(tx, ADD_DROPPED, params)
    kept = {
        "dropped": number,
        "seals": [each.seal for each in leaving.kept],
        "facts": [each.facts for each in leaving.kept],
        "hashes": [bytes(each.hash) for each in leaving.kept],
    }
    await execute(tx, ADD_KEPT, kept)


async def kept(tx: Tx, dropped: int) -> Sequence[Kept]:
    """What a dropped month has left of its seals."""
    return await fetch_all(tx, KEPT, Kept, {"dropped": dropped})


async def told_dropped(tx: Tx) -> str | None:
    """The hash in the newest fact that tells of a dropped month."""
    return await fetch_value(tx, TOLD_DROPPED, str, {"stream": DROPPED_STREAM})
