"""Chance without a generator: a draw depends on the seed and on what is drawn for, never on the order of drawing.

So adding a rule or a store leaves every other draw as it was, and a day can be made again line by line.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


def draw(seed: int, *about: object) -> int:
    """A number in [0, 2**64), the same for ever for the same words."""
    words = "\x1f".join(str(part) for part in (seed, *about))
    return int.from_bytes(blake2b(words.encode(), digest_size=8).digest(), "big")


def one_in(odds: int, seed: int, *about: object) -> bool:
    """True for about one of *odds* draws."""
    return draw(seed, *about) % odds == 0


def pick(choices: Sequence[T], seed: int, *about: object) -> T:
    """One of *choices*, which must not be empty."""
    return choices[draw(seed, *about) % len(choices)]
