"""SQL of connections. Leases run on the database's clock: it is the one clock that all holders share."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, LiteralString

from crossdock.connections.model import ConnectionState, ConnectionStatus, Health, Lease
from crossdock.foundation.db import Tx, execute, fetch_all, fetch_tuples, fetch_value

ENSURE: Final[LiteralString] = """
INSERT INTO connections.connection (name)
SELECT name FROM unnest(%(names)b::text[]) AS new(name)
    ON CONFLICT (name) DO NOTHING
"""

STATE_LOCKED: Final[LiteralString] = """
SELECT state::text FROM connections.connection WHERE name = %(name)s FOR UPDATE
"""

STATE: Final[LiteralString] = """
SELECT state::text FROM connections.connection WHERE name = %(name)s
"""

SET_STATE: Final[LiteralString] = """
UPDATE connections.connection
   SET state = %(state)s::text::connections.connection_state, reason = %(reason)s, since = %(now)s
 WHERE name = %(name)s
"""

NOTE_HEALTH: Final[LiteralString] = """
UPDATE connections.connection
   SET breaker = %(breaker)s::text::connections.breaker_state, failures = %(failures)s, retry_at = %(retry_at)s,
       points = %(points)s, answered_at = coalesce(%(answered_at)s::timestamptz, answered_at),
       failed_at = coalesce(%(failed_at)s::timestamptz, failed_at),
       failure = CASE WHEN %(failed_at)s::timestamptz IS NULL THEN failure ELSE %(failure)s END
 WHERE name = %(name)s
"""

LIST: Final[LiteralString] = """
SELECT c.name, c.state::text AS state, c.reason, c.since, c.breaker::text AS breaker, c.failures, c.retry_at, c.points,
       c.answered_at, c.failed_at, c.failure, l.holder, l.until AS held_until
  FROM connections.connection AS c
  LEFT JOIN connections.lease AS l ON l.name = %(prefix)s || c.name AND l.until > clock_timestamp()
 ORDER BY c.name
"""

TAKE_LEASE: Final[LiteralString] = """
INSERT INTO connections.lease AS held (name, holder, token, until)
VALUES (%(name)s, %(holder)s, 1, clock_timestamp() + %(span)s::interval)
    ON CONFLICT (name) DO UPDATE
   SET holder = excluded.holder, token = held.token + 1, until = excluded.until, taken_at = clock_timestamp()
 WHERE held.until < clock_timestamp()
RETURNING token
"""

RENEW_LEASE: Final[LiteralString] = """
UPDATE connections.lease SET until = clock_timestamp() + %(span)s::interval
 WHERE name = %(name)s AND token = %(token)s
"""

# Waits for nobody who only reads, but keeps the next taker out until this transaction ends.
HOLD_LEASE: Final[LiteralString] = """
SELECT token FROM connections.lease WHERE name = %(name)s AND token = %(token)s FOR SHARE
"""

# The same with the connection's state, in one round trip: every write of a pump begins with it.
HOLD_TO_SEND: Final[LiteralString] = """
SELECT coalesce((SELECT state::text FROM connections.connection WHERE name = %(connection)s), 'working')
  FROM connections.lease WHERE name = %(name)s AND token = %(token)s FOR SHARE
"""

RELEASE_LEASE: Final[LiteralString] = """
UPDATE connections.lease SET until = '-infinity' WHERE name = %(name)s AND token = %(token)s
"""


async def ensure(tx: Tx, names: Sequence[str]) -> None:
    """A row per connection; those that are there stay as they are."""
    await execute(tx, ENSURE, {"names": names})


async def state_locked(tx: Tx, name: str) -> ConnectionState | None:
    """The state, its row locked until the transaction ends; None for an unknown connection."""
    found = await fetch_value(tx, STATE_LOCKED, str, {"name": name})
    return None if found is None else ConnectionState(found)


async def state(tx: Tx, name: str) -> ConnectionState | None:
    """The state, without a lock."""
    found = await fetch_value(tx, STATE, str, {"name": name})
    return None if found is None else ConnectionState(found)


async def set_state(tx: Tx, name: str, new: ConnectionState, reason: str, now: datetime) -> None:
    """Write the state."""
    await execute(tx, SET_STATE, {"name": name, "state": new.value, "reason": reason, "now": now})


async def note_health(tx: Tx, name: str, health: Health) -> None:
    """Write what a process sees; an older moment of another process is overwritten, a missing one is not."""
    params = {
        "name": name,
        "breaker": health.breaker.value,
        "failures": health.failures,
        "retry_at": health.retry_at,
        "points": health.points,
        "answered_at": health.answered_at,
        "failed_at": health.failed_at,
        "failure": health.failure,
    }
    await execute(tx, NOTE_HEALTH, params)


async def list_all(tx: Tx, lease_prefix: str) -> list[ConnectionStatus]:
    """Every connection with who holds it."""
    return await fetch_all(tx, LIST, ConnectionStatus, {"prefix": lease_prefix})


async def take_lease(tx: Tx, name: str, holder: str, span: timedelta) -> int | None:
    """The new token; None while somebody else holds it."""
    return await fetch_value(tx, TAKE_LEASE, int, {"name": name, "holder": holder, "span": span})


async def renew_lease(tx: Tx, lease: Lease, span: timedelta) -> bool:
    """False once somebody else has taken it. One that ran out but was not taken is still ours."""
    return await execute(tx, RENEW_LEASE, {"name": lease.name, "token": lease.token, "span": span}) > 0


async def hold_lease(tx: Tx, lease: Lease) -> bool:
    """Is it ours, and will be until this transaction ends?"""
    return bool(await fetch_tuples(tx, HOLD_LEASE, {"name": lease.name, "token": lease.token}))


async def hold_to_send(tx: Tx, lease: Lease, connection: str) -> ConnectionState | None:
    """The connection's state while the lease is ours until this transaction ends; None when it is not."""
    params = {"name": lease.name, "token": lease.token, "connection": connection}
    found = await fetch_value(tx, HOLD_TO_SEND, str, params)
    return None if found is None else ConnectionState(found)


async def release_lease(tx: Tx, lease: Lease) -> None:
    """Let the next one take it at once."""
    await execute(tx, RELEASE_LEASE, {"name": lease.name, "token": lease.token})
