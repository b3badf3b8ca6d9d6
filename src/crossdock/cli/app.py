"""All verbs in one tree."""

from pathlib import Path

from cyclopts import App

from crossdock import VERSION
from crossdock.canonical.schemas import export
from crossdock.cli import estate, keys
from crossdock.cli.output import console

app = App(name="crossdock", version=VERSION, help="The hub that keeps a retailer's systems in step.")
app.command(estate.app)
app.command(keys.app)

schemas = App(name="schemas", help="JSON Schemas of the canonical documents.")
app.command(schemas)


@schemas.command(name="export")
def export_schemas(folder: Path) -> int:
    """Write the JSON Schema of every document, intent and fact below FOLDER."""
    console.print(f"{export(folder)} schemas written to {folder}.", markup=False)
    return 0
