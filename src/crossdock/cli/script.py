"""`crossdock script`: several commands in one process, because starting takes longer than most of them."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from crossdock.cli.app import run
from crossdock.cli.output import CommandError, errors

STANDARD_INPUT: Final = Path("-")
PROGRAM: Final = frozenset({"crossdock", "./crossdock"})


def script(file: Path = STANDARD_INPUT) -> int:
    """Run commands, one a line, in one process: setting up a hub takes a few seconds instead of one for each of them.

    Words are written as in a shell (quotes, but no variables), with or without `crossdock` before them; blank lines and
    what follows a # are skipped. Each command is told on standard error as it begins. The first that is not possible ends
    the script; the exit code is the highest of all.

    Args:
        file: Where the commands stand; - reads standard input.
    """
    worst = 0
    with _open(file) as lines:
        for number, line in enumerate(lines, 1):
            words = _words(line, number)
            if words:
                errors.print(f"+ {shlex.join(words)}", markup=False, soft_wrap=True)
                code = run(words)
                worst = max(worst, code if isinstance(code, int) else 0)
    return worst


def _words(line: str, number: int) -> list[str]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        raise CommandError(f"Line {number} of the script cannot be read ({error}): {line.strip()}") from None
    words = words[1:] if words[:1] and words[0] in PROGRAM else words
    if words[:1] == ["script"]:
        raise CommandError(f"Line {number}: a script cannot run another one.")
    return words


@contextmanager
def _open(file: Path) -> Iterator[TextIO]:
    if file == STANDARD_INPUT:
        yield sys.stdin
        return
    try:
        with file.open(encoding="utf-8") as opened:
            yield opened
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The script {file} cannot be read: {error}.") from None
