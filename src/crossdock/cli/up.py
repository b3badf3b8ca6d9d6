"""`crossdock up` and its parts as processes of their own: `gateway`, `worker`."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import uvloop

from crossdock import VERSION
from crossdock.assembly.hub import Hub, open_database, open_hub
from crossdock.assembly.registry import connectors
from crossdock.cli.context import settings
from crossdock.cli.output import CommandError, errors
from crossdock.estate import service as estates
from crossdock.foundation import telemetry
from crossdock.foundation.postgres import running
from crossdock.foundation.settings import Settings
from crossdock.foundation.tasks import together
from crossdock.gateway.app import gateway
from crossdock.gateway.server import listen, serving
from crossdock.worker.process import working


def up() -> int:
    """Start the whole hub: database, HTTP API, workers, connections. Ctrl-C or SIGTERM ends it within 15 seconds."""
    return uvloop.run(_up(settings()))


def gateway_only() -> int:
    """Start an HTTP API alone, beside a running database."""
    return uvloop.run(_gateway(settings()))


def worker_only(*, connection: Sequence[str] = (), central: bool = True) -> int:
    """Start a worker alone, beside a running database.

    Args:
        connection: Work only these connections; none named means all of the estate.
        central: Also run the loops that belong to no connection.
    """
    return uvloop.run(_worker(settings(), connection, central=central))


async def _up(chosen: Settings) -> int:
    listener = listen(chosen)
    async with _process(chosen, own_database=True) as (hub, stop):
        await _first_estate(hub)
        async with gateway(hub) as api, together(serving(api, listener, chosen), working(hub)):
            _say(f"Crossdock {VERSION} is up at {_address(chosen)}; its data lies in {_where(chosen)}.")
            await stop.wait()
            _say("Stopping: finishing what is under way.")
    _say("Stopped.")
    return 0


async def _gateway(chosen: Settings) -> int:
    listener = listen(chosen)
    async with (
        _process(chosen, own_database=False) as (hub, stop),
        gateway(hub) as api,
        serving(api, listener, chosen),
    ):
        _say(f"Crossdock {VERSION} answers at {_address(chosen)}.")
        await stop.wait()
    return 0


async def _worker(chosen: Settings, connection: Sequence[str], *, central: bool) -> int:
    async with (
        _process(chosen, own_database=False) as (hub, stop),
        working(hub, central=central, connections=list(connection) or None),
    ):
        _say(f"Crossdock {VERSION} works.")
        await stop.wait()
    return 0


@asynccontextmanager
async def _process(chosen: Settings, *, own_database: bool) -> AsyncIterator[tuple[Hub, asyncio.Event]]:
    telemetry.configure(chosen.otlp_endpoint)
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with AsyncExitStack() as stack:
        dsn = await _dsn(chosen, stack, own_database=own_database)
        hub = await stack.enter_async_context(open_hub(chosen, dsn, connectors()))
        await stack.enter_async_context(hub.hints.shared(dsn, hub.clock))
        yield hub, stop


async def _dsn(chosen: Settings, stack: AsyncExitStack, *, own_database: bool) -> str:
    if own_database or chosen.database_url:
        return await stack.enter_async_context(open_database(chosen))
    found = running(chosen.home / "postgres")
    if found is None:
        raise CommandError(
            f"No hub runs its database in {chosen.home}: start `crossdock up` first, or set CROSSDOCK_DATABASE_URL."
        )
    return found.dsn


async def _first_estate(hub: Hub) -> None:
    """A new hub applies the estate folder once; later changes are applied by people."""
    async with hub.database.transaction() as tx:
        if await estates.current_number(tx):
            return
        folder = hub.settings.estate
        if not folder.is_dir():
            _say(f"No estate yet: describe the retailer in {folder} and run `crossdock estate apply`.")
            return
        checked = estates.check(folder, hub.connectors)
        if checked.estate is None:
            said = "; ".join(str(complaint) for complaint in checked.complaints if not complaint.warning)
            raise CommandError(f"The estate in {folder} cannot be applied: {said}")
        applied = await estates.apply(
            tx, checked.estate, note="first start", now=hub.clock.now(), places=checked.places
        )
    _say(f"Applied the estate in {folder} as version {applied.number}.")


def _address(chosen: Settings) -> str:
    scheme = "https" if chosen.tls_certificate else "http"
    host = f"[{chosen.host}]" if ":" in chosen.host else chosen.host
    return f"{scheme}://{host}:{chosen.port}"


def _where(chosen: Settings) -> str:
    return "your PostgreSQL" if chosen.database_url else str(chosen.home.resolve())


def _say(text: str) -> None:
    errors.print(text, markup=False, soft_wrap=True)
