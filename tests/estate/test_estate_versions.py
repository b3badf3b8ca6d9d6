"""Applied estates are versions: an identical one is none, and going back is a step forward."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from crossdock.estate import service as estates
from crossdock.estate.model import Estate, Location, LocationKind
from crossdock.estate.service import EstateUnreadableError, NoEstateError
from crossdock.foundation.db import Database
from estate.estate_files import checked

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)


def sound(folder: Path) -> Estate:
    estate = checked(folder).estate
    assert estate is not None
    return estate


def renamed(estate: Estate, name: str) -> Estate:
    return msgspec.structs.replace(estate, company=msgspec.structs.replace(estate.company, name=name))


async def test_reading_before_anything_was_applied_says_what_to_do(database: Database) -> None:
    async with database.transaction() as tx:
        assert await estates.current_number(tx) == 0
        with pytest.raises(NoEstateError, match="crossdock estate apply"):
            await estates.current(tx)


async def test_what_was_applied_is_read_back_whole_and_applying_it_again_is_no_version(
    database: Database, tmp_path: Path
) -> None:
    estate = sound(tmp_path)
    async with database.transaction() as tx:
        first = await estates.apply(tx, estate, note="first", now=NOW)
        again = await estates.apply(tx, estate, note="again", now=NOW)

        assert (first.number, again.number, again.changes) == (1, 1, ())
        assert await estates.current(tx) == estate


async def test_rolling_back_puts_the_old_one_in_force_as_a_new_version(database: Database, tmp_path: Path) -> None:
    estate = sound(tmp_path)
    async with database.transaction() as tx:
        await estates.apply(tx, estate, note="", now=NOW)
        await estates.apply(tx, renamed(estate, "Other"), note="", now=NOW)

        back = await estates.roll_back(tx, 1, now=NOW)

        assert back is not None
        assert back.number == 3
        assert await estates.current(tx) == estate
        assert [version.note for version in await estates.versions(tx)] == ["rolled back to version 1", "", ""]
        assert await estates.roll_back(tx, 9, now=NOW) is None


async def test_two_people_applying_at_once_make_two_versions_without_a_gap(database: Database, tmp_path: Path) -> None:
    estate = sound(tmp_path)

    async def apply(name: str) -> int:
        async with database.transaction() as tx:
            return (await estates.apply(tx, renamed(estate, name), note=name, now=NOW)).number

    numbers = await asyncio.gather(*(apply(f"name {number}") for number in range(5)))

    assert sorted(numbers) == [1, 2, 3, 4, 5]


def test_differences_name_each_changed_value_by_codes_not_by_position(tmp_path: Path) -> None:
    estate = sound(tmp_path)
    kiosk = Location(code="A0", name="Kiosk", kind=LocationKind.STORE)
    after = renamed(msgspec.structs.replace(estate, locations=(kiosk, *estate.locations)), "Corner & Co")

    assert estates.differences(estate, after) == [
        "company.name: Corner Shops → Corner & Co",
        "locations.A0.code: nothing → A0",
        "locations.A0.kind: nothing → store",
        "locations.A0.name: nothing → Kiosk",
    ]
    assert estates.differences(estate, estate) == []


# ---------------------------------------------------------------- another release's estate


async def of_a_newer_release(database: Database, estate: Estate) -> None:
    """Version 1, with a field that nobody knows here."""
    document = msgspec.json.decode(msgspec.json.encode(estate))
    document["policies"] = {"moon_phase": "full"}
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO estate.version (number, digest, document, note, applied_at) VALUES (1, 'x', %s::jsonb, '', now())",
            (msgspec.json.encode(document).decode(),),
        )


async def test_an_estate_of_a_newer_release_is_refused_with_what_to_do(database: Database, tmp_path: Path) -> None:
    await of_a_newer_release(database, sound(tmp_path))

    async with database.transaction() as tx:
        with pytest.raises(
            EstateUnreadableError, match=r"Version 1 .* unknown field `moon_phase`.*crossdock estate app"
        ):
            await estates.current(tx)


async def test_the_way_back_from_a_newer_release_is_to_apply_ones_own_files(database: Database, tmp_path: Path) -> None:
    estate = sound(tmp_path)
    await of_a_newer_release(database, estate)

    async with database.transaction() as tx:
        waiting = estates.differences(await estates.in_force(tx), renamed(estate, "Other"))
        applied = await estates.apply(tx, estate, note="back", now=NOW)

        assert waiting == ["company.name: Corner Shops → Other", "policies.moon_phase: full → nothing"]
        assert (applied.number, applied.changes) == (2, ["policies.moon_phase: full → nothing"])
        assert await estates.current(tx) == estate
        with pytest.raises(EstateUnreadableError):
            await estates.roll_back(tx, 1, now=NOW)


async def test_what_is_stored_differs_in_nothing_from_what_was_applied(database: Database, tmp_path: Path) -> None:
    """Decimals, numbers and enums too: else every look would find changes."""
    more = (
        "safety_stock:\n  - {quantity: 2.5, location: S1, mode: ship}\n"
        "policies: {count_correct_max: 7.50}\nownership:\n  - {owner: finance, within: 30m}\n"
    )
    rich = checked(tmp_path, more=more).estate
    assert rich is not None
    async with database.transaction() as tx:
        await estates.apply(tx, rich, note="", now=NOW)

        assert estates.differences(await estates.in_force(tx), rich) == []
