"""Does everything agree? Adds up what each system says of itself; shares no code with the hub's rules."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import msgspec

from crossdock.canonical.money import money
from crossdock.simulation.erp import InvoiceSeen, JournalSeen, SaleSeen
from crossdock.simulation.retailer.model import CURRENCY, POSTING, TradingDay
from crossdock.simulation.shop.audit import Readout, read_out
from crossdock.simulation.trading_day.feed import Feed
from crossdock.simulation.trading_day.hub import HubProcess
from crossdock.simulation.trading_day.play import Outside
from crossdock.simulation.trading_day.seeds import ACCOUNTS
from crossdock.simulation.trading_day.stage import Stage

ZERO: Final = Decimal(0)
SHOWN: Final = 5
PROMISES: Final = frozenset({"hold", "hold_release", "allocate", "release", "consume"})
"""Movements that are promises or end one: the database refuses them where they would raise `short`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One thing that must be true."""

    text: str
    holds: bool
    figures: str
    """Both sides of the comparison, as counted."""
    differences: tuple[str, ...] = ()


class Position(msgspec.Struct, frozen=True):
    """A row of GET /v1/stock/positions, as far as the proof needs it."""

    sku: str
    location: str
    on_hand: Decimal
    held: Decimal
    allocated: Decimal
    short: Decimal


class Positions(msgspec.Struct, frozen=True):
    """A page of them."""

    positions: list[Position]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """What every system says at the end of the day."""

    day: TradingDay
    outside: Outside
    feed: Feed
    positions: Sequence[Position]
    shop: Readout
    sales: Sequence[SaleSeen]
    invoices: Sequence[InvoiceSeen]
    journals: Sequence[JournalSeen]
    erp_stock: Mapping[tuple[str, str], Decimal]


async def prove(stage: Stage, outside: Outside) -> Sequence[Claim]:
    """Read everything, compare everything; the first claim that does not hold fails the day."""
    await stage.feed.read()
    accounts = await _read(stage, outside)
    return [claim(accounts) for claim in CLAIMS]


async def _read(stage: Stage, outside: Outside) -> Accounts:
    books = stage.erp.books()
    opened = stage.shop
    return Accounts(
        day=stage.day,
        outside=outside,
        feed=stage.feed,
        positions=await _positions(stage.hub),
        shop=read_out(opened.shop.books, opened.courier, opened.shop.faults.struck),
        sales=await asyncio.to_thread(books.sales),
        invoices=await asyncio.to_thread(books.invoices),
        journals=await asyncio.to_thread(books.journals),
        erp_stock=await asyncio.to_thread(books.stock),
    )


async def _positions(hub: HubProcess) -> Sequence[Position]:
    found: list[Position] = []
    after = ""
    while True:
        page = await hub.get(f"/v1/stock/positions?limit=200&after={after}", Positions)
        found += page.positions
        if page.next is None:
            return found
        after = page.next


def _receipts(said: Accounts) -> Claim:
    """Every posting receipt that a till rang up is in the books once."""
    rung_up = [receipt for receipt in said.day.receipts if receipt.kind in POSTING]
    return _equal("Receipts rung up = receipts in the books", len(rung_up), said.feed.counts["receipt.recorded"])


def _orders(said: Accounts) -> Claim:
    return _equal("Web orders bought = orders in the hub", len(said.shop.orders), len(said.feed.orders))


def _one_document(said: Accounts) -> Claim:
    """By the order's reference: none missing, none double, none that nobody ordered."""
    wanted = Counter(order_id for order_id, order in said.feed.orders.items() if not order.cancelled)
    found = Counter(sale.web_id for sale in said.sales)
    differences = [
        f"{web_id}: {found[web_id]} sales" for web_id in {*wanted, *found} if wanted[web_id] != found[web_id]
    ]
    return Claim(
        text="Exactly one ERP sale per order",
        holds=not differences,
        figures=f"{sum(wanted.values())} orders, {sum(found.values())} sales",
        differences=tuple(differences[:SHOWN]),
    )


def _stock(said: Accounts) -> Claim:
    ours = {(row.sku, row.location): row.on_hand for row in said.positions if row.on_hand}
    theirs = dict(said.erp_stock)
    differences = [
        f"{sku} at {location}: hub {ours.get((sku, location), ZERO)}, ERP {theirs.get((sku, location), ZERO)}"
        for sku, location in sorted({*ours, *theirs})
        if ours.get((sku, location), ZERO) != theirs.get((sku, location), ZERO)
    ]
    return Claim(
        text="Stock in the hub = stock in the ERP, for every SKU and location",
        holds=not differences,
        figures=f"{len({*ours, *theirs})} positions, {sum(ours.values(), ZERO):f} and {sum(theirs.values(), ZERO):f} units",
        differences=(f"{len(differences)} differ", *differences[:SHOWN]) if differences else (),
    )


