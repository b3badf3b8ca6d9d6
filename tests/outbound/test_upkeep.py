"""Months are made ahead and dropped whole; what is not settled stays, whatever its age."""

from datetime import timedelta

from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database
from crossdock.outbound import service
from crossdock.outbound.model import IntentState
from outbound.rig import TRANSFERS, Rig, count, derive_all, estate, intents, tell, transfer, until_state
from outbound.target import Target, serving

RETAILER = estate(TRANSFERS)
RETENTION = timedelta(days=400)


async def test_attempts_move_into_their_month_and_go_with_it(database: Database) -> None:
    now = SYSTEM_CLOCK.now()
    await tell(database, transfer(1))
    await derive_all(database, RETAILER)
    async with serving(Target()) as target, Rig(database, RETAILER).pumping(target):
        await until_state(database, IntentState.LANDED)

    first = await service.maintain(database, now=now, retention=RETENTION)
    second = await service.maintain(database, now=now, retention=RETENTION)

    assert (len(first.made), second.made) == (3, ())
    (intent,) = await intents(database)
    async with database.transaction() as tx:
        assert len(await service.attempts_of(tx, intent.id)) == 1
    later = await service.maintain(database, now=now + timedelta(days=500), retention=RETENTION)
    assert f"{now:%Y_%m}" in later.dropped
    assert later.forgotten == 1
    assert await intents(database) == []


async def test_what_is_not_settled_is_never_forgotten(database: Database) -> None:
    await tell(database, transfer(1), count(1))
    await derive_all(database, RETAILER)

    kept = await service.maintain(database, now=SYSTEM_CLOCK.now() + timedelta(days=5000), retention=RETENTION)

    assert kept.forgotten == 0
    assert [intent.state for intent in await intents(database)] == [IntentState.PENDING]


async def test_attempts_are_appended_to_a_month_that_was_made_ahead(database: Database) -> None:
    await service.maintain(database, now=SYSTEM_CLOCK.now(), retention=RETENTION)
    await tell(database, transfer(1))
    await derive_all(database, RETAILER)
    async with serving(Target()) as target, Rig(database, RETAILER).pumping(target):
        await until_state(database, IntentState.LANDED)

    async with database.transaction() as tx:
        cursor = await tx.execute("SELECT count(*) FROM outbound.attempt_default")
        assert await cursor.fetchone() == (0,)
