"""A connection to a rehearsal shop over real HTTP: what the laws about the Shopify connector stand on."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import aiohttp
import msgspec

from crossdock.canonical.base import ConnectionName
from crossdock.canonical.orders import OrderPlaced
from crossdock.connector_kit.http import Http, Unlimited
from crossdock.connector_kit.model import Decoded, Page, Received
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import Unmatched
from crossdock.connectors.shopify import CONNECTOR
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.settings import Settings
from crossdock.simulation.shop import (
    ItemSeed,
    LocationSeed,
    OpenShop,
    Order,
    Purchase,
    PurchaseLine,
    ShopSeed,
    open_shop,
)

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SPECS = Settings.from_environment().specs_folder
CONNECTION = ConnectionName("webshop")


@dataclass(slots=True)
class Known:
    """Identities as a table: kind and our code → their id."""

    pairs: dict[tuple[str, str], str] = field(default_factory=dict)

    async def theirs(self, kind: str, ours: Sequence[str]) -> Mapping[str, str]:
        for code in ours:
            if (kind, code) not in self.pairs:
                raise Unmatched(kind, code)
        return {code: self.pairs[kind, code] for code in ours}

    async def ours(self, kind: str, theirs: Sequence[str]) -> Mapping[str, str]:
        return {their: code for (each, code), their in self.pairs.items() if each == kind and their in theirs}

    async def document(self, _kind: str, _reference: str) -> str | None:
        return None


class Counted(Unlimited):
    """A budget that remembers what the vendor reported."""

    def __init__(self) -> None:
        self.reports: list[tuple[float, float]] = []

    def report(self, available: float, restore_per_s: float) -> None:
        self.reports.append((available, restore_per_s))


@dataclass(slots=True)
class World:
    """A shop, a session with it, and what the session knows."""

    opened: OpenShop
    session: Session
    known: Known
    budget: Counted
    clock: VirtualClock

    def with_settings(self, **settings: str) -> Session:
        return replace(self.session, settings={**self.session.settings, **settings}, memory={})

    def buy(self, *lines: tuple[str, int], **terms: object) -> Order:
        purchase = Purchase(lines=tuple(PurchaseLine(*line) for line in lines))
        order = self.opened.shop.place_order(msgspec.structs.replace(purchase, **terms))
        assert isinstance(order, Order), order
        return order

    def available(self, sku: str, place: str = "DC") -> int:
        books = self.opened.shop.books
        variant = books.catalogue.by_sku[sku]
        location = books.catalogue.location_named(place).id
        return books.stock.levels[variant.inventory_item_id, location].quantity("available")

    def received(self, body: bytes, feed: str) -> Received:
        return Received(
            connection=CONNECTION,
            feed=feed,
            body=body,
            headers={},
            received_at=self.clock.now(),
            settings=self.session.settings,
            channel="web",
        )


def seed(**options: object) -> ShopSeed:
    made = ShopSeed(
        locations=(LocationSeed("DC"), LocationSeed("S1")),
        items=(
            ItemSeed(sku="APPLE", title="Apple", price=Decimal("1.99"), tax_rate=Decimal("0.07"), stock={"DC": 40}),
            ItemSeed(
                sku="PEAR", title="Pear", price=Decimal("2.50"), stock={"DC": 3, "S1": 2}, barcode="4006381333931"
            ),
            ItemSeed(sku="LAMP", title="Lamp", price=Decimal("99.00"), tax_rate=Decimal("0.19"), stock={"DC": 9}),
            *(ItemSeed(sku=f"I{n:02}", title=f"Item {n}", price=Decimal(n), stock={"DC": 9}) for n in range(1, 31)),
        ),
        utc_offset_minutes=-300,
    )
    return msgspec.structs.replace(made, **options)


@asynccontextmanager
async def world(shop_seed: ShopSeed | None = None, specs: Path | None = None) -> AsyncIterator[World]:
    """Everything matched, stock published to the DC, checks by the vendor's schema where it is at hand."""
    clock, known, budget = VirtualClock(START), Known(), Counted()
    async with (
        open_shop(shop_seed or seed(), clock=clock, specs=specs or SPECS) as opened,
        aiohttp.ClientSession() as client,
    ):
        catalogue = opened.shop.books.catalogue
        for variant in catalogue.by_sku.values():
            known.pairs["sku", variant.sku] = f"gid://shopify/InventoryItem/{variant.inventory_item_id}"
        for place in catalogue.locations.values():
            known.pairs["location", place.name] = f"gid://shopify/Location/{place.id}"
        settings = {setting.name: setting.default or "" for setting in CONNECTOR.settings} | {
            "url": opened.url,
            "access_token": "rehearsal-access-token",
            "client_id": "rehearsal-client-id",
            "client_secret": "rehearsal-client-secret",
            "location": known.pairs["location", "DC"],
        }
        session = Session(
            connection=CONNECTION,
            settings=settings,
            lookups={"carriers": {"dhl": "DHL Express"}},
            identities=known,
            http=Http(client, opened.url, budget),
            clock=clock,
        )
        yield World(opened, session, known, budget, clock)


async def poll(world: World, cursor: str = "") -> tuple[list[Decoded], str]:
    """Every page of one run, decoded; and where the next run begins."""
    (pull,) = CONNECTOR.pulls
    found: list[Decoded] = []
    while True:
        page: Page = await pull.fetch(world.session, cursor)
        for each in pull.decode(world.received(page.body, pull.name)):
            assert isinstance(each, Decoded), each
            found.append(each)
        cursor = page.cursor
        if not page.more:
            return found, cursor


def order_in(decoded: Decoded) -> OrderPlaced:
    assert isinstance(decoded.document, OrderPlaced), decoded
    return decoded.document
