"""Every fact that needs a person becomes a matter with owner, clock and remedy; every other fact becomes none."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import msgspec
import pytest

import crossdock
from crossdock.canonical import facts
from crossdock.canonical.base import Document, LocationCode
from crossdock.canonical.receipts import ReceiptRef
from crossdock.canonical.stock_facts import DifferingLine
from crossdock.estate.model import Ownership
from crossdock.operations.model import ExceptionState, OpenException
from crossdock.operations.remedies import (
    REMEDIES,
    TYPES,
    CauseAbout,
    ConnectionAbout,
    HoldAbout,
    IdentityAbout,
    IntentAbout,
    OutsideAbout,
    RecordAbout,
    StoreAbout,
    about,
    remedy_of,
)
from crossdock.operations.rules import matter_of, order_of, owner_of, settled_by
from crossdock.orders.model import HoldCode

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
ID = "019a7c3e-0000-7000-8000-000000000000"
STORE = LocationCode("S1")
REF = ReceiptRef(store=STORE, till="1", business_day=date(2026, 11, 27), sequence=7)
INTENT: Mapping[str, object] = {
    "intent_id": ID,
    "kind": "sale.post",
    "connection": "erp",
    "reference": "r",
    "subject": f"order/{ID}",
}
MESSAGE: Mapping[str, object] = {"message_id": ID, "record": 3, "connection": "shop", "feed": "orders"}
GAP: Mapping[str, object] = {
    "store": STORE,
    "till": "1",
    "business_day": date(2026, 11, 27),
    "missing_from": 5,
    "missing_to": 6,
}

Kind = TypeVar("Kind", bound=Document)


def say(kind: type[Kind], /, **fields: object) -> Kind:
    """A fact from its fields."""
    return msgspec.convert(fields, kind, from_attributes=False, strict=False)


NEEDING: Sequence[tuple[Document, object, Document | None]] = [
    (
        say(facts.MessageQuarantined, **MESSAGE, path="$.a", reason="wanted text"),
        RecordAbout(message_id=UUID(ID), number=3),
        say(facts.MessageSettled, **MESSAGE, outcome="applied"),
    ),
    (
        say(facts.MessageRejected, **MESSAGE, path="$", reason="contradicts"),
        RecordAbout(message_id=UUID(ID), number=3),
        say(facts.MessageSettled, **MESSAGE, outcome="dismissed"),
    ),
    (
        say(facts.MessageOverdue, **MESSAGE, waits_for="order/1"),
        RecordAbout(message_id=UUID(ID), number=3),
        say(facts.MessageSettled, **MESSAGE, outcome="applied"),
    ),
    (
        facts.OrderHeld(order_id=ID, hold="unknown_sku", reason="no item A"),
        HoldAbout(order_id=UUID(ID), hold="unknown_sku"),
        facts.OrderHoldReleased(order_id=ID, hold="unknown_sku"),
    ),
    (
        say(facts.IntentRefused, **INTENT, reason="closed"),
        IntentAbout(intent_id=UUID(ID)),
        say(facts.IntentLanded, **INTENT, document_id="D1", landed_at=NOW),
    ),
    (
        say(facts.IntentParked, **INTENT, cause="identity:sku:A/1", reason="not matched"),
        IdentityAbout(connection="erp", kind="sku"),
        None,
    ),
    (
        say(facts.MessageUnmatched, **MESSAGE, path="$.item", reason="not matched", lacks="theirs:location:W/1"),
        IdentityAbout(connection="shop", kind="location"),
        None,
    ),
    (
        say(facts.MessageUnmatched, **MESSAGE, path="$.store", reason="no zone", lacks="location:S/9"),
        StoreAbout(code="S/9"),
        None,
    ),
    (
        say(facts.IntentParked, **INTENT, cause="lookup:tax:a/b", reason="missing"),
        CauseAbout(connection="erp", cause="lookup:tax:a/b"),
        None,
    ),
    (
        facts.ConnectionBroken(connection="erp", reason="password"),
        ConnectionAbout(name="erp"),
        facts.ConnectionRestored(connection="erp"),
    ),
    (
        facts.FeedSilent(connection="erp", feed="items", silent_since=NOW),
        OutsideAbout(),
        facts.FeedHeard(connection="erp", feed="items", silent_since=NOW),
    ),
    (
        facts.FileChanged(
            connection="tills", feed="receipts", file="done/2026-11-27/a.xml", version=2, message_id=ID, follows=ID
        ),
        OutsideAbout(),
        None,
    ),
    (
        facts.ReceiptRecorded(receipt_id=ID, ref=REF, total=Decimal(10), currency="USD", booked=False),
        OutsideAbout(),
        None,
    ),
    (
        say(facts.TillsSilent, store=STORE, tills=("1", "2"), silent_since=NOW),
        OutsideAbout(),
        say(facts.TillsHeard, store=STORE, tills=("2",)),
    ),
    (say(facts.ReceiptGapFound, **GAP), OutsideAbout(), say(facts.ReceiptGapClosed, **GAP)),
    (
        facts.ReceiptUnsound(receipt_id=ID, ref=REF, difference=Decimal("-0.10"), currency="EUR"),
        OutsideAbout(),
        None,
    ),
    (
        facts.ReceiptConflict(receipt_id=ID, ref=REF, reason="another total", total=Decimal(5), currency="EUR"),
        OutsideAbout(),
        None,
    ),
    (
        facts.ItemUnknown(sku="A", location=STORE, subject="receipt/1"),
        OutsideAbout(),
        facts.ItemChanged(sku="A", name="Milk", active=True),
    ),
    (facts.StockShort(sku="A", location=STORE, short=Decimal(2), cause="count"), OutsideAbout(), None),
    (
        facts.StockDiscrepancy(sku="A", location=STORE, ours=Decimal(1), theirs=Decimal(9), cause="erp"),
        OutsideAbout(),
        None,
    ),
    (
        facts.TransferDiscrepancy(
            transfer_id="T-1", from_location=STORE, to_location=LocationCode("S02"),
            lines=(DifferingLine(sku="A", shipped=Decimal(6), received=Decimal(4)),),
        ),
        OutsideAbout(),
        facts.TransferSettled(transfer_id="T-1", reason="counted"),
    ),
    (
        facts.OrderBackordered(order_id=ID, number="#1042", lines=(), since=NOW, reason="web does not"),
        OutsideAbout(),
        facts.OrderBackorderEnded(order_id=ID),
    ),
    (
        facts.OrderGoodsGone(
            order_id=ID, number="#1", sku="A", location=STORE, quantity=Decimal(1), cause="issue x", promised_by=NOW
        ),
        OutsideAbout(),
        None,
    ),
]  # fmt: skip
LOOKED_AT = {"stock_short", "stock_discrepancy"}
"""Types for which looking, counting and correcting is all there is."""
NAMES = [type(fact).__name__ for fact, _, _ in NEEDING]


def opened(fact: Document) -> OpenException:
    matter = matter_of(fact)
    assert matter is not None, fact
    owner, due_at = owner_of(matter.type, (), NOW)
    return OpenException(
        id=UUID(ID),
        type=matter.type,
        key=matter.key,
        subject=matter.subject,
        path=matter.path,
        detail=matter.detail,
        owner=owner,
        state=ExceptionState.OPEN,
        opened_at=NOW,
        due_at=due_at,
        occurrences=1,
        amount=matter.amount,
        currency=matter.currency,
        correlation_id=UUID(ID),
        closed_at=None,
        resolution=None,
    )


@pytest.mark.parametrize(("fact", "what"), [(fact, what) for fact, what, _ in NEEDING], ids=NAMES)
def test_what_an_exception_is_about_is_read_back_from_its_key(fact: Document, what: object) -> None:
    assert about(opened(fact)) == what


@pytest.mark.parametrize("fact", [fact for fact, _, _ in NEEDING], ids=NAMES)
def test_every_exception_says_what_to_repair_and_has_a_way_out(fact: Document) -> None:
    remedy = remedy_of(opened(fact).type)

    assert remedy.todo.endswith(".")
    assert remedy.release or remedy.dismiss


@pytest.mark.parametrize(
    ("fact", "settling"), [(fact, settling) for fact, _, settling in NEEDING if settling is not None]
)
def test_a_fact_that_settles_a_matter_closes_exactly_that_one(fact: Document, settling: Document) -> None:
    assert settled_by(settling) == (opened(fact).key,)
    assert matter_of(settling) is None


def test_every_fact_is_either_in_this_list_or_needs_nobody() -> None:
    needing = {type(fact) for fact, _, _ in NEEDING}
    registered = set(matter_of.registry) - {object}

    assert registered == needing


def test_a_store_is_silent_until_all_of_its_tills_speak() -> None:
    assert settled_by(say(facts.TillsHeard, store=STORE, tills=("2",), still_silent=("1",))) == ()


def test_a_receipt_in_a_currency_that_is_booked_needs_nobody() -> None:
    assert matter_of(facts.ReceiptRecorded(receipt_id=ID, ref=REF, total=Decimal(10), currency="EUR")) is None


def test_every_type_that_a_fact_opens_is_known_as_a_type() -> None:
    assert {opened(fact).type for fact, _, _ in NEEDING} <= TYPES


def test_every_hold_leads_to_the_same_remedy() -> None:
    assert {remedy_of(f"order_{hold.value}") for hold in HoldCode} == {remedy_of("order_manual")}


def test_every_type_that_any_room_opens_has_a_remedy_and_no_remedy_is_for_nothing() -> None:
    opened_by_rooms = {
        found
        for file in Path(crossdock.__file__).parent.rglob("*.py")
        for found in re.findall(r'(?:Matter\(\s*type=|^TYPE: Final = )"(\w+)"', file.read_text(), re.MULTILINE)
    }

    without = opened_by_rooms - set(REMEDIES) - LOOKED_AT
    assert without == set(), f"say in operations/remedies.py what people can do about {without}"
    assert set(REMEDIES) <= opened_by_rooms


@pytest.mark.parametrize("type_name", ["order_cancelled_after_posting", "stock_short", "somebody_elses_type"])
def test_what_only_people_can_settle_is_read_whatever_its_key(type_name: str) -> None:
    exception = replace(opened(NEEDING[0][0]), type=type_name, key="any/thing/at all")

    assert about(exception) == OutsideAbout()


def test_the_last_matching_rule_owns_and_sets_the_clock() -> None:
    rules = [
        Ownership(owner="operations", within="1d"),
        Ownership(owner="finance", type="receipt_unsound", within="2h"),
        Ownership(owner="stores", type="receipt_gap", within="30m"),
    ]

    assert owner_of("receipt_unsound", rules, NOW) == ("finance", NOW + timedelta(hours=2))
    assert owner_of("receipt_gap", rules, NOW) == ("stores", NOW + timedelta(minutes=30))
    assert owner_of("stock_short", rules, NOW) == ("operations", NOW + timedelta(days=1))
    assert owner_of("stock_short", (), NOW) == ("operations", NOW + timedelta(hours=4))
    assert owner_of("currency_foreign", (), NOW) == ("finance", NOW + timedelta(hours=4))


@pytest.mark.parametrize(
    ("subject", "found"), [(f"order/{ID}", UUID(ID)), ("order/1042", None), (f"stock/{ID}", None), ("", None)]
)
def test_an_order_is_recognised_by_our_id_alone(subject: str, found: UUID | None) -> None:
    assert order_of(subject) == found
