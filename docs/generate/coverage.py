"""The tables of the coverage page."""

from collections.abc import Iterable
from typing import Final

from crossdock.cli.app import app

from .api import routes
from .language import carried, carriers
from .markdown import anchor, code, table

CAPABILITIES: Final = (
    ("orders", "place one or many, read, trace, cancel"),
    ("availability", "query, explain"),
    ("reservations", "hold, extend, commit, release"),
    ("stock", "movements, expected receipts, transfers, counts, positions"),
    ("events", "the feed of facts"),
    ("webhooks", "of connected vendors"),
    ("uploads", "files and batches of stores and partners"),
    ("exceptions", "what needs a person"),
    ("intents", "what other systems are asked to do"),
    ("overview", "what is under way"),
    ("fulfilments", "accept, pick, pack, ship, ready, collect, reject"),
    ("returns", "authorise, receive, disposition"),
    ("products", "items"),
    ("prices", "prices"),
    ("customers", "lookup"),
    ("postings", "what the ERP has booked"),
    ("settlements", "payouts, tie-out"),
    ("replays", "of messages, orders, time ranges"),
    ("reconciliations", "our figures against theirs"),
)
"""What the API is meant to cover; whether it does is read from the routes."""


def intents_region() -> str:
    """Intent by connector."""
    return table(("intent", *carriers()), list(carried()))


def api_region() -> str:
    """Capability by capability: its routes, or "not yet"."""
    by_capability: dict[str, list[str]] = {}
    for method, path, _ in routes():
        parts = path.split("/")
        if parts[1] == "v1":
            link = f"[`{method} {path}`](reference/api.md#{anchor(f'{method} {path}')})"
            by_capability.setdefault(parts[2], []).append(link)
    known = {name for name, _ in CAPABILITIES}
    assert set(by_capability) <= known, f"name {set(by_capability) - known} in CAPABILITIES"
    rows = [(name, text, ", ".join(by_capability.get(name, ())) or "not yet") for name, text in CAPABILITIES]
    return table(("capability", "meant for", "routes"), rows)


def cli_region() -> str:
    """Every verb with its first line."""
    return table(("verb", "what it does"), list(_verbs()))


def _verbs() -> Iterable[tuple[str, str]]:
    for name in app:
        if not name.startswith("-"):
            verb = app[name]
            below = [each for each in verb if not each.startswith("-")]
            text = (verb.help or "").strip().partition("\n")[0]
            yield code(f"crossdock {name}"), f"{text} ({', '.join(below)})" if below else text
