"""Every verb: found, described, and as readable for machines as for people."""

import ast
import os
import pty
import re
import select
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Mapping
from inspect import signature
from pathlib import Path
from typing import Final

import pytest
from cyclopts import App

import crossdock.cli
from cli.conftest import Desk
from crossdock.cli.app import VERBS, app

MODULES = Path(crossdock.cli.__file__).parent
ROOMS = {
    "app",
    "context",
    "output",
    "explaining",
    "findings",
    "raw",
    "calls",
    "checking",
    "adding",
    "counting",
    "quantities",
    "waiting",
    "when",
    "__init__",
}
"""Modules of the command line that are no verbs."""
READ_ONLY = (
    ("estate", "versions"),
    ("estate", "check"),
    ("estate", "diff"),
    ("connector", "list"),
    ("connector", "show", "corner"),
    ("connection", "list"),
    ("connection", "check"),
    ("exceptions", "list"),
    ("intents", "list"),
    ("intents", "causes"),
    ("messages", "list"),
    ("feeds",),
    ("log", "verify"),
    ("log", "readers"),
    ("key", "list"),
    ("stock", "ledger", "A"),
    ("stock", "stops"),
    ("doctor",),
)


@pytest.mark.parametrize(("verb", "place"), [(row[0], row[1]) for row in VERBS])
def test_every_verb_explains_itself(verb: str, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    app([verb, "--help"], result_action="return_value")

    said = capsys.readouterr().out
    assert place.startswith("crossdock.cli.")
    assert f"Usage: crossdock {verb}" in said
    assert len(said.splitlines()) > 3


NOT_FOR_MACHINES: Final = {"demo", "up", "gateway", "worker", "script", "estate schema", "customer export"}
"""Verbs that stay and show what happens, and those that print JSON whatever they are told."""


def leaves(shelf: App, name: str = "") -> Iterator[tuple[str, Callable[..., object]]]:
    """Every verb that does something, by its words."""
    for word in shelf:
        if not word.startswith("-"):
            yield from leaves(shelf[word], f"{name} {word}".strip())
    if name and shelf.default_command is not None:
        yield name, shelf.default_command


def test_every_verb_speaks_json() -> None:
    silent = {name for name, does in leaves(app) if "json" not in signature(does).parameters}

    assert silent <= NOT_FOR_MACHINES, silent - NOT_FOR_MACHINES


def test_the_list_of_verbs_describes_each(desk: Desk) -> None:
    said = desk.run("--help").out

    for verb, _ in VERBS:
        assert re.search(rf"│ {verb} +\S.{{15,}}│", said), verb


def test_no_module_with_commands_is_forgotten() -> None:
    registered = {row[1].removeprefix("crossdock.cli.").partition(":")[0] for row in VERBS}

    assert {file.stem for file in MODULES.glob("*.py")} - ROOMS == registered


def test_every_command_that_prints_rows_can_print_json() -> None:
    lacking = []
    for file in MODULES.glob("*.py"):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
                re.search(r"\bapp\.command|\bapp\b", ast.unparse(decorator)) for decorator in node.decorator_list
            ):
                names = {argument.arg for argument in node.args.kwonlyargs}
                prints = "show(" in ast.unparse(node) or "print_table(" in ast.unparse(node)
                if prints and "json" not in names:
                    lacking.append(f"{file.stem}.{node.name}")

    assert lacking == []


@pytest.mark.parametrize("words", READ_ONLY, ids=" ".join)
def test_what_is_read_can_be_read_by_machines(connected: Desk, words: tuple[str, ...]) -> None:
    said = connected.run(*words, "--json")

    assert said.code in {0, 1}, said
    assert isinstance(said.json, list | dict)


def test_an_unknown_verb_ends_with_another_code_than_findings(desk: Desk) -> None:
    assert desk.run("sing").code == 2
    assert desk.run("exceptions", "list", "--no-such-flag").code == 2


def test_on_a_terminal_the_connector_asks_for_what_it_needs_and_shows_no_secret(desk: Desk) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "dumb", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "crossdock", "connection", "add", "books", "corner"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as program:
        os.close(theirs)
        try:
            said = converse(ours, {"Folder": str(desk.other_side), "Password": "open sesame", "Mode": ""})
        finally:
            os.close(ours)
            program.kill()

    assert "Where the other side lies." in said
    assert "books is ready." in said
    assert "open sesame" not in said
    assert (desk.home / "secrets" / "books.password").read_text() == "open sesame"
    written = (desk.estate / "connections-books.yaml").read_text()
    assert str(desk.other_side) in written
    assert "mode" not in written


def converse(terminal: int, answers: Mapping[str, str]) -> str:
    """Answer each question once it is asked; everything that was said, until nobody speaks any more."""
    said = ""
    open_questions = dict(answers)
    while select.select([terminal], [], [], 30)[0]:
        try:
            said += os.read(terminal, 4096).decode()
        except OSError:  # the program has ended
            break
        asked = next((name for name in open_questions if re.search(rf"{name}[^\n]*: $", said)), None)
        if asked is not None:
            while asked == "Password" and termios.tcgetattr(terminal)[3] & termios.ECHO:
                select.select([], [], [], 0.02)  # until it listens for a secret
            os.write(terminal, f"{open_questions.pop(asked)}\n".encode())
    return said
