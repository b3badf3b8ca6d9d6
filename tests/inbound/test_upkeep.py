"""Months are made ahead and dropped whole; what is still open stays, whatever its age."""

from datetime import UTC, datetime, timedelta

import pytest

from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database
from crossdock.inbound import service as inbound
from inbound.shopfloor import Hub, change, hub_on, order

RETENTION = timedelta(days=400)


@pytest.fixture
async def hub(database: Database) -> Hub:
    return await hub_on(database)


async def partition_of(hub: Hub, table: str) -> set[str]:
    async with hub.database.transaction() as tx:
        cursor = await tx.execute(f"SELECT DISTINCT tableoid::regclass::text FROM inbound.{table}")  # noqa: S608
        return {str(name) for (name,) in await cursor.fetchall()}


async def test_rows_that_came_before_their_month_was_made_move_into_it(hub: Hub) -> None:
    now = SYSTEM_CLOCK.now()
    await hub.receive("orders/create", order())
    await hub.work()
    assert await partition_of(hub, "message") == {"inbound.message_default"}

    first = await inbound.maintain(hub.database, now=now, retention=RETENTION)
    second = await inbound.maintain(hub.database, now=now, retention=RETENTION)
    await hub.receive("orders/create", order("2"))
    await hub.work()

    assert (len(first.made), second.made) == (3, ())
    assert await partition_of(hub, "message") == {f"inbound.message_{now:%Y_%m}"}
    assert await partition_of(hub, "record") == {f"inbound.record_{now:%Y_%m}"}
    assert await hub.effects() == ["placed", "placed"]


async def test_a_month_past_its_time_is_dropped_unless_something_in_it_is_open(hub: Hub) -> None:
    now = SYSTEM_CLOCK.now()
    (waiting,) = await hub.receive("orders/change", change())
    await hub.work()
    await inbound.maintain(hub.database, now=now, retention=RETENTION)
    much_later = now + timedelta(days=500)

    kept = await inbound.maintain(hub.database, now=much_later, retention=RETENTION)
    assert f"{now:%Y_%m}" in kept.kept
    assert await hub.states(waiting) == ["waiting"]
    async with hub.database.transaction() as tx:
        await inbound.dismiss(tx, waiting, 0, reason="too old", who="ann", now=now)
    gone = await inbound.maintain(hub.database, now=much_later, retention=RETENTION)

    assert f"{now:%Y_%m}" in gone.dropped
    async with hub.database.transaction() as tx:
        assert await inbound.show(tx, hub.vault, waiting) is None


async def test_undecoded_messages_keep_their_month(hub: Hub) -> None:
    now = SYSTEM_CLOCK.now()
    await hub.receive("orders/create", order())
    await inbound.maintain(hub.database, now=now, retention=RETENTION)

    kept = await inbound.maintain(hub.database, now=now + timedelta(days=500), retention=RETENTION)

    assert f"{now:%Y_%m}" in kept.kept


async def test_event_ids_are_forgotten_after_their_time_and_not_before(hub: Hub) -> None:
    await hub.receive("orders/create", order())
    await hub.work()
    now = hub.clock.now()

    early = await inbound.maintain(hub.database, now=now + RETENTION, retention=RETENTION)
    late = await inbound.maintain(hub.database, now=now + RETENTION + timedelta(days=1), retention=RETENTION)

    assert (early.forgotten, late.forgotten) == (0, 1)


async def test_months_missed_while_the_hub_stood_still_are_made_up(hub: Hub) -> None:
    await hub.receive("orders/create", order())
    later = SYSTEM_CLOCK.now() + timedelta(days=100)

    made = (await inbound.maintain(hub.database, now=later, retention=RETENTION)).made

    assert len(made) >= 5
    assert await partition_of(hub, "message") != {"inbound.message_default"}
    assert made[0] == f"{datetime.now(UTC):%Y_%m}"  # noqa: TID251 (compares with the database's own ids)
