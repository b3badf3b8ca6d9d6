"""Describe items, ask for them."""

from collections.abc import Collection, Sequence
from datetime import datetime

from crossdock.canonical.base import Sku
from crossdock.canonical.facts import ItemChanged
from crossdock.canonical.stock import ItemDescribed
from crossdock.catalog import store
from crossdock.catalog.model import Item
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx

PAGE: int = 500


async def describe(tx: Tx, items: Sequence[ItemDescribed], *, origin: Origin, now: datetime) -> int:
    """Take in descriptions from the system that owns them; the number that changed. Repeating changes nothing."""
    changed = [item for item in items if await store.describe(tx, item, origin.source, now)]
    await eventlog.append(
        tx,
        [
            NewFact(
                stream=f"item/{item.sku}",
                fact=ItemChanged(sku=item.sku, name=item.name, active=item.active),
                happened_at=now,
                origin=origin,
            )
            for item in changed
        ],
    )
    return len(changed)


async def known(tx: Tx, skus: Collection[Sku]) -> set[Sku]:
    """Those of *skus* that exist."""
    return {Sku(sku) for sku in await store.known(tx, sorted(set(skus)))}


async def untracked(tx: Tx, skus: Collection[Sku]) -> set[Sku]:
    """Those of *skus* whose stock has no number: services, gift cards, made to order."""
    return {Sku(sku) for sku in await store.untracked(tx, list(skus))}


async def page(tx: Tx, after: str = "", limit: int = PAGE) -> Sequence[Item]:
    """Items by SKU, beginning behind *after*."""
    return await store.items(tx, after, limit)
