"""The JSON Schemas that partners check against: they accept what we write, and change only with a version."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canonical.kinds import KINDS, kind_of
from crossdock.canonical.facts import fact_version
from crossdock.canonical.schemas import export, schemas
from crossdock.foundation.misfit import misfits

Schema: TypeAlias = "dict[str, object]"
COMMITTED: Final = Path(__file__).parents[2] / "docs" / "reference" / "schemas"
EXPORT: Final = "./crossdock schemas export docs/reference/schemas"
SCHEMAS: Final = {name: json.loads(msgspec.json.encode(schema)) for name, schema in schemas().items()}
FOLDERS: Final = {"document": "documents", "intent": "intents", "fact": "facts"}


def file_of(name: str) -> str:
    group, _, tag = name.partition(" ")
    version = fact_version(tag) if group == "fact" else 1
    return f"{FOLDERS[group]}/{tag}.v{version}.json"


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=10)
@given(data=st.data())
def test_a_schema_accepts_what_we_write(name: str, data: st.DataObject) -> None:
    written = json.loads(msgspec.json.encode(data.draw(kind_of(KINDS[name]))))

    jsonschema.Draft202012Validator(SCHEMAS[file_of(name)]).validate(written)


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=2)
@given(data=st.data())
def test_a_schema_refuses_unknown_fields_and_other_kinds(name: str, data: st.DataObject) -> None:
    written = json.loads(msgspec.json.encode(data.draw(kind_of(KINDS[name]))))
    validator = jsonschema.Draft202012Validator(SCHEMAS[file_of(name)])
    tag = KINDS[name].__struct_config__.tag_field

    assert not validator.is_valid({**written, "colour": "red"})
    assert not validator.is_valid({**written, str(tag): "something.else"})


def test_every_schema_is_one_and_says_where_it_lives() -> None:
    for name, schema in SCHEMAS.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert str(schema["$id"]).endswith(f"/{name}")


def test_the_export_writes_what_is_promised(tmp_path: Path) -> None:
    assert export(tmp_path) == len(SCHEMAS)
    assert {name: json.loads((tmp_path / name).read_text()) for name in SCHEMAS} == SCHEMAS


# ---------------------------------------------------------------- the committed copy


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_is_published_is_what_the_code_says(name: str, tmp_path: Path) -> None:
    published = COMMITTED / name
    assert published.is_file(), f"{name} is new: run `{EXPORT}` and commit it"
    export(tmp_path)
    if (tmp_path / name).read_text() != published.read_text():
        pytest.fail(advice(name, json.loads(published.read_text()), SCHEMAS[name]))


def test_what_was_published_stays_published() -> None:
    """A file without a kind is an old version of one that is still written; a kind never vanishes."""
    there = {str(file.relative_to(COMMITTED)) for file in COMMITTED.rglob("*.json")}
    kinds = {name.rpartition(".v")[0] for name in SCHEMAS}
    gone = sorted(name for name in there - set(SCHEMAS) if name.rpartition(".v")[0] not in kinds)

    assert gone == [], "stored facts of these types could not be read any more: keep the types"
    for name in SCHEMAS:
        stem, _, version = name.removesuffix(".json").rpartition(".v")
        missing = [n for n in range(1, int(version)) if f"{stem}.v{n}.json" not in there]
        assert missing == [], f"{stem}: the schemas of versions {missing} were published once and must stay"


def advice(name: str, published: Schema, current: Schema) -> str:
    """What to do about a schema that changed under its version."""
    if not broken(published, current):
        return f"{name} only gained optional fields: run `{EXPORT}` and commit it"
    remedy = (
        f"bump the type in canonical.facts.VERSIONS, add its upcaster in canonical.upcast, commit a sample, then run `{EXPORT}`"
        if name.startswith("facts/")
        else "what partners send and what is already stored must stay readable: make the new field optional instead"
    )
    return f"{name} changed what its version means ({', '.join(broken(published, current))}): {remedy}"


def broken(published: Schema, current: Schema) -> list[str]:
    """Differences that old data, or old readers, would not survive; none when only optional fields were added."""
    return [*_differences(_parts(published), _parts(current))]


def _parts(schema: Schema) -> Mapping[str, Schema]:
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    return definitions


def _differences(published: Mapping[str, Schema], current: Mapping[str, Schema]) -> Iterator[str]:
    for part, old in published.items():
        new = current.get(part)
        if new is None:
            yield f"{part} is gone"
            continue
        old_fields, new_fields = _fields(old), _fields(new)
        yield from (f"{part}.{field} is gone" for field in old_fields if field not in new_fields)
        yield from (
            f"{part}.{field} is another"
            for field in old_fields
            if field in new_fields and old_fields[field] != new_fields[field]
        )
        yield from (f"{part}.{field} is required now" for field in sorted(_required(new) - _required(old)))
        yield from (f"{part}.{field} may be missing now" for field in sorted(_required(old) - _required(new)))
        if _without_fields(old) != _without_fields(new):
            yield f"{part} is another"


def _fields(part: Schema) -> Schema:
    fields = part.get("properties", {})
    assert isinstance(fields, dict)
    return fields


def _required(part: Schema) -> set[str]:
    required = part.get("required", [])
    assert isinstance(required, list)
    return set(required)


def _without_fields(part: Schema) -> Schema:
    """The rest, without prose: descriptions may get better."""
    return {key: value for key, value in part.items() if key not in {"properties", "required", "description", "title"}}


# ---------------------------------------------------------------- the advice itself


def change(**fields: object) -> Schema:
    """A published schema of one struct with one required field."""
    part = {"title": "T", "type": "object", "properties": {"a": {"type": "string"}, **fields}, "required": ["a"]}
    return {"$ref": "#/$defs/T", "$defs": {"T": part}}


def test_an_added_optional_field_needs_no_new_version() -> None:
    assert broken(change(), change(b={"type": "string", "default": ""})) == []
    assert "only gained optional fields" in advice("facts/t.v1.json", change(), change(b={"type": "string"}))


@pytest.mark.parametrize(
    ("current", "told"),
    [
        ({"properties": {}, "required": []}, ["T.a is gone", "T.a may be missing now"]),
        ({"properties": {"a": {"type": "integer"}}, "required": ["a"]}, ["T.a is another"]),
        ({"properties": {"a": {"type": "string"}}, "required": []}, ["T.a may be missing now"]),
        (
            {"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a", "b"]},
            ["T.b is required now"],
        ),
    ],
)
def test_every_other_change_needs_one(current: Schema, told: list[str]) -> None:
    changed: Schema = {"$defs": {"T": {"title": "T", "type": "object", **current}}}

    assert broken(change(), changed) == told
    assert "bump the type in canonical.facts.VERSIONS, add its upcaster" in advice("facts/t.v1.json", change(), changed)
    assert "make the new field optional" in advice("documents/t.v1.json", change(), changed)


def test_a_changed_enum_is_a_change() -> None:
    old: Schema = {"$defs": {"E": {"enum": ["a", "b"]}}}

    assert broken(old, {"$defs": {"E": {"enum": ["a", "b", "c"]}}}) == ["E is another"]


# ---------------------------------------------------------------- schema and decoder say the same

LINE: Final = {"line_id": "1", "sku": "TEA", "quantity": "1", "unit_price": "4.50"}
TOLD: Final[Mapping[str, Schema]] = {
    "order_placed": {
        "document": "order_placed",
        "channel": "web",
        "channel_order_id": "W-1",
        "placed_at": "2026-11-21T12:00:00Z",
        "currency": "EUR",
        "lines": [LINE],
        "total": "4.50",
    },
    "stock_counted": {
        "document": "stock_counted",
        "sku": "TEA",
        "location": "dc",
        "on_hand": "5",
        "as_of": "2026-11-21T12:00:00Z",
        "reference": "C-1",
    },
    "item_described": {"document": "item_described", "sku": "TEA", "name": "Tea", "order_multiple": "6"},
}
NUMBERS: Final = [
    "0", "1", "-1", "+1", "12.50", ".5", "0.0000001", "1.1234560000", "1234567890123456789", "0001", "1_000", " 1 ",
    "\u0661", "", "x", "NaN", 0, 1, -1, 10**18, True, None,
]  # fmt: skip


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("order_placed", "lines.quantity"),
        ("order_placed", "lines.unit_price"),
        ("order_placed", "total"),
        ("stock_counted", "on_hand"),
        ("item_described", "order_multiple"),
    ],
)
def test_a_schema_takes_the_numbers_that_the_hub_takes(name: str, field: str, value: object) -> None:
    told = {**TOLD[name], field: value}
    if field.startswith("lines."):
        told = {**TOLD[name], "lines": [{**LINE, field.removeprefix("lines."): value}]}

    assert in_schema(name, told) == taken(name, told) or (value is None and field == "order_multiple")


@pytest.mark.parametrize("value", ["EUR", "eur", "EURO", "", "E1R"])
def test_a_schema_takes_no_currency_of_another_form(value: str) -> None:
    told = {**TOLD["order_placed"], "currency": value}

    assert in_schema("order_placed", told) == taken("order_placed", told)


@pytest.mark.parametrize(
    "value", ["A", "A B", "", " A", "A ", "A\n", "A\u200bB", "A\x1b", "A\u202eB", "木☕", "x" * 65]
)
def test_a_schema_takes_the_identifiers_that_the_hub_takes(value: str) -> None:
    told = {**TOLD["stock_counted"], "sku": value}

    assert in_schema("stock_counted", told) == taken("stock_counted", told)


def in_schema(name: str, told: Schema) -> bool:
    return jsonschema.Draft202012Validator(SCHEMAS[f"documents/{name}.v1.json"]).is_valid(told)


def taken(name: str, told: Schema) -> bool:
    body = json.dumps(told).encode()
    try:
        msgspec.json.decode(body, type=KINDS[f"document {name}"])
    except msgspec.ValidationError:
        return False
    return not misfits(body, KINDS[f"document {name}"])
