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
# A test that changes the schema is seen by this trigger, and its database is thrown away.
WATCH: Final[LiteralString] = """
CREATE SCHEMA shelf;
CREATE TABLE shelf.changed (what text);
CREATE FUNCTION shelf.notice() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO shelf.changed VALUES (tg_tag);
END;
$$;
CREATE EVENT TRIGGER shelf_notice ON ddl_command_end EXECUTE FUNCTION shelf.notice();
"""
TABLES: Final[LiteralString] = """
SELECT n.nspname, c.relname
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^(pg_|information_schema|shelf)'
 ORDER BY 1, 2
"""
REWIND: Final[LiteralString] = "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence"
ALTERED: Final[LiteralString] = """
SELECT EXISTS (SELECT FROM shelf.changed)
    OR EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
                WHERE d.datname = current_database())
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
            admin.execute(WATCH)

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
        altered = admin.execute(ALTERED).fetchone()
        if altered is None or altered[0]:
            return False
        admin.execute(OTHERS)
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
