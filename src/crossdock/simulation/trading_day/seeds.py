"""The same retailer told four times: to the ERP, to the web shop, to the hub (its estate) and to the tills."""

from decimal import Decimal
from pathlib import Path
from typing import Final

from crossdock.simulation.erp import (
    AccountKind,
    AccountSeed,
    ItemSeed,
    JournalSeed,
    LocationSeed,
    RetailerSeed,
    ServiceSeed,
    StockSeed,
    TaxSeed,
)
from crossdock.simulation.retailer.model import CURRENCY, TradingDay
from crossdock.simulation.shop.seed import ItemSeed as ShopItem
from crossdock.simulation.shop.seed import LocationSeed as ShopLocation
from crossdock.simulation.shop.seed import ShopSeed

COMPANY: Final = "Corner Grocers"
WEB_SHOP: Final = "Web shop"
SHOP_LOCATION: Final = "Online"
SHIPPING: Final = "SHIPPING"
ROUNDING: Final = "ROUNDING"
WEB_POOL_STORES: Final = 3
"""Stores that help the DC serve the web shop: enough to see orders split."""
KEPT_FOR_TILLS: Final = 2
"""Units that a store does not promise to the web shop: somebody may be on the way to the till with them."""
ACCOUNTS: Final = {
    "tender.cash": ("1010", "Cash in stores", AccountKind.CASH),
    "tender.card": ("1020", "Card settlements", AccountKind.CASH),
    "tender.voucher": ("1030", "Vouchers received", AccountKind.CASH),
    "revenue": ("4010", "Store sales", AccountKind.REVENUE),
    "over_short": ("4090", "Till over and short", AccountKind.EXPENSE),
    "rounding": ("4091", "Rounding", AccountKind.REVENUE),
}


def tax_account(code: str) -> str:
    """The ERP account that a tax is owed on."""
    return f"22{code.strip('T').zfill(2)}"


def erp_seed(day: TradingDay) -> RetailerSeed:
    """What Tryton knows when the day begins: items, warehouses, opening stock, taxes, accounts."""
    taxes = {product.tax_code: product.tax_percent for product in day.products}
    return RetailerSeed(
        company=COMPANY,
        currency=CURRENCY,
        fiscal_years=(day.rules.business_day.year,),
        accounts=(
            *(AccountSeed(code=code, name=name, kind=kind) for code, name, kind in ACCOUNTS.values()),
            *(AccountSeed(code=tax_account(code), name=f"Sales tax {code}", kind=AccountKind.TAX) for code in taxes),
        ),
        taxes=tuple(
            TaxSeed(code=code, percent=percent, account=tax_account(code)) for code, percent in sorted(taxes.items())
        ),
        items=tuple(
            ItemSeed(sku=product.sku, name=product.name, price=product.price, tax=product.tax_code)
            for product in day.products
        ),
        locations=(
            LocationSeed(code=day.dc, name="Distribution centre", zones=True),
            *(LocationSeed(code=store.code, name=store.name) for store in day.stores),
        ),
        stock=tuple(
            StockSeed(location=row.location, sku=row.sku, quantity=Decimal(row.quantity)) for row in day.opening_stock
        ),
        journals=(JournalSeed(code="STORE", name="Store days"),),
        services=(
            ServiceSeed(code=SHIPPING, name="Shipping", account="4010"),
            ServiceSeed(code=ROUNDING, name="Rounding", account="4091"),
        ),
        web_shop=WEB_SHOP,
    )


def web_pool(day: TradingDay) -> tuple[str, ...]:
    """Locations that serve the web shop: the DC first, then a few stores."""
    return (day.dc, *(store.code for store in day.stores[:WEB_POOL_STORES]))


def shop_seed(day: TradingDay) -> ShopSeed:
    """What the web shop knows: the same items at the same prices, no stock until the hub publishes it."""
    return ShopSeed(
        locations=(ShopLocation(SHOP_LOCATION),),
        items=tuple(
            ShopItem(
                sku=product.sku,
                title=product.name or product.sku,
                price=product.price,
                tax_rate=product.tax_percent / 100,
                barcode=product.barcode,
                stock={SHOP_LOCATION: 0},
            )
            for product in day.products
        ),
        name=f"{COMPANY} online",
        currency=CURRENCY,
        taxes_included=False,
        restore_per_s=1000,
        bucket_max=10_000,
    )


