"""Card numbers do not belong in texts: whatever looks like one keeps its first six and last four digits."""

import re
from collections.abc import Sequence
from typing import Final

SHORTEST: Final = 13
LONGEST: Final = 19
KEPT_FIRST: Final = 6
KEPT_LAST: Final = 4
_RUN: Final = re.compile(r"[0-9]+(?:[ -][0-9]+)*")
_GROUP: Final = re.compile(r"[0-9]+")


def masked(text: str) -> str:
    """The text without card numbers: 13 to 19 digits, in one or in whole groups, whose check digit (Luhn's) is right.

    Digits beside it (a quantity, an expiry date) do not hide it; a longer number without gaps is none.
    """
    return _RUN.sub(lambda run: _masked(run[0]), text) if len(text) >= SHORTEST else text


def _masked(run: str) -> str:
    groups = list(_GROUP.finditer(run))
    for first in range(len(groups)):
        for last in reversed(range(first, len(groups))):
            number = "".join(group[0] for group in groups[first : last + 1])
            if SHORTEST <= len(number) <= LONGEST and _checks(number):
                start, end = groups[first].start(), groups[last].end()
                return run[:start] + _starred(run[start:end], len(number)) + _masked(run[end:])
    return run


def _starred(written: str, digits: int) -> str:
    shown: list[str] = []
    at = 0
    for each in written:
        at += each.isdigit()
        shown.append("*" if each.isdigit() and KEPT_FIRST < at <= digits - KEPT_LAST else each)
    return "".join(shown)


def _checks(number: Sequence[str]) -> bool:
    """Luhn: every second digit from the right is doubled, and the sum of all digits ends in 0."""
    digits = [int(each) for each in reversed(number)]
    return sum(sum(divmod(2 * digit, 10)) if place % 2 else digit for place, digit in enumerate(digits)) % 10 == 0
