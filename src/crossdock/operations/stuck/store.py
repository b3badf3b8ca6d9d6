"""SQL of stuck work."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from crossdock.foundation.db import Tx, execute, fetch_all, fetch_tuples

NOTE: Final[LiteralString] = """
INSERT INTO operations.stuck (work, since, failed_at, failures, error)
VALUES (%(work)s, %(now)s, %(now)s, %(failures)s, %(error)s)
    ON CONFLICT (work) DO UPDATE
   SET failed_at = excluded.failed_at, failures = stuck.failures + 1, error = excluded.error
RETURNING xmax = 0
"""

CLEAR: Final[LiteralString] = "DELETE FROM operations.stuck WHERE work = %(work)s"

LIST: Final[LiteralString] = "SELECT work, since, failed_at, failures, error FROM operations.stuck ORDER BY since, work"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """Work that does not get on."""

    work: str
    since: datetime
    failed_at: datetime
    failures: int
    error: str


async def note(tx: Tx, work: str, error: str, failures: int, now: datetime) -> bool:
    """One more failure; True when it is the first that is told."""
    rows = await fetch_tuples(tx, NOTE, {"work": work, "error": error, "failures": failures, "now": now})
    return bool(rows[0][0])


async def clear(tx: Tx, work: str) -> bool:
    """Forget it; False when it was not stuck."""
    return await execute(tx, CLEAR, {"work": work}) > 0


async def stuck(tx: Tx) -> list[Stuck]:
    """All of it, what has been stuck longest first."""
    return await fetch_all(tx, LIST, Stuck)
