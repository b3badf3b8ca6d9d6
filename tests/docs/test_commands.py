"""Commands and variables that the pages name exist."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from cyclopts import App

from crossdock.cli.app import app
from crossdock.foundation.settings import Settings
from docs.markdown_pages import ROOT, Block, blocks_of, pages, prose_of, text_of

INLINE = re.compile(r"(?<!`)`(?P<text>[^`\n]+(?:\n[^`\n]+)?)`(?!`)")
VARIABLE = re.compile(r"\bCROSSDOCK_[A-Z_]+\b")
SHELLS = {"sh", "bash", "console", "shell"}
OTHERS = {"CROSSDOCK_VENV", "CROSSDOCK_PYTHON", "CROSSDOCK_USER"}
"""Read by the launcher, or by the command line alone."""
READ_BY = ("crossdock", "src/crossdock/cli/context.py")


def launcher_verbs() -> set[str]:
    """What `./crossdock` itself answers to, from its `case`."""
    source = (ROOT / "crossdock").read_text(encoding="utf-8")
    table = source.partition("case $verb in\n")[2].partition("\tesac")[0]
    return {verb.strip() for line in table.splitlines() for verb in line.partition(")")[0].split("|")} - {"*"}


def commands_of(page: Path) -> Iterator[tuple[str, list[str]]]:
    """(where, words behind `crossdock`) for every command that a page shows."""
    name = str(page.relative_to(ROOT))
    for block in blocks_of(page):
        if block.info and block.info[0] in SHELLS:
            yield from ((block.place, words) for words in _in_shell(block))
    for found in INLINE.finditer(prose_of(page)):
        text = " ".join(found["text"].split())
        if re.match(r"(\./)?crossdock [a-z]", text):
            yield name, _words(text)


def _in_shell(block: Block) -> Iterator[list[str]]:
    text = block.text.replace("\\\n", " ")
    for line in text.splitlines():
        command = line.removeprefix("$ ").partition(" #")[0]
        for part in re.split(r"&&|\|\|?|;|\$\(|\)", command):
            words = _words(part)
            while words and "=" in words[0] and not words[0].startswith("-"):
                words = words[1:]
            if words and words[0] in {"crossdock", "./crossdock"}:
                yield words


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def complaint(words: list[str]) -> str | None:
    """Why a command cannot be run as it is written; None when verb and options exist."""
    program, *rest = words
    if rest and (rest[0] in launcher_verbs() or rest[0].isupper()):
        return None
    current: App = app
    while rest and not rest[0].startswith("-") and rest[0] in list(current):
        current, rest = current[rest[0]], rest[1:]
    if current is app:
        return f"there is no verb {rest[0] if rest else '(none)'}"
    subcommands = [name for name in current if not name.startswith("-")]
    if subcommands and rest and not rest[0].startswith(("-", "…", "[")) and rest[0].islower():
        return f"{program} … has no {rest[0]} (it has {', '.join(subcommands)})"
    known = (
        {name for argument in current.assemble_argument_collection() for name in argument.names}
        if not subcommands
        else set()
    )
    for word in rest:
        option = word.partition("=")[0]
        if option.startswith("--") and option not in known | {"--help", "--version"}:
            return f"there is no option {option} (there are {', '.join(sorted(known))})"
    return None


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_on_a_page_can_be_run(page: Path) -> None:
    for place, words in commands_of(page):
        assert (why := complaint(words)) is None, f"{place}: `{' '.join(words)}`: {why}"


def test_a_command_that_does_not_exist_is_found() -> None:
    assert complaint(["crossdock", "teleport"]) is not None
    assert complaint(["crossdock", "estate", "burn"]) is not None
    assert complaint(["crossdock", "estate", "check", "--hard"]) is not None
    assert complaint(["./crossdock", "test"]) is None


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_variable_on_a_page_is_read_by_somebody(page: Path) -> None:
    known = {f"CROSSDOCK_{field.name.upper()}" for field in fields(Settings)} | OTHERS

    assert set(VARIABLE.findall(text_of(page))) <= known


@pytest.mark.parametrize("variable", sorted(OTHERS))
def test_variables_beside_the_settings_are_really_read(variable: str) -> None:
    assert any(variable in (ROOT / file).read_text(encoding="utf-8") for file in READ_BY)


@pytest.mark.parametrize("variable", [f"CROSSDOCK_{field.name.upper()}" for field in fields(Settings)])
def test_every_setting_is_described(variable: str) -> None:
    line = next(
        line
        for line in text_of(ROOT / "docs/reference/settings.md").splitlines()
        if line.startswith(f"| `{variable}` |")
    )

    assert line.split("|")[-2].strip(), f"{variable} has no docstring in foundation.settings"


@pytest.mark.parametrize("verb", sorted(name for name in app if not name.startswith("-")))
def test_every_verb_stands_in_the_reference(verb: str) -> None:
    assert f"crossdock {verb}" in text_of(ROOT / "docs/reference/cli.md")
