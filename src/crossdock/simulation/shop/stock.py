"""The shop's own stock book: levels by state, and every change with its cause, so that an auditor can add them up."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from typing import Final

from crossdock.simulation.shop.model import Level, QuantityName, StockEntry, Variant
from crossdock.simulation.shop.seed import Catalogue, ShopSeed


class StockRoom:
    """Levels per item and location. Selling moves available → committed; sending takes committed (and so on_hand)."""

    def __init__(self, seed: ShopSeed, catalogue: Catalogue, ids: "count[int]", now: datetime) -> None:
        self._catalogue = catalogue
        self.ledger: Final[list[StockEntry]] = []
        self.levels: Final[dict[tuple[int, int], Level]] = {}
        self.changed: Callable[[Level], None] = _nobody
        for item in seed.items:
            variant = catalogue.by_sku[item.sku]
            opening = {catalogue.location_named(name).id: quantity for name, quantity in item.stock.items()}
            for location_id in catalogue.locations:
                key = (variant.inventory_item_id, location_id)
                self.levels[key] = Level(next(ids), variant.inventory_item_id, location_id, {}, now, now)
                if opening.get(location_id):
                    self.shift(key, {"available": opening[location_id]}, at=now, cause="opening", reference="")

    def shift(
        self, key: tuple[int, int], deltas: dict[QuantityName, int], *, at: datetime, cause: str, reference: str
    ) -> None:
        """Change states of one level together and write each change down."""
        level = self.levels[key]
        sku = self._catalogue.by_item[level.item_id].sku
        for name, delta in deltas.items():
            assert name != "on_hand", "on_hand is a sum: change a state"
            level.quantities[name] = level.quantities.get(name, 0) + delta
            self.ledger.append(StockEntry(at, sku, level.location_id, name, delta, cause, reference))
        level.updated_at = at
        self.changed(level)

    @property
    def told(self) -> int:
        """Figures that somebody else has set."""
        return sum(1 for entry in self.ledger if entry.cause == "api")

    def levels_of(self, variant: Variant) -> Iterator[Level]:
        """One per location, in the locations' order."""
        for location_id in self._catalogue.locations:
            yield self.levels[variant.inventory_item_id, location_id]

    def available(self, variant: Variant) -> int:
        """Over all locations, as the storefront shows it."""
        return sum(level.quantity("available") for level in self.levels_of(variant))

    def place(self, variant: Variant, quantity: int) -> dict[int, int]:
        """Split *quantity* over locations: one that has all of it, else by what each has, the rest on the first."""
        levels = list(self.levels_of(variant))
        for level in levels:
            if level.quantity("available") >= quantity:
                return {level.location_id: quantity}
        split: dict[int, int] = {}
        missing = quantity
        for level in levels:
            take = min(missing, max(0, level.quantity("available")))
            if take:
                split[level.location_id] = take
                missing -= take
        if missing:
            first = levels[0].location_id
            split[first] = split.get(first, 0) + missing
        return split


def _nobody(_level: Level) -> None:
    """Before the shop listens."""
