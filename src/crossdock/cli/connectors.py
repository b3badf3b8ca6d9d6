"""`crossdock connector …`: what is installed."""

from typing import Final

from cyclopts import App

from crossdock.assembly.registry import connectors
from crossdock.cli.output import AsJson, CommandError, print_json, print_table, say, show
from crossdock.connector_kit.model import Connector

app = App(name="connector", help="Installed connectors: what they cover, what they ask for.")

COLUMNS: Final = ("name", "title", "role", "reads", "sends", "loads", "summary")
SETTINGS: Final = ("setting", "title", "secret", "default", "choices", "help")


@app.command(name="list")
def list_connectors(*, json: AsJson = False) -> int:
    """List installed connectors."""
    rows = [_row(connector) for connector in connectors().values()]
    show(COLUMNS, rows, as_json=json, empty="No connector is installed.")
    return 0


@app.command(name="show")
def show_connector(name: str, *, json: AsJson = False) -> int:
    """Show one: its settings, feeds, intents and lookups."""
    found = connectors().get(name)
    if found is None:
        raise CommandError(f'There is no connector "{name}" (installed: {", ".join(connectors()) or "none"}).')
    settings = [
        (each.name, each.title, each.secret, each.default, ", ".join(each.choices), each.help)
        for each in found.settings
    ]
    if json:
        print_json({**_row(found), "lookups": found.lookups, "settings": found.settings})
        return 0
    say(f"{found.title}: {found.summary}", "bold")
    for label, value in _row(found).items():
        if label in {"reads", "sends", "loads"} and value:
            say(f"  {label:<8}{value}")
    if found.lookups:
        say(f"  lookups {', '.join(found.lookups)}")
    print_table(SETTINGS, settings, empty="It asks for no settings.")
    return 0


def _row(connector: Connector) -> dict[str, object]:
    topics = connector.webhooks.topics if connector.webhooks is not None else ()
    reads = [each.topic for each in topics]
    reads += [each.name for each in connector.pulls]
    reads += [each.name for each in connector.drops]
    return {
        "name": connector.name,
        "title": connector.title,
        "role": connector.role,
        "reads": ", ".join(reads),
        "sends": ", ".join(each.kind for each in connector.sends),
        "loads": ", ".join(each.name for each in connector.loads),
        "summary": connector.summary,
    }
