"""The log's months are made ahead and dropped whole, and no fact is lost or hidden on the way."""

from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from crossdock.eventlog import service
from crossdock.eventlog.model import START
from crossdock.eventlog.sealing import service as sealing
from crossdock.eventlog.sealing.model import Verified
from crossdock.eventlog.upkeep.service import maintain
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database, execute, fetch_tuples
from crossdock.foundation.ids import id_floor
from crossdock.foundation.months import month_name, next_month
from crossdock.foundation.postgres import ConnectionInfo
from eventlog.log import Intruder, item, names, other, write

RETENTION = timedelta(days=400)
LONG = timedelta(days=500)
READER = "reader"


async def months(database: Database) -> set[str]:
    """Where facts lie."""
    async with database.transaction() as tx:
        rows = await fetch_tuples(tx, "SELECT DISTINCT tableoid::regclass::text FROM eventlog.event")
    return {str(name).removeprefix("eventlog.") for (name,) in rows}


async def partitions(database: Database) -> list[str]:
    async with database.transaction() as tx:
        rows = await fetch_tuples(
            tx,
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'eventlog.event'::regclass ORDER BY 1",
        )
    return [str(name).removeprefix("eventlog.") for (name,) in rows]


async def read_all(database: Database) -> None:
    async with database.transaction() as tx:
        await service.cursor_of(tx, READER)
        await service.move_cursor(tx, READER, await service.head(tx))


async def seal_all(database: Database) -> None:
    async with database.transaction() as tx:
        await sealing.seal(tx)


@pytest.fixture
def now() -> datetime:
    """Ids are made by the machine's clock, so their months are."""
    return SYSTEM_CLOCK.now()


def of(moment: datetime) -> str:
    return f"event_{month_name(moment)}"


async def test_this_month_and_the_next_two_are_made_ahead_once(database: Database, now: datetime) -> None:
    wanted = [of(now), of(next_month(now)), of(next_month(next_month(now)))]

    await maintain(database, now=now, retention=RETENTION)
    assert set(await partitions(database)) == {"event_default", *wanted}
    await maintain(database, now=now, retention=RETENTION)
    assert set(await partitions(database)) == {"event_default", *wanted}


async def test_facts_written_before_their_month_was_made_move_into_it_unchanged(
    database: Database, now: datetime
) -> None:
    await write(database, item("1"), item("2"))
    await seal_all(database)
    assert await months(database) == {"event_default"}

    await maintain(database, now=now, retention=RETENTION)
    await write(database, item("3"))

    assert await months(database) == {of(now)}
    assert await names(database) == ["1", "2", "3"]
    assert await sealing.verify(database) == Verified(facts=2)
    async with database.transaction() as tx:
        assert len(await service.of_stream(tx, "item/A")) == 3


async def test_moved_facts_are_as_unchangeable_as_before(database: Database, now: datetime) -> None:
    await write(database, item("1"))
    await maintain(database, now=now, retention=RETENTION)

    async def forge() -> None:
        async with database.transaction() as tx:
            await execute(tx, "UPDATE eventlog.event SET source = 'x'")

    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="facts are never changed"):
        await forge()
    await write(database, item("2"))
    assert await names(database) == ["1", "2"], "and the log takes more"


async def test_a_fact_of_no_month_is_caught_and_found_its_place_later(
    database: Database, now: datetime, cluster: ConnectionInfo, dsn: str
) -> None:
    """A machine whose clock is years ahead writes ids of months that nobody has made."""
    await maintain(database, now=now, retention=RETENTION)
    ahead = now + timedelta(days=1000)
    await write(database, item("1"))
    Intruder(cluster, dsn).do(_into_month(id_floor(ahead)))
    assert await months(database) == {"event_default"}

    await maintain(database, now=now, retention=RETENTION)
    assert await names(database) == ["1"], "readable meanwhile"
    await maintain(database, now=ahead, retention=timedelta(days=5000))

    assert await months(database) == {of(ahead)}
    assert await names(database) == ["1"]


def _into_month(own: UUID) -> str:
    return f"UPDATE eventlog.event SET id = '{own}'"  # noqa: S608 (an id of our own)


async def test_an_old_month_is_dropped_when_it_was_sealed_and_read(database: Database, now: datetime) -> None:
    await write(database, item("1"))
    await maintain(database, now=now, retention=RETENTION)
    await seal_all(database)
    await read_all(database)

    await maintain(database, now=now + LONG, retention=RETENTION)

    assert of(now) not in await partitions(database)
    assert await names(database) == []


async def test_a_month_that_was_not_sealed_stays(database: Database, now: datetime) -> None:
    await write(database, item("1"))
    await maintain(database, now=now, retention=RETENTION)
    await read_all(database)

    await maintain(database, now=now + LONG, retention=RETENTION)

    assert await names(database) == ["1"]


async def test_a_month_that_a_reader_has_not_passed_stays(database: Database, now: datetime) -> None:
    await write(database, item("1"))
    await read_all(database)
    await write(database, item("2"))
    await maintain(database, now=now, retention=RETENTION)
    await seal_all(database)

    await maintain(database, now=now + LONG, retention=RETENTION)
    assert await names(database) == ["1", "2"]

    await read_all(database)
    await maintain(database, now=now + LONG, retention=RETENTION)
    assert await names(database) == []


async def test_a_reader_of_few_types_does_not_keep_months_for_ever(database: Database, now: datetime) -> None:
    await write(database, item("1"))
    async with database.transaction() as tx:
        events = await service.read_after(tx, START, types=["item.described"])
        await service.move_cursor(tx, READER, events[-1].cursor)
    await write(database, other())
    await maintain(database, now=now, retention=RETENTION)
    await seal_all(database)

    await maintain(database, now=now + LONG, retention=RETENTION)
    assert of(now) in await partitions(database)

    async with database.transaction() as tx:
        await service.move_past(tx, READER, ["item.described"], distance=1)
    await maintain(database, now=now + LONG, retention=RETENTION)
    assert of(now) not in await partitions(database)


async def test_a_month_within_the_retention_stays_whatever_was_read(database: Database, now: datetime) -> None:
    await write(database, item("1"))
    await maintain(database, now=now, retention=RETENTION)
    await seal_all(database)
    await read_all(database)

    await maintain(database, now=now + RETENTION, retention=RETENTION)

    assert await names(database) == ["1"]


async def test_writers_and_upkeep_do_not_lose_each_others_facts(database: Database, now: datetime) -> None:
    """Upkeep waits for an open writer, or gives up and comes again; it never cuts one off."""
    async with database.transaction() as open_still:
        await service.append(open_still, [item("open")])
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await maintain(database, now=now, retention=RETENTION)
    await maintain(database, now=now, retention=RETENTION)

    assert await names(database) == ["open"]
    assert await months(database) == {of(now)}
