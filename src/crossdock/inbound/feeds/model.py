"""What one look at a feed did."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What one run of a poll or a first load did."""

    pages: int = 0
    unchanged: int = 0
    """Pages that were stored already, byte for byte."""
    cursor: str = ""
    more: bool = False
    """The run ended at its limit of pages; the next one goes on from the cursor."""
    busy: bool = False
    """Another worker is at it: it has moved the cursor, and the page fetched here was dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What one look into a drop folder did."""

    stored: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    """Same content as a file that came before, under whatever name."""
    refused: tuple[str, ...] = ()
    """Moved to `failed/` untouched: too large, empty, a symbolic link, not a regular file."""
    changed: tuple[str, ...] = ()
    """Written to after they were taken: taken once more as they are now."""
    more: bool = False
