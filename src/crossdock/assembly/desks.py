"""Connections as decoders see them: today's connector, settings with their secrets, lookups."""

from collections.abc import Mapping

from crossdock.assembly.hub import Hub
from crossdock.canonical.base import ConnectionName
from crossdock.connections.settings import SettingUnusableError, resolve
from crossdock.connector_kit.model import Connector
from crossdock.estate.model import Estate
from crossdock.foundation.log import logger
from crossdock.inbound.desk import Desk

log = logger(__name__)


def desk(hub: Hub, estate: Estate) -> Desk:
    """The decoders' desk for *estate*. A connection without its secrets still decodes: decoders do not call."""
    connectors: dict[ConnectionName, Connector] = {}
    settings: dict[ConnectionName, Mapping[str, str]] = {}
    for config in estate.connections:
        connector = hub.connectors.get(config.connector)
        if connector is None:
            log.warning("connector_missing", connection=config.name, connector=config.connector)
            continue
        name = ConnectionName(config.name)
        connectors[name] = connector
        try:
            settings[name] = resolve(name, connector.settings, config.settings)
        except SettingUnusableError as error:
            log.debug("settings_unusable", connection=name, reason=str(error))
            plain = {setting.name: setting.default or "" for setting in connector.settings}
            secret = {setting.name for setting in connector.settings if setting.secret}
            given = {key: value for key, value in config.settings.items() if key not in secret}
            settings[name] = {**plain, **given}
    return Desk(estate=estate, connectors=connectors, settings=settings, vault=hub.vault)
