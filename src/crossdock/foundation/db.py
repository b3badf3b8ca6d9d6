"""The way to PostgreSQL: a pool, a transaction, typed rows. SQL itself lives in each domain's store."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, Generic, LiteralString, Self, TypeAlias, TypeVar

import msgspec
import psycopg
from psycopg import AsyncCursor, IsolationLevel
from psycopg.pq import PipelineStatus, TransactionStatus
from psycopg.rows import TupleRow, class_row, scalar_row
from psycopg.types.json import set_json_dumps, set_json_loads

from crossdock.foundation.lending import CONNECT_S_MAX, Lending
from crossdock.foundation.times import bound_times

Row = TypeVar("Row")
Params: TypeAlias = Mapping[str, object]
Tx: TypeAlias = "psycopg.AsyncConnection[TupleRow]"
"""A connection inside an open transaction. Services take it first and never commit: the process edge does."""

NO_PARAMS: Final[Params] = {}
SESSION: Final = (
    "-c timezone=UTC -c synchronous_commit=on -c statement_timeout=60s -c idle_in_transaction_session_timeout=60s"
)
"""Of every session, on the retailer's own server too: a forgotten transaction must not hold others up for ever."""
VERSION_MIN: Final = 150_000
APPLICATION_NAME: Final = "crossdock"
PATIENCE_S: Final = 15.0
"""How long work waits for a connection: longer than the embedded server takes to come back from a crash."""
ABOUT_SERVER: Final[LiteralString] = (
    "SELECT current_setting('server_version_num')::int, pg_is_in_recovery(), current_setting('fsync'),"
    " current_setting('server_encoding')"
)

set_json_dumps(msgspec.json.encode)
set_json_loads(msgspec.json.decode)
bound_times()


class DatabaseUnusableError(Exception):
    """The database cannot be used as it is; the text says why and what to do."""


class Database:
    """One process's pool. `async with Database(dsn) as database: async with database.transaction() as tx: …`"""

    def __init__(self, dsn: str, *, size_max: int = 12, name: str = APPLICATION_NAME) -> None:
        self.dsn = dsn
        self._lending = Lending(dsn, size_max=size_max, name=name, session=SESSION)

    async def __aenter__(self) -> Self:
        await self._lending.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._lending.close()

    @asynccontextmanager
    async def transaction(self, *, patience_s: float = PATIENCE_S) -> AsyncIterator[Tx]:
        """READ COMMITTED; commits on leaving, rolls back on any exception. *patience_s*: with a database that is away."""
        async with self._lending.lend(patience_s) as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def snapshot(self, *, patience_s: float = PATIENCE_S) -> AsyncIterator[Tx]:
        """For looks that ask several questions: all of them see one moment, and none can change anything."""
        async with self._lending.lend(patience_s) as connection:
            try:
                await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
                await connection.set_read_only(True)
                async with connection.transaction():
                    yield connection
            finally:
                await _make_ordinary(connection)

    @asynccontextmanager
    async def pipelined(self, *, patience_s: float = PATIENCE_S) -> AsyncIterator[Tx]:
        """A transaction for hot batches: what is `post`ed travels with the next question, so a batch costs few round trips."""
        async with self._lending.lend(patience_s) as connection, connection.pipeline(), connection.transaction():
            yield connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Tx]:
        """A connection in autocommit, for what must not be inside a transaction (LISTEN, maintenance)."""
        async with self._lending.lend(PATIENCE_S) as connection:
            yield connection


async def _make_ordinary(connection: Tx) -> None:
    """After a snapshot, for whoever borrows the connection next. The pool's own hook would
    slow every transaction down.
    """
    if connection.info.transaction_status is TransactionStatus.IDLE:
        await connection.set_isolation_level(None)
        await connection.set_read_only(None)
    else:  # broken, or left inside: the pool makes a new one
        await connection.close()


async def execute(tx: Tx, sql: LiteralString, params: Params = NO_PARAMS) -> int:
    """Run one statement; the number of rows it touched."""
    async with tx.cursor() as cursor:
        await cursor.execute(sql, params, binary=True)
        if tx.info.pipeline_status is not PipelineStatus.OFF:
            async with tx.pipeline():
                """Leaving waits for what is under way: only then is the number known."""
        return cursor.rowcount


