"""One holder sends; what a dead or presumed-dead one left behind is looked for, never sent blindly."""

import asyncio
from datetime import timedelta

import psycopg
import pytest

from crossdock.connections import service as connections
from crossdock.connections.service import SENDING, LeaseLostError
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database
from crossdock.foundation.ids import randomness
from crossdock.outbound import service
from crossdock.outbound.model import Ended, IntentState, Purpose, Verdict
from crossdock.outbound.pump import ledger
from crossdock.outbound.pump.desk import Desk, flows_of
from outbound.rig import (
    ERP,
    TRANSFERS,
    Rig,
    connector,
    derive_all,
    estate,
    intents,
    running,
    tell,
    transfer,
    until,
    until_state,
)
from outbound.target import Fault, Target, serving

RETAILER = estate(TRANSFERS)
SHORT = timedelta(milliseconds=300)


async def test_of_two_pumps_on_one_connection_one_sends(database: Database) -> None:
    await tell(database, *(transfer(number) for number in range(40)))
    await derive_all(database, RETAILER)
    rig = Rig(database, RETAILER, connector(serial=True))

    async with (
        serving(Target(delay_s=0.002)) as target,
        rig.line(target) as one,
        rig.line(target) as two,
        running(rig.pump(one)),
        running(rig.pump(two)),
    ):
        await until_state(database, IntentState.LANDED)

    assert target.open_max == 1
    assert len(target.documents) == 40


async def test_a_stopped_pump_hands_over_at_once(database: Database) -> None:
    rig = Rig(database, RETAILER)
    async with serving(Target()) as target, rig.line(target) as one, rig.line(target) as two:
        async with running(rig.pump(one)):
            await tell(database, transfer(1))
            await derive_all(database, RETAILER)
            await until_state(database, IntentState.LANDED)
        async with running(rig.pump(two)):
            await tell(database, transfer(2))
            await derive_all(database, RETAILER)
            await until_state(database, IntentState.LANDED)

    assert target.order == ["T-1", "T-2"]


async def test_a_pump_killed_between_mark_and_call_leaves_a_doubt_that_is_looked_for(database: Database) -> None:
    """The mark is committed, the call was never made: absent, then sent, once."""
    await tell(database, transfer(1))
    await derive_all(database, RETAILER)
    rig = Rig(database, RETAILER, span=SHORT)
    async with serving(Target()) as target, rig.line(target) as line:
        desk = Desk(
            line=line,
            flows=flows_of(RETAILER.flows, ERP),
            builders={},
            sources={},
            apply_news=rig.apply_news,
            chance=randomness(1),
        )
        async with database.transaction() as tx:
            dead = await connections.take_lease(tx, f"{SENDING}{ERP}", "dies", SHORT)
            assert dead is not None
        async with database.transaction() as tx:
            claimed = await ledger.claim(tx, desk, dead, SYSTEM_CLOCK.now(), slots=1, serial_free=True)
        assert len(claimed.begun) == 1
        (intent,) = await intents(database)
        assert intent.state is IntentState.SENDING

        async with running(rig.pump(line)):
            await until_state(database, IntentState.LANDED)

    assert target.count("T-1") == 1
    async with database.transaction() as tx:
        found = await service.get_intent(tx, intent.id)
    assert found is not None
    story = [(attempt.purpose, attempt.verdict) for attempt in found.attempts]
    assert story == [
        (Purpose.SEND, Verdict.UNKNOWN),
        (Purpose.PROBE, Verdict.ABSENT),
        (Purpose.SEND, Verdict.LANDED),
    ]


async def test_a_pump_killed_during_the_call_leaves_a_doubt_that_is_found_landed(database: Database) -> None:
    await tell(database, transfer(1))
    await derive_all(database, RETAILER)
    hanging = Target(plan=lambda _, number: Fault.HANG if number == 0 else Fault.NONE)
    rig = Rig(database, RETAILER, connector(settle=timedelta(milliseconds=300)), span=SHORT)
    async with serving(hanging) as target, rig.line(target) as first, rig.line(target) as second:
        async with running(rig.pump(first)) as task:
            await target.hanging.wait()
            task.cancel()
        (intent,) = await intents(database)
        assert intent.state is IntentState.SENDING
        target.released.set()
        async with running(rig.pump(second)):
            await until_state(database, IntentState.LANDED)

    assert target.count("T-1") == 1
    assert target.writes["T-1"] == 1


