"""SQL of seals."""

from typing import Final, LiteralString

from crossdock.eventlog.sealing.model import Seal, SealedRow
from crossdock.foundation.db import Tx, fetch_all, fetch_one, fetch_tuples

LAST: Final[LiteralString] = """
SELECT number, xid::text::bigint AS xid, position, events, hash FROM eventlog.seal ORDER BY number DESC LIMIT 1
"""

SEALS: Final[LiteralString] = """
SELECT number, xid::text::bigint AS xid, position, events, hash
  FROM eventlog.seal WHERE number > %(after)s ORDER BY number LIMIT %(limit)s
"""

UNSEALED: Final[LiteralString] = """
SELECT xid::text::bigint, position, id::text, stream, type, schema_version::text,
       extract(epoch FROM happened_at)::text, extract(epoch FROM recorded_at)::text,
       correlation_id::text, coalesce(causation_id::text, ''), source, payload::text
  FROM eventlog.event
 WHERE (xid, position) > (%(xid)s::bigint::text::xid8, %(position)s)
   AND xid < pg_snapshot_xmin(pg_current_snapshot())
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


async def seals(tx: Tx, after: int, limit: int) -> list[Seal]:
    """Seals in order."""
    return await fetch_all(tx, SEALS, Seal, {"after": after, "limit": limit})


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
