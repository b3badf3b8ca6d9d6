"""The estate as the gateway needs it: read again at most twice a second, never once per request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from crossdock.assembly.hub import Hub
from crossdock.connections.settings import SettingUnusableError, resolve
from crossdock.connector_kit.model import Connector
from crossdock.estate.model import Channel, Estate
from crossdock.estate.service import NoEstateError
from crossdock.foundation.log import logger
from crossdock.gateway.fresh import Fresh
from crossdock.gateway.patience import PATIENCE_S
from crossdock.gateway.problems import FieldProblem, Problem

log = logger(__name__)

AGE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Retailer:
    """One version of the estate, with what was looked up in it."""

    estate: Estate
    channels: Mapping[str, Channel]
    locations: frozenset[str]
    sources: Mapping[str, str]
    """The connection that brings a channel's orders. Channels without one get them over the API only."""
    settings: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def channel(self, code: str, path: str) -> Channel:
        """The channel; Problem that names those there are."""
        found = self.channels.get(code)
        if found is None:
            known = ", ".join(sorted(self.channels)) or "none"
            raise _unknown(path, f'there is no channel "{code}" (known: {known})')
        return found

    def check_location(self, code: str, path: str) -> None:
        """Problem when the estate has no such location."""
        if code not in self.locations:
            raise _unknown(path, f'there is no location "{code}"')


def _unknown(path: str, reason: str) -> Problem:
    return Problem("invalid", errors=(FieldProblem(path=path, reason=reason),))


class RetailerView:
    """The estate in force, at most half a second old."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._fresh = Fresh(hub.clock, self._read, AGE_S)

    async def get(self) -> Retailer:
        """Problem while no estate has been applied."""
        return self._fresh.at_hand() or await self._fresh.get()

    async def connector(self, connection: str) -> tuple[Connector, Mapping[str, str]]:
        """A connection's connector and its settings, secrets resolved; Problem when there is no such connection."""
        retailer = await self.get()
        config = retailer.estate.connection(connection)
        connector = self._hub.connectors.get(config.connector) if config is not None else None
        if config is None or connector is None:
            raise Problem("not-found", f'there is no connection "{connection}"')
        if connection not in retailer.settings:
            try:
                retailer.settings[connection] = resolve(connection, connector.settings, config.settings)
            except SettingUnusableError as error:
                log.error("connection_unusable", connection=connection, reason=str(error))  # noqa: TRY400
                raise Problem("connection-unusable", headers={"Retry-After": "60"}) from None
        return connector, retailer.settings[connection]

    async def _read(self) -> Retailer:
        try:
            async with self._hub.database.transaction(patience_s=PATIENCE_S) as tx:
                estate = await self._hub.estate.get(tx)
        except NoEstateError as error:
            raise Problem("no-estate", str(error), headers={"Retry-After": "5"}) from None
        return Retailer(
            estate,
            {channel.code: channel for channel in estate.channels},
            frozenset(location.code for location in estate.locations),
            _sources(estate),
        )


def _sources(estate: Estate) -> Mapping[str, str]:
    bringing: dict[str, str] = {
        each.channel: each.name for each in estate.connections if each.enabled and each.channel is not None
    }
    named = {each.code: each.connection for each in estate.channels if each.connection is not None}
    return {**bringing, **named}
