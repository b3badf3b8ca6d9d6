"""The one door: make the trading day, from the cache if the source was read before."""

import contextlib
import os
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from crossdock.simulation.retailer.catalogue import by_sku, products, stores
from crossdock.simulation.retailer.model import POSTING, DayRules, ReceiptKind, TenderKind, TradingDay
from crossdock.simulation.retailer.receipts import day_bounds, till_events
from crossdock.simulation.retailer.source import Extract, read_extract
from crossdock.simulation.retailer.stock import opening_stock
from crossdock.simulation.retailer.web import web_orders

DC: Final = "DC1"
WEB_SHOP: Final = "WEB"
EXTRACT_VERSION: Final = 1
"""Raised whenever the source is read differently, so that no older cache is taken for the new one."""


class StoreTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What a store's tills took on the day: the figure that the postings must meet to the cent."""

    store: str
    receipts: int
    gross: Decimal
    tax: Decimal
    tenders: tuple[tuple[TenderKind, Decimal], ...]


def load_day(rules: DayRules, cache: Path | None = None) -> TradingDay:
    """The day that *rules* describe. Reading the source takes a second or two once, later starts a fraction of one."""
    return make_day(rules, _extract(rules, cache or cache_folder()))


def make_day(rules: DayRules, extract: Extract) -> TradingDay:
    """Pure: equal rules and an equal extract make an equal day."""
    shops, items = stores(extract), products(extract)
    catalogue = by_sku(items)
    events = till_events(rules, extract, shops, catalogue)
    orders = web_orders(rules, extract, catalogue)
    levels, tight = opening_stock(rules, shops, items, dc=DC, events=events, orders=orders)
    opens, closes = day_bounds(rules)
    return TradingDay(
        rules=rules,
        opens_at=opens,
        closes_at=closes,
        stores=shops,
        dc=DC,
        web_shop=WEB_SHOP,
        products=items,
        opening_stock=levels,
        tight_skus=tight,
        events=events,
        web_orders=orders,
        source_rows=extract.rows,
        left_out=extract.left_out,
    )


def totals(day: TradingDay) -> tuple[StoreTotals, ...]:
    """Per store: sales less returns and post-voids. Money that came in is positive."""
    return tuple(_store_totals(day, store.code) for store in day.stores)


def _store_totals(day: TradingDay, store: str) -> StoreTotals:
    gross = tax = Decimal(0)
    tenders: dict[TenderKind, Decimal] = dict.fromkeys(TenderKind, Decimal(0))
    posting = [r for r in day.receipts if r.key.store == store and r.kind in POSTING]
    for receipt in posting:
        sign = 1 if receipt.kind is ReceiptKind.SALE else -1
        gross += sign * receipt.total
        tax += sign * receipt.tax
        for tender in receipt.tenders:
            tenders[tender.kind] += tender.incoming
    return StoreTotals(store=store, receipts=len(posting), gross=gross, tax=tax, tenders=tuple(tenders.items()))


def cache_folder() -> Path:
    """`CROSSDOCK_CACHE`, else the user's cache folder."""
    named = os.environ.get("CROSSDOCK_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "crossdock"


def _extract(rules: DayRules, folder: Path) -> Extract:
    asked: tuple[int, date, int, int] = (rules.stores, rules.source_first_day, rules.source_days, rules.skus)
    name = blake2b(f"{EXTRACT_VERSION}|{asked}".encode(), digest_size=6).hexdigest()
    path = folder / f"retailer-{name}.msgpack"
    # A cache that is missing, torn or of another shape is made again; it is never trusted.
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.msgpack.decode(path.read_bytes(), type=Extract)
    extract = read_extract(
        stores=rules.stores, first_day=rules.source_first_day, days=rules.source_days, skus=rules.skus
    )
    with contextlib.suppress(OSError):  # a folder that cannot be written costs a second at the next start, no more
        folder.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(f".{os.getpid()}.tmp")
        half.write_bytes(msgspec.msgpack.encode(extract))
        half.replace(path)
    return extract