def write_estate(
    day: TradingDay, folder: Path, *, erp_url: str, erp_database: str, erp_user: str, shop_url: str
) -> None:
    """The estate's files, as a person would write them; secrets are references to the environment."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "retailer.yaml").write_text(_retailer(day), encoding="utf-8")
    (folder / "connections.yaml").write_text(
        _connections(day, erp_url=erp_url, erp_database=erp_database, erp_user=erp_user, shop_url=shop_url),
        encoding="utf-8",
    )


def _retailer(day: TradingDay) -> str:
    lines = [
        f"company: {{name: {COMPANY}, currency: {CURRENCY}, zone: America/New_York}}",
        "locations:",
        f"  - {{code: {day.dc}, name: Distribution centre, kind: warehouse, zone: America/New_York}}",
    ]
    lines += [
        f'  - {{code: "{store.code}", name: "{store.name}", kind: store, zone: {store.zone}, modes: [ship, pickup]}}'
        for store in day.stores
    ]
    pool = ", ".join(f'"{code}"' for code in web_pool(day))
    lines += [
        "channels:",
        f"  - {{code: web, name: Web shop, currency: {CURRENCY}, connection: shop, pool: [{pool}]}}",
        "safety_stock:",
        f"  - {{quantity: {KEPT_FOR_TILLS}}}",
        f"  - {{quantity: 0, location: {day.dc}}}",
        "channel_buffers:",
        "  - {channel: web, quantity: 1}",
        "ownership:",
        "  - {owner: store-operations, within: 4h}",
        "  - {type: intent_parked, owner: integration, within: 1h}",
        "  - {type: intent_refused, owner: integration, within: 1h}",
        "  - {type: receipt_gap, owner: finance, within: 1d}",
    ]
    return "\n".join(lines) + "\n"


def _connections(day: TradingDay, *, erp_url: str, erp_database: str, erp_user: str, shop_url: str) -> str:
    taxes = sorted({product.tax_code for product in day.products})
    accounts = [f"        {key}: '{code}'" for key, (code, _, _) in ACCOUNTS.items() if key != "revenue"]
    accounts += [f"        revenue.{code}: '{ACCOUNTS['revenue'][0]}'" for code in taxes]
    accounts += [f"        tax.{code}: '{tax_account(code)}'" for code in taxes]
    return "\n".join(
        [
            "connections:",
            "  - name: erp",
            "    connector: tryton",
            "    settings:",
            f"      url: {erp_url}",
            f"      database: {erp_database}",
            f"      user: {erp_user}",
            "      password: ${ERP_PASSWORD}",
            "      journal: STORE",
            f"      rounding_item: {ROUNDING}",
            "      web_customer: WEB",
            "      walk_in: WALKIN",
            "    lookups:",
            f"      tax: {{{', '.join(f'{code}: {code}' for code in taxes)}}}",
            f"      charge: {{'*': {SHIPPING}}}",
            f"      web_shop: {{web: {WEB_SHOP}}}",
            "      account:",
            *accounts,
            "  - name: shop",
            "    connector: shopify",
            "    channel: web",
            "    settings:",
            f"      url: {shop_url}",
            "      access_token: ${SHOP_TOKEN}",
            "      client_secret: ${SHOP_SECRET}",
            "    lookups:",
            "      taxes: {T7: Tax}",
            "  - name: tills",
            "    connector: pos",
            f"    settings: {{currency: {CURRENCY}}}",
            "flows:",
            "  - {kind: sale.post, connection: erp, priority: 10}",
            "  - {kind: shipment.post, connection: erp, priority: 20}",
            "  - {kind: invoice.post, connection: erp, priority: 30}",
            "  - {kind: sale.cancel, connection: erp, priority: 30}",
            "  - {kind: journal.post, connection: erp, priority: 40}",
            "  - {kind: goods_issue.post, connection: erp, priority: 50}",
            "  - {kind: stock.publish, connection: shop}",
            "  - {kind: fulfilment.report, connection: shop, priority: 10}",
            "  - {kind: order.cancel, connection: shop, priority: 10}",
            "",
        ]
    )
