"""A month that was dropped in good order leaves a log that verifies; one that was taken away does not."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, LiteralString

import pytest

from crossdock.canonical.facts import LogMonthDropped
from crossdock.eventlog import service
from crossdock.eventlog.model import START
from crossdock.eventlog.sealing import service as sealing
from crossdock.eventlog.sealing.dropping import Dropped, Needed, drop_month
from crossdock.eventlog.sealing.model import Broken, Verified
from crossdock.eventlog.upkeep.service import forget_reader, maintain, readers
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database, execute, fetch_tuples
from crossdock.foundation.ids import id_floor
from crossdock.foundation.months import month_name, month_of, next_month
from crossdock.foundation.postgres import ConnectionInfo
from eventlog.log import Intruder, item, write

RETENTION: Final = timedelta(days=400)
JANUARY, FEBRUARY, MARCH = (datetime(2024, month, 1, tzinfo=UTC) for month in (1, 2, 3))


class Log:
    """A log whose facts are as old as a test wants them."""

    def __init__(self, database: Database, intruder: Intruder) -> None:
        self.database = database
        self.intruder = intruder

    async def write(self, *facts: tuple[str, datetime]) -> None:
        """Facts by name, in commit order, each of some month; not sealed."""
        for name, month in facts:
            await write(self.database, item(name))
            self.intruder.do(_backdated(name, month))

    async def seal(self) -> None:
        async with self.database.transaction() as tx:
            while await sealing.seal(tx):
                pass

    async def make_months(self) -> None:
        await maintain(self.database, now=SYSTEM_CLOCK.now(), retention=timedelta(days=36_500))

    async def read_all(self) -> None:
        async with self.database.transaction() as tx:
            await service.cursor_of(tx, "reader")
            await service.move_cursor(tx, "reader", await service.head(tx))

    async def drop(self, month: datetime) -> Dropped | Needed | Broken:
        """As retention does it, month by month."""
        await self.read_all()
        return await drop_month(
            self.database, month_name(month), id_floor(month), id_floor(next_month(month)), now=SYSTEM_CLOCK.now()
        )

    async def told(self) -> Sequence[LogMonthDropped]:
        async with self.database.transaction() as tx:
            events = await service.read_after(tx, START, limit=10_000)
        return [event.fact for event in events if isinstance(event.fact, LogMonthDropped)]


def _backdated(name: str, month: datetime) -> LiteralString:
    """An id of that month in the place of the fact's own."""
    low = str(id_floor(month + timedelta(days=9)))[:14]
    own = f"id = ('{low}' || substr(id::text, 15))::uuid"
    return f"UPDATE eventlog.event SET {own} WHERE payload->>'name' = '{name}'"  # noqa: S608 (ids and names of this file)


@pytest.fixture
def log(database: Database, cluster: ConnectionInfo, dsn: str) -> Log:
    return Log(database, Intruder(cluster, dsn))


@pytest.fixture
async def three_months(log: Log) -> Log:
    """Nine facts under four seals; two of the seals hold facts of two months, one of them out of order."""
    await log.write(("a", JANUARY), ("b", JANUARY))
    await log.seal()
    await log.write(("c", JANUARY), ("d", FEBRUARY), ("e", JANUARY))
    await log.seal()
    await log.write(("f", FEBRUARY))
    await log.seal()
    await log.write(("g", FEBRUARY), ("h", MARCH), ("i", MARCH))
    await log.seal()
    await log.make_months()
    assert await sealing.verify(log.database) == Verified(facts=9)
    return log


async def test_a_month_dropped_in_good_order_leaves_a_log_that_verifies(three_months: Log) -> None:
    assert await three_months.drop(JANUARY) == Dropped(facts=4)

    assert await sealing.verify(three_months.database) == Verified(facts=5, dropped=4, months=1)
    await three_months.seal()
    assert await sealing.verify(three_months.database) == Verified(facts=6, dropped=4, months=1)
    (fact,) = await three_months.told()
    assert (fact.month, fact.facts) == ("2024_01", 4)


async def test_month_after_month_can_go(three_months: Log) -> None:
    for month, left in ((JANUARY, 5), (FEBRUARY, 2), (MARCH, 0)):
        outcome = await three_months.drop(month)
        assert isinstance(outcome, Dropped)
        found = await sealing.verify(three_months.database)
        assert isinstance(found, Verified), found
        assert found.facts == left
    await three_months.seal()

    assert await sealing.verify(three_months.database) == Verified(facts=3, dropped=9, months=3)


async def test_a_month_that_was_taken_away_is_missed(three_months: Log) -> None:
    three_months.intruder.do("DROP TABLE eventlog.event_2024_01")

    assert await sealing.verify(three_months.database) == Broken(number=1, reason="2 of its 2 facts are not there")


async def test_a_month_taken_away_behind_one_that_was_dropped_is_missed(three_months: Log) -> None:
    await three_months.drop(JANUARY)
    three_months.intruder.do("DROP TABLE eventlog.event_2024_02")

    found = await sealing.verify(three_months.database)

    assert found == Broken(number=2, reason="1 of its 1 facts that a dropped month has left are not there")


