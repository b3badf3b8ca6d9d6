"""GraphQL fields of the shop itself, its places, products and stock."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from crossdock.simulation.shop.api.paging import Page, Rank, page, plain_page
from crossdock.simulation.shop.api.search import Row
from crossdock.simulation.shop.api.table import Call, Table, gid_number, table
from crossdock.simulation.shop.model import Level, Location, Product, QuantityName, Variant
from crossdock.simulation.shop.rest_parts import gid
from crossdock.simulation.shop.shop import Shop

NAMES: Final[frozenset[QuantityName]] = frozenset(
    {"available", "committed", "reserved", "damaged", "safety_stock", "quality_control", "incoming", "on_hand"}
)


@dataclass(frozen=True, slots=True)
class Item:
    """A variant as its stock sees it: the vendor's inventory item."""

    variant: Variant

    @property
    def id(self) -> int:
        """The inventory item's own id."""
        return self.variant.inventory_item_id


@dataclass(frozen=True, slots=True)
class Quantity:
    """One state of a level."""

    level: Level
    name: QuantityName


def utc(moment: datetime | None) -> str | None:
    """A DateTime as GraphQL answers spell it."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def by_id(number: int) -> Rank:
    """Sort by id."""
    return ("", number)


def location_page(call: Call) -> Page:
    """The shop's places."""
    return page(
        call.books.catalogue.locations.values(),
        call.arguments,
        rank=lambda each: by_id(each.id),
        row=lambda each: {"id": each.id, "name": each.name},
    )


def product_page(call: Call) -> Page:
    """Products, searched by title or SKU."""
    variants = call.books.catalogue.variants

    def row(product: Product) -> Row:
        return {
            "id": product.id,
            "title": product.title,
            "sku": [variants[variant_id].sku for variant_id in product.variant_ids],
        }

    return page(call.books.catalogue.products.values(), call.arguments, rank=lambda each: by_id(each.id), row=row)


def variant_page(call: Call) -> Page:
    """Variants, searched by SKU, barcode or title."""
    return page(
        call.books.catalogue.variants.values(),
        call.arguments,
        rank=lambda each: by_id(each.id),
        row=lambda each: {
            "id": each.id,
            "sku": each.sku,
            "barcode": each.barcode,
            "title": each.product_title,
            "product_id": each.product_id,
        },
    )


def item_page(call: Call) -> Page:
    """Inventory items, searched by SKU."""
    return page(
        [Item(variant) for variant in call.books.catalogue.variants.values()],
        call.arguments,
        rank=lambda each: by_id(each.id),
        row=lambda each: {"id": each.id, "sku": each.variant.sku},
    )


def item_of(call: Call, text: str) -> Item | None:
    """The inventory item of a global id."""
    variant = call.books.catalogue.by_item.get(gid_number("InventoryItem", text) or 0)
    return None if variant is None else Item(variant)


def location_of(call: Call, text: str) -> Location | None:
    """The place of a global id."""
    return call.books.catalogue.locations.get(gid_number("Location", text) or 0)


def level_of(call: Call, text: str) -> Level | None:
    """The level of a global id."""
    number = gid_number("InventoryLevel", text)
    return next((level for level in call.books.stock.levels.values() if level.id == number), None)


def _level_at(item: Item, call: Call) -> Level | None:
    location = location_of(call, call.arguments.text("locationId"))
    return None if location is None else call.books.stock.levels[item.id, location.id]


def _quantities(level: Level, call: Call) -> list[Quantity]:
    return [Quantity(level, name) for asked in call.arguments.texts("names") for name in NAMES if name == asked]


def _offset(shop: Shop) -> str:
    zone = timezone(timedelta(minutes=shop.books.seed.utc_offset_minutes))
    return shop.books.opened_at.astimezone(zone).strftime("%z")


