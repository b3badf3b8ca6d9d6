"""What tills should have sent and did not: looked for now and then, not only when a day is closed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from crossdock.assembly.hub import Hub
from crossdock.finance import service as finance

LOOK_S: Final = 300.0
BACK: Final = timedelta(days=3)
"""A hub that stood still for longer is told of gaps when the days are closed."""


@dataclass(slots=True)
class Gaps:
    """Numbers that have been left out for too long. A process begins some days back, then looks at what is new."""

    hub: Hub
    _since: datetime | None = None

    async def __call__(self) -> bool:
        now = self.hub.clock.now()
        async with self.hub.database.transaction() as tx:
            estate = await self.hub.estate.get(tx)
            self._since = await finance.late_gaps(tx, estate, since=self._since or now - BACK, now=now)
        return False
