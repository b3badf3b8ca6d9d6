"""Where files for connections are put, and which connections take any."""

from collections.abc import Collection, Mapping
from pathlib import Path

from crossdock.connector_kit.model import Connector
from crossdock.estate.model import Estate
from crossdock.foundation.settings import Settings


def drop_root(settings: Settings) -> Path:
    """`CROSSDOCK_HOME/drop`: a folder per connection below it."""
    return settings.home / "drop"


def takers(estate: Estate, connectors: Mapping[str, Connector]) -> Collection[str]:
    """Connections that take files. One that is switched off takes them later."""
    return {
        config.name
        for config in estate.connections
        if config.connector not in connectors or connectors[config.connector].drops
    }
