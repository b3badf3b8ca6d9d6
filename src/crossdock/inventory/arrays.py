"""Batches as the arrays that statements bind: what repeats is said once and named by its number."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, TypeVar

Value = TypeVar("Value", bound=Hashable)


class Numbered(Generic[Value]):
    """Values said once; rows name them by number, from 1 on, as the database counts."""

    def __init__(self) -> None:
        self.numbers: dict[Value, int] = {}

    def of(self, value: Value) -> int:
        """The value's number."""
        return self.numbers.setdefault(value, len(self.numbers) + 1)


def columns(names: Sequence[str], rows: Iterable[tuple[object, ...]]) -> dict[str, object]:
    """Rows, at least one, as one array per name."""
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
