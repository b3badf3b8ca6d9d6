"""For laws that kill, fill or break a PostgreSQL: they make clusters of their own."""

import asyncio
from collections.abc import Callable

import psycopg

from crossdock.foundation.postgres import ConnectionInfo


async def until(happened: Callable[[], bool]) -> None:
    """Wait for something that happens in another process; fails after half a minute."""
    pause = asyncio.Event()
    for _ in range(600):
        if happened():
            return
        try:
            await asyncio.wait_for(pause.wait(), 0.05)
        except TimeoutError:
            continue
    raise AssertionError("it did not happen within 30 s")


def answer(connection: ConnectionInfo, query: str) -> object:
    """One value, by a session of its own."""
    with psycopg.connect(connection.dsn) as session:
        row = session.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]
