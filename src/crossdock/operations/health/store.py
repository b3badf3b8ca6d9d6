"""SQL that asks the server about itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from crossdock.foundation.db import Tx, fetch_all, fetch_one

SERVER: Final[LiteralString] = """
SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync,
       current_setting('synchronous_commit') AS synchronous_commit,
       current_setting('max_connections')::int AS connections_max,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
       pg_database_size(current_database()) AS size_bytes, clock_timestamp() AS now
"""

# What holds the horizon back: readers of the event log stay below the oldest of these.
SNAPSHOTS: Final[LiteralString] = """
SELECT pid::text AS name, coalesce(nullif(application_name, ''), usename::text, '') AS owner, xact_start AS since
  FROM pg_stat_activity
 WHERE backend_xmin IS NOT NULL AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
 UNION ALL
SELECT gid, owner::text, prepared FROM pg_prepared_xacts
 ORDER BY since
 LIMIT 5
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The database server as it describes itself."""

    version: str
    fsync: str
    synchronous_commit: str
    connections_max: int
    connections: int
    size_bytes: int
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A transaction that is open, and since when."""

    name: str
    """Process number, or the name of a prepared transaction."""
    owner: str
    since: datetime


async def server(tx: Tx) -> Server:
    """One row about the server."""
    found = await fetch_one(tx, SERVER, Server)
    assert found is not None
    return found


async def snapshots(tx: Tx) -> list[Snapshot]:
    """The oldest open transactions, the oldest first."""
    return await fetch_all(tx, SNAPSHOTS, Snapshot)