async def post(tx: Tx, sql: LiteralString, params: Params = NO_PARAMS) -> None:
    """Run one statement of which nobody asks anything. In a pipeline its failure shows at the next question or commit."""
    await tx.cursor().execute(sql, params, binary=True)


class Asked(Generic[Row]):
    """A question whose answer is wanted later: in a pipeline it travels with the next one."""

    def __init__(self, cursor: AsyncCursor[Row]) -> None:
        self._cursor = cursor

    async def rows(self) -> list[Row]:
        """The answer, once."""
        async with self._cursor as cursor:
            return await cursor.fetchall()


async def ask(tx: Tx, sql: LiteralString, into: type[Row], params: Params = NO_PARAMS) -> Asked[Row]:
    """The same as `fetch_all` in two steps, for questions that do not need each other's answers."""
    cursor = tx.cursor(row_factory=class_row(into))
    await cursor.execute(sql, params, binary=True)
    return Asked(cursor)


async def fetch_all(tx: Tx, sql: LiteralString, into: type[Row], params: Params = NO_PARAMS) -> list[Row]:
    """Rows built by keyword into *into* (a dataclass or Struct whose fields are the column names)."""
    async with tx.cursor(row_factory=class_row(into)) as cursor:
        await cursor.execute(sql, params, binary=True)
        return await cursor.fetchall()


async def fetch_one(tx: Tx, sql: LiteralString, into: type[Row], params: Params = NO_PARAMS) -> Row | None:
    """The first row, or None when there is none."""
    async with tx.cursor(row_factory=class_row(into)) as cursor:
        await cursor.execute(sql, params, binary=True)
        return await cursor.fetchone()


async def fetch_tuples(tx: Tx, sql: LiteralString, params: Params = NO_PARAMS) -> Sequence[TupleRow]:
    """Bare rows, for hot paths and small answers."""
    async with tx.cursor() as cursor:
        await cursor.execute(sql, params, binary=True)
        return await cursor.fetchall()


async def fetch_value(tx: Tx, sql: LiteralString, kind: type[Row], params: Params = NO_PARAMS) -> Row | None:
    """The single value of the first row; None when there is no row or it is NULL."""
    async with tx.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(sql, params, binary=True)
        value = await cursor.fetchone()
    assert value is None or isinstance(value, kind), (sql, value)
    return value


async def check_usable(dsn: str) -> None:
    """Refuse a server that cannot be reached, is too old, a replica, or one that may lose what it acknowledged.

    By a session of its own: a pool would try again and again until its time is up.
    """
    try:
        async with await psycopg.AsyncConnection.connect(dsn, connect_timeout=CONNECT_S_MAX) as session:
            row = await fetch_tuples(session, ABOUT_SERVER)
    except psycopg.OperationalError as error:
        raise DatabaseUnusableError(
            f"The database cannot be reached ({_first_line(error)}): start it, or correct CROSSDOCK_DATABASE_URL."
        ) from None
    except psycopg.ProgrammingError:  # its own words would repeat the URL, password and all
        raise DatabaseUnusableError(
            "CROSSDOCK_DATABASE_URL cannot be understood: it must look like postgresql://USER:PASSWORD@HOST/DATABASE."
        ) from None
    _refuse_unfit(*row[0])


def _refuse_unfit(version: int, replica: bool, fsync: str, encoding: str) -> None:  # noqa: FBT001 (a row of the server's answers)
    if version < VERSION_MIN:
        raise DatabaseUnusableError(
            f"PostgreSQL {version // 10_000} is too old: Crossdock needs 15 or newer. Upgrade the server, or unset "
            "CROSSDOCK_DATABASE_URL to use the embedded one."
        )
    if encoding != "UTF8":
        raise DatabaseUnusableError(
            f"This database is encoded in {encoding} and cannot hold every name. Make one with "
            "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and point CROSSDOCK_DATABASE_URL at it."
        )
    if replica:
        raise DatabaseUnusableError(
            "This PostgreSQL is a replica and cannot be written to. Point CROSSDOCK_DATABASE_URL at the primary."
        )
    if fsync == "off":
        raise DatabaseUnusableError(
            "This PostgreSQL runs with fsync=off and may lose acknowledged orders in a power cut. Turn fsync on."
        )


def _first_line(error: psycopg.Error) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
