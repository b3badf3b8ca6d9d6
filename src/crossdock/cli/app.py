"""All verbs in one tree. Each is imported when it is used: a question about stock need not load a web server."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cyclopts import App

from crossdock import VERSION
from crossdock.foundation.plain import composed

VERBS: Final = (
    ("demo", "crossdock.cli.demo:demo"),
    ("up", "crossdock.cli.up:up"),
    ("gateway", "crossdock.cli.up:gateway_only"),
    ("worker", "crossdock.cli.up:worker_only"),
    ("doctor", "crossdock.cli.doctor:doctor"),
    ("estate", "crossdock.cli.estate:app"),
    ("connector", "crossdock.cli.connectors:app"),
    ("connection", "crossdock.cli.connections:app"),
    ("match", "crossdock.cli.matching:match"),
    ("load", "crossdock.cli.loading:load"),
    ("day", "crossdock.cli.days:app"),
    ("exceptions", "crossdock.cli.exceptions:app"),
    ("order", "crossdock.cli.orders:app"),
    ("customer", "crossdock.cli.customers:app"),
    ("stock", "crossdock.cli.stock:app"),
    ("expected", "crossdock.cli.expected:app"),
    ("transfer", "crossdock.cli.transfers:app"),
    ("intents", "crossdock.cli.intents:app"),
    ("messages", "crossdock.cli.messages:app"),
    ("log", "crossdock.cli.log:app"),
    ("feeds", "crossdock.cli.messages:feeds"),
    ("key", "crossdock.cli.keys:app"),
    ("backup", "crossdock.cli.backups:backup"),
    ("restore", "crossdock.cli.backups:restore"),
    ("schemas", "crossdock.cli.schemas:app"),
    ("shop", "crossdock.cli.shop:shop"),
    ("script", "crossdock.cli.script:script"),
)
"""The name of each verb and where it lies."""

app: Final = App(name="crossdock", version=VERSION, help="The hub that keeps a retailer's systems in step.")
for _name, _place in VERBS:
    app.command(_place, name=_name)


def run(words: Sequence[str]) -> object:
    """Do what the words ask for; what the verb returns. The list of verbs describes each, so it needs them all."""
    if not words or words[0] in app.help_flags:
        for name, _ in VERBS:
            app[name]
    return app([_composed(word) for word in words], result_action="return_value")


def _composed(word: str) -> str:
    """Names are typed as they are spelled here; a file is called what it is called."""
    return word if word.isascii() or Path(word).exists() else composed(word)
