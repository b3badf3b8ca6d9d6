"""Databases for tests: migrated ones, emptied after use instead of made anew, because making one is the dearest step."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from crossdock.foundation.migrations import apply_migrations
from crossdock.foundation.postgres import ConnectionInfo

TEMPLATE: Final = "crossdock_template"
TABLES: Final[LiteralString] = """
SELECT n.nspname, c.relname
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^(pg_|information_schema)'
 ORDER BY 1, 2
"""
REWIND: Final[LiteralString] = "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence"
# What a schema is, but for what use changes by itself (sizes, statistics, files): a test that altered it leaves another
# mark, and its database is thrown away. Copies keep the numbers of their template's objects.
SCHEMA: Final[LiteralString] = """
SELECT md5(concat_ws('|',
    (SELECT string_agg(concat_ws(',', oid, relname, relkind, relpersistence, reloptions, relacl, relispartition), ';'
                       ORDER BY oid) FROM pg_class WHERE oid >= 16384 AND relkind <> 't' AND relpersistence <> 't'),
    (SELECT md5(string_agg(concat_ws(',', attrelid, attname, atttypid, attnotnull, atthasdef, attisdropped), ';'
                           ORDER BY attrelid, attnum)) FROM pg_attribute WHERE attrelid >= 16384 AND attnum > 0
        AND attrelid NOT IN (SELECT oid FROM pg_class WHERE relpersistence = 't')),
    (SELECT string_agg(concat_ws(',', oid, convalidated), ';' ORDER BY oid) FROM pg_constraint WHERE oid >= 16384),
    (SELECT string_agg(concat_ws(',', oid, tgenabled), ';' ORDER BY oid) FROM pg_trigger WHERE oid >= 16384),
    (SELECT string_agg(concat_ws(',', oid, md5(prosrc)), ';' ORDER BY oid) FROM pg_proc WHERE oid >= 16384),
    (SELECT string_agg(concat_ws(',', oid, nspname, nspacl), ';' ORDER BY oid) FROM pg_namespace
      WHERE oid >= 16384 AND nspname !~ '^pg_'),
    (SELECT string_agg(setconfig::text, ';') FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
      WHERE d.datname = current_database())))
"""
OTHERS: Final[LiteralString] = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

Table = sql.Identifier


class Shelf:
    """Clean databases of one server."""

    def __init__(self, server: ConnectionInfo) -> None:
        self._server = server
        self._clean: list[str] = []
        self._made = 0
        with self._admin() as admin:
            admin.execute(sql.SQL("CREATE DATABASE {} OWNER crossdock").format(sql.Identifier(TEMPLATE)))
        apply_migrations(make_conninfo(server.dsn, dbname=TEMPLATE))
        with self._admin(TEMPLATE) as admin:
            found = admin.execute(TABLES).fetchall()
            self._tables: Sequence[Table] = [sql.Identifier(str(schema), str(name)) for schema, name in found]
            self._seeds = self._seeded(admin)
            self._schema = admin.execute(SCHEMA).fetchone()

    def take(self) -> str:
        """The name of a clean database."""
        if self._clean:
            return self._clean.pop()
        self._made += 1
        name = f"test_{self._made}"
        with self._admin() as admin:
            admin.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER crossdock").format(
                    sql.Identifier(name), sql.Identifier(TEMPLATE)
                )
            )
        return name

    def give_back(self, name: str) -> None:
        """Empty it for the next test, or throw it away."""
        with suppress(psycopg.OperationalError), self._admin(name) as admin:
            if self._emptied(admin):
                self._clean.append(name)
                return
        with self._admin() as admin:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _emptied(self, admin: "psycopg.Connection[tuple[object, ...]]") -> bool:
        admin.execute(OTHERS)
        if admin.execute(SCHEMA).fetchone() != self._schema:
            return False
        full = self._full(admin)
        with admin.transaction():
            admin.execute("SET LOCAL session_replication_role = replica")
            if full:
                admin.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.SQL(", ").join(full)))
            for table, rows in self._seeds:
                with admin.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(table)) as copy:
                    copy.write(rows)
            admin.execute(REWIND)
        return True

    def _full(self, admin: "psycopg.Connection[tuple[object, ...]]") -> Sequence[Table]:
        asked = sql.SQL(", ").join(sql.SQL("EXISTS (SELECT FROM {})").format(table) for table in self._tables)
        said = admin.execute(sql.SQL("SELECT {}").format(asked)).fetchone()
        assert said is not None
        return [table for table, full in zip(self._tables, said, strict=True) if full]

    def _seeded(self, admin: "psycopg.Connection[tuple[object, ...]]") -> Sequence[tuple[Table, bytes]]:
        """What migrations have put into tables."""
        seeds = []
        for table in self._full(admin):
            with admin.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(table)) as copy:
                seeds.append((table, b"".join(bytes(part) for part in copy)))
        return seeds

    def _admin(self, name: str | None = None) -> "psycopg.Connection[tuple[object, ...]]":
        dsn = self._server.admin_dsn if name is None else make_conninfo(self._server.admin_dsn, dbname=name)
        return psycopg.connect(dsn, autocommit=True)
