"""SQL of switches."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from crossdock.availability.switches.model import Switch
from crossdock.foundation.db import Asked, Tx, ask, execute, fetch_all, fetch_one, fetch_value

INSERT: Final[LiteralString] = """
INSERT INTO availability.switch (id, sku, category, channel, location, owner, reason, since, until)
VALUES (%(id)s, %(sku)s, %(category)s, %(channel)s, %(location)s, %(owner)s, %(reason)s, %(since)s, %(until)s)
"""

# A switch that has ended stays as it was: who looks at a past moment sees it in force.
END: Final[LiteralString] = """
UPDATE availability.switch
   SET ended_at = %(now)s, ended_by = %(by)s, xid = foundation.place()
 WHERE id = ANY(%(ids)b::uuid[]) AND ended_at IS NULL AND (until IS NULL OR until > %(now)s)
RETURNING id, sku, category, channel, location, owner, reason, since, until, ended_at, ended_by
"""

IN_FORCE: Final[LiteralString] = """
SELECT id, sku, category, channel, location, owner, reason, since, until, ended_at, ended_by
  FROM availability.switch
 WHERE since <= %(at)s AND (until IS NULL OR until > %(at)s) AND (ended_at IS NULL OR ended_at > %(at)s)
 ORDER BY id
"""

ANY_SINCE: Final[LiteralString] = """
SELECT EXISTS (SELECT 1 FROM availability.switch WHERE xid >= %(horizon)s::bigint::text::xid8)
"""

ONE: Final[LiteralString] = """
SELECT id, sku, category, channel, location, owner, reason, since, until, ended_at, ended_by
  FROM availability.switch WHERE id = %(id)s
"""

RECENT: Final[LiteralString] = """
SELECT id, sku, category, channel, location, owner, reason, since, until, ended_at, ended_by
  FROM availability.switch
 ORDER BY id DESC
 LIMIT %(limit)s
"""

# Switches whose time has come since somebody looked last.
RAN_OUT: Final[LiteralString] = """
SELECT id, sku, category, channel, location, owner, reason, since, until, ended_at, ended_by
  FROM availability.switch
 WHERE ended_at IS NULL AND until > %(after)s AND until <= %(now)s
"""


async def insert(tx: Tx, switch: Switch) -> None:
    """Set a stop."""
    await execute(tx, INSERT, asdict(switch))


async def end(tx: Tx, ids: Sequence[UUID], *, by: str, now: datetime) -> Sequence[Switch]:
    """End those of *ids* that are in force; which they were."""
    return await fetch_all(tx, END, Switch, {"ids": list(ids), "by": by, "now": now})


async def in_force(tx: Tx, at: datetime) -> Asked[Switch]:
    """The switches in force at a moment."""
    return await ask(tx, IN_FORCE, Switch, {"at": at})


async def any_since(tx: Tx, horizon: int) -> bool:
    """Was a switch set or ended at or above a horizon?"""
    return bool(await fetch_value(tx, ANY_SINCE, bool, {"horizon": horizon}))


async def one(tx: Tx, switch_id: UUID) -> Switch | None:
    """One switch."""
    return await fetch_one(tx, ONE, Switch, {"id": switch_id})


async def recent(tx: Tx, limit: int) -> Sequence[Switch]:
    """Switches, newest first, ended ones too."""
    return await fetch_all(tx, RECENT, Switch, {"limit": limit})


async def ran_out(tx: Tx, *, after: datetime, now: datetime) -> Sequence[Switch]:
    """Switches that have ended by their own clock since *after*."""
    return await fetch_all(tx, RAN_OUT, Switch, {"after": after, "now": now})
