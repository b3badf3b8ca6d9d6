"""What decoding needs to know besides the message: which connector, its settings, the estate's names and zones."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from crossdock.canonical.base import ConnectionName
from crossdock.connector_kit.model import Connector, Decoder, Received
from crossdock.estate.model import Estate
from crossdock.foundation.vault import Vault
from crossdock.inbound.model import Route, StoredMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Connections as configured now: a message is decoded with today's connector, settings and lookups."""

    estate: Estate
    connectors: Mapping[ConnectionName, Connector]
    settings: Mapping[ConnectionName, Mapping[str, str]]
    """Values of each connection's settings, secrets resolved."""
    vault: Vault
    """Opens messages."""

    def decoder(self, connection: ConnectionName, route: Route, feed: str) -> Decoder | None:
        """Who reads this; None when the connection is gone or its connector does not know the feed."""
        connector = self.connectors.get(connection)
        if connector is None:
            return None
        return _decoders(connector, route).get(feed)

    def received(self, message: StoredMessage, body: bytes, matched: Mapping[str, Mapping[str, str]]) -> Received:
        """The message as decoders get it, with *body* in the place of its own, and what was matched since it came."""
        return Received(
            connection=message.connection,
            feed=message.feed,
            body=body,
            headers=message.headers,
            received_at=message.received_at,
            settings=self.settings.get(message.connection, {}),
            zones={location.code: ZoneInfo(location.zone) for location in self.estate.locations},
            names=self._names(message.connection),
            matched=matched,
            channel=self._channel(message.connection),
            mark=lambda content: self.vault.mark(content).hex(),
        )

    def _channel(self, connection: ConnectionName) -> str:
        config = self.estate.connection(connection)
        return (config.channel or "") if config is not None else ""

    def _names(self, connection: ConnectionName) -> Mapping[str, Mapping[str, str]]:
        """The connection's lookups turned round: theirs → ours. A table's default stands for nothing of theirs."""
        config = self.estate.connection(connection)
        lookups = config.lookups if config is not None else {}
        return {
            table: {theirs: ours for ours, theirs in reversed(entries.items()) if ours != "*"}
            for table, entries in lookups.items()
        }


def _decoders(connector: Connector, route: Route) -> Mapping[str, Decoder]:
    match route:
        case Route.WEBHOOK:
            topics = connector.webhooks.topics if connector.webhooks is not None else ()
            return {topic.topic: topic.decode for topic in topics}
        case Route.POLL:
            return {pull.name: pull.decode for pull in connector.pulls}
        case Route.LOAD:
            return {load.name: load.decode for load in connector.loads}
        case Route.FILE:
            return {drop.name: drop.decode for drop in connector.drops}
        case Route.UPLOAD:
            return {upload.name: upload.decode for upload in connector.uploads}
