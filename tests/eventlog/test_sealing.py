"""Seals tell whether the log still is what was written, whoever changed it and with whatever rights."""

import asyncio
from typing import LiteralString

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.eventlog import service
from crossdock.eventlog.sealing import service as sealing
from crossdock.eventlog.sealing.model import Broken, SealedRow, Verified
from crossdock.eventlog.sealing.rules import FIRST, seal_hash
from crossdock.foundation.db import Database, fetch_tuples
from crossdock.foundation.postgres import ConnectionInfo
from eventlog.log import Intruder, item, write

EACH = 4
"""Facts in each of three seals."""


async def seal(database: Database) -> int:
    async with database.transaction() as tx:
        return await sealing.seal(tx)


async def seals(database: Database) -> int:
    async with database.transaction() as tx:
        return len(await fetch_tuples(tx, "SELECT number FROM eventlog.seal"))


@pytest.fixture
async def sealed(database: Database) -> Database:
    """Twelve facts under three seals."""
    for start in range(0, 3 * EACH, EACH):
        await write(database, *(item(f"fact {n}") for n in range(start, start + EACH)))
        assert await seal(database) == EACH
    return database


@pytest.fixture
def intruder(cluster: ConnectionInfo, dsn: str) -> Intruder:
    return Intruder(cluster, dsn)


async def test_what_nobody_touched_verifies(sealed: Database) -> None:
    assert await sealing.verify(sealed) == Verified(facts=3 * EACH)
    assert await seal(sealed) == 0, "nothing new, no seal"


async def test_an_empty_log_verifies(database: Database) -> None:
    assert await sealing.verify(database) == Verified(facts=0)


PLACES: LiteralString = "(SELECT id FROM eventlog.event ORDER BY xid, position LIMIT 1 OFFSET 5)"
DELETE: LiteralString = "DELETE FROM eventlog.event WHERE id = "
EDITS: dict[str, LiteralString] = {
    "payload": 'UPDATE eventlog.event SET payload = payload || \'{"name": "forged"}\' WHERE id = ',
    "source": "UPDATE eventlog.event SET source = 'somebody else' WHERE id = ",
    "stream": "UPDATE eventlog.event SET stream = 'item/B' WHERE id = ",
    "type": "UPDATE eventlog.event SET type = 'item.forged' WHERE id = ",
    "version": "UPDATE eventlog.event SET schema_version = 2 WHERE id = ",
    "happened_at": "UPDATE eventlog.event SET happened_at = happened_at + interval '1 microsecond' WHERE id = ",
    "recorded_at": "UPDATE eventlog.event SET recorded_at = recorded_at - interval '1 day' WHERE id = ",
    "correlation": "UPDATE eventlog.event SET correlation_id = gen_random_uuid() WHERE id = ",
    "causation": "UPDATE eventlog.event SET causation_id = gen_random_uuid() WHERE id = ",
    "id": "UPDATE eventlog.event SET id = gen_random_uuid() WHERE id = ",
}


@pytest.mark.parametrize("column", EDITS)
async def test_a_changed_fact_breaks_its_own_seal(sealed: Database, intruder: Intruder, column: str) -> None:
    intruder.do(EDITS[column] + PLACES)

    assert await sealing.verify(sealed) == Broken(number=2, reason="a fact in it is not what was written")


async def test_a_deleted_fact_breaks_its_seal(sealed: Database, intruder: Intruder) -> None:
    intruder.do(DELETE + PLACES)

    assert await sealing.verify(sealed) == Broken(number=2, reason="1 of its 4 facts are not there")


async def test_the_last_fact_of_all_cannot_be_taken_away(sealed: Database, intruder: Intruder) -> None:
    intruder.do(
        "DELETE FROM eventlog.event WHERE id = (SELECT id FROM eventlog.event ORDER BY xid DESC, position DESC LIMIT 1)"
    )

    assert await sealing.verify(sealed) == Broken(number=3, reason="1 of its 4 facts are not there")


TWIN: LiteralString = """
INSERT INTO eventlog.event (id, xid, position, stream, type, schema_version, happened_at, correlation_id, source, payload)
OVERRIDING SYSTEM VALUE
SELECT gen_random_uuid(), xid, position, stream, type, schema_version, happened_at, correlation_id, source, payload
  FROM eventlog.event ORDER BY xid, position LIMIT 1 OFFSET
"""
TWINS: list[LiteralString] = [
    TWIN + "0", TWIN + "1", TWIN + "2", TWIN + "3", TWIN + "4", TWIN + "5",
    TWIN + "6", TWIN + "7", TWIN + "8", TWIN + "9", TWIN + "10", TWIN + "11",
]  # fmt: skip


