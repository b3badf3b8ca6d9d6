"""A pump in a process of its own, to be killed: `python pump_process.py DSN URL`."""

import asyncio
import sys
from datetime import timedelta

from crossdock.foundation.db import Database
from outbound.rig import TRANSFERS, Rig, connector, estate
from outbound.target import Target

SPAN = timedelta(milliseconds=400)
SETTLE = timedelta(milliseconds=200)


async def main(dsn: str, url: str) -> None:
    """Pump until killed."""
    async with Database(dsn) as database:
        rig = Rig(database, estate(TRANSFERS), connector(serial=False, settle=SETTLE), span=SPAN)
        async with rig.pumping(Target(url=url)):
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
