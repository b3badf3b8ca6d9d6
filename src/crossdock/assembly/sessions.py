"""A connection opened by hand: for checks, matching and first loads, on the same settings and limits as its worker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from crossdock.assembly.hub import Hub
from crossdock.canonical.base import ConnectionName
from crossdock.connections.line import Line, open_line
from crossdock.connections.model import Account
from crossdock.crossref.service import ConnectionIdentities
from crossdock.estate.model import ConnectionConfig, Estate


class UnknownConnectionError(Exception):
    """The estate has no such connection, or its connector is not installed; the text says which there are."""


def account_of(config: ConnectionConfig) -> Account:
    """The estate's words as the connections package takes them."""
    return Account(
        name=ConnectionName(config.name),
        settings=config.settings,
        lookups=config.lookups,
        requests_per_s=config.requests_per_s,
        concurrency=config.concurrency,
    )


def config_of(estate: Estate, name: str) -> ConnectionConfig:
    """A connection of the estate; UnknownConnectionError when there is none of that name."""
    config = estate.connection(name)
    if config is None:
        known = ", ".join(each.name for each in estate.connections) or "none"
        raise UnknownConnectionError(f'The estate has no connection "{name}" (it has: {known}).')
    return config


@asynccontextmanager
async def open_connection(hub: Hub, config: ConnectionConfig) -> AsyncIterator[Line]:
    """One client and one allowance for as long as it is open. SettingUnusableError names a secret that is missing."""
    connector = hub.connectors.get(config.connector)
    if connector is None:
        known = ", ".join(hub.connectors) or "none"
        raise UnknownConnectionError(f'There is no connector "{config.connector}" (installed: {known}).')
    identities = ConnectionIdentities(hub.database, config.name)
    async with open_line(connector, account_of(config), identities, clock=hub.clock) as line:
        yield line
