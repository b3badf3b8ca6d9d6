"""What a well-shaped estate may still get wrong: names that lead nowhere, doubles, rules that never win."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final
from zoneinfo import available_timezones

from crossdock.canonical.base import CURRENCIES
from crossdock.connector_kit.model import Connector
from crossdock.estate.model import ConnectionConfig, DropRules, Estate, FlowKind
from crossdock.estate.promise import rules as promise
from crossdock.estate.promise.rules import Problem, Reference

UNDOING: Final = (
    (FlowKind.SALE, FlowKind.SALE_CANCEL, "gets sales, and keeps them when their orders are cancelled"),
    (FlowKind.FULFILMENT, FlowKind.ORDER_CANCEL, "hears of shipments, and not of what is cancelled in the hub"),
)
"""What a flow tells, which flow takes it back, and what it means when there is none."""


def is_reference(value: str) -> bool:
    """A secret by reference: `${ENV}` or `file:/path`."""
    return (value.startswith("${") and value.endswith("}")) or value.startswith("file:")


def problems(
    estate: Estate, connectors: Mapping[str, Connector], exception_types: Collection[str] = ()
) -> Iterator[Problem]:
    """Everything that keeps the estate from being applied, and what looks doubtful."""
    yield from _currencies_and_zones(estate)
    yield from _doubles(estate)
    yield from _dangling(estate)
    yield from _connections(estate, connectors)
    yield from promise.problems(estate)
    yield from _owners(estate, exception_types)


def _currencies_and_zones(estate: Estate) -> Iterator[Problem]:
    if estate.company.currency not in CURRENCIES:
        yield ("company", "currency"), f'"{estate.company.currency}" is not an ISO 4217 currency code', False
    if estate.company.zone not in available_timezones():
        yield ("company", "zone"), f'"{estate.company.zone}" is not an IANA time zone', False
    for index, currency in enumerate(estate.till_posting.currencies):
        if currency not in CURRENCIES:
            yield ("till_posting", "currencies", index), f'"{currency}" is not an ISO 4217 currency code', False
    for index, channel in enumerate(estate.channels):
        if channel.currency not in CURRENCIES:
            yield ("channels", index, "currency"), f'"{channel.currency}" is not an ISO 4217 currency code', False
    for index, location in enumerate(estate.locations):
        if location.zone not in available_timezones():
            yield ("locations", index, "zone"), f'"{location.zone}" is not an IANA time zone', False


def _doubles(estate: Estate) -> Iterator[Problem]:
    sections: Sequence[tuple[str, str, Sequence[str]]] = (
        ("locations", "code", [location.code for location in estate.locations]),
        ("channels", "code", [channel.code for channel in estate.channels]),
        ("connections", "name", [connection.name for connection in estate.connections]),
        ("location_groups", "code", [group.code for group in estate.location_groups]),
        ("pools", "code", [pool.code for pool in estate.pools]),
        ("flows", "kind", [f"{flow.kind} through {flow.connection}" for flow in estate.flows]),
    )
    for section, field, names in sections:
        for index, name in enumerate(names):
            if name in names[:index]:
                yield (section, index, field), f'"{name}" stands twice in {section}', False


def _dangling(estate: Estate) -> Iterator[Problem]:
    locations = {location.code for location in estate.locations}
    groups = {group.code for group in estate.location_groups}
    pools = {pool.code for pool in estate.pools}
    channels = {channel.code for channel in estate.channels}
    known: Mapping[str, set[str]] = {
        "location": locations,
        "group": groups,
        "location or group": locations | groups,
        "pool": pools,
        "pool or channel": pools | channels,
        "channel": channels,
        "connection": {connection.name for connection in estate.connections},
    }
    for path, noun, name in _references(estate):
        if name is not None and name not in known[noun]:
            yield path, f'there is no {noun} "{name}"', False
    for index, channel in enumerate(estate.channels):
        if not estate.pool_of(channel).locations:
            yield ("channels", index), f'channel "{channel.code}" has no pool: it can promise nothing', True


def _references(estate: Estate) -> Iterator[Reference]:
    """Every name that must lead somewhere."""
    yield from promise.references(estate)
    for index, channel in enumerate(estate.channels):
        yield ("channels", index, "connection"), "connection", channel.connection
        if isinstance(channel.pool, str):
            yield ("channels", index, "pool"), "pool", channel.pool
            continue
        for place, code in enumerate(channel.pool):
            yield ("channels", index, "pool", place), "location or group", code
    for index, connection in enumerate(estate.connections):
        yield ("connections", index, "channel"), "channel", connection.channel
    for index, flow in enumerate(estate.flows):
        yield ("flows", index, "connection"), "connection", flow.connection
        for place, code in enumerate(flow.channels):
            yield ("flows", index, "channels", place), "channel", code


def _connections(estate: Estate, connectors: Mapping[str, Connector]) -> Iterator[Problem]:
    for index, connection in enumerate(estate.connections):
        connector = connectors.get(connection.connector)
        if connector is None:
            known = ", ".join(sorted(connectors))
            text = f'there is no connector "{connection.connector}" (installed: {known})'
            yield ("connections", index, "connector"), text, False
            continue
        yield from _settings(index, connection, connector)
        if connection.drop != DropRules() and not connector.drops:
            text = f'connector "{connector.name}" reads no files: these rules have no effect'
            yield ("connections", index, "drop"), text, True
        for flow_index, flow in enumerate(estate.flows):
            if flow.connection == connection.name and connector.send(flow.kind) is None:
                text = f'connector "{connector.name}" cannot carry {flow.kind}'
                yield ("flows", flow_index, "kind"), text, False
    yield from _single_sender(estate)
    yield from _not_undone(estate, connectors)


def _not_undone(estate: Estate, connectors: Mapping[str, Connector]) -> Iterator[Problem]:
    """What is told of orders, and not taken back when they are cancelled, though the connector could."""
    carried = {(flow.connection, flow.kind) for flow in estate.flows}
    by_name = {connection.name: connectors.get(connection.connector) for connection in estate.connections}
    for index, flow in enumerate(estate.flows):
        for told, undo, text in UNDOING:
            connector = by_name.get(flow.connection)
            able = connector is not None and connector.send(undo) is not None
            if flow.kind is told and able and (flow.connection, undo) not in carried:
                yield ("flows", index, "kind"), f'"{flow.connection}" {text}: add a flow {undo}', True


def _settings(index: int, connection: ConnectionConfig, connector: Connector) -> Iterator[Problem]:
    declared = {setting.name: setting for setting in connector.settings}
    for name, value in connection.settings.items():
        if name not in declared:
            yield ("connections", index, "settings", name), f'"{connector.name}" has no setting "{name}"', False
        elif declared[name].secret and not is_reference(value):
            text = f'"{name}" is a secret: write ${{ENV_NAME}} or file:/path, never the value'
            yield ("connections", index, "settings", name), text, False
        elif value and not is_reference(value) and "${" not in value and declared[name].wrong(value):
            yield ("connections", index, "settings", name), f'"{name}": {declared[name].wrong(value)}', False
    for table in connection.lookups:
        if table not in connector.lookups:
            known = ", ".join(connector.lookups) or "none"
            text = f'"{connector.name}" reads no lookup "{table}" (it reads: {known})'
            yield ("connections", index, "lookups", table), text, False
    for name, setting in declared.items():
        if setting.default is None and name not in connection.settings:
            yield ("connections", index), f'"{connection.name}" needs the setting "{name}": {setting.title}', False


def _single_sender(estate: Estate) -> Iterator[Problem]:
    """One document per order and kind: two connections carrying the same finance flow would make two."""
    for kind in FlowKind:
        if kind in {FlowKind.STOCK, FlowKind.FULFILMENT, FlowKind.ORDER_CANCEL}:
            continue
        flows = [(index, flow) for index, flow in enumerate(estate.flows) if flow.kind is kind]
        for index, flow in flows[1:]:
            before = flows[0][1]
            if not flow.channels or not before.channels or set(flow.channels) & set(before.channels):
                text = f'{kind} goes through "{before.connection}" already: an order would become two documents'
                yield ("flows", index), text, False


def _owners(estate: Estate, exception_types: Collection[str]) -> Iterator[Problem]:
    """Rules for owners that have no effect: somebody thinks that they have."""
    for index, owner in enumerate(estate.ownership):
        for later in range(index + 1, len(estate.ownership)):
            if estate.ownership[later].type in {"*", owner.type}:
                text = f"never wins: rule {later + 1} of ownership is later and matches everything that this one does"
                yield ("ownership", index), text, True
                break
        if exception_types and owner.type not in {"*", *exception_types}:
            text = f'matches nothing: there is no exception of type "{owner.type}"'
            yield ("ownership", index, "type"), text, True
