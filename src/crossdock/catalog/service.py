"""Describe items, ask for them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from crossdock.canonical.base import LocationCode, Sku
from crossdock.canonical.facts import ItemChanged, ItemUnknown
from crossdock.canonical.stock import ItemDescribed
from crossdock.catalog import rules, store
from crossdock.catalog.model import Item, Traits
from crossdock.catalog.rules import broken_rule, in_own_unit
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx

PAGE: int = 500
EACH: Final = "each"
"""The unit of what is counted one by one."""
LEVELS_MAX: Final = 8
"""Kits in kits in kits…: deeper ones cannot be put together."""

__all__ = [
    "Met",
    "broken_rule",
    "changed_since",
    "describe",
    "in_category",
    "in_own_unit",
    "kits_with",
    "known",
    "page",
    "tell_unknown",
    "tracked",
    "traits",
    "untracked",
    "whole",
    "without_stock",
]


async def describe(tx: Tx, items: Sequence[ItemDescribed], *, origin: Origin, now: datetime) -> int:
    """Take in descriptions from the system that owns them; the number that changed. Repeating changes nothing.

    Of two descriptions of one item the later one counts.
    """
    latest = {item.sku: item for item in items}
    changed = await store.describe(tx, list(latest.values()), origin.source, now) if latest else set()
    await eventlog.append(
        tx,
        [
            NewFact(
                stream=f"item/{item.sku}",
                fact=ItemChanged(sku=item.sku, name=item.name, active=item.active),
                happened_at=now,
                origin=origin,
            )
            for item in latest.values()
            if item.sku in changed
        ],
    )
    return len(changed)


async def known(tx: Tx, skus: Collection[Sku]) -> set[Sku]:
    """Those of *skus* that exist."""
    return {Sku(sku) for sku in await store.known(tx, sorted(set(skus)))}


async def whole(tx: Tx, skus: Collection[Sku]) -> set[Sku]:
    """Those of *skus* that are counted one by one: there is no part of them."""
    return {Sku(sku) for sku in await store.in_unit(tx, sorted(skus), EACH)} if skus else set()


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


async def traits(tx: Tx, skus: Collection[Sku], *, as_of: datetime | None = None) -> Mapping[Sku, Traits]:
    """What the promise must know of *skus* and of everything that kits among them are made of, now or at a past moment.

    Items that nobody has described have the traits of any item.
    """
    found: dict[Sku, store.Traded] = {}
    asked: set[Sku] = set()
    wanted = set(skus)
    for _ in range(LEVELS_MAX):
        found |= {row.sku: row for row in await store.traded(tx, sorted(wanted), as_of)}
        asked |= wanted
        wanted = {part for sku in wanted & found.keys() for part in found[sku].components} - asked
        if not wanted:
            break
    return _traits(found, asked, too_deep=wanted)


def _traits(found: Mapping[Sku, store.Traded], asked: Collection[Sku], too_deep: Collection[Sku]) -> dict[Sku, Traits]:
    recipes = {
        row.sku: dict(zip(row.components, map(_tidy, row.component_quantities), strict=True))
        for row in found.values()
        if row.components
    }
    # What lies too deep to be looked at is taken for part of itself: it cannot be put together either.
    recipes |= {sku: {sku: Decimal(1)} for sku in too_deep}
    return {sku: _trait(found[sku], recipes) if sku in found else Traits() for sku in asked}


def _trait(row: store.Traded, recipes: rules.Recipes) -> Traits:
    return Traits(
        category=row.category,
        tracked=row.tracked,
        parts=rules.parts_of(row.sku, recipes) if row.components else None,
        units=dict(zip(row.units, map(_tidy, row.unit_factors), strict=True)),
        order_minimum=row.order_minimum,
        order_maximum=row.order_maximum,
        order_multiple=row.order_multiple,
    )


async def untracked(tx: Tx, skus: Collection[Sku]) -> set[Sku]:
    """Those of *skus* whose stock has no number: services, gift cards, made to order."""
    return {sku for sku, trait in (await traits(tx, skus)).items() if not trait.tracked}


def _tidy(value: Decimal) -> Decimal:
    """The same number without the zeros that a database column adds."""
    whole = value.to_integral_value()
    return whole if value == whole else value.normalize()


async def kits_with(tx: Tx, skus: Collection[Sku]) -> set[Sku]:
    """Kits that contain any of *skus*: when those move, these can be sold more or less often."""
    return await store.kits_with(tx, list(skus))


async def without_stock(tx: Tx, after: Sku, *, limit: int) -> Sequence[Sku]:
    """Kits and untracked items, by SKU, page by page: they have no positions and can be sold all the same."""
    return await store.without_stock(tx, after, limit)


async def in_category(tx: Tx, category: str) -> Sequence[Sku]:
    """Every item of a category and of those below it."""
    return await store.in_category(tx, category)


async def changed_since(tx: Tx, horizon: int, *, limit: int) -> Mapping[Sku, int]:
    """Items that a look with this *horizon* may not have seen described anew, at most *limit*."""
    return await store.changed_since(tx, horizon, limit=limit)


async def page(tx: Tx, after: str = "", limit: int = PAGE) -> Sequence[Item]:
    """Items by SKU, beginning behind *after*."""
    return await store.items(tx, after, limit)
