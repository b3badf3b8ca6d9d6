"""SQL of the gateway: keys and kept answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from crossdock.foundation.db import Tx, execute, fetch_all, fetch_one, fetch_value

INSERT_KEY: Final[LiteralString] = """
INSERT INTO gateway.api_key (id, name, hash, scopes, channel, created_at, expires_at)
VALUES (%(id)s, %(name)s, %(hash)s, %(scopes)s, %(channel)s, %(now)s, %(expires_at)s)
    ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING
"""

VALID_KEYS: Final[LiteralString] = """
SELECT id, name, hash, scopes, channel, created_at, expires_at FROM gateway.api_key
 WHERE revoked_at IS NULL ORDER BY name
"""

FORMER_KEY: Final[LiteralString] = """
SELECT name, revoked_at, expires_at FROM gateway.api_key
 WHERE hash = %(hash)s AND (revoked_at IS NOT NULL OR expires_at IS NOT NULL)
"""

REVOKE_KEY: Final[LiteralString] = """
UPDATE gateway.api_key SET revoked_at = %(now)s WHERE name = %(name)s AND revoked_at IS NULL
"""

KEPT_ANSWERS: Final[LiteralString] = """
SELECT kept.api_key, kept.key, kept.digest, kept.status, kept.answer
  FROM unnest(%(api_keys)b::uuid[], %(keys)b::text[]) AS wanted(api_key, key)
  JOIN gateway.idempotency AS kept ON kept.api_key = wanted.api_key AND kept.key = wanted.key
"""

# In the order of the keys: two batches that bring the same ones wait for each other, never in a circle.
KEEP_ANSWERS: Final[LiteralString] = """
WITH kept AS (
    INSERT INTO gateway.idempotency (api_key, key, digest, status, answer, created_at)
    SELECT api_key, key, digest, status, answer, %(now)s
      FROM unnest(%(api_keys)b::uuid[], %(keys)b::text[], %(digests)b::bytea[], %(statuses)b::smallint[],
                  %(answers)b::bytea[])
           WITH ORDINALITY AS new(api_key, key, digest, status, answer, n)
     ORDER BY n
        ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM kept
"""

FORGET_ANSWERS: Final[LiteralString] = "DELETE FROM gateway.idempotency WHERE created_at < %(before)s"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """An API key as stored."""

    id: UUID
    name: str
    hash: bytes
    scopes: list[str]
    channel: str | None
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerKeyRow:
    """An API key that may be valid no more."""

    name: str
    revoked_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What an Idempotency-Key got the first time."""

    api_key: UUID
    key: str
    digest: bytes
    status: int
    answer: bytes


async def insert_key(
    tx: Tx,
    *,
    key_id: UUID,
    name: str,
    digest: bytes,
    scopes: Sequence[str],
    channel: str | None,
    now: datetime,
    expires_at: datetime | None,
) -> bool:
    """Store a key's hash; False when a valid key has that name."""
    params = {
        "id": key_id,
        "name": name,
        "hash": digest,
        "scopes": list(scopes),
        "channel": channel,
        "now": now,
        "expires_at": expires_at,
    }
    return await execute(tx, INSERT_KEY, params) > 0


async def valid_keys(tx: Tx) -> list[KeyRow]:
    """Keys that were not revoked."""
    return await fetch_all(tx, VALID_KEYS, KeyRow)


async def former_key(tx: Tx, digest: bytes) -> FormerKeyRow | None:
    """The key of that digest if it was revoked or can expire."""
    return await fetch_one(tx, FORMER_KEY, FormerKeyRow, {"hash": digest})


async def revoke_key(tx: Tx, name: str, now: datetime) -> bool:
    """Whether there was one to revoke."""
    return await execute(tx, REVOKE_KEY, {"name": name, "now": now}) > 0


async def kept_answers(tx: Tx, api_keys: Sequence[UUID], keys: Sequence[str]) -> list[KeptAnswer]:
    """Answers given earlier."""
    return await fetch_all(tx, KEPT_ANSWERS, KeptAnswer, {"api_keys": api_keys, "keys": keys})


async def keep_answers(
    tx: Tx,
    *,
    api_keys: Sequence[UUID],
    keys: Sequence[str],
    digests: Sequence[bytes],
    statuses: Sequence[int],
    answers: Sequence[bytes],
    now: datetime,
) -> int:
    """Remember what keys were answered; how many of them were free. Waits for a transaction that writes the same one."""
    params = {
        "api_keys": api_keys,
        "keys": keys,
        "digests": digests,
        "statuses": statuses,
        "answers": answers,
        "now": now,
    }
    kept = await fetch_value(tx, KEEP_ANSWERS, int, params)
    assert kept is not None
    return kept


async def forget_answers(tx: Tx, before: datetime) -> int:
    """Drop old ones; how many."""
    return await execute(tx, FORGET_ANSWERS, {"before": before})
