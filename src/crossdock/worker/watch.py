"""Where working processes tell of work that does not get on: `doctor`, the overview and an exception show it."""

from crossdock.assembly.hub import Hub
from crossdock.estate.model import Estate
from crossdock.estate.service import NoEstateError
from crossdock.foundation.db import Tx
from crossdock.foundation.trouble import Tell
from crossdock.operations.stuck import service as stuck

PATIENCE_S = 1.0
"""With a database that is away: what could not be told is told at the next failure."""


def teller(hub: Hub) -> Tell:
    """Writes down what the hub's work runs into."""

    async def tell(work: str, error: str, failures: int) -> None:
        now = hub.clock.now()
        async with hub.database.transaction(patience_s=PATIENCE_S) as tx:
            if failures:
                await stuck.fails(tx, await _estate(hub, tx), work, error, failures=failures, now=now)
            else:
                await stuck.works(tx, work, now=now)

    return tell


async def _estate(hub: Hub, tx: Tx) -> Estate | None:
    try:
        return await hub.estate.get(tx)
    except NoEstateError:
        return None
