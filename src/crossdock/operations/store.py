"""SQL of the exceptions."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final, LiteralString
from uuid import UUID

from crossdock.canonical.money import exact
from crossdock.foundation.db import Tx, execute, fetch_all, fetch_one, fetch_tuples
from crossdock.operations.model import ExceptionState, Matter, OpenException, Place

OPEN: Final[LiteralString] = """
INSERT INTO operations.exception
       (id, type, key, subject, path, detail, owner, opened_at, due_at, amount, currency, correlation_id)
VALUES (%(id)s, %(type)s, %(key)s, %(subject)s, %(path)s, %(detail)s, %(owner)s, %(opened_at)s, %(due_at)s,
        %(amount)s, %(currency)s, %(correlation_id)s)
    ON CONFLICT (key) WHERE state = 'open' DO UPDATE
   SET occurrences = exception.occurrences + 1, detail = excluded.detail,
       amount = CASE WHEN %(adds_up)s::boolean AND exception.currency = excluded.currency
                     THEN exception.amount + excluded.amount ELSE exception.amount END
RETURNING id, occurrences
"""

CLOSE: Final[LiteralString] = """
UPDATE operations.exception
   SET state = 'closed', closed_at = %(now)s, resolution = %(resolution)s
 WHERE key = %(key)s AND state = 'open'
RETURNING id, correlation_id
"""

CLOSE_OF: Final[LiteralString] = """
UPDATE operations.exception
   SET state = 'closed', closed_at = %(now)s, resolution = %(resolution)s
 WHERE subject = %(subject)s AND type = ANY(%(types)b::text[]) AND state = 'open'
RETURNING id
"""

LIST: Final[LiteralString] = """
SELECT id, type, key, subject, path, detail, owner, state::text AS state, opened_at, due_at, occurrences, amount,
       currency, correlation_id, closed_at, resolution
  FROM operations.exception
 WHERE (%(all)s OR state = 'open')
   AND (%(owner)s = '' OR owner = %(owner)s)
   AND (%(type)s = '' OR type = %(type)s)
   AND (%(subject)s = '' OR subject = %(subject)s)
   AND (%(after_id)s::uuid IS NULL
        OR (state, due_at, id) > (%(after_state)s::operations.exception_state, %(after_due)s, %(after_id)s))
 ORDER BY state, due_at, id
 LIMIT %(limit)s
"""

GET: Final[LiteralString] = """
SELECT id, type, key, subject, path, detail, owner, state::text AS state, opened_at, due_at, occurrences, amount,
       currency, correlation_id, closed_at, resolution
  FROM operations.exception
 WHERE id = %(id)s
"""

BY_KEYS: Final[LiteralString] = """
SELECT id, type, key, subject, path, detail, owner, state::text AS state, opened_at, due_at, occurrences, amount,
       currency, correlation_id, closed_at, resolution
  FROM operations.exception
 WHERE key = ANY(%(keys)b::text[]) AND state = 'open'
 ORDER BY due_at, id
"""

LOCK_OPEN: Final[LiteralString] = """
SELECT id, type, key, subject, path, detail, owner, state::text AS state, opened_at, due_at, occurrences, amount,
       currency, correlation_id, closed_at, resolution
  FROM operations.exception
 WHERE type = ANY(%(types)b::text[]) AND state = 'open'
 ORDER BY id
   FOR UPDATE
"""

LOCK: Final[LiteralString] = """
SELECT id, type, key, subject, path, detail, owner, state::text AS state, opened_at, due_at, occurrences, amount,
       currency, correlation_id, closed_at, resolution
  FROM operations.exception
 WHERE id = %(id)s
   FOR UPDATE
"""

# What the domain has told of a record that it would not take in: the exception becomes that record's own.
ADOPT: Final[LiteralString] = """
UPDATE operations.exception
   SET key = %(key)s
 WHERE correlation_id = %(trace)s AND type = ANY(%(types)b::text[]) AND state = 'open' AND NOT starts_with(key, 'message/')
RETURNING id
"""

RETELL: Final[LiteralString] = """
UPDATE operations.exception SET detail = %(detail)s, amount = %(amount)s, currency = %(currency)s WHERE id = %(id)s
"""

COUNTS: Final[LiteralString] = """
SELECT owner, type, count(*), count(*) FILTER (WHERE due_at < %(now)s), coalesce(sum(amount), 0)
  FROM operations.exception WHERE state = 'open' GROUP BY owner, type ORDER BY owner, type
