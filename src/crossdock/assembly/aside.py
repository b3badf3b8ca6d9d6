"""What a step of the hub's work broke on: left alone for a while, and told to a person once."""

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from crossdock.assembly.hub import Hub
from crossdock.assembly.reactions import said_of
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.foundation.log import logger
from crossdock.operations import service as operations
from crossdock.operations.model import Matter

log = logger(__name__)

Item = TypeVar("Item", bound=Hashable)

ALONE_S: Final = 600.0
"""After that it is tried again: whatever it broke on may be mended."""


@dataclass(slots=True)
class Aside(Generic[Item]):
    """Of one kind of work."""

    hub: Hub
    work: str
    name: Callable[[Item], str]
    """What stands in the exception's key: enough to do it again."""
    subject: Callable[[Item], str]
    _until_s: dict[Item, float] = field(default_factory=dict)

    def left(self) -> Collection[Item]:
        """What is not to be tried now."""
        now_s = self.hub.clock.monotonic()
        self._until_s = {item: until_s for item, until_s in self._until_s.items() if until_s > now_s}
        return self._until_s.keys()

    async def put(self, tx: Tx, broken: Mapping[Item, Exception]) -> None:
        """Leave them alone, and ask a person."""
        estate, now = await self.hub.estate.get(tx), self.hub.clock.now()
        for item, error in broken.items():
            log.error("work_set_aside", work=self.work, item=self.subject(item), exc_info=error)
            matter = Matter(
                type="reaction_failed",
                key=f"reaction/{self.work}/{self.name(item)}",
                subject=self.subject(item),
                path=self.work,
                detail=f"{self.work}: {said_of(error)}"[:500],
            )
            await operations.open_exception(tx, estate, matter, origin=Origin.begin("reactions"), now=now)
            self._until_s[item] = self.hub.clock.monotonic() + ALONE_S
