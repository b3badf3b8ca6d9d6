"""Lending connections of one pool: sound ones only, to the first who asked, for as long as somebody may wait."""

import asyncio
import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

import psycopg
from psycopg.rows import TupleRow, tuple_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

Connection: TypeAlias = "psycopg.AsyncConnection[TupleRow]"
Pool: TypeAlias = AsyncConnectionPool[Connection]

LAST_TRY_S: Final = 0.5
"""Who asks when the patience with an absent database is used up still gets this long: a new connection takes less."""
RETRY_S: Final = 0.5
"""Between two tries to connect to a database that is away."""
CONNECT_S_MAX: Final = 10
LINE: Final = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}
"""A server that vanishes without a word (a firewall, a power cut) is noticed within half a minute, not in hours: silent
connections are trusted. Times in s, the last in ms; they do nothing on the embedded server's socket."""


class DatabaseBusyError(PoolTimeout):
    """The database works, but every connection stayed in use by others: too much is asked of it."""


class Lending:
    """One process's connections.

    Patience counts from the moment on which the database was first asked in vain, not from each question: whoever asks
    an absent database late is told so early, and a request that asks several times does not wait several times.
    """

    def __init__(self, dsn: str, *, size_max: int, name: str, session: str) -> None:
        self._size_max = size_max
        self._lent = 0
        self._asking = 0
        self._asked_since: float | None = None
        self._pool: Pool = AsyncConnectionPool(
            dsn,
            min_size=1,
            max_size=size_max,
            open=False,
            # The pool doubles its pause until it gives up; here it gives up after one and is told to go on.
            reconnect_timeout=RETRY_S,
            reconnect_failed=_go_on,
            kwargs={
                "autocommit": True,
                "application_name": name,
                "connect_timeout": CONNECT_S_MAX,
                **LINE,
                "options": session,
                "row_factory": tuple_row,
            },
        )

    async def open(self) -> None:
        """Begin; does not wait for the database."""
        await self._pool.open()

    async def close(self) -> None:
        """End every session."""
        await self._pool.close()

    @asynccontextmanager
    async def lend(self, patience_s: float) -> AsyncIterator[Connection]:
        """A connection that works; PoolTimeout when the database is away, DatabaseBusyError when it is only busy."""
        connection = await self._ask(patience_s)
        self._lent += 1
        try:
            yield connection
        finally:
            self._lent -= 1
            await self._pool.putconn(connection)

    async def _ask(self, patience_s: float) -> Connection:
        now_s = asyncio.get_running_loop().time()
        if self._asked_since is None:
            self._asked_since = now_s
        self._asking += 1
        in_vain = False
        try:
            return await self._sound(max(self._asked_since + patience_s, now_s + LAST_TRY_S))
        except PoolTimeout as error:
            in_vain = True
            if self._lent >= self._size_max:
                raise DatabaseBusyError(f"all {self._size_max} connections are in use") from None
            raise PoolTimeout(f"no connection to the database could be made ({error})") from None
        except asyncio.CancelledError:  # says nothing about the database, unless others wait as well
            in_vain = self._asking > 1
            raise
        finally:
            self._asking -= 1
            if not in_vain:
                self._asked_since = None

    async def _sound(self, until_s: float) -> Connection:
        """One that answers. Where one is broken, so are others: a restart breaks all of them at once."""
        while True:
            connection = await self._pool.getconn(timeout=until_s - asyncio.get_running_loop().time())
            if not _heard_of(connection):
                return connection
            try:
                await connection.execute("")
            except psycopg.Error:
                await self._pool.putconn(connection)
                await self._pool.check()
            except BaseException:
                await self._pool.putconn(connection)
                raise
            else:
                return connection


def _heard_of(connection: Connection) -> bool:
    """Has something come since it was given back? A server that ended has closed it; asking each time costs a round trip."""
    if connection.closed:
        return True
    sockets = select.poll()
    sockets.register(connection.fileno(), select.POLLIN)
    return bool(sockets.poll(0))


async def _go_on(pool: Pool) -> None:
    """As long as somebody waits, the pool tries to connect."""
    if pool.get_stats().get("requests_waiting"):
        await pool.check()
