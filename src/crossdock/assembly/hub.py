"""A hub's parts, built once per process: database, vault, clock, hints, connectors."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from crossdock.connector_kit.model import Connector
from crossdock.customers.master_key import service as master_key
from crossdock.estate import service as estates
from crossdock.estate.model import Estate
from crossdock.foundation.clock import SYSTEM_CLOCK, Clock
from crossdock.foundation.db import Database, Tx, check_usable
from crossdock.foundation.hints import Hints
from crossdock.foundation.log import logger
from crossdock.foundation.migrations import apply_migrations
from crossdock.foundation.postgres import EmbeddedPostgres, PostgresEvent
from crossdock.foundation.settings import Settings
from crossdock.foundation.vault import MASTER_KEY_FILE, Vault, VaultError

log = logger(__name__)


@dataclass(slots=True, kw_only=True)
class CurrentEstate:
    """The estate in force, read again when a newer version was applied."""

    _number: int = 0
    _estate: Estate | None = None

    async def get(self, tx: Tx) -> Estate:
        """Raises NoEstateError while nothing has been applied."""
        number = await estates.current_number(tx)
        if self._estate is None or number != self._number:
            self._estate = await estates.current(tx)
            self._number = number
        return self._estate


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """What processes share. Everything that is constructed is constructed here or below `assembly`."""

    settings: Settings
    dsn: str
    database: Database
    vault: Vault
    connectors: Mapping[str, Connector]
    clock: Clock = SYSTEM_CLOCK
    hints: Hints = field(default_factory=Hints)
    estate: CurrentEstate = field(default_factory=CurrentEstate)


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[str]:
    """The hub's database, started if it is the embedded one, at this release's schema; its connection string."""
    async with AsyncExitStack() as stack:
        if settings.database_url:
            dsn = settings.database_url
        else:
            server = EmbeddedPostgres(settings.home / "postgres", on_event=_log_event)
            await stack.enter_async_context(server)
            dsn = server.connection.dsn
        await check_usable(dsn)
        applied = await asyncio.to_thread(apply_migrations, dsn)
        if applied:
            log.info("schema_upgraded", files=applied)
        yield dsn


@asynccontextmanager
async def open_hub(
    settings: Settings, dsn: str, connectors: Mapping[str, Connector], *, clock: Clock = SYSTEM_CLOCK
) -> AsyncIterator[Hub]:
    """A hub on a database that is ready; VaultError when the database belongs to another master key than ours."""
    vault = await asyncio.to_thread(Vault.open, settings.home)
    async with Database(dsn, size_max=settings.pool_size_max) as database:
        async with database.transaction() as tx:
            if not await master_key.fits(tx, vault):
                raise VaultError(
                    f"The names and addresses in this database were sealed with another key than {settings.home / MASTER_KEY_FILE}"
                    ": put the master key of the hub that wrote them (or its copy) there."
                )
        yield Hub(settings=settings, dsn=dsn, database=database, vault=vault, connectors=connectors, clock=clock)


def _log_event(event: PostgresEvent) -> None:
    log.warning("embedded_postgres", what=type(event).__name__, detail=str(event))
