"""Logs are read in the order of the server's transaction numbers; a database that moves to another server takes its own
numbers along, and they may lie far above those that the new server gives.
"""

from typing import Final, LiteralString

import psycopg
from psycopg import sql

# Every column that holds a place and can be asked for its highest without reading a table: small ones, or by an index.
PLACES: Final[LiteralString] = """
SELECT n.nspname, c.relname, a.attname
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE a.atttypid = 'xid8'::regtype AND a.attnum > 0 AND NOT a.attisdropped
   AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_'
   AND (c.relkind = 'r' AND c.reltuples < 10000
        OR EXISTS (SELECT FROM pg_index i
                    WHERE i.indrelid = c.oid AND i.indkey[0] = a.attnum AND i.indpred IS NULL))
"""
# Whatever this server has numbered lies below its xmax, also while others write; only what came from elsewhere does not.
# Were the horizon raised for our own rows, a transaction still open would write behind the readers and never be read.
BEHIND: Final[LiteralString] = """
SELECT CASE WHEN %(highest)s::bigint < pg_snapshot_xmax(now)::text::bigint + foundation.shift() THEN 0
            ELSE %(highest)s::bigint - pg_snapshot_xmin(now)::text::bigint - foundation.shift() + 1 END
  FROM pg_current_snapshot() AS now
"""
SHIFT: Final[LiteralString] = "SELECT foundation.shift()"


def keep_ahead(session: "psycopg.Connection[tuple[object, ...]]") -> int:
    """Number what is written from now on after everything that is there; by how much that had to be raised.

    After a restore on a new server nothing would be read otherwise: old rows would lie beyond the horizon, new ones
    before every cursor, until the server has counted up to where the old one was.
    """
    highest = max((_highest(session, *map(str, place)) for place in session.execute(PLACES).fetchall()), default=0)
    behind = _number(session.execute(BEHIND, {"highest": highest}).fetchone())
    if behind <= 0:
        return 0
    shift = _number(session.execute(SHIFT).fetchone()) + behind
    session.execute(
        sql.SQL(
            "CREATE OR REPLACE FUNCTION foundation.shift() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS {}"
        ).format(sql.Literal(f"SELECT {shift}::bigint"))
    )
    return behind


def _highest(session: "psycopg.Connection[tuple[object, ...]]", schema: str, table: str, column: str) -> int:
    asked = sql.SQL("SELECT {0}::text::bigint FROM {1} ORDER BY {0} DESC LIMIT 1").format(
        sql.Identifier(column), sql.Identifier(schema, table)
    )
    found = session.execute(asked).fetchone()
    return 0 if found is None else _number(found)


def _number(row: tuple[object, ...] | None) -> int:
    assert row is not None
    (value,) = row
    assert isinstance(value, int), value
    return value
