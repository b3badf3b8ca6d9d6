"""Is a file whole? Decided from what one look after another has shown of its folder. Pure: looks are given, no clock.

A file may be taken when it was seen under a temporary name before it got its own, or when its size and time have not
changed for the connection's settle time. Times are those of the looks, not the file's own: a file server's clock may be
wrong, and copying tools set a file's time as they like.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from crossdock.estate.model import DropRules
from crossdock.inbound.rules import is_temporary


class Mark(NamedTuple):
    """What tells a file's content from another without reading it."""

    device: int
    inode: int
    size: int
    mtime_ns: int

    @property
    def file(self) -> tuple[int, int]:
        """Which file it is, whatever it is called and holds."""
        return (self.device, self.inode)

    @property
    def text(self) -> str:
        """To be compared after a restart: devices may have other numbers then."""
        return f"{self.inode}:{self.size}:{self.mtime_ns}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One file as the looks since its last change have shown it."""

    mark: Mark
    since_s: float
    """The first look that showed it so."""
    renamed: bool = False
    """It got its name when it was finished."""
    cut: bool = False
    """It was read, and its end was missing."""

    def may_be_read(self, rules: DropRules, now_s: float) -> bool:
        """Has it been quiet for long enough? One whose end is missing has to be quiet for longer."""
        patience_s = rules.cut_s if self.cut else rules.settle_s
        return self.renamed or now_s - self.since_s >= patience_s

    def rests(self, rules: DropRules, now_s: float) -> bool:
        """Has it been left as it is for so long that nobody is at it, nor will give it another name?"""
        return now_s - self.since_s >= rules.cut_s

    def may_be_cut(self, rules: DropRules, now_s: float) -> bool:
        """Must it still be asked whether its end is there? Not when its sender says so, nor when it is old enough."""
        return not self.renamed and now_s - self.since_s < rules.cut_s


@dataclass(slots=True)
class Looks:
    """What the looks into one folder have shown so far. Forgotten with its process: files then settle anew."""

    _seen: dict[str, Seen] = field(default_factory=dict)
    _half: Mapping[tuple[int, int], str] = field(default_factory=dict)

    def note(self, marks: Mapping[str, Mark], now_s: float) -> None:
        """The folder looks like this now."""
        self._seen = {name: self._judged(name, mark, now_s) for name, mark in marks.items() if not is_temporary(name)}
        self._half = {mark.file: name for name, mark in marks.items() if is_temporary(name)}

    def of(self, name: str) -> Seen:
        """A file that the last look has shown."""
        return self._seen[name]

    def names(self) -> Collection[str]:
        """Of the files that the last look has shown."""
        return self._seen.keys()

    def found_cut(self, name: str) -> None:
        """It was read as it stands, and its end is missing."""
        self._seen[name] = replace(self._seen[name], cut=True)

    def _judged(self, name: str, mark: Mark, now_s: float) -> Seen:
        before = self._seen.get(name)
        if before is not None and before.mark == mark:
            return before
        # The number of a file that was removed may be given to the next one: its name has to fit, too.
        renamed = name in self._half.get(mark.file, "")
        return Seen(mark=mark, since_s=now_s, renamed=renamed)
