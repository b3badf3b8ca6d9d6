"""Receipts as JSON lines."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from crossdock.canonical.orders import Person
from crossdock.canonical.receipts import ReceiptKind, SaleRecorded
from crossdock.canonical.stock import Component, HandlingUnit, ItemDescribed
from crossdock.connector_kit.model import Damaged, Decoded
from crossdock.connector_kit.record import Undecodable
from crossdock.connectors.pos.ndjson import FOREIGN_LINES_MAX, decode_ndjson

from .pos_files import damage, read, receipt, received

LINE: dict[str, object] = {"number": 1, "sku": "A1", "quantity": 2, "amount": "3.00"}
GOOD: dict[str, object] = {
    "store": "7", "till": "2", "business_day": "2026-11-27", "sequence": 41, "ended_at": "2026-11-27T18:05:00",
    "currency": "USD", "total": 3.00, "lines": [LINE], "tenders": [{"tender": "cash", "amount": 3}],
}  # fmt: skip


def lines(*entries: dict[str, object]) -> str:
    return "\n".join(json.dumps(entry) for entry in entries)


def test_a_receipt_reads_with_exact_money_and_the_stores_time() -> None:
    (found,) = read(decode_ndjson, received(lines(GOOD)))

    assert receipt(found).total == Decimal("3.00")
    assert receipt(found).ended_at == datetime(2026, 11, 27, 23, 5, tzinfo=UTC)
    assert receipt(found).lines[0].quantity == 2


def test_a_loyalty_customer_is_told_beside_the_receipt_and_not_in_it() -> None:
    customer = {"channel_customer_id": 4000066677, "email": "ann@example.org"}
    named, unnamed = read(decode_ndjson, received(lines(GOOD | {"customer": customer}, GOOD | {"sequence": 42})))

    assert isinstance(named, Decoded)
    assert isinstance(unnamed, Decoded)
    assert named.persons == (Person(channel_customer_id="4000066677", email="ann@example.org"),)
    assert unnamed.persons == ()
    assert "4000066677" not in str(named.document)


def test_a_bad_line_leaves_its_neighbours_alone_and_says_where() -> None:
    bad = GOOD | {"lines": [LINE | {"quantity": "two"}]}
    body = lines(GOOD) + "\n\n" + lines(bad, GOOD | {"sequence": 42})
    first, second, third = read(decode_ndjson, received(body))

    assert receipt(first).sequence + 1 == receipt(third).sequence
    assert damage(second) == 'line 3: $.lines[0].quantity: wanted number, got "two"'
    assert isinstance(second, Damaged)
    assert second.key == "receipt/7/2/2026-11-27/41"
    assert json.loads(second.raw) == bad


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"store": None}, "$.store: wanted text or integer, got nothing"),
        ({"till": " "}, "$.till: wanted 1 to 64 characters"),
        ({"sequence": -1}, "$.sequence: wanted a whole number from 0, got -1"),
        ({"sequence": 2**70}, "$.sequence: wanted "),
        ({"currency": "usd"}, "line 1: $.currency: must be an ISO 4217 currency code like EUR, got 'usd'"),
        ({"total": "1e30"}, "$.total: has more than 18 digits"),
        ({"kind": "gift"}, '$.kind: wanted one of sale, void, control, cancelled, training, got "gift"'),
        ({"kind": "void"}, "$.voids: is required when kind is void"),
        ({"total": "1_000"}, '$.total: wanted number, got "1_000"'),
        ({"total": "\u0661"}, '$.total: wanted number, got "\u0661"'),
        ({"total": " 1"}, '$.total: wanted number, got " 1"'),
        ({"document": "order"}, '$.document: wanted "sale_recorded", "item_described" or "trailer", got "order"'),
        ({"lines": [LINE | {"quantity": 0}]}, '$.lines[0].quantity: wanted a quantity above 0, got "0"'),
        ({"ended_at": "0001-01-01T00:00:00+14:00"}, "line 1: $"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, object], message: str) -> None:
    (found,) = read(decode_ndjson, received(lines(GOOD | change)))

    assert message in damage(found)


def test_the_hubs_own_receipt_document_is_a_line() -> None:
    (found,) = read(decode_ndjson, received(lines(GOOD)))
    document = receipt(found)

    (again,) = read(decode_ndjson, received(msgspec.json.encode(document)))

    assert receipt(again) == document
    assert msgspec.json.decode(msgspec.json.encode(document), type=SaleRecorded) == document


def test_what_posts_nothing_carries_no_money() -> None:
    (found,) = read(decode_ndjson, received(lines(GOOD | {"kind": "training"})))

    assert receipt(found).kind is ReceiptKind.TRAINING
    assert not any((receipt(found).total, receipt(found).lines, receipt(found).tenders))


def test_a_void_waits_for_its_receipt() -> None:
    key = {"store": "7", "till": "2", "business_day": "2026-11-27", "sequence": 40}
    (found,) = read(decode_ndjson, received(lines(GOOD | {"kind": "void", "voids": key})))

    assert isinstance(found, Decoded)
    assert found.waits_for == "receipt/7/2/2026-11-27/40"


@pytest.mark.parametrize(("count", "whole"), [(1, True), (2, False), ("one", False), (None, False)])
def test_a_trailer_proves_that_the_file_is_whole(count: object, *, whole: bool) -> None:
    found = read(decode_ndjson, received(lines(GOOD, {"document": "trailer", "count": count})))

    assert isinstance(found[0], Decoded)
    assert whole is (len(found) == 1)
    if not whole:
        assert damage(found[1]).startswith("line 2: $.count: ")


def test_a_file_cut_off_yields_what_came_before() -> None:
    body = lines(GOOD, GOOD | {"sequence": 42})
    first, second = read(decode_ndjson, received(body[:-20]))

    assert isinstance(first, Decoded)
    assert damage(second).startswith("line 2: $: not JSON")


def test_a_file_of_something_else_is_refused_whole() -> None:
    with pytest.raises(Undecodable, match="not newline-delimited receipts"):
        read(decode_ndjson, received("a,b,c\n" * (FOREIGN_LINES_MAX + 1)))


ITEM: dict[str, object] = {"document": "item_described", "sku": "SET", "name": "Tea set", "category": "gifts.tea"}


def test_a_line_may_describe_an_item() -> None:
    whole = ITEM | {"components": [{"sku": "TEA", "quantity": "0.5"}], "units": [{"code": "case", "factor": "6"}]}
    (found, sale) = read(decode_ndjson, received(lines(whole, GOOD)))

    assert isinstance(found, Decoded)
    assert found.key == "item/SET"
    assert found.document == ItemDescribed(
        sku="SET",
        name="Tea set",
        category="gifts.tea",
        components=(Component(sku="TEA", quantity=Decimal("0.5")),),
        units=(HandlingUnit(code="case", factor=Decimal(6)),),
    )
    assert receipt(sale).sequence == GOOD["sequence"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": 1}, "line 1: $.name: wanted text, got 1"),
        ({"category": "gifts..tea"}, "$.category: wanted names divided by single points, like food.dairy.milk"),
        (
            {"components": [{"sku": "SET", "quantity": "1"}]},
            "line 1: $.components[0].sku: must not name the item itself",
        ),
        ({"order_multiple": "1_0"}, '$.order_multiple: wanted a decimal number like "12.50", got "1_0"'),
    ],
)
def test_an_item_that_cannot_be_read_is_set_aside_under_its_key(change: dict[str, object], message: str) -> None:
    (found,) = read(decode_ndjson, received(lines(ITEM | change)))

    assert message in damage(found)
    assert isinstance(found, Damaged)
    assert found.key == "item/SET"


def test_a_line_that_says_a_thing_twice_is_set_aside() -> None:
    twice = lines(GOOD).replace('"total":', '"total": "1", "total":')
    (found,) = read(decode_ndjson, received(twice))
    (item,) = read(decode_ndjson, received(lines(ITEM).replace('"name":', '"name": "Other", "name":')))

    assert "$.total: stands twice in this object" in damage(found)
    assert "$.name: stands twice in this object" in damage(item)


def test_one_name_has_one_spelling() -> None:
    (found,) = read(decode_ndjson, received(lines(GOOD | {"lines": [LINE | {"sku": "cafe\u0301"}]})))

    assert receipt(found).lines[0].sku == "caf\u00e9"


@pytest.mark.parametrize("body", [b"", b"\n \n"])
def test_a_file_without_a_receipt_is_set_aside_unless_its_trailer_says_so(body: bytes) -> None:
    with pytest.raises(Undecodable, match="the file holds no receipt, and no trailer that says so"):
        read(decode_ndjson, received(body))
    assert read(decode_ndjson, received(b'{"document": "trailer", "count": 0}\n')) == []
