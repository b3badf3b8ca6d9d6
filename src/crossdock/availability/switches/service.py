"""Stop selling something at once, and let it be sold again."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from crossdock.availability.switches import store
from crossdock.availability.switches.model import Stop, Switch
from crossdock.canonical.facts import SellingResumed, SellingStopped
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Asked, Tx
from crossdock.foundation.ids import new_id


async def stop(
    tx: Tx,
    what: Stop,
    *,
    owner: str,
    reason: str,
    until: datetime | None,
    origin: Origin,
    now: datetime,
) -> Switch:
    """Set a switch: from this commit on nothing of it is granted, and channels are told 0 as soon as they can be."""
    switch = Switch(
        id=new_id(),
        sku=what.sku,
        category=what.category,
        channel=what.channel,
        location=what.location,
        owner=owner,
        reason=reason,
        since=now,
        until=until,
    )
    await store.insert(tx, switch)
    fact = SellingStopped(
        switch_id=str(switch.id),
        sku=what.sku or "",
        category=what.category or "",
        channel=what.channel or "",
        location=what.location or "",
        owner=owner,
        reason=reason,
        until=until,
    )
    await _tell(tx, switch, fact, origin, now)
    return switch


async def resume(tx: Tx, ids: Sequence[UUID], *, by: str, origin: Origin, now: datetime) -> Sequence[Switch]:
    """End those of *ids* that are in force; which they were. Others that stop the same goods still do."""
    ended = await store.end(tx, ids, by=by, now=now)
    for switch in ended:
        await _tell(tx, switch, SellingResumed(switch_id=str(switch.id), by=by), origin, now)
    return ended


async def in_force(tx: Tx, *, at: datetime) -> Sequence[Switch]:
    """Every stop in force at a moment."""
    return await (await store.in_force(tx, at)).rows()


async def ask_in_force(tx: Tx, *, at: datetime) -> Asked[Switch]:
    """The same, answered later."""
    return await store.in_force(tx, at)


async def recent(tx: Tx, *, limit: int = 100) -> Sequence[Switch]:
    """Switches, newest first, those that have ended too."""
    return await store.recent(tx, limit)


async def any_since(tx: Tx, horizon: int) -> bool:
    """May a switch have been set or ended since a look with this *horizon*?"""
    return await store.any_since(tx, horizon)


async def find(tx: Tx, switch_id: UUID) -> Switch | None:
    """One switch."""
    return await store.one(tx, switch_id)


async def ran_out(tx: Tx, *, after: datetime, now: datetime) -> Sequence[Switch]:
    """Switches that have ended by their own clock since *after*."""
    return await store.ran_out(tx, after=after, now=now)


async def _tell(tx: Tx, switch: Switch, fact: SellingStopped | SellingResumed, origin: Origin, now: datetime) -> None:
    await eventlog.append(tx, [NewFact(stream=f"switch/{switch.id}", fact=fact, happened_at=now, origin=origin)])
