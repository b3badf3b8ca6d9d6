"""Everything canonical by name, and Hypothesis strategies made from the types themselves."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, TypeAlias, TypeVar

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec import inspect

from crossdock.canonical.base import CURRENCIES, Code, Document
from crossdock.canonical.facts import FACT_TYPES
from crossdock.canonical.intents import INTENT_KINDS, JournalLine, PostJournal
from crossdock.canonical.orders import Mode, OrderPlaced
from crossdock.canonical.receipts import ReceiptKind, SaleRecorded
from crossdock.canonical.schemas import DOCUMENTS
from crossdock.canonical.stock import FloorMovement, ItemDescribed, MovementRecorded, ReceiptExpected

Fields: TypeAlias = "dict[str, object]"
Struct = TypeVar("Struct", bound=msgspec.Struct)

KINDS: Final[Mapping[str, type[Document]]] = {
    **{f"document {tag}": kind for tag, kind in DOCUMENTS.items()},
    **{f"intent {tag}": kind for tag, kind in INTENT_KINDS.items()},
    **{f"fact {tag}": kind for tag, kind in FACT_TYPES.items()},
}

_CODE_TYPE = inspect.type_info(Code)
assert isinstance(_CODE_TYPE, inspect.Metadata)
assert isinstance(_CODE_TYPE.type, inspect.StrType)
CODE: Final = str(_CODE_TYPE.type.pattern)
# Lone surrogates have no UTF-8, and U+0000 has no place in a database text.
letters = st.characters(categories=("L", "M", "N", "P", "S", "Z", "Cc"), exclude_characters="\x00")
codes = st.text(letters.filter(lambda letter: re.search(CODE, letter) is not None), min_size=1, max_size=64)
texts = st.text(letters, max_size=40)
decimals = st.decimals(min_value=-(10**12), max_value=10**12, places=6, allow_nan=False, allow_infinity=False)
amounts = decimals.map(abs)
counts = st.integers(min_value=1, max_value=10**9).map(Decimal)
LAST: Final = datetime(2199, 12, 31, 23, 59, 59)  # noqa: DTZ001 (Hypothesis gives the zone)
moments = st.datetimes(datetime(1970, 1, 1), LAST, timezones=st.just(UTC))  # noqa: DTZ001 (as above)
days = st.dates(date(1970, 1, 1), LAST.date())
currencies = st.sampled_from(sorted(CURRENCIES))
NAMED: Final[Mapping[str, SearchStrategy[object]]] = {
    "currency": currencies,
    "country": st.sampled_from(["", "DE", "US"]),
    "quantity": counts,
    "unit_price": amounts,
    "discount": amounts,
    "rate": amounts,
    "price": amounts,
    "factor": counts,
    "order_minimum": counts,
    "order_maximum": counts,
    "order_multiple": counts,
    "category": st.sampled_from(["", "food", "food.dairy.whole milk"]),
}
"""Fields whose values obey more than their type says."""


def kind_of(kind: type[Struct]) -> SearchStrategy[Struct]:
    """Values of a struct: every field from its type, then what the struct's own rules ask for."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    fields = {field.name: _field(field) for field in info.fields}
    return st.fixed_dictionaries(fields).map(lambda values: kind(**CORRECTED.get(kind, _as_they_are)(values)))


def _field(field: inspect.Field) -> SearchStrategy[object]:
    named = NAMED.get(field.name)
    optional = isinstance(field.type, inspect.UnionType)
    if field.name == "total":
        named = amounts
    if named is None:
        return _type(field.type)
    return st.none() | named if optional else named


def _type(info: inspect.Type) -> SearchStrategy[object]:
    match info:
        case inspect.Metadata():
            return _type(info.type)
        case inspect.UnionType():
            return st.one_of([_type(one) for one in info.types])
        case inspect.VarTupleType():
            return st.lists(_type(info.item_type), min_size=info.min_length or 0, max_size=3).map(tuple)
        case inspect.StructType():
            return kind_of(info.cls)
        case _:
            return _leaf(info)


def _leaf(info: inspect.Type) -> SearchStrategy[object]:
    match info:
        case inspect.EnumType():
            return st.sampled_from(list(info.cls))
        case inspect.StrType():
            return codes if info.min_length else st.just("") | codes if info.pattern else texts
        case inspect.IntType():
            low = 0 if info.ge is None else int(info.ge)
            return st.integers(min_value=low, max_value=2**53 - 1 if info.le is None else int(info.le))
        case _:
            return LEAVES[type(info)]


