"""Facts to write, and a person with a superuser's hands."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from crossdock.canonical.facts import ConnectionRestored, ItemChanged
from crossdock.eventlog import service
from crossdock.eventlog.model import START, Cursor
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Database
from crossdock.foundation.postgres import ConnectionInfo

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)


def item(name: str) -> NewFact:
    return NewFact(
        stream="item/A",
        fact=ItemChanged(sku="A", name=name, active=True),
        happened_at=NOW,
        origin=Origin.begin("test"),
    )


def other() -> NewFact:
    return NewFact(
        stream="connection/shop",
        fact=ConnectionRestored(connection="shop"),
        happened_at=NOW,
        origin=Origin.begin("test"),
    )


async def write(database: Database, *facts: NewFact) -> None:
    """Each in a transaction of its own."""
    for fact in facts:
        async with database.transaction() as tx:
            await service.append(tx, [fact])


async def names(database: Database, cursor: Cursor = START) -> Sequence[str]:
    async with database.transaction() as tx:
        events = await service.read_after(tx, cursor, limit=10_000)
    return [event.fact.name for event in events if isinstance(event.fact, ItemChanged)]


class Intruder:
    """Changes the log behind the hub's back: no trigger runs."""

    def __init__(self, cluster: ConnectionInfo, dsn: str) -> None:
        self._dsn = make_conninfo(cluster.admin_dsn, dbname=conninfo_to_dict(dsn)["dbname"])

    def do(self, *statements: LiteralString) -> None:
        with psycopg.connect(self._dsn) as session:
            session.execute("SET session_replication_role = replica")
            for statement in statements:
                touched = session.execute(statement)
                assert touched.rowcount != 0, statement
