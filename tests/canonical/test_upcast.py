"""Every fact that was ever stored can be read, whatever version wrote it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
import pytest

from crossdock.canonical.facts import FACT_TYPES, VERSIONS, StockShort, fact_type, fact_version
from crossdock.canonical.upcast import UPCASTERS, UnknownVersionError, Upcaster, read_fact

Plain: TypeAlias = "dict[str, object]"
SAMPLES: Final = sorted((Path(__file__).parent / "samples").glob("*.json"))


class Stored(msgspec.Struct, forbid_unknown_fields=True):
    """A fact as the log holds it."""

    type: str
    version: int
    payload: Plain


def stored(sample: Path) -> Stored:
    return msgspec.json.decode(sample.read_bytes(), type=Stored)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_what_a_release_has_stored_is_read_by_all_later_ones(sample: Path) -> None:
    """Samples are never edited: they stand for rows that lie in databases."""
    row = stored(sample)
    fact = read_fact(row.type, row.version, row.payload)

    assert sample.stem == f"{row.type}.v{row.version}"
    assert fact_type(fact) == row.type
    if row.version == fact_version(row.type):
        assert json.loads(msgspec.json.encode(fact)) == row.payload, "a field was lost or changed on the way"


def test_there_is_a_sample_of_every_type_and_version() -> None:
    there = {(row.type, row.version) for row in map(stored, SAMPLES)}
    wanted = {(name, version) for name in FACT_TYPES for version in range(1, fact_version(name) + 1)}

    assert there == wanted, "commit tests/canonical/samples/<type>.v<version>.json"


def test_every_field_is_in_some_sample() -> None:
    """A sample that leaves optional fields out would not notice when they are renamed."""
    for row in map(stored, SAMPLES):
        if row.version == fact_version(row.type):
            fields = {field.encode_name for field in msgspec.structs.fields(FACT_TYPES[row.type])}
            assert fields <= set(row.payload), f"{row.type}: fill in {fields - set(row.payload)}"


def test_every_old_version_has_a_way_up() -> None:
    steps = {(name, version) for name, current in VERSIONS.items() for version in range(1, current)}

    assert set(UPCASTERS) == steps
    assert set(VERSIONS) <= set(FACT_TYPES)
    assert all(current > 1 for current in VERSIONS.values())


# ---------------------------------------------------------------- several versions, made up


def _named_units(old: Plain) -> Plain:
    """1 → 2: `units` became `short`."""
    new = {name: value for name, value in old.items() if name != "units"}
    return {**new, "short": old["units"]}


def _with_cause(old: Plain) -> Plain:
    """2 → 3: `cause` became required."""
    return {"cause": "not recorded", **old}


STEPS: Final[Mapping[tuple[str, int], Upcaster]] = {("stock.short", 1): _named_units, ("stock.short", 2): _with_cause}
PLACE: Final[Plain] = {"fact": "stock.short", "sku": "A", "location": "S1"}


@pytest.mark.parametrize(
    ("version", "payload", "cause"),
    [
        (1, {**PLACE, "units": "3"}, "not recorded"),
        (2, {**PLACE, "short": "3"}, "not recorded"),
        (3, {**PLACE, "short": "3", "cause": "counted"}, "counted"),
    ],
)
def test_an_old_version_is_lifted_one_step_at_a_time(version: int, payload: Plain, cause: str) -> None:
    before = dict(payload)
    fact = read_fact("stock.short", version, payload, upcasters=STEPS, current=lambda _type: 3)

    assert isinstance(fact, StockShort)
    assert (int(fact.short), fact.cause) == (3, cause)
    assert payload == before, "what was stored is not touched"


def test_a_missing_step_is_noticed() -> None:
    with pytest.raises(KeyError):
        read_fact("stock.short", 1, PLACE, upcasters={}, current=lambda _type: 2)


@pytest.mark.parametrize(("type_name", "version"), [("stock.short", 2), ("stock.vanished", 1)])
def test_what_a_newer_release_wrote_is_not_guessed_at(type_name: str, version: int) -> None:
    with pytest.raises(UnknownVersionError, match=f"{type_name} version {version} is unknown here"):
        read_fact(type_name, version, {**PLACE, "fact": type_name})
