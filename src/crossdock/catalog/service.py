"""Describe items, ask for them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from crossdock.canonical.base import LocationCode, Sku
from crossdock.canonical.facts import ItemChanged, ItemUnknown
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """An item that turned up with goods: where, in what, and told by whom."""

    sku: Sku
    location: LocationCode
    subject: str
    origin: Origin


async def tell_unknown(tx: Tx, met: Sequence[Met], *, now: datetime) -> None:
    """Goods are never refused because nobody has described their item: somebody is told, once per item."""
    if not met:
        return
    firsts = {each.sku: each for each in reversed(met)}
    described = await known(tx, firsts.keys())
    await eventlog.append(
        tx,
        [
            NewFact(
                stream=f"item/{sku}",
                fact=ItemUnknown(sku=sku, location=first.location, subject=first.subject),
                happened_at=now,
                origin=first.origin,
            )
            for sku, first in sorted(firsts.items())
            if sku not in described
        ],
    )


async def tracked(tx: Tx, skus: Collection[Sku]) -> Mapping[Sku, bool]:
    """Those of *skus* that exist, and whether anybody counts their stock."""
    return {Sku(sku): counted for sku, counted in (await store.tracked(tx, sorted(set(skus)))).items()}


async def untracked(tx: Tx, skus: Collection[Sku]) -> set[Sku]:
    """Those of *skus* whose stock has no number: services, gift cards, made to order."""
    return {Sku(sku) for sku in await store.untracked(tx, list(skus))}


async def changed_since(tx: Tx, horizon: int, *, limit: int) -> Mapping[Sku, int]:
    """Items that a look with this *horizon* may not have seen described anew, at most *limit*."""
    return await store.changed_since(tx, horizon, limit=limit)


async def page(tx: Tx, after: str = "", limit: int = PAGE) -> Sequence[Item]:
    """Items by SKU, beginning behind *after*."""
    return await store.items(tx, after, limit)
