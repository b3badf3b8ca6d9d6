"""How the command line speaks: tables for people, JSON for machines, findings as exit code 1."""

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from crossdock.foundation.visible import visible

Word = TypeVar("Word", bound=StrEnum)

EXIT_FINDINGS: Final = 1
EXIT_UNUSABLE: Final = 2

AsJson: TypeAlias = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON for machines.")]

Flag: TypeAlias = Annotated[bool, Parameter(negative="")]
"""A switch that is off unless named."""

WIDTH: Final = 200
"""Of tables that go into a pipe or a file."""


class _Screen(Console):
    """Whatever is printed: what others sent shows, and does nothing to the terminal."""

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401 (rich's own)
        """Every text, and every cell of a table, comes through here."""
        return super().render_str(visible(text), **options)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDTH
    return _Screen(stderr=stderr, highlight=False, width=width)


console: Final = _console(stderr=False)
errors: Final = _console(stderr=True)


class CommandError(Exception):
    """What was asked cannot be done; the text is one sentence and what to do. Exit code 2."""


def one_of(kind: type[Word], text: str, noun: str) -> Word:
    """The member whose value people typed: our words, not the names in the code."""
    try:
        return kind(text)
    except ValueError:
        known = ", ".join(member.value for member in kind)
        raise CommandError(f'"{text}" is no {noun} (there are: {known}).') from None


def say(text: str, style: str = "") -> None:
    """One line for people, never folded: it may be a path, an id or something to be copied."""
    console.print(text, markup=False, soft_wrap=True, style=style or None)


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    text = msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode()
    sys.stdout.write(visible(text) + "\n")  # which is how JSON writes such characters itself


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str, title: str = "") -> None:
    """Rows under headings; *empty* is the sentence to print when there are none."""
    if not rows:
        console.print(empty)
        return
    if title:
        say(title, "bold")
    table = Table(header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape(shown(value)) for value in row))
    console.print(table)


def show(
    columns: Sequence[str], rows: Sequence[Mapping[str, object]], *, as_json: bool, empty: str, title: str = ""
) -> None:
    """The same rows for people or for machines, whose names have no blanks."""
    if as_json:
        print_json([{name.replace(" ", "_"): value for name, value in row.items()} for row in rows])
    else:
        print_table(columns, [[row[column] for column in columns] for row in rows], empty=empty, title=title)


def shown(value: object) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value else "0"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, timedelta):
        return age(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def age(span: timedelta) -> str:
    """3 s, 12 min, 5 h, 2 d."""
    seconds = int(abs(span.total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
