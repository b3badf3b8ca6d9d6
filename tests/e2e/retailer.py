"""The retailer of these laws: its estate as files, its orders, receipts and goods."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from crossdock.canonical.stock import ItemDescribed
from crossdock.catalog import service as catalog
from crossdock.eventlog.service import Origin
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database
from crossdock.foundation.ids import new_id
from e2e.running import RunningHub, Told

DC, NORTH, SOUTH = "DC1", "S01", "S02"
TAX_PERCENT = Decimal("8.25")

RETAILER = f"""\
company: {{name: Corner Grocers, currency: USD, zone: America/New_York}}
locations:
  - {{code: {DC}, name: Distribution centre, kind: warehouse}}
  - {{code: {NORTH}, name: North, kind: store, modes: [ship, pickup]}}
  - {{code: {SOUTH}, name: South, kind: store, modes: [ship, pickup]}}
ownership:
  - {{owner: store-operations, within: 4h}}
  - {{type: order_unknown_item, owner: merchandising, within: 1h}}
  - {{type: message_unreadable, owner: integration, within: 30m}}
  - {{type: intent_parked, owner: integration, within: 1h}}
  - {{type: intent_refused, owner: integration, within: 1h}}
"""
API_CHANNEL = f"""\
channels:
  - {{code: web, name: Web, currency: USD, pool: [{DC}, {NORTH}]}}
"""
SHOP_CHANNEL = f"""\
channels:
  - {{code: web, name: Web, currency: USD, connection: shop, pool: [{DC}, {NORTH}]}}
"""
TILLS = """\
connections:
  - {name: tills, connector: pos, settings: {currency: USD}}
"""


def write_estate(folder: Path, **files: str) -> None:
    """`retailer=…` becomes retailer.yaml; an empty text removes it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        file = folder / f"{name}.yaml"
        if text:
            file.write_text(text, encoding="utf-8")
        else:
            file.unlink(missing_ok=True)


def shop_connection(url: str) -> str:
    return f"""\
connections:
  - name: shop
    connector: shopify
    channel: web
    settings: {{url: "{url}", access_token: "${{SHOP_TOKEN}}", client_secret: "${{SHOP_SECRET}}"}}
    lookups: {{taxes: {{standard: Tax}}}}
flows:
  - {{kind: stock.publish, connection: shop}}
  - {{kind: fulfilment.report, connection: shop, priority: 10}}
  - {{kind: order.cancel, connection: shop, priority: 10}}
"""


SHOP_SECRETS = {"SHOP_TOKEN": "rehearsal-access-token", "SHOP_SECRET": "rehearsal-client-secret"}


async def describe(hub: RunningHub, skus: Sequence[str]) -> None:
    """Items become known, as an ERP's feed makes them known."""
    items = [ItemDescribed(sku=sku, name=f"Item {sku}") for sku in skus]
    async with Database(hub.dsn, size_max=1) as database, database.transaction() as tx:
        await catalog.describe(tx, items, origin=Origin.begin("test"), now=SYSTEM_CLOCK.now())


async def stock(hub: RunningHub, kind: str, sku: str, location: str, quantity: int) -> Told:
    """One movement from the floor."""
    movement = {
        "document": "movement_recorded",
        "reference": str(new_id()),
        "kind": kind,
        "sku": sku,
        "location": location,
        "quantity": str(quantity),
        "happened_at": SYSTEM_CLOCK.now().isoformat(),
    }
    told = await hub.ask("POST", "/v1/stock/movements", {"movements": [movement]})
    assert told is not None
    assert told.status == 207, told
    return told


def order(name: str, sku: str, quantity: int = 1, **fields: object) -> Mapping[str, object]:
    """An order by our own API: two dollars a unit and standard tax on it."""
    net = 2 * Decimal(quantity)
    tax = (net * TAX_PERCENT / 100).quantize(Decimal("0.01"))
    return {
        "document": "order_placed",
        "channel": "web",
        "channel_order_id": name,
        "placed_at": "2026-11-21T12:00:00Z",
        "currency": "USD",
        "lines": [
            {
                "line_id": "1",
                "sku": sku,
                "quantity": str(quantity),
                "unit_price": "2.00",
                "taxes": [{"code": "standard", "amount": str(tax), "rate": str(TAX_PERCENT)}],
            }
        ],
        "total": str(net + tax),
        "customer": {"channel_customer_id": "77", "name": "Ann Example", "email": "ann@example.com"},
        "ship_to": {"name": "Ann Example", "lines": ["1 Main Street"], "city": "Salem", "postal_code": "97301", "country": "US"},
        **fields,
    }  # fmt: skip


def receipt(
    store: str, day: str, sequence: int, sku: str, quantity: int = 1, *, till: str = "1"
) -> "dict[str, object]":
    """A sale at two dollars a unit, standard tax inside, paid in cash."""
    total = 2 * Decimal(quantity)
    tax = (total * TAX_PERCENT / (100 + TAX_PERCENT)).quantize(Decimal("0.01"))
    return {
        "document": "sale_recorded",
        "store": store,
        "till": till,
        "business_day": day,
        "sequence": sequence,
        "ended_at": f"{day}T12:00:00+00:00",
        "currency": "USD",
        "kind": "sale",
        "total": str(total),
        "prices_include_tax": True,
        "lines": [
            {
                "number": 1,
                "sku": sku,
                "quantity": str(quantity),
                "amount": str(total),
                "taxes": [{"code": "standard", "amount": str(tax), "rate": str(TAX_PERCENT)}],
            }
        ],
        "tenders": [{"tender": "cash", "amount": str(total)}],
    }


def ndjson(*receipts: object) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in receipts)


async def upload(hub: RunningHub, body: bytes, kind: str = "application/x-ndjson") -> Told | None:
    """A store hands over its receipts by HTTP."""
    return await hub.ask("POST", "/v1/uploads/tills", raw=body, headers={"Content-Type": kind})


def poslog(store: str, day: str, *sequences: int, sku: str) -> bytes:
    """The same receipts as POSLog, one unit each."""
    tax = (2 * TAX_PERCENT / (100 + TAX_PERCENT)).quantize(Decimal("0.01"))
    transactions = "".join(
        f"""
  <Transaction>
    <RetailStoreID>{store}</RetailStoreID><WorkstationID>9</WorkstationID><SequenceNumber>{sequence}</SequenceNumber>
    <BusinessDayDate>{day}</BusinessDayDate><EndDateTime>{day}T12:00:00</EndDateTime>
    <CurrencyCode>USD</CurrencyCode>
    <RetailTransaction TransactionStatus="Finished">
      <LineItem><Sale>
        <ItemID>{sku}</ItemID><ExtendedAmount>2.00</ExtendedAmount><Quantity>1</Quantity>
        <Tax><Amount>{tax}</Amount><Percent>{TAX_PERCENT}</Percent><TaxGroupID>standard</TaxGroupID></Tax>
      </Sale></LineItem>
      <LineItem><Tender TenderType="Cash" TypeCode="Sale"><Amount>2.00</Amount></Tender></LineItem>
      <Total TotalType="TransactionGrandAmount">2.00</Total>
    </RetailTransaction>
  </Transaction>"""
        for sequence in sequences
    )
    return f'<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/">{transactions}\n</POSLog>\n'.encode()


def drop_file(hub: RunningHub, name: str, body: bytes) -> Path:
    """A store puts a file into its folder: whole, or not there."""
    folder = hub.home / "drop" / "tills"
    half = folder / f".{name}.tmp"
    half.write_bytes(body)
    return half.replace(folder / name)