TABLES: Final[dict[str, Table]] = {
    "Shop": table(
        Shop,
        {
            "id": lambda it, _: gid("Shop", it.books.shop_id),
            "name": lambda it, _: it.books.seed.name,
            "myshopifyDomain": lambda it, _: it.books.seed.domain,
            "email": lambda _it, _: "owner@example.com",
            "currencyCode": lambda it, _: it.books.seed.currency,
            "ianaTimezone": lambda _it, _: "Etc/UTC",
            "timezoneOffset": lambda it, _: _offset(it),
            "taxesIncluded": lambda it, _: it.books.seed.taxes_included,
            "url": lambda it, _: f"https://{it.books.seed.domain}",
        },
    ),
    "AppInstallation": table(
        Shop,
        {
            "id": lambda it, _: gid("AppInstallation", it.books.shop_id),
            "accessScopes": lambda it, _: it.books.seed.scopes,
        },
    ),
    "AccessScope": table(str, {"handle": lambda it, _: it}),
    "Location": table(
        Location,
        {
            "id": lambda it, _: gid("Location", it.id),
            "legacyResourceId": lambda it, _: str(it.id),
            "name": lambda it, _: it.name,
            "isActive": lambda _it, _: True,
            "fulfillsOnlineOrders": lambda _it, _: True,
            "shipsInventory": lambda _it, _: True,
            "createdAt": lambda it, _: utc(it.created_at),
        },
    ),
    "Product": table(
        Product,
        {
            "id": lambda it, _: gid("Product", it.id),
            "legacyResourceId": lambda it, _: str(it.id),
            "title": lambda it, _: it.title,
            "handle": lambda it, _: "-".join(it.title.lower().split()),
            "status": lambda _it, _: "ACTIVE",
            "totalInventory": lambda it, call: sum(
                call.books.stock.available(call.books.catalogue.variants[each]) for each in it.variant_ids
            ),
            "variants": lambda it, call: plain_page(
                [call.books.catalogue.variants[each] for each in it.variant_ids], call.arguments, lambda each: each.id
            ),
            "createdAt": lambda it, _: utc(it.created_at),
        },
    ),
    "ProductVariant": table(
        Variant,
        {
            "id": lambda it, _: gid("ProductVariant", it.id),
            "legacyResourceId": lambda it, _: str(it.id),
            "title": lambda it, _: it.title,
            "displayName": lambda it, _: f"{it.product_title} - {it.title}",
            "sku": lambda it, _: it.sku,
            "barcode": lambda it, _: it.barcode or None,
            "price": lambda it, _: format(it.price, "f"),
            "taxable": lambda it, _: bool(it.tax_rate),
            "inventoryItem": lambda it, _: Item(it),
            "inventoryPolicy": lambda it, _: "CONTINUE" if it.oversell else "DENY",
            "inventoryQuantity": lambda it, call: call.books.stock.available(it),
            "product": lambda it, call: call.books.catalogue.products[it.product_id],
        },
    ),
    "InventoryItem": table(
        Item,
        {
            "id": lambda it, _: gid("InventoryItem", it.id),
            "legacyResourceId": lambda it, _: str(it.id),
            "sku": lambda it, _: it.variant.sku,
            "tracked": lambda _it, _: True,
            "requiresShipping": lambda _it, _: True,
            "inventoryLevel": _level_at,
            "inventoryLevels": lambda it, call: plain_page(
                list(call.books.stock.levels_of(it.variant)), call.arguments, lambda each: each.id
            ),
            "variant": lambda it, _: it.variant,
            "createdAt": lambda _it, call: utc(call.books.opened_at),
            "updatedAt": lambda _it, call: utc(call.books.opened_at),
        },
    ),
    "InventoryLevel": table(
        Level,
        {
            "id": lambda it, _: f"{gid('InventoryLevel', it.id)}?inventory_item_id={it.item_id}",
            "item": lambda it, call: Item(call.books.catalogue.by_item[it.item_id]),
            "location": lambda it, call: call.books.catalogue.locations[it.location_id],
            "isActive": lambda _it, _: True,
            "quantities": _quantities,
            "createdAt": lambda it, _: utc(it.created_at),
            "updatedAt": lambda it, _: utc(it.updated_at),
        },
    ),
    "InventoryQuantity": table(
        Quantity,
        {
            "id": lambda it, _: f"{gid('InventoryQuantity', it.level.id)}?name={it.name}",
            "name": lambda it, _: it.name,
            "quantity": lambda it, _: it.level.quantity(it.name),
            "updatedAt": lambda it, _: utc(it.level.updated_at),
        },
    ),
}