def _nothing_open(said: Accounts) -> Claim:
    open_claims = sum((row.held + row.allocated for row in said.positions), ZERO)
    return _equal("No unit is left promised and unshipped", ZERO, open_claims)


def _nothing_promised_twice(said: Accounts) -> Claim:
    """More can be promised than is there only when the floor takes goods away: never by a promise."""
    by_promise = [f"{position}: {cause}" for position, cause in said.feed.shorts if cause.split()[0] in PROMISES]
    short = sum((row.short for row in said.positions), ZERO)
    return Claim(
        text="The hub promised no unit that was not there, the shop sold none that it was not shown",
        holds=not by_promise and short == 0 and said.shop.oversold_units == 0,
        figures=f"{len(by_promise)} promises without goods, {short:f} units short now, "
        f"{said.shop.oversold_units} oversold in the shop",
        differences=tuple(by_promise[:SHOWN]),
    )


def _taken_by_tills(said: Accounts) -> Claim:
    """A till sells what lies on the shelf, promised or not: that cannot be refused, but somebody must know of it."""
    unnoticed = sorted(
        {position for position, _ in said.feed.shorts if ("stock_short", position) not in said.feed.matters}
    )
    return Claim(
        text="Each time a till sold a promised unit first, somebody was told",
        holds=not unnoticed,
        figures=f"{len(said.feed.shorts)} times, {len(unnoticed)} without an exception",
        differences=tuple(unnoticed[:SHOWN]),
    )


def _till_money(said: Accounts) -> Claim:
    """Σ receipts = Σ what the journals debit to the tender accounts, to the cent."""
    receipts = sum((receipt.incoming for receipt in said.day.receipts if receipt.kind in POSTING), ZERO)
    tenders = {code for key, (code, _, _) in ACCOUNTS.items() if key.startswith("tender.")}
    posted = sum(
        (line.debit - line.credit for journal in said.journals for line in journal.lines if line.account in tenders),
        ZERO,
    )
    return _equal_money("Money in the tills = money on the ERP's tender accounts", receipts, posted)


def _web_money(said: Accounts) -> Claim:
    waiting = sum((said.feed.orders[order_id].total for order_id in said.feed.waiting), ZERO)
    bought = sum((order.total for order in said.shop.orders), ZERO) - waiting
    invoiced = sum((invoice.total for invoice in said.invoices if invoice.state in {"posted", "paid"}), ZERO)
    return _equal_money("Money of web orders that have their goods = money on posted invoices", bought, invoiced)


def _journals(said: Accounts) -> Claim:
    stores = len({event.key.store for event in said.day.receipts if event.kind in POSTING})
    balanced = all(sum((line.debit - line.credit for line in one.lines), ZERO) == 0 for one in said.journals)
    closed = sum(1 for journal in said.journals if journal.journal == "STORE")
    return Claim(
        text="One balanced journal per store",
        holds=balanced and closed == stores,
        figures=f"{stores} stores, {closed} journals",
    )


def _reported_back(said: Accounts) -> Claim:
    fulfilled = sum(1 for order in said.shop.orders if order.fulfillment_status == "fulfilled")
    shipped = len(said.feed.orders) - len(said.feed.waiting)
    return _equal("Orders shipped = orders that the shop shows as fulfilled", shipped, fulfilled)


def _without_goods(said: Accounts) -> Claim:
    """Whose goods a till took, and for whom there are no others: that order waits, and is not forgotten."""
    unnoticed = sorted(
        each for each in said.feed.waiting if ("order_backordered", f"order/{each}") not in said.feed.matters
    )
    return Claim(
        text="Each order that is left without goods was handed to somebody",
        holds=not unnoticed,
        figures=f"{len(said.feed.waiting)} orders, {len(unnoticed)} without an exception",
        differences=tuple(unnoticed[:SHOWN]),
    )


CLAIMS: Final[Sequence[Callable[[Accounts], Claim]]] = (
    _receipts,
    _orders,
    _one_document,
    _stock,
    _nothing_open,
    _nothing_promised_twice,
    _taken_by_tills,
    _without_goods,
    _till_money,
    _web_money,
    _journals,
    _reported_back,
)


def _equal_money(text: str, wanted: Decimal, found: Decimal) -> Claim:
    figures = f"{money(wanted, CURRENCY)} and {money(found, CURRENCY)}"
    return Claim(text=text, holds=wanted == found, figures=figures)


def _equal(text: str, wanted: "int | Decimal", found: "int | Decimal") -> Claim:
    return Claim(text=text, holds=wanted == found, figures=f"{wanted} and {found}")
