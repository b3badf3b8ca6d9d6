"""Writing a new connection into the estate folder: its YAML, and typed-in secrets as files that only we can read."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.prompt import Prompt
from ruamel.yaml import YAML

from crossdock.cli.output import CommandError, errors
from crossdock.connections.settings import is_reference
from crossdock.connector_kit.model import Connector, Setting

SECRETS: Final = "secrets"
LINE_MAX: Final = 4096
"""Of written YAML: a folded address is hard to read and to search for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is written about the new connection."""

    name: str
    connector: str
    settings: Mapping[str, str]
    channel: str | None = None
    flows: Sequence[str] = ()
    lookups: Sequence[str] = ()
    """Code tables that the connector asks for: written as empty ones, to be filled."""

    def document(self) -> dict[str, object]:
        """As the estate's sections."""
        connection: dict[str, object] = {"name": self.name, "connector": self.connector}
        if self.channel:
            connection["channel"] = self.channel
        if self.settings:
            connection["settings"] = dict(self.settings)
        if self.lookups:
            connection["lookups"] = {table: {} for table in self.lookups}
        document: dict[str, object] = {"connections": [connection]}
        if self.flows:
            document["flows"] = [{"kind": kind, "connection": self.name} for kind in self.flows]
        return document


@dataclass(slots=True)
class Draft:
    """Files written so far; `undo` takes them away again."""

    files: list[Path] = field(default_factory=list)

    def undo(self) -> None:
        """Remove everything that was written."""
        for file in self.files:
            file.unlink(missing_ok=True)


def parsed(pairs: Sequence[str]) -> Mapping[str, str]:
    """`name=value` pairs; CommandError names the one that is none."""
    values: dict[str, str] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise CommandError(f'"{pair}" is not name=value.')
        values[name.strip()] = value
    return values


def gathered(connector: Connector, given: Mapping[str, str]) -> Mapping[str, str]:
    """Every value that is to be written: those given, the others asked for when somebody sits there to answer."""
    unknown = sorted(set(given) - {setting.name for setting in connector.settings})
    if unknown:
        known = ", ".join(setting.name for setting in connector.settings) or "none"
        raise CommandError(f'{connector.title} has no setting "{unknown[0]}" (it has: {known}).')
    ask = _asker()
    values: dict[str, str] = {}
    missing: list[str] = []
    for setting in connector.settings:
        value = given.get(setting.name)
        if value is None and ask is not None:
            value = ask(setting)
        if value is not None and value != (setting.default or ""):
            values[setting.name] = value
        elif setting.default is None and not value:
            missing.append(f"--set {setting.name}=… ({setting.title})")
    if missing:
        raise CommandError(f"{connector.title} needs more settings: {', '.join(missing)}.")
    return values


def _asker() -> Callable[[Setting], str] | None:
    return _ask if sys.stdin.isatty() and errors.is_terminal else None


def _ask(setting: Setting) -> str:
    errors.print(setting.help, style="dim", markup=False)
    choices = list(setting.choices) or None
    while True:
        answer = Prompt.ask(
            setting.title,
            console=errors,
            password=setting.secret,
            choices=choices,
            default=setting.default if setting.default is not None else ...,
        )
        if answer is not ... and (answer or setting.default is not None):
            return str(answer)


def write(folder: Path, home: Path, connector: Connector, entry: Entry) -> tuple[Path, Draft]:
    """Write the YAML, secrets by reference; the file, and what to take away when it turns out to be wrong."""
    draft = Draft()
    file = folder / f"connections-{entry.name}.yaml"
    if file.exists():
        raise CommandError(f"{file} exists already: edit it, or remove it first.")
    secret = {setting.name for setting in connector.settings if setting.secret}
    settings = {
        name: _kept(home, entry.name, name, value, draft) if name in secret else value
        for name, value in entry.settings.items()
    }
    written = Entry(
        name=entry.name,
        connector=entry.connector,
        settings=settings,
        channel=entry.channel,
        flows=entry.flows,
        lookups=entry.lookups,
    )
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = LINE_MAX
    try:
        with file.open("x", encoding="utf-8") as target:
            draft.files.append(file)
            target.write(f"# {connector.title}: {connector.summary}\n")
            yaml.dump(written.document(), target)
    except OSError as error:
        draft.undo()
        raise CommandError(f"{file} cannot be written ({error.strerror}): correct its permissions.") from error
    return file, draft


def _kept(home: Path, connection: str, setting: str, value: str, draft: Draft) -> str:
    """The reference that stands in the estate; a typed-in secret goes into a file of its own first."""
    if not value or is_reference(value):
        return value
    folder = (home / SECRETS).resolve()
    file = folder / f"{connection}.{setting}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as target:
            os.fchmod(target.fileno(), 0o600)
            target.write(value)
            target.flush()
            os.fsync(target.fileno())
    except OSError as error:
        draft.undo()
        raise CommandError(
            f"The secret cannot be kept in {file} ({error.strerror}): correct its permissions."
        ) from error
    draft.files.append(file)
    return f"file:{file}"