@pytest.mark.parametrize("offset", range(3 * EACH))
async def test_a_fact_slipped_in_at_anothers_place_breaks_its_seal(
    sealed: Database, intruder: Intruder, offset: int
) -> None:
    """The last place of a seal too: its twin lies neither in this run nor in the next."""
    intruder.do(TWINS[offset])

    assert await sealing.verify(sealed) == Broken(number=1 + offset // EACH, reason="there are more than its 4 facts")


BEFORE_ALL: LiteralString = """
INSERT INTO eventlog.event (id, xid, position, stream, type, schema_version, happened_at, correlation_id, source, payload)
OVERRIDING SYSTEM VALUE
SELECT gen_random_uuid(), '0', 0, stream, type, schema_version, happened_at, correlation_id, source, payload
  FROM eventlog.event LIMIT 1
"""
BETWEEN_SEALS: LiteralString = """
INSERT INTO eventlog.event (id, xid, position, stream, type, schema_version, happened_at, correlation_id, source, payload)
OVERRIDING SYSTEM VALUE
SELECT gen_random_uuid(), xid, position - 1, stream, type, schema_version, happened_at, correlation_id, source, payload
  FROM eventlog.event ORDER BY xid, position LIMIT 1 OFFSET 4
"""


@pytest.mark.parametrize(("statement", "number"), [(BEFORE_ALL, 1), (BETWEEN_SEALS, 2)], ids=["first", "between"])
async def test_a_fact_slipped_in_elsewhere_breaks_the_seal_behind_it(
    sealed: Database, intruder: Intruder, statement: LiteralString, number: int
) -> None:
    intruder.do(statement)

    assert await sealing.verify(sealed) == Broken(number=number, reason="there are more than its 4 facts")


async def test_two_facts_in_the_others_place_break_a_seal(sealed: Database, intruder: Intruder) -> None:
    intruder.do(
        "WITH pair AS (SELECT id, xid, position, row_number() OVER (ORDER BY xid, position) AS n FROM eventlog.event) "
        "UPDATE eventlog.event AS e SET xid = other.xid FROM pair AS own, pair AS other "
        "WHERE e.id = own.id AND (own.n, other.n) IN ((6, 7), (7, 6))"
    )

    assert await sealing.verify(sealed) == Broken(number=2, reason="a fact in it is not what was written")


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("DELETE FROM eventlog.seal WHERE number = 2", Broken(number=3, reason="seal 2 is missing")),
        ("DELETE FROM eventlog.seal WHERE number = 1", Broken(number=2, reason="seal 1 is missing")),
        (
            "UPDATE eventlog.seal SET hash = sha256('x') WHERE number = 2",
            Broken(number=2, reason="a fact in it is not what was written"),
        ),
    ],
)
async def test_a_changed_chain_is_a_broken_chain(
    sealed: Database, intruder: Intruder, statement: LiteralString, broken: Broken
) -> None:
    intruder.do(statement)

    assert await sealing.verify(sealed) == broken


async def test_sealers_that_race_make_one_chain(database: Database) -> None:
    await write(database, *(item(str(n)) for n in range(3)))
    first = await asyncio.gather(*(seal(database) for _ in range(4)))
    await write(database, *(item(str(n)) for n in range(5)))
    second = await asyncio.gather(*(seal(database) for _ in range(4)))

    assert (sorted(first), sorted(second)) == ([0, 0, 0, 3], [0, 0, 0, 5])
    assert await seals(database) == 2
    assert await sealing.verify(database) == Verified(facts=8)


async def test_a_fact_that_commits_late_is_sealed_in_its_place(database: Database) -> None:
    """Sealing above the horizon would leave it out, and find it there when verifying."""
    async with database.transaction() as early:
        await fetch_tuples(early, "SELECT pg_current_xact_id()")
        await write(database, item("late writer's neighbour"))
        assert await seal(database) == 0
    assert await seal(database) == 1
    assert await sealing.verify(database) == Verified(facts=1)


async def test_a_long_log_is_sealed_run_by_run(database: Database) -> None:
    async with database.transaction() as tx:
        await service.append(tx, [item(str(n)) for n in range(2 * sealing.SEAL_MAX + 1)])

    assert [await seal(database) for _ in range(4)] == [sealing.SEAL_MAX, sealing.SEAL_MAX, 1, 0]
    assert await sealing.verify(database) == Verified(facts=2 * sealing.SEAL_MAX + 1)


fields = st.text(max_size=5)
sealed_rows = st.builds(SealedRow, *[fields] * len(SealedRow._fields))


@given(st.lists(sealed_rows, max_size=4), st.lists(sealed_rows, max_size=4))
def test_different_runs_have_different_hashes(one: list[SealedRow], other: list[SealedRow]) -> None:
    assert (seal_hash(FIRST, one) == seal_hash(FIRST, other)) == (one == other)


@given(st.lists(sealed_rows, max_size=4))
def test_a_run_has_another_hash_behind_another_seal(run: list[SealedRow]) -> None:
    assert seal_hash(FIRST, run) != seal_hash(b"\x01" * 32, run)


def test_no_letter_can_move_from_one_field_into_the_next() -> None:
    row = SealedRow("ab", "c", "", "", "", "", "", "", "", "")

    assert seal_hash(FIRST, [row]) != seal_hash(FIRST, [row._replace(id="a", stream="bc")])
