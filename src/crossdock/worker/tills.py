"""What tills should have sent and did not: looked for now and then, not only when a day is closed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from crossdock.assembly.hub import Hub
from crossdock.estate.model import Estate, duration
from crossdock.finance import service as finance
from crossdock.finance.model import DayKey
from crossdock.foundation.apart import each

LOOK_S: Final = 300.0
BACK: Final = timedelta(days=3)
"""A hub that stood still for longer is told of gaps when the days are closed."""


@dataclass(slots=True)
class Gaps:
    """Numbers that have been left out for too long. A process begins some days back, then looks at what is new."""

    hub: Hub
    _since: datetime | None = None

    async def __call__(self) -> bool:
        """Each day apart: receipts of a till that is being judged wait for it."""
        now = self.hub.clock.now()
        async with self.hub.database.transaction() as tx:
            estate = await self.hub.estate.get(tx)
            days, until = await finance.days_to_judge(tx, estate, since=self._since or now - BACK, now=now)
        await each([partial(self._judge, estate, day, now) for day in days])
        self._since = until
        return False

    async def _judge(self, estate: Estate, day: DayKey, now: datetime) -> None:
        async with self.hub.database.transaction() as tx:
            await finance.late_gaps(tx, estate, day, now=now)


@dataclass(slots=True)
class Silence:
    """Tills that send nothing although they usually do.

    A process looks once it has been up for as long as a till may be silent: while the hub stood still nobody was heard.
    """

    hub: Hub
    _up_since: datetime | None = None

    async def __call__(self) -> bool:
        now = self.hub.clock.now()
        self._up_since = self._up_since or now
        async with self.hub.database.transaction() as tx:
            estate = await self.hub.estate.get(tx)
            if now - self._up_since < duration(estate.policies.till_silent_after):
                return False
            if await finance.tell_silent(tx, estate, now=now):
                self.hub.hints.ring()
        return False
