"""The retailer's own PostgreSQL: a server with fsync on, a database per law."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from crossdock.foundation.postgres import ConnectionInfo

_numbers = itertools.count(1)


@contextmanager
def fresh_database(server: ConnectionInfo) -> Iterator[str]:
    """Empty, owned by the hub's role."""
    name = f"own_{next(_numbers)}"
    with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER crossdock").format(sql.Identifier(name)))
    try:
        yield make_conninfo(server.dsn, dbname=name)
    finally:
        with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
