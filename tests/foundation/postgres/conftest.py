"""Databases without the watch of the tests' shelf: the hub's role could neither dump nor restore that."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from crossdock.foundation.postgres import ConnectionInfo
from databases import Shelf


@pytest.fixture
def dsn(cluster: ConnectionInfo, shelf: Shelf) -> Iterator[str]:
    """A database with this release's schema and nothing else; not given back, for restores change its schema."""
    name = shelf.take()
    with psycopg.connect(make_conninfo(cluster.admin_dsn, dbname=name), autocommit=True) as admin:
        admin.execute("DROP EVENT TRIGGER shelf_notice")
        admin.execute("DROP SCHEMA shelf CASCADE")
    yield make_conninfo(cluster.dsn, dbname=name)
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