"""


async def open_or_count(
    tx: Tx, *, new_id: UUID, matter: Matter, owner: str, opened_at: datetime, due_at: datetime, correlation_id: UUID
) -> tuple[UUID, int]:
    """The exception's id and how often the matter has come up."""
    params = {
        "id": new_id,
        "type": matter.type,
        "key": matter.key,
        "subject": matter.subject,
        "path": matter.path,
        "detail": matter.detail,
        "owner": owner,
        "opened_at": opened_at,
        "due_at": due_at,
        "amount": matter.amount,
        "currency": matter.currency,
        "adds_up": matter.adds_up,
        "correlation_id": correlation_id,
    }
    rows = await fetch_tuples(tx, OPEN, params)
    return rows[0][0], rows[0][1]


async def close(tx: Tx, key: str, resolution: str, now: datetime) -> tuple[UUID, UUID] | None:
    """Close the open exception of a key: its id and correlation id; None when there is none."""
    rows = await fetch_tuples(tx, CLOSE, {"key": key, "resolution": resolution, "now": now})
    return (rows[0][0], rows[0][1]) if rows else None


async def close_of(tx: Tx, subject: str, types: Sequence[str], resolution: str, now: datetime) -> list[UUID]:
    """Close the open exceptions of these types about one subject: their ids."""
    params = {"subject": subject, "types": list(types), "resolution": resolution, "now": now}
    return [row[0] for row in await fetch_tuples(tx, CLOSE_OF, params)]


async def list_exceptions(
    tx: Tx, *, owner: str, type_name: str, subject: str, closed_too: bool, limit: int, after: Place | None
) -> list[OpenException]:
    """Open ones first, then by their clock."""
    params = {
        "owner": owner,
        "type": type_name,
        "subject": subject,
        "all": closed_too,
        "limit": limit,
        "after_state": None if after is None else after.state.value,
        "after_due": None if after is None else after.due_at,
        "after_id": None if after is None else after.id,
    }
    return [_typed(row) for row in await fetch_all(tx, LIST, OpenException, params)]


async def get(tx: Tx, exception_id: UUID) -> OpenException | None:
    """One of them."""
    row = await fetch_one(tx, GET, OpenException, {"id": exception_id})
    return None if row is None else _typed(row)


async def by_keys(tx: Tx, keys: Sequence[str]) -> list[OpenException]:
    """The open ones of these keys."""
    return [_typed(row) for row in await fetch_all(tx, BY_KEYS, OpenException, {"keys": keys})]


async def lock_open(tx: Tx, types: Sequence[str]) -> list[OpenException]:
    """All open ones of these types, locked."""
    return [_typed(row) for row in await fetch_all(tx, LOCK_OPEN, OpenException, {"types": list(types)})]


async def lock(tx: Tx, exception_id: UUID) -> OpenException | None:
    """One of them, locked."""
    row = await fetch_one(tx, LOCK, OpenException, {"id": exception_id})
    return None if row is None else _typed(row)


async def adopt(tx: Tx, trace: UUID, types: Sequence[str], key: str) -> bool:
    """Give the open exception of a record's own trace the record's key; False when there is none."""
    return bool(await fetch_tuples(tx, ADOPT, {"trace": trace, "types": list(types), "key": key}))


async def retell(tx: Tx, exception_id: UUID, detail: str, amount: Decimal | None, currency: str | None) -> None:
    """What it stands for has changed."""
    await execute(tx, RETELL, {"id": exception_id, "detail": detail, "amount": amount, "currency": currency})


async def counts(tx: Tx, now: datetime) -> list[tuple[str, str, int, int, Decimal]]:
    """Per owner and type: open, overdue, money at risk."""
    return [(row[0], row[1], row[2], row[3], row[4]) for row in await fetch_tuples(tx, COUNTS, {"now": now})]


def _typed(row: OpenException) -> OpenException:
    amount = row.amount if row.amount is None or row.currency is None else exact(row.amount, row.currency)
    return replace(row, state=ExceptionState(row.state), amount=amount)
