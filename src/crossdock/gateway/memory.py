"""Numbers that were read a moment ago, kept until something may have changed them. No I/O here.

A number is kept only if nothing touched its item from the moment its reading began: who changes stock drops the items
after the commit and before anybody is answered, so no answer shows units that an answered commit has taken.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias

import msgspec

from crossdock.canonical.base import ChannelCode, Sku
from crossdock.canonical.orders import Mode

Way: TypeAlias = tuple[ChannelCode, Mode]
"""Where and how an item would be sold."""
ALWAYS: Final = float("inf")


class Kept(NamedTuple):
    """A number as it is answered."""

    item: msgspec.Raw
    until: datetime | None
    """When a hold lapses that lowers it; None: as long as nothing is booked."""
    horizon: int
    """What lies below this place was all seen when it was read."""
    parts: tuple[Sku, ...] = ()
    """Of a kit: the items that its number was made of."""


class Reading:
    """One look at the database that is under way, and what was touched meanwhile."""

    def __init__(self) -> None:
        self.touched: dict[Sku, float] = {}
        self.spoilt = False

    def may_keep(self, sku: Sku, horizon: int) -> bool:
        """Was the item left alone, or touched only by what had been seen?"""
        return not self.spoilt and self.touched.get(sku, -1) < horizon


class Memory:
    """Numbers by item; the ones that came first go first when it is full."""

    def __init__(self, size_max: int) -> None:
        self._size_max = size_max
        self._size = 0
        self._items: dict[Sku, dict[Way, Kept]] = {}
        self._kits: dict[Sku, set[Sku]] = {}
        """By component: kits whose numbers fall with it."""
        self._readings: set[Reading] = set()

    def __len__(self) -> int:
        return self._size

    def find(self, sku: Sku, way: Way, now: datetime) -> msgspec.Raw | None:
        """The item's number; None when it is not known."""
        ways = self._items.get(sku)
        kept = None if ways is None else ways.get(way)
        if kept is None or (kept.until is not None and kept.until <= now):
            return None
        return kept.item

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Around a look at the database, begun before its snapshot is taken, ended when its numbers were kept."""
        reading = Reading()
        self._readings.add(reading)
        try:
            yield reading
        finally:
            self._readings.discard(reading)

    def keep(self, reading: Reading, sku: Sku, way: Way, kept: Kept) -> None:
        """Remember what a reading found, unless it may be out of date by now."""
        if not all(reading.may_keep(each, kept.horizon) for each in (sku, *kept.parts)):
            return
        for part in kept.parts:
            self._kits.setdefault(part, set()).add(sku)
        ways = self._items.setdefault(sku, {})
        self._size += way not in ways
        ways[way] = kept
        while self._size > self._size_max:
            self._forget(next(iter(self._items)))

    def drop(self, skus: Collection[Sku]) -> None:
        """A commit of our own touched them."""
        for sku in skus:
            self._forget(sku)
            for kit in self._kits.pop(sku, ()):
                self._forget(kit)
        for reading in self._readings:
            reading.touched.update(dict.fromkeys(skus, ALWAYS))

    def drop_changed(self, changed: Mapping[Sku, int]) -> None:
        """Others touched them, last at these places: numbers that were read after those stay."""
        for sku, place in changed.items():
            for each in (sku, *self._kits.get(sku, ())):
                if any(kept.horizon <= place for kept in self._items.get(each, {}).values()):
                    self._forget(each)
            for reading in self._readings:
                reading.touched[sku] = max(place, reading.touched.get(sku, -1))

    def clear(self) -> None:
        """Nothing is certain any more."""
        self._items.clear()
        self._kits.clear()
        self._size = 0
        for reading in self._readings:
            reading.spoilt = True

    def _forget(self, sku: Sku) -> None:
        self._size -= len(self._items.pop(sku, ()))
