"""A durable PostgreSQL of our own, with one fresh database for each contender."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from bench.sample import ESTATE
from psycopg import sql
from psycopg.conninfo import make_conninfo

from crossdock.estate import service as estates
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database
from crossdock.foundation.migrations import apply_migrations
from crossdock.foundation.postgres import EmbeddedPostgres, Profile
from crossdock.gateway import keys
from crossdock.gateway.keys import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One side of a comparison and where it works."""

    name: str
    dsn: str
    home: Path
    key: str
    """An API key of its database."""


@asynccontextmanager
async def contenders(names: Sequence[str]) -> AsyncIterator[list[Contender]]:
    """One PostgreSQL with fsync on, one migrated database each, on one disk; thrown away on leaving."""
    with tempfile.TemporaryDirectory(prefix="crossdock-bench-") as folder:
        home = Path(folder)
        async with EmbeddedPostgres(home / "postgres", profile=Profile.DURABLE) as server:
            place = server.connection
            made = []
            for name in names:
                with psycopg.connect(place.admin_dsn, autocommit=True) as admin:
                    admin.execute(sql.SQL("CREATE DATABASE {} OWNER crossdock").format(sql.Identifier(name)))
                dsn = make_conninfo(place.dsn, dbname=name)
                await asyncio.to_thread(apply_migrations, dsn)
                made.append(Contender(name=name, dsn=dsn, home=home / name, key=await _furnish(dsn)))
            yield made


async def _furnish(dsn: str) -> str:
    now = SYSTEM_CLOCK.now()
    async with Database(dsn, size_max=1) as database, database.transaction() as tx:
        await estates.apply(tx, ESTATE, note="bench", now=now)
        return await keys.create(tx, "bench", tuple(Scope), now=now)
