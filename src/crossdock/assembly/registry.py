"""Which connectors are installed: found by entry point, built-in ones like anybody's."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Final

from crossdock.connector_kit.model import Connector

GROUP: Final = "crossdock.connectors"


class ConnectorError(Exception):
    """An installed connector cannot be loaded; the text names it."""


@cache
def connectors() -> Mapping[str, Connector]:
    """By name. A connector that does not load stops the start: half a hub would lose messages silently."""
    found: dict[str, Connector] = {}
    for entry in entry_points(group=GROUP):
        try:
            connector = entry.load()
        except Exception as error:
            raise ConnectorError(
                f'The connector "{entry.name}" ({entry.value}) cannot be loaded: {error}. Repair or uninstall it.'
            ) from error
        if not isinstance(connector, Connector):
            raise ConnectorError(f'The connector "{entry.name}" ({entry.value}) is not a connector_kit Connector.')
        found[connector.name] = connector
    return dict(sorted(found.items()))