LEFT: Sequence[tuple[LiteralString, Broken]] = (
    (
        "UPDATE eventlog.event SET source = 'x' WHERE payload->>'name' = 'd'",
        Broken(number=2, reason="a fact in it is not what was written"),
    ),
    (
        "DELETE FROM eventlog.event WHERE payload->>'name' = 'f'",
        Broken(number=3, reason="1 of its 1 facts are not there"),
    ),
    (
        "UPDATE eventlog.dropped_month SET facts = facts + 1",
        Broken(number=1, reason="what is written of the dropped month 2024_01 is forged"),
    ),
    (
        "UPDATE eventlog.kept_of_seal SET hash = sha256('x')",
        Broken(number=1, reason="what is written of the dropped month 2024_01 is forged"),
    ),
    (
        "UPDATE eventlog.seal SET hash = sha256('x') WHERE number = 1",
        Broken(number=1, reason="what is written of the dropped month 2024_01 is forged"),
    ),
    (
        "DELETE FROM eventlog.event WHERE type = 'log.month_dropped'",
        Broken(number=1, reason="no fact tells that the month 2024_01 was dropped"),
    ),
)


@pytest.mark.parametrize(("forgery", "found"), LEFT)
async def test_what_a_dropped_month_has_left_cannot_be_changed(
    three_months: Log, forgery: LiteralString, found: Broken
) -> None:
    await three_months.drop(JANUARY)

    three_months.intruder.do(forgery)

    assert await sealing.verify(three_months.database) == found


async def test_a_fact_slipped_into_a_dropped_month_is_found(three_months: Log) -> None:
    await three_months.drop(JANUARY)
    three_months.intruder.do(
        """
        INSERT INTO eventlog.event (id, xid, position, stream, type, schema_version, happened_at, correlation_id,
                                    source, payload)
        OVERRIDING SYSTEM VALUE
        SELECT gen_random_uuid(), (SELECT xid FROM eventlog.seal WHERE number = 1), 0, stream, type, schema_version,
               happened_at, correlation_id, source, payload
          FROM eventlog.event LIMIT 1
        """
    )

    found = await sealing.verify(three_months.database)

    assert found == Broken(number=1, reason="there are more than its 0 facts that a dropped month has left")


async def test_a_month_whose_seals_do_not_hold_is_evidence_and_stays(three_months: Log) -> None:
    three_months.intruder.do("UPDATE eventlog.event SET source = 'x' WHERE payload->>'name' = 'e'")

    found = await three_months.drop(JANUARY)

    assert found == Broken(number=2, reason="a fact in it is not what was written")
    assert await three_months.told() == []
    async with three_months.database.transaction() as tx:
        assert await fetch_tuples(tx, "SELECT FROM eventlog.event WHERE payload->>'name' = 'a'")


async def test_two_that_drop_at_once_drop_it_once(three_months: Log) -> None:
    await three_months.read_all()

    both = await asyncio.gather(three_months.drop(JANUARY), three_months.drop(JANUARY))

    assert sorted(outcome.facts for outcome in both if isinstance(outcome, Dropped)) == [0, 4]
    assert len(await three_months.told()) == 1
    assert await sealing.verify(three_months.database) == Verified(facts=5, dropped=4, months=1)


async def test_upkeep_drops_what_is_past_its_retention_and_nothing_else(three_months: Log) -> None:
    await three_months.read_all()

    await maintain(three_months.database, now=MARCH + RETENTION, retention=RETENTION)

    assert {fact.month for fact in await three_months.told()} == {"2024_01", "2024_02"}
    assert isinstance(await sealing.verify(three_months.database), Verified)


async def test_an_empty_month_goes_without_a_word(log: Log) -> None:
    now = SYSTEM_CLOCK.now()
    await log.make_months()
    month = month_of(now)

    assert await log.drop(month) == Dropped(facts=0)
    assert await log.told() == []
    assert await sealing.verify(log.database) == Verified(facts=0)


# ---------------------------------------------------------------- who keeps a month


async def test_a_reader_that_does_not_move_is_named_with_the_month_it_keeps(three_months: Log) -> None:
    async with three_months.database.transaction() as tx:
        await service.cursor_of(tx, "left.behind")
        await service.move_cursor(tx, "left.behind", START)
        await execute(tx, "UPDATE eventlog.cursor SET moved_at = '2024-01-05' WHERE name = 'left.behind'")
    assert await three_months.drop(JANUARY) == Needed()

    async with three_months.database.transaction() as tx:
        found = await readers(tx, now=MARCH + RETENTION, retention=RETENTION)

    assert {each.name: each.holds for each in found} == {"left.behind": "2024_01", "reader": ""}


async def test_nobody_holds_a_month_within_its_retention(three_months: Log) -> None:
    async with three_months.database.transaction() as tx:
        await service.cursor_of(tx, "slow")
        await service.move_cursor(tx, "slow", START)
        found = await readers(tx, now=JANUARY + RETENTION, retention=RETENTION)

    assert [each.holds for each in found] == [""]


async def test_a_reader_that_is_forgotten_keeps_nothing(three_months: Log) -> None:
    async with three_months.database.transaction() as tx:
        await service.cursor_of(tx, "left.behind")
        await service.move_cursor(tx, "left.behind", START)
        assert await forget_reader(tx, "left.behind")
        assert not await forget_reader(tx, "left.behind")

    assert await three_months.drop(JANUARY) == Dropped(facts=4)
