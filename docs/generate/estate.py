"""The estate's fields and the process's settings."""

from crossdock.estate.model import Estate
from crossdock.foundation.settings import Settings

from .markdown import anchor, code, page, table
from .source import fields_of, reachable
from .words import section, shown, words


def estate_page() -> str:
    """Every section of the estate and every field in it."""
    kinds = reachable((Estate,))
    links = {kind.__name__: f"#{anchor(kind.__name__)}" for kind in kinds}
    parts = [section(kind, links) for kind in kinds]
    return page(
        "Estate fields",
        "The estate is a folder of YAML files (`CROSSDOCK_ESTATE`). All `*.yaml` files are read in the order of their names and "
        "merged: lists are joined, a section that is no list may stand once. An unknown field is an error with its line. "
        "Durations are written `30m`, `4h`, `2d`. `crossdock estate schema` prints the JSON Schema for editors. How to write "
        "one: [Describe your retailer](../how-to/estate.md).",
        *parts,
    )


def settings_page() -> str:
    """Every environment variable of the hub."""
    empty = Settings()
    rows = [
        (
            code(f"CROSSDOCK_{field.name.upper()}"),
            words(field.annotation),
            code(shown(getattr(empty, field.name))) if getattr(empty, field.name) not in {None, ""} else "none",
            field.text,
        )
        for field in fields_of(Settings)
    ]
    return page(
        "Settings",
        "A process takes its settings from the environment and from nowhere else; what the business decides stands in the "
        "[estate](estate.md). A variable that is empty counts as not set. A value that cannot be used stops the start with one "
        "sentence.",
        table(("variable", "type", "default", "meaning"), rows),
        "The launcher `./crossdock` reads three more: `CROSSDOCK_VENV` (where its Python environment lies, `.venv` by default), "
        "`CROSSDOCK_PYTHON` (which Python makes it), `PYTHONOPTIMIZE` (must not be set).",
    )
