"""What a rehearsal shop starts with: a file or a value, decoded strictly, turned into a catalogue with stock."""

from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Final

import msgspec

from crossdock.simulation.shop.model import Location, Product, Variant

PAST_FLOAT_PRECISION: Final = 2**53 + 1
"""Real ids do not fit a float; the shop's never do, so a reader that goes through floats fails its rehearsal."""


class LocationSeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place; the first one takes what nobody else can send."""

    name: str


class ItemSeed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A product with one variant, and its opening stock by location name."""

    sku: str
    title: str
    price: Decimal
    tax_rate: Decimal = Decimal(0)
    barcode: str = ""
    grams: int = 0
    oversell: bool = False
    stock: dict[str, int] = msgspec.field(default_factory=dict)


class ShopSeed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that makes two runs the same shop."""

    locations: tuple[LocationSeed, ...]
    items: tuple[ItemSeed, ...]
    domain: str = "rehearsal.myshopify.com"
    name: str = "Rehearsal shop"
    currency: str = "USD"
    country: str = "United States"
    country_code: str = "US"
    taxes_included: bool = False
    shipping_tax_rate: Decimal = Decimal(0)
    utc_offset_minutes: int = 0
    scopes: tuple[str, ...] = (
        "read_locations",
        "write_orders",
        "read_products",
        "write_inventory",
        "write_merchant_managed_fulfillment_orders",
    )
    """What the app was granted; told, not enforced."""
    access_token: str = "rehearsal-access-token"  # noqa: S105 (opens a rehearsal, nothing else)
    client_id: str = "rehearsal-client-id"
    client_secret: str = "rehearsal-client-secret"  # noqa: S105 (signs a rehearsal, nothing else)
    bucket_max: int = 2000
    restore_per_s: int = 100
    index_lag_s: float = 0.0
    """How long search results trail behind the orders themselves."""
    first_id: int = PAST_FLOAT_PRECISION
    chance: int = 1
    """Seed of every random choice the shop makes."""


class SeedError(Exception):
    """The seed contradicts itself; the text says where."""


class Catalogue:
    """Products, variants and locations by every key they are asked for."""

    def __init__(self, seed: ShopSeed, ids: "count[int]", now: datetime) -> None:
        if not seed.locations:
            raise SeedError("A shop needs at least one location.")
        self.locations: Final = {
            place.id: place for place in (Location(next(ids), each.name, now) for each in seed.locations)
        }
        self.products: Final[dict[int, Product]] = {}
        self.variants: Final[dict[int, Variant]] = {}
        self.by_sku: Final[dict[str, Variant]] = {}
        self.by_item: Final[dict[int, Variant]] = {}
        for item in seed.items:
            self._add(item, ids, now)

    def location_named(self, name: str) -> Location:
        """The place of that name, or SeedError."""
        for place in self.locations.values():
            if place.name == name:
                return place
        raise SeedError(f'There is no location "{name}"; known are {", ".join(self.location_names)}.')

    @property
    def location_names(self) -> tuple[str, ...]:
        """In the order in which they are asked to send."""
        return tuple(place.name for place in self.locations.values())

    def _add(self, item: ItemSeed, ids: "count[int]", now: datetime) -> None:
        if item.sku in self.by_sku:
            raise SeedError(f'SKU "{item.sku}" appears twice.')
        product_id, variant_id, inventory_item_id = next(ids), next(ids), next(ids)
        variant = Variant(
            id=variant_id,
            product_id=product_id,
            inventory_item_id=inventory_item_id,
            sku=item.sku,
            barcode=item.barcode,
            product_title=item.title,
            title="Default Title",
            price=item.price,
            tax_rate=item.tax_rate,
            grams=item.grams,
            oversell=item.oversell,
        )
        self.products[product_id] = Product(product_id, item.title, (variant_id,), now)
        self.variants[variant_id] = variant
        self.by_sku[item.sku] = variant
        self.by_item[inventory_item_id] = variant
