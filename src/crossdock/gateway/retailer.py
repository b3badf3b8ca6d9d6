"""The estate as the gateway needs it: read again at most twice a second, never once per request."""

from collections.abc import Mapping

from crossdock.assembly.hub import Hub
from crossdock.connections.settings import resolve
from crossdock.connector_kit.model import Connector
from crossdock.estate.model import Channel, Estate
from crossdock.estate.service import NoEstateError
from crossdock.gateway.problems import Problem

REFRESH_S = 0.5


class RetailerView:
    """The estate in force, at most half a second old."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._estate: Estate | None = None
        self._channels: dict[str, Channel] = {}
        self._settings: dict[str, Mapping[str, str]] = {}
        self._read_at = float("-inf")

    async def estate(self) -> Estate:
        """The whole of it; a Problem while none has been applied."""
        if self._estate is None or self._hub.clock.monotonic() - self._read_at > REFRESH_S:
            try:
                async with self._hub.database.transaction() as tx:
                    self._estate = await self._hub.estate.get(tx)
            except NoEstateError as error:
                raise Problem("overloaded", str(error), headers={"Retry-After": "5"}) from None
            self._channels = {channel.code: channel for channel in self._estate.channels}
            self._settings.clear()
            self._read_at = self._hub.clock.monotonic()
        return self._estate

    async def channel(self, code: str) -> Channel | None:
        """One channel; None when there is none of that code."""
        await self.estate()
        return self._channels.get(code)

    async def channel_codes(self) -> list[str]:
        """All of them, for a helpful answer."""
        await self.estate()
        return sorted(self._channels)

    async def connector(self, connection: str) -> tuple[Connector, Mapping[str, str]] | None:
        """A connection's connector and its settings, secrets resolved; None when there is no such connection."""
        config = (await self.estate()).connection(connection)
        connector = self._hub.connectors.get(config.connector) if config is not None else None
        if config is None or connector is None:
            return None
        if connection not in self._settings:
            self._settings[connection] = resolve(connection, connector.settings, config.settings)
        return connector, self._settings[connection]
