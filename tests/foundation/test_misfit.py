"""People are told everything that does not fit: where it stands, what was wanted, what was there."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
import pytest

from crossdock.foundation.misfit import MISFITS_MAX, in_their_words, misfits, of_decoder, of_field, shown


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def check_even(value: Decimal, name: str) -> None:
    if value % 2:
        raise ValueError(f"`{name}` must be even")


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: Annotated[str, msgspec.Meta(min_length=1, pattern="^[A-Z]+$", extra={"wanted": "capital letters"})]
    units: Decimal = Decimal(1)
    pairs: Annotated[Decimal, msgspec.Meta(extra={"check": check_even})] = Decimal(0)

    def __post_init__(self) -> None:
        if self.units <= 0:
            raise ValueError("`units` must be greater than 0")


class Cat(msgspec.Struct, tag="cat", tag_field="animal"):
    lives: int


class Dog(msgspec.Struct, tag="dog", tag_field="animal"):
    name: str


class Whole(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    parts: Annotated[tuple[Part, ...], msgspec.Meta(min_length=1, max_length=3)]
    colour: Colour = Colour.RED
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    day: date | None = None
    number: Annotated[int, msgspec.Meta(ge=0, le=9)] = 0
    sure: bool = True
    id: UUID | None = None
    pet: Cat | Dog | None = None
    names: dict[str, str] = {}

    def __post_init__(self) -> None:
        if len({part.code for part in self.parts}) < len(self.parts):
            raise ValueError("`parts[1].code` stands twice")


def found(**fields: object) -> Sequence[tuple[str, str]]:
    return told(msgspec.json.encode({"parts": [{"code": "A"}], **fields}))


def told(body: bytes) -> Sequence[tuple[str, str]]:
    return [(each.path, each.reason) for each in misfits(body, Whole)]


A: "dict[str, object]" = {"code": "A"}


@pytest.mark.parametrize(
    ("fields", "path", "reason"),
    [
        ({"parts": [A | {"units": "two"}]}, "$.parts[0].units", 'wanted a decimal number like "12.50", got "two"'),
        ({"parts": [A | {"units": "1_000"}]}, "$.parts[0].units", 'wanted a decimal number like "12.50", got "1_000"'),
        ({"parts": [A | {"units": True}]}, "$.parts[0].units", 'wanted a decimal number like "12.50", got true'),
        ({"parts": [A | {"units": "0"}]}, "$.parts[0].units", 'must be greater than 0, got "0"'),
        ({"parts": [A | {"pairs": "3"}]}, "$.parts[0].pairs", 'must be even, got "3"'),
        ({"parts": [A, A]}, "$.parts[1].code", 'stands twice, got "A"'),
        ({"parts": [{"code": "a"}]}, "$.parts[0].code", 'wanted capital letters, got "a"'),
        ({"parts": [{"code": ""}]}, "$.parts[0].code", 'wanted text that is not empty, got ""'),
        ({"parts": [{"code": 7}]}, "$.parts[0].code", "wanted capital letters, got 7"),
        ({"parts": [{}]}, "$.parts[0].code", "is required"),
        ({"parts": [1]}, "$.parts[0]", "wanted an object, got 1"),
        ({"parts": []}, "$.parts", "wanted at least 1 entry, got 0"),
        ({"parts": [A] * 4}, "$.parts", "wanted at most 3 entries, got 4"),
        ({"parts": "A"}, "$.parts", 'wanted an array, got "A"'),
        ({"color": "red"}, "$.color", "is not known here; did you mean `colour`?"),
        ({"colour": "green"}, "$.colour", 'wanted one of red, blue, got "green"'),
        ({"at": "2026-11-27T09:00:00"}, "$.at", "wanted a date and time with its zone like 2026-11-27T09:00:00Z"),
        ({"at": 5}, "$.at", "wanted a date and time with its zone like 2026-11-27T09:00:00Z, got 5"),
        ({"day": "27.11.2026"}, "$.day", 'wanted a date like 2026-11-27, got "27.11.2026"'),
        ({"number": 10}, "$.number", "wanted a whole number from 0 to 9, got 10"),
        ({"number": None}, "$.number", "wanted a whole number from 0 to 9, got null"),
        ({"sure": "yes"}, "$.sure", 'wanted true or false, got "yes"'),
        ({"id": "x"}, "$.id", 'wanted a UUID, got "x"'),
        ({"pet": {"animal": "cow"}}, "$.pet.animal", 'wanted one of cat, dog, got "cow"'),
        ({"pet": {"animal": "cat"}}, "$.pet.lives", "is required"),
        ({"names": {"a": 1}}, "$.names.a", "wanted text, got 1"),
        ({"names": {"a": "\x00"}}, "$.names.a", 'wanted text without the character U+0000, got "\\u0000"'),
    ],
)
def test_a_misfit_names_its_place_what_was_wanted_and_what_was_there(
    fields: Mapping[str, object], path: str, reason: str
) -> None:
    ((at, said),) = found(**fields)

    assert (at, said.startswith(reason)) == (path, True), said


def test_everything_that_does_not_fit_is_told_at_once() -> None:
    parts = [{"code": "a", "pairs": 3}, {"units": "x"}]
    assert [path for path, _ in found(parts=parts, colour="x", number=-1)] == [
        "$.parts[0].code",
        "$.parts[0].pairs",
        "$.parts[1].code",
        "$.parts[1].units",
        "$.colour",
        "$.number",
    ]


def test_a_name_that_stands_twice_is_told_wherever_it_is() -> None:
    body = (
        b'{"parts": [{"code": "A", "units": 1, "units": 50}], "sure": true, "sure": false, "names": {"a": "", "a": ""}}'
    )

    assert [path for path, _ in told(body)] == ["$.sure", "$.parts[0].units", "$.names.a"]


def test_not_more_than_people_read_is_told() -> None:
    assert len(found(**{f"unknown{n}": 1 for n in range(100)})) == MISFITS_MAX


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b'{"parts": [{"code": "A"}]}'])
def test_what_is_no_json_or_fits_has_no_misfits(body: bytes) -> None:
    assert told(body) == [] or body.startswith(b"[")


def test_a_value_is_shown_short_and_without_what_a_terminal_obeys() -> None:
    assert shown("\x1b[31mred\u200b\u202e") == '"\\u001b[31mred\\u200b\\u202e"'
    assert len(shown("x" * 1000)) < 70
    assert shown(None) == "null"


def test_the_decoders_own_words_keep_their_place() -> None:
    assert of_decoder("`units` must be greater than 0 - at `$.parts[0]`").path == "$.parts[0].units"
    assert of_decoder("Expected `str` - at `$.a`").path == "$.a"
    assert of_field("`lines[1].sku` stands twice") == ("$.lines[1].sku", "stands twice")
    assert of_field("no field") == ("$", "no field")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("$.lines[3].sku", "$.line_items[3].sku"),
        ("$.lines[3].taxes[1].code", "$.line_items[3].tax_lines[1].code"),
        ("$.lines", "$.line_items"),
        ("$.liners", "$.liners"),
        ("$", "$"),
    ],
)
def test_a_place_is_told_in_the_senders_words_as_far_as_they_are_known(ours: str, theirs: str) -> None:
    paths = {"$.lines": "$.line_items", "$.lines[].taxes": "$.line_items[].tax_lines"}

    assert in_their_words(ours, paths) == theirs


def test_what_a_part_says_of_its_fields_has_no_place_in_the_whole() -> None:
    assert of_field("`parts[0].code` stands twice", Whole) == ("$.parts[0].code", "stands twice")
    assert of_field("`units` must be greater than 0", Whole) == ("$", "`units` must be greater than 0")
