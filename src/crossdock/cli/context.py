"""A command's way to the hub: the running one's database, or one started for the command alone."""

import getpass
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from crossdock.assembly.hub import Hub, open_database, open_hub
from crossdock.assembly.registry import connectors
from crossdock.cli.output import CommandError
from crossdock.foundation.postgres import running
from crossdock.foundation.settings import Settings


def settings() -> Settings:
    """This process's settings."""
    return Settings.from_environment()


@asynccontextmanager
async def hub(*, make: bool = False) -> AsyncIterator[Hub]:
    """The hub of CROSSDOCK_HOME or CROSSDOCK_DATABASE_URL; the embedded database is started when nobody runs it.

    Where there is none, only who may *make* one gets one: asked in a wrong folder, an empty hub would say that all is
    well.
    """
    chosen = settings()
    if not make and not chosen.database_url and not (chosen.home / "postgres").exists():
        raise CommandError(
            f"There is no hub in {chosen.home}: go to the folder where it was started, set CROSSDOCK_HOME, or start one "
            "here with `crossdock up`."
        )
    async with AsyncExitStack() as stack:
        found = None if chosen.database_url else running(chosen.home / "postgres")
        dsn = found.dsn if found is not None else await stack.enter_async_context(open_database(chosen))
        yield await stack.enter_async_context(open_hub(chosen, dsn, connectors()))


def person() -> str:
    """Who sits at the terminal, for the books: CROSSDOCK_USER, else the account's name."""
    named = os.environ.get("CROSSDOCK_USER")
    if named:
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        return f"user {os.getuid()}"
