"""What is written can be read, exactly; what nobody could mean is refused, with its place."""

import re
from typing import TypeAlias

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from canonical.kinds import KINDS, fields_holding, kind_of, struct_types
from crossdock.canonical.base import Document
from crossdock.canonical.orders import OrderPlaced
from crossdock.canonical.receipts import ReceiptRef, SaleRecorded
from crossdock.canonical.stock import StockCounted

Plain: TypeAlias = "dict[str, object]"
STRUCTS = sorted(struct_types(), key=lambda kind: kind.__name__)
ORDER = {
    "document": "order_placed",
    "channel": "web",
    "channel_order_id": "1042",
    "placed_at": "2026-11-27T09:00:00Z",
    "currency": "EUR",
    "lines": [{"line_id": "1", "sku": "A", "quantity": "1", "unit_price": "10"}],
    "total": "10",
}


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=25)
@given(data=st.data())
def test_everything_survives_json_and_the_database_form(name: str, data: st.DataObject) -> None:
    kind = KINDS[name]
    value = data.draw(kind_of(kind))

    assert msgspec.json.decode(msgspec.json.encode(value), type=kind) == value
    assert msgspec.convert(msgspec.to_builtins(value), kind) == value


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=5)
@given(data=st.data())
def test_a_field_that_nobody_knows_is_refused_and_named(name: str, data: st.DataObject) -> None:
    kind = KINDS[name]
    plain = _plain(data.draw(kind_of(kind)))

    with pytest.raises(msgspec.ValidationError, match="unknown field `colour`"):
        msgspec.convert({**plain, "colour": "red"}, kind)


def fields_of(wanted: type[inspect.Type]) -> list[tuple[type[msgspec.Struct], str]]:
    return [(kind, name) for kind in STRUCTS for name in fields_holding(kind, wanted)]


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize(
    ("kind", "name"), fields_of(inspect.DecimalType), ids=lambda part: getattr(part, "__name__", part)
)
@settings(max_examples=1)
@given(data=st.data())
def test_no_number_is_infinite_or_not_a_number(
    kind: type[msgspec.Struct], name: str, value: str, data: st.DataObject
) -> None:
    plain = {**_plain(data.draw(kind_of(kind))), name: value}

    with pytest.raises(msgspec.ValidationError, match=f"`{name}` must be a finite number"):
        msgspec.convert(plain, kind)


@pytest.mark.parametrize(
    ("kind", "name"), fields_of(inspect.DateTimeType), ids=lambda part: getattr(part, "__name__", part)
)
@settings(max_examples=1)
@given(data=st.data())
def test_no_time_is_without_a_zone(kind: type[msgspec.Struct], name: str, data: st.DataObject) -> None:
    plain = {**_plain(data.draw(kind_of(kind))), name: "2026-11-27T09:00:00"}

    with pytest.raises(msgspec.ValidationError, match=re.escape(f"timezone component - at `$.{name}`")):
        msgspec.convert(plain, kind)


TOLD = [kind for kind in STRUCTS if kind.__struct_config__.tag_field == "document" or kind is ReceiptRef]
"""What others say: what the hub says itself follows from that."""
NEVER = [
    "0001-01-01T00:00:00+14:00",
    "1026-11-27T09:00:00Z",
    "1970-01-01T00:00:00+00:01",
    "2200-01-01T00:00:00Z",
    "9999-12-31T23:59:59-14:00",
]


@pytest.mark.parametrize("value", NEVER)
@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind in TOLD for name in fields_holding(kind, inspect.DateTimeType)],
    ids=lambda part: getattr(part, "__name__", part),
)
@settings(max_examples=1)
@given(data=st.data())
def test_no_time_lies_where_nobody_can_have_traded(
    kind: type[msgspec.Struct], name: str, value: str, data: st.DataObject
) -> None:
    plain = {**_plain(data.draw(kind_of(kind))), name: value}

    with pytest.raises(msgspec.ValidationError, match=f"`{name}` must lie between 1970 and 2199"):
        msgspec.convert(plain, kind)


@pytest.mark.parametrize("value", ["0001-01-01", "1026-11-27", "1969-12-31", "2200-01-01", "9999-12-31"])
@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind in TOLD for name in fields_holding(kind, inspect.DateType)],
    ids=lambda part: getattr(part, "__name__", part),
)
@settings(max_examples=1)
@given(data=st.data())
def test_no_day_lies_where_nobody_can_have_traded(
    kind: type[msgspec.Struct], name: str, value: str, data: st.DataObject
) -> None:
    plain = {**_plain(data.draw(kind_of(kind))), name: value}

    with pytest.raises(msgspec.ValidationError, match=f"`{name}` must lie between 1970 and 2199"):
        msgspec.convert(plain, kind)