LEAVES: Final[Mapping[type[inspect.Type], SearchStrategy[object]]] = {
    inspect.DecimalType: decimals,
    inspect.DateTimeType: moments,
    inspect.DateType: days,
    inspect.BoolType: st.booleans(),
    inspect.NoneType: st.none(),
}


def _as_they_are(values: Fields) -> Fields:
    return values


def _order(values: Fields) -> Fields:
    lines = values["lines"]
    assert isinstance(lines, tuple)
    numbered = tuple(msgspec.structs.replace(line, line_id=f"{n}") for n, line in enumerate(lines))
    here = values["pickup_location"] or "S1"
    names = values["reservations"]
    assert isinstance(names, tuple)
    return {
        **values,
        "lines": numbered,
        "pickup_location": here if values["mode"] is Mode.PICKUP else None,
        "reservations": tuple(f"cart-{n}" for n in range(len(names))),
    }


def _receipt(values: Fields) -> Fields:
    if values["kind"] is ReceiptKind.VOID and values["voids"] is None:
        return {**values, "kind": ReceiptKind.SALE}
    return values


def _movement(values: Fields) -> Fields:
    values = {**values, "expected": values["expected"] if values["kind"] is FloorMovement.RECEIVE else ""}
    if values["kind"] is FloorMovement.REBUCKET and values["from_bucket"] is values["to_bucket"]:
        return {**values, "kind": FloorMovement.RECEIVE}
    return values


def _receipt_expected(values: Fields) -> Fields:
    lines = values["lines"]
    assert isinstance(lines, tuple)
    return {**values, "lines": tuple(msgspec.structs.replace(line, line=f"{n}") for n, line in enumerate(lines))}


def _journal_line(values: Fields) -> Fields:
    debit = values["debit"]
    assert isinstance(debit, Decimal)
    amount = abs(debit) + 1
    return {**values, "debit": amount if debit >= 0 else Decimal(0), "credit": amount if debit < 0 else Decimal(0)}


def _journal(values: Fields) -> Fields:
    """Each line gets its counterpart."""
    lines = values["lines"]
    assert isinstance(lines, tuple)
    turned = tuple(msgspec.structs.replace(line, debit=line.credit, credit=line.debit) for line in lines)
    return {**values, "lines": lines + turned}


def _item(values: Fields) -> Fields:
    """What it names, it names once, and never itself."""
    components, units = values["components"], values["units"]
    assert isinstance(components, tuple)
    assert isinstance(units, tuple)
    return {
        **values,
        "components": tuple(msgspec.structs.replace(one, sku=f"part {n}") for n, one in enumerate(components)),
        "units": tuple(msgspec.structs.replace(one, code=f"unit {n}") for n, one in enumerate(units)),
    }


CORRECTED: Final[Mapping[type[msgspec.Struct], Callable[[Fields], Fields]]] = {
    OrderPlaced: _order,
    SaleRecorded: _receipt,
    MovementRecorded: _movement,
    ItemDescribed: _item,
    ReceiptExpected: _receipt_expected,
    JournalLine: _journal_line,
    PostJournal: _journal,
}


def struct_types() -> Iterator[type[msgspec.Struct]]:
    """Every struct that anything canonical is made of."""
    found: list[type[msgspec.Struct]] = []
    waiting: list[type[msgspec.Struct]] = list(KINDS.values())
    while waiting:
        kind = waiting.pop()
        if kind not in found:
            found.append(kind)
            yield kind
            waiting.extend(nested(kind))


def nested(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """Structs that its fields hold."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        yield from (leaf.cls for leaf in leaves(field.type) if isinstance(leaf, inspect.StructType))


def leaves(info: inspect.Type) -> Iterator[inspect.Type]:
    """A type without its unions and tuples."""
    if isinstance(info, inspect.UnionType):
        for one in info.types:
            yield from leaves(one)
    elif isinstance(info, inspect.VarTupleType):
        yield from leaves(info.item_type)
    else:
        yield info


def fields_holding(kind: type[msgspec.Struct], wanted: type[inspect.Type]) -> list[str]:
    """Names of the fields whose values are of a JSON type, directly or in a tuple."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return [field.name for field in info.fields if any(isinstance(leaf, wanted) for leaf in leaves(field.type))]
