"""A drop folder's drop, as the process that looks after it knows it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from crossdock.canonical.base import ConnectionName
from crossdock.connector_kit.model import FileDrop
from crossdock.estate.model import DropRules
from crossdock.foundation.vault import Vault
from crossdock.inbound.feeds.folder import fits, is_marker
from crossdock.inbound.feeds.looks import Looks
from crossdock.inbound.rules import is_temporary


@dataclass(slots=True, kw_only=True)
class Drop:
    """One drop of one connection, and what the looks at its files have shown so far."""

    connection: ConnectionName
    declared: FileDrop
    folder: Path
    vault: Vault
    """Seals what is taken."""
    rules: DropRules = field(default_factory=DropRules)
    siblings: Sequence[FileDrop] = ()
    """All drops of the connection, where this one also looks after files that fit none of them."""
    looks: Looks = field(default_factory=Looks)
    later_looks: Looks = field(default_factory=Looks)
    """At files that were taken and written to afterwards."""
    look_back_s: float = -inf
    """When to look at taken files again; at once in a new process."""

    @property
    def marker(self) -> str:
        """Suffix of the file that says that another is whole; empty when none is needed."""
        return self.declared.marker or self.rules.marker

    def is_strange(self, name: str) -> bool:
        """Is it a file that no drop of the connection takes?"""
        if not self.siblings or is_temporary(name):
            return False
        markers = {each.marker or self.rules.marker for each in self.siblings}
        return not any(is_marker(name, marker) for marker in markers) and not any(
            fits(name, each.pattern) for each in self.siblings
        )

    def ends(self, body: bytes) -> bool:
        """Does it look as if the file's end were there?"""
        return bool(body) and self.declared.ends(body)
