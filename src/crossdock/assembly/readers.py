"""Who reads the event log in this release. A reader that is not among them belongs to another release, or to none."""

from typing import Final

from crossdock.assembly import backorders
from crossdock.assembly.reactions import REACTORS
from crossdock.outbound.derivation import service as derivation

READERS: Final = frozenset(
    {*(f"reaction.{reactor.name}" for reactor in REACTORS), backorders.CURSOR, derivation.CURSOR}
)
