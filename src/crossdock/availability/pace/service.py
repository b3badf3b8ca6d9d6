"""Note who was heard, count what left; say how fast goods leave."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from crossdock.availability.pace import rules, store
from crossdock.canonical.base import LocationCode, Sku
from crossdock.estate.model import Estate
from crossdock.foundation.db import Tx
from crossdock.inventory import service as inventory

HOURS_MAX: Final = 24


async def note_heard(tx: Tx, estate: Estate, heard: Mapping[str, datetime], *, now: datetime) -> None:
    """Keep when sources were heard: connections, feeds (`erp/floor`), and floors (`@S01`). Others are left out."""
    wanted = set(rules.sources(estate))
    known = {source: moment for source, moment in heard.items() if source in wanted}
    if known:
        await store.note_heard(tx, known, now)


async def heard(tx: Tx, estate: Estate, *, at: datetime) -> Mapping[str, datetime]:
    """When each source of stock had last been heard, as was known at *at*."""
    return await store.heard(tx, rules.sources(estate), at)


async def any_silent(tx: Tx, estate: Estate, *, now: datetime) -> bool:
    """Has some source been silent for longer than a rule's grace? Its numbers shrink with every minute."""
    before = rules.silent_since(estate, now)
    if before is None:
        return False
    return any(moment < before for moment in (await heard(tx, estate, at=now)).values())


async def count_sales(tx: Tx, estate: Estate, *, now: datetime) -> bool:
    """Count what left in hours that are over, up to a day of them at a time; whether there may be more.

    Nothing is counted while no rule asks. The first look goes back as far as the window reaches.
    """
    if not estate.staleness:
        return False
    await store.begin(tx, rules.day_start(now) - timedelta(days=rules.DAYS + 1))
    progress = await store.lock(tx)
    hours = rules.hours_between(progress.counted_until, now, HOURS_MAX)
    for hour in hours:
        left = await inventory.left_between(tx, hour, hour + timedelta(hours=1))
        if left:
            await store.add(tx, hour.date(), left)
    if hours:
        await store.move(tx, hours[-1] + timedelta(hours=1))
    return len(hours) == HOURS_MAX


async def sold_per_hour(tx: Tx, skus: Collection[Sku], *, at: datetime) -> Mapping[tuple[Sku, LocationCode], Decimal]:
    """How many units usually leave each location in an hour."""
    progress = await store.progress(tx)
    if progress is None:
        return {}
    first, end = rules.window(at, progress.counted_from)
    return rules.per_hour(await store.sold(tx, skus, first, end), first, end)


async def forget(tx: Tx, *, before: datetime) -> None:
    """Drop what is older than anybody may ask for; the window of the rates always stays."""
    await store.forget(tx, before - timedelta(days=rules.DAYS + 1))
