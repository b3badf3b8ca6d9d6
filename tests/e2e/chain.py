"""The whole chain: tills and a web shop, the hub, and a real ERP behind a line that can lose answers."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.simulation.erp import Erp
from crossdock.simulation.shop import Order, Purchase, PurchaseLine, open_shop
from e2e.line import Line, open_line
from e2e.quick_erp import installed
from e2e.retailer import RETAILER, SHOP_CHANNEL, SHOP_SECRETS, TILLS, shop_connection, write_estate
from e2e.running import RunningHub, hub_in, until
from e2e.shopping import Corner, shop_seed, vendor_specs

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Chain(Corner):
    """All of it."""

    erp: Erp
    line: Line

    def buy(self, sku: str, quantity: int = 1) -> Order:
        """A customer's order in the web shop."""
        placed = self.shop.shop.place_order(Purchase(lines=(PurchaseLine(sku, quantity),)))
        assert isinstance(placed, Order), placed
        return placed

    async def order(self, bought: Order) -> "dict[str, object]":
        """The one order in the hub that a purchase became."""
        found = [one for one in await self.hub.orders() if one["channel_order_id"] == str(bought.id)]
        assert len(found) == 1, found
        return found[0]

    async def stuck(self) -> "list[dict[str, object]]":
        """What should have reached somebody and waits for a person."""
        return [
            intent
            for state in ("parked", "refused")
            for intent in await self.hub.pages(f"/v1/intents?only={state}", "intents")
        ]

    async def sales(self) -> Mapping[str, int]:
        """How many sales the ERP has by our reference."""
        return Counter(sale.web_id for sale in await asyncio.to_thread(lambda: self.erp.books().sales()))

    async def shipments(self) -> Mapping[str, int]:
        """How many shipments the ERP has by our reference, cancelled ones aside."""
        seen = await asyncio.to_thread(lambda: self.erp.books().shipments())
        return Counter(each.reference for each in seen if each.state != "cancelled")

    async def invoices(self) -> Mapping[str, int]:
        """How many posted invoices bill each of our references."""
        seen = await asyncio.to_thread(lambda: self.erp.books().invoices())
        return Counter(sale for each in seen if each.state in {"posted", "paid"} for sale in each.sales)

    async def journals(self) -> Mapping[str, int]:
        """How many posted journals the ERP has by our reference."""
        seen = await asyncio.to_thread(lambda: self.erp.books().journals())
        return Counter(each.reference for each in seen if not each.origin)

    async def stock_differences(self) -> "dict[str, tuple[Decimal, Decimal]]":
        """Where hub and ERP disagree about goods in hand: ours, theirs."""
        theirs = await asyncio.to_thread(lambda: self.erp.books().stock())
        ours = {place: Decimal(str(row["on_hand"])) for place, row in (await self.hub.positions()).items()}
        return {
            f"{sku} at {place}": (ours.get((sku, place), ZERO), theirs.get((sku, place), ZERO))
            for sku, place in {*ours, *theirs}
            if ours.get((sku, place), ZERO) != theirs.get((sku, place), ZERO)
        }

    async def fulfilled(self) -> "dict[str, str]":
        """What the web shop shows its customers, by order id."""
        return {str(one.id): one.fulfillment_status or "" for one in self.shop.shop.books.orders.values()}


def erp_connection(erp: Erp, url: str) -> str:
    return f"""\
connections:
  - name: erp
    connector: quick_erp
    settings:
      url: "{url}"
      database: {erp.database}
      user: {erp.user}
      password: "${{ERP_PASSWORD}}"
      journal: TILLS
      rounding_item: ROUNDING
      web_customer: WEB
      walk_in: WALKIN
    lookups:
      tax: {{standard: STANDARD, reduced: REDUCED}}
      charge: {{"*": SHIPPING}}
      web_shop: {{web: Web shop}}
      account:
        tender.cash: CASH
        tender.card: CARD
        revenue.standard: STORES
        revenue.reduced: STORES
        tax.standard: TAX
        tax.reduced: TAX
        rounding: ROUND
        over_short: ROUND
flows:
  - {{kind: sale.post, connection: erp, priority: 10}}
  - {{kind: shipment.post, connection: erp, priority: 20}}
  - {{kind: invoice.post, connection: erp, priority: 30}}
  - {{kind: sale.cancel, connection: erp, priority: 30}}
  - {{kind: journal.post, connection: erp, priority: 40}}
  - {{kind: goods_issue.post, connection: erp, priority: 50}}
"""


async def commands(hub: RunningHub, *wanted: Sequence[str]) -> None:
    """One after the other; each must succeed."""
    for words in wanted:
        said = await hub.command(*words)
        # What one side does not have (the shop sells no gift wrapping) is a finding, told with exit code 1.
        assert said.code == 0 or words[0] == "match", said


@asynccontextmanager
async def open_chain(folder: Path, erp: Erp, skus: Sequence[str]) -> AsyncIterator[Chain]:
    """Trading: everything matched, opening stock read from the ERP, stock shown in the shop."""
    async with (
        open_shop(shop_seed(skus), clock=SYSTEM_CLOCK, specs=vendor_specs()) as shop,
        open_line(lambda: urlsplit(erp.base_url).port or 0) as line,
        hub_in(folder, {**SHOP_SECRETS, **installed(folder / "site"), "ERP_PASSWORD": erp.password}) as hub,
    ):
        write_estate(
            hub.estate,
            retailer=RETAILER,
            channels=SHOP_CHANNEL,
            tills=TILLS,
            shop=shop_connection(shop.url),
            erp=erp_connection(erp, line.url),
        )
        await hub.start()
        await hub.make_keys()
        await asyncio.gather(
            commands(hub, ("load", "erp", "items"), ("match", "erp", "--apply"), ("load", "erp", "stock")),
            commands(hub, ("connection", "register", "shop", "--public-url", hub.url)),
        )
        await commands(hub, ("match", "shop", "sku", "--apply"))
        trading = Chain(hub, shop, erp, line)

        async def shown() -> bool:
            return all(trading.shown(sku) for sku in skus)

        await until(shown, "the shop shows stock of everything")
        await hub.settled()
        yield trading
