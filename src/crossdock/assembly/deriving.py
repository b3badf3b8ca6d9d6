"""Intents from facts, whatever derivation breaks on: the one fact that is to blame is set aside and passed."""

from typing import Final

from crossdock.assembly.hub import Hub
from crossdock.assembly.reactions import matter_of_failure, said_of
from crossdock.assembly.sending import builders
from crossdock.eventlog.model import Event
from crossdock.eventlog.service import Origin
from crossdock.foundation.apart import NOT_NOW
from crossdock.foundation.db import Tx
from crossdock.foundation.log import logger
from crossdock.operations import service as operations
from crossdock.outbound import service as outbound

log = logger(__name__)

NAME: Final = "derivation"
BATCH: Final = 500


async def derive(hub: Hub) -> bool:
    """One batch; True when there may be more."""
    try:
        derived = await _derive(hub, BATCH)
    except NOT_NOW:
        raise
    except Exception:  # the batch is taken apart, so that only the fact that is to blame is set aside
        log.exception("derivation_failed")
        return await _one_by_one(hub)
    return derived.facts > 0


async def again(hub: Hub, tx: Tx, event: Event) -> None:
    """The same for one fact that was set aside."""
    estate = await hub.estate.get(tx)
    await outbound.derive_from(tx, estate, list(builders(hub)), [event], now=hub.clock.now())


async def _derive(hub: Hub, limit: int) -> outbound.Derived:
    async with hub.database.transaction() as tx:
        estate = await hub.estate.get(tx)
        derived = await outbound.derive(tx, estate, list(builders(hub)), now=hub.clock.now(), limit=limit)
    if derived.intents:
        hub.hints.ring()
    return derived


async def _one_by_one(hub: Hub) -> bool:
    """Until the fact to blame is found, or the batch is through."""
    for _ in range(BATCH):
        try:
            derived = await _derive(hub, 1)
        except NOT_NOW:
            raise
        except Exception as error:
            log.exception("derivation_set_aside")
            await _set_aside(hub, error)
            return True
        if not derived.facts:
            return False
    return True


async def _set_aside(hub: Hub, error: Exception) -> None:
    async with hub.database.transaction() as tx:
        event = await outbound.pass_by(tx)
        if event is None:
            return
        origin = Origin(correlation_id=event.correlation_id, source="reactions", causation_id=event.id)
        matter = matter_of_failure(NAME, event, said_of(error))
        await operations.open_exception(tx, await hub.estate.get(tx), matter, origin=origin, now=hub.clock.now())