CURRENCY_STRUCTS = [kind for kind in STRUCTS if "currency" in kind.__struct_fields__]


@pytest.mark.parametrize("value", ["", "eur", "EURO", "XYZ"])
@pytest.mark.parametrize("kind", CURRENCY_STRUCTS, ids=lambda kind: kind.__name__)
@settings(max_examples=1)
@given(data=st.data())
def test_no_currency_is_outside_iso_4217(kind: type[msgspec.Struct], value: str, data: st.DataObject) -> None:
    plain = {**_plain(data.draw(kind_of(kind))), "currency": value}

    with pytest.raises(msgspec.ValidationError, match=r"`currency` must be an ISO 4217 currency code"):
        msgspec.convert(plain, kind)


def test_a_refusal_names_the_place_down_to_the_line() -> None:
    line = {"line_id": "1", "sku": "A", "quantity": "1", "unit_price": "10"}

    assert "at `$.lines[1]`" in _refusal({**ORDER, "lines": [line, {**line, "line_id": "2", "quantity": "NaN"}]})
    assert "at `$.lines[0].sku`" in _refusal({**ORDER, "lines": [{**line, "sku": " A"}]})
    assert "at `$.lines[0]`" in _refusal({**ORDER, "lines": [{**line, "colour": "red"}]})
    assert "at `$.currency`" in _refusal({**ORDER, "currency": 978})
    assert "at `$.lines`" in _refusal({**ORDER, "lines": []})


@pytest.mark.parametrize(
    ("written", "refusal"),
    [
        ("0.0000001", "more than 6 decimal places"),
        ("1000000000000000000", "more than 18 digits"),
        ("123456789012345678901234567890.1234567", "more than 18 digits"),
        ("1E+400", "more than 18 digits"),
        ("1E-400", "more than 6 decimal places"),
        ("0E-1000000", "more than 6 decimal places"),
        ("0E+1000000", "more than 18 digits"),
        ("true", "got `bool`"),
    ],
)
def test_a_number_that_no_column_holds_is_refused(written: str, refusal: str) -> None:
    text = msgspec.json.encode({**ORDER, "total": 0}).replace(b'"total":0', b'"total":' + written.encode())

    with pytest.raises(msgspec.ValidationError, match=refusal):
        msgspec.json.decode(text, type=OrderPlaced)


@pytest.mark.parametrize("code", ["", " ", " A", "A ", "A\n", "\nA", "A\nB", "A" * 65])
def test_a_code_is_neither_empty_nor_long_nor_has_blanks_at_its_ends(code: str) -> None:
    assert "at `$.channel_order_id`" in _refusal({**ORDER, "channel_order_id": code})
    assert "at `$.channel`" in _refusal({**ORDER, "channel": code})
    assert "at `$.pickup_location`" in _refusal({**ORDER, "mode": "pickup", "pickup_location": code})


def test_numbers_written_as_json_numbers_are_exact_and_zeros_behind_them_are_welcome() -> None:
    text = (
        b'{"document":"stock_counted","sku":"A","location":"S1","as_of":"2026-11-27T09:00:00Z","reference":"1",'
        b'"on_hand":123456789012.345678000000}'
    )

    assert str(msgspec.json.decode(text, type=StockCounted).on_hand) == "123456789012.345678000000"


def test_the_largest_receipt_number_is_one_that_every_reader_keeps_exact() -> None:
    receipt = {
        "document": "sale_recorded",
        "store": "S1",
        "till": "1",
        "business_day": "2026-11-27",
        "ended_at": "2026-11-27T09:00:00Z",
        "currency": "EUR",
        "total": "0",
    }

    assert msgspec.convert({**receipt, "sequence": 2**53 - 1}, SaleRecorded).sequence == 2**53 - 1
    with pytest.raises(msgspec.ValidationError, match=re.escape("at `$.sequence`")):
        msgspec.convert({**receipt, "sequence": 2**53}, SaleRecorded)


def test_nothing_canonical_can_be_changed_once_made() -> None:
    assert all(kind.__struct_config__.frozen for kind in STRUCTS)
    assert all(kind.__struct_config__.forbid_unknown_fields for kind in STRUCTS)


def _plain(value: msgspec.Struct) -> Plain:
    plain = msgspec.to_builtins(value)
    assert isinstance(plain, dict)
    return plain


def _refusal(order: Plain) -> str:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(order, OrderPlaced)
    return str(refused.value)


def test_every_kind_has_a_tag_of_its_own() -> None:
    for kind in KINDS.values():
        assert issubclass(kind, Document)
        assert kind.__struct_config__.tag_field in {"document", "intent", "fact"}
    assert len(set(KINDS.values())) == len(KINDS)
