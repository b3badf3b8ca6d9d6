"""`crossdock schemas …`: JSON Schemas of the canonical documents."""

from pathlib import Path

from cyclopts import App

from crossdock.canonical.schemas import export
from crossdock.cli.output import say

app = App(name="schemas", help="JSON Schemas of the canonical documents.")


@app.command(name="export")
def export_schemas(folder: Path) -> int:
    """Write the JSON Schema of every document, intent and fact below FOLDER."""
    say(f"{export(folder)} schemas written to {folder}.")
    return 0
