"""A hub with a web shop, tills and goods: the smallest retailer that trades."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database
from crossdock.foundation.settings import Settings
from crossdock.inventory.audit import service as audit
from crossdock.simulation.shop import ItemSeed, LocationSeed, OpenShop, ShopSeed, open_shop
from e2e.retailer import (
    DC,
    NORTH,
    RETAILER,
    SHOP_CHANNEL,
    SHOP_SECRETS,
    TILLS,
    describe,
    shop_connection,
    stock,
    write_estate,
)
from e2e.running import RunningHub, hub_in

ONLINE = "Online"


@dataclass(frozen=True, slots=True)
class Corner:
    """The hub and the shop beside it."""

    hub: RunningHub
    shop: OpenShop

    def shown(self, sku: str) -> int:
        """What the web shop shows as available."""
        books = self.shop.shop.books
        return books.stock.available(books.catalogue.by_sku[sku])

    async def sellable(self, *skus: str) -> "dict[str, int]":
        """What the hub says the channel may sell."""
        told = await self.hub.ask("POST", "/v1/availability/query", {"channel": "web", "skus": list(skus)})
        assert told is not None
        items = told.json["items"]
        assert isinstance(items, list), told
        return {str(item["sku"]): int(Decimal(str(item["sellable"]))) for item in items}

    async def audited(self) -> Sequence[object]:
        """Where counters, ledger and claims disagree."""
        async with Database(self.hub.dsn, size_max=1) as database, database.transaction() as tx:
            return await audit.audit(tx)


def shop_seed(skus: Sequence[str]) -> ShopSeed:
    return ShopSeed(
        locations=(LocationSeed(ONLINE),),
        items=tuple(
            ItemSeed(sku=sku, title=f"Item {sku}", price=Decimal(2), tax_rate=Decimal("0.0825"), stock={ONLINE: 0})
            for sku in skus
        ),
        restore_per_s=1000,
        bucket_max=10_000,
    )


def vendor_specs() -> Path | None:
    """Where the vendors' own schemas lie, when they are at hand."""
    folder = Settings.from_environment().specs_folder
    return folder if folder.is_dir() else None


@asynccontextmanager
async def open_corner(
    folder: Path, skus: Sequence[str], *, on_hand: int, database: str = "", parts: bool = False
) -> AsyncIterator[Corner]:
    """Trading: items known and matched, goods at the DC and in one store, webhooks registered.

    On *database* when one is given; with *parts* only the API runs, and somebody else is to start workers.
    """
    async with (
        open_shop(shop_seed(skus), clock=SYSTEM_CLOCK, specs=vendor_specs()) as shop,
        hub_in(folder, {**SHOP_SECRETS, "CROSSDOCK_DATABASE_URL": database}) as hub,
    ):
        write_estate(hub.estate, retailer=RETAILER, channels=SHOP_CHANNEL, tills=TILLS, shop=shop_connection(shop.url))
        await hub.start(*(("gateway",) if parts else ()))
        if parts:
            assert (await hub.command("estate", "apply")).code == 0
        await hub.make_keys()
        await describe(hub, skus)
        for sku in skus:
            for location in (DC, NORTH):
                await stock(hub, "receive", sku, location, on_hand)
        for words in (
            ("match", "shop", "sku", "--apply"),
            ("connection", "register", "shop", "--public-url", hub.url),
        ):
            said = await hub.command(*words)
            assert said.code == 0, said
        if not parts:
            await hub.settled()
        yield Corner(hub, shop)
