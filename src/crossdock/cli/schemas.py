"""`crossdock schemas …`: JSON Schemas of the canonical documents."""

from pathlib import Path

from cyclopts import App

from crossdock.canonical.schemas import export
from crossdock.cli.output import AsJson, print_json, say

app = App(name="schemas", help="JSON Schemas of the canonical documents.")


@app.command(name="export")
def export_schemas(folder: Path, *, json: AsJson = False) -> int:
    """Write the JSON Schema of every document, intent and fact below FOLDER."""
    written = export(folder)
    if json:
        print_json({"folder": folder, "schemas": written})
    else:
        say(f"{written} schemas written to {folder}.")
    return 0
