"""A real ERP for tests: a small retailer, made and kept on first use, one process per test run and package."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest_asyncio

from crossdock.foundation.settings import Settings
from crossdock.simulation.erp import (
    AccountKind,
    AccountSeed,
    Erp,
    ItemSeed,
    JournalSeed,
    LocationSeed,
    RetailerSeed,
    ServiceSeed,
    StockSeed,
    TaxSeed,
    running_erp,
)

STORES = ("S01", "S02")
DC = "DC1"
SKUS = tuple(f"SKU-{number:03}" for number in range(1, 31))


def small_retailer() -> RetailerSeed:
    """Two stores and a distribution centre, 100 of everything everywhere; odd SKUs have the standard tax."""
    return RetailerSeed(
        company="Rehearsal Grocers",
        currency="USD",
        fiscal_years=(2025, 2026, 2027),
        accounts=(
            AccountSeed(code="CASH", name="Cash clearing", kind=AccountKind.CASH),
            AccountSeed(code="CARD", name="Card clearing", kind=AccountKind.CASH),
            AccountSeed(code="TAX", name="Sales tax payable", kind=AccountKind.TAX),
            AccountSeed(code="STORES", name="Store sales", kind=AccountKind.REVENUE),
            AccountSeed(code="ROUND", name="Rounding", kind=AccountKind.REVENUE),
            AccountSeed(code="FREIGHT", name="Freight charged", kind=AccountKind.REVENUE),
        ),
        taxes=(
            TaxSeed(code="STANDARD", percent=Decimal("8.25"), account="TAX"),
            TaxSeed(code="REDUCED", percent=Decimal(2), account="TAX"),
        ),
        items=tuple(
            ItemSeed(sku=sku, name=f"Item {sku}", price=Decimal("3.99"), tax="REDUCED" if index % 2 else "STANDARD")
            for index, sku in enumerate(SKUS)
        ),
        services=(
            ServiceSeed(code="ROUNDING", name="Rounding", account="ROUND"),
            ServiceSeed(code="SHIPPING", name="Shipping", account="FREIGHT"),
            ServiceSeed(code="WRAP", name="Gift wrapping", account="STORES"),
        ),
        locations=(
            *(LocationSeed(code=store, name=f"Store {store}") for store in STORES),
            LocationSeed(code=DC, name="Distribution centre", zones=True),
        ),
        stock=tuple(
            StockSeed(location=location, sku=sku, quantity=Decimal(100)) for location in (*STORES, DC) for sku in SKUS
        ),
        journals=(JournalSeed(code="TILLS", name="Store days"),),
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def erp() -> AsyncIterator[Erp]:
    """The serving ERP; its tests run on the session's loop (`pytest.mark.asyncio(loop_scope="session")`)."""
    async with running_erp(small_retailer(), cache=Settings.from_environment().cache_folder) as running:
        yield running