async def test_a_clean_stop_waits_for_the_call_in_flight(database: Database) -> None:
    await tell(database, transfer(1))
    await derive_all(database, RETAILER)
    hanging = Target(plan=lambda *_: Fault.HANG)
    rig = Rig(database, RETAILER)
    async with serving(hanging) as target, rig.line(target) as line:
        stop = asyncio.Event()
        task = asyncio.create_task(rig.pump(line).run(stop))
        await target.hanging.wait()
        stop.set()
        asyncio.get_running_loop().call_later(0.1, target.released.set)
        await task

    (intent,) = await intents(database)
    assert intent.state is IntentState.LANDED


async def test_a_clean_stop_leaves_what_is_not_answered_in_time_to_be_looked_for(database: Database) -> None:
    await tell(database, transfer(1))
    await derive_all(database, RETAILER)
    hanging = Target(plan=lambda _, number: Fault.HANG if number == 0 else Fault.NONE)
    rig = Rig(database, RETAILER, grace_s=0.05)
    async with serving(hanging) as target, rig.line(target) as line:
        async with running(rig.pump(line)):
            await target.hanging.wait()
        (intent,) = await intents(database)
        assert intent.state is IntentState.SENDING


async def test_a_holder_presumed_dead_writes_nothing(database: Database) -> None:
    """The fence: the old token is refused, in a claim and in a record."""
    await tell(database, transfer(1), transfer(2))
    await derive_all(database, RETAILER)
    rig = Rig(database, RETAILER)
    name = f"{SENDING}{ERP}"
    async with serving(Target()) as target, rig.line(target) as line:
        desk = rig.pump(line)._desk
        async with database.transaction() as tx:
            stale = await connections.take_lease(tx, name, "stale", timedelta(0))
            assert stale is not None
            claimed = await ledger.claim(tx, desk, stale, SYSTEM_CLOCK.now(), slots=1, serial_free=True)
        async with database.transaction() as tx:
            living = await connections.take_lease(tx, name, "living", timedelta(seconds=15))
            assert living is not None
            assert living.token > stale.token
            await ledger.recover(tx, desk, living, SYSTEM_CLOCK.now(), own=())

        with pytest.raises(LeaseLostError):
            async with database.transaction() as tx:
                await connections.hold_lease(tx, stale)
        (begun,) = claimed.begun
        late = ledger.Finished(
            intent=begun.intents[0],
            ended=Ended(verdict=Verdict.LANDED, document_id="99"),
            started_at=SYSTEM_CLOCK.now(),
            ended_at=SYSTEM_CLOCK.now(),
        )
        async with database.transaction() as tx:  # even one that forgot to ask for its lease
            await ledger.record(tx, desk, stale, [late], SYSTEM_CLOCK.now())

    first, _ = await intents(database)
    assert first.state is IntentState.IN_DOUBT
    assert first.document_id == ""


async def test_a_pump_that_cannot_renew_its_lease_drops_its_calls(database: Database) -> None:
    await tell(database, transfer(1))
    await derive_all(database, RETAILER)
    hanging = Target(plan=lambda _, number: Fault.HANG if number == 0 else Fault.NONE)
    rig = Rig(database, RETAILER, connector(settle=timedelta(milliseconds=200)), span=SHORT)
    async with serving(hanging) as target, rig.line(target) as line, running(rig.pump(line)):
        await target.hanging.wait()
        async with database.transaction() as tx:  # another node believed it dead
            await tx.execute("UPDATE connections.lease SET token = token + 1, holder = 'other', until = now()")
        target.released.set()
        await until_state(database, IntentState.LANDED)

    assert target.count("T-1") == 1


async def test_the_pump_survives_the_loss_of_its_database_connections(database: Database) -> None:
    await tell(database, *(transfer(number) for number in range(60)))
    await derive_all(database, RETAILER)
    rig = Rig(database, RETAILER, connector(serial=False))
    async with serving(Target(delay_s=0.005)) as target, rig.pumping(target):
        for _ in range(4):
            await SYSTEM_CLOCK.sleep(0.05)
            # Not from the pool: its silent connections are trusted, and these have just been cut.
            async with await psycopg.AsyncConnection.connect(database.dsn, autocommit=True) as admin:
                await admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

        async with Database(database.dsn) as uncut:

            async def landed() -> bool:
                return {intent.state for intent in await intents(uncut)} == {IntentState.LANDED}

            await until(landed)

    assert sorted(target.order) == sorted(f"T-{number}" for number in range(60))
