"""What each end of a call leads to, on a real target."""

from collections.abc import Sequence
from datetime import timedelta

from crossdock.canonical.facts import ConnectionBroken, ConnectionRestored, IntentLanded, IntentParked, IntentRefused
from crossdock.canonical.intents import IntentDocument
from crossdock.canonical.stock import ShipmentReported
from crossdock.connections import service as connections
from crossdock.connections.model import BreakerState, ConnectionState
from crossdock.connections.rules import BreakerTerms
from crossdock.connector_kit.model import Landed
from crossdock.connector_kit.model import Outcome as CallOutcome
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import Unmatched
from crossdock.estate.model import FlowKind
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.model import START
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database
from crossdock.outbound import service
from crossdock.outbound.model import Done, IntentState, Outcome, Unfit
from outbound.rig import (
    ERP,
    TRANSFERS,
    Rig,
    at,
    connector,
    create,
    derive_all,
    estate,
    flow,
    intents,
    states,
    tell,
    transfer,
    until,
    until_state,
)
from outbound.target import Fault, Target, serving

RETAILER = estate(TRANSFERS)


async def facts_of(database: Database, kind: type) -> list[object]:
    async with database.transaction() as tx:
        events = await eventlog.read_after(tx, START)
    return [event.fact for event in events if isinstance(event.fact, kind)]


async def test_throttling_counts_no_failure_and_silences_the_connection(database: Database) -> None:
    busy = Target(plan=lambda _, number: Fault.THROTTLE if number < 3 else Fault.NONE)
    once = estate(flow(FlowKind.TRANSFER, attempts_max=1))
    await tell(database, transfer(1))
    await derive_all(database, once)

    async with serving(busy) as target, Rig(database, once).pumping(target):
        await until_state(database, IntentState.LANDED)

    (intent,) = await intents(database)
    assert (intent.attempts, intent.failures) == (4, 0)
    assert target.count("T-1") == 1


async def test_nothing_is_sent_while_the_target_asked_for_silence(database: Database) -> None:
    busy = Target(plan=lambda reference, _: Fault.THROTTLE if reference == "T-1" else Fault.NONE, retry_after="3600")
    await tell(database, transfer(1), transfer(2), transfer(3))
    await derive_all(database, RETAILER)

    async with serving(busy) as target, Rig(database, RETAILER).pumping(target):

        async def throttled() -> bool:
            return (await intents(database))[0].reason != ""

        await until(throttled)
        await SYSTEM_CLOCK.sleep(0.3)

    assert target.documents == []
    first = (await intents(database))[0]
    assert first.state is IntentState.PENDING
    assert first.due_at - first.changed_at > timedelta(minutes=59)


async def test_a_refusal_is_told_with_its_field_and_is_not_repeated(database: Database) -> None:
    await tell(database, transfer(1))
    await derive_all(database, RETAILER)

    async with serving(Target(plan=lambda *_: Fault.REFUSE)) as target, Rig(database, RETAILER).pumping(target):
        await until_state(database, IntentState.REFUSED)
        await SYSTEM_CLOCK.sleep(0.2)

    (fact,) = await facts_of(database, IntentRefused)
    assert isinstance(fact, IntentRefused)
    assert (fact.reason, fact.path, fact.connection) == ("no such customer", "$.customer", ERP)
    assert target.writes["T-1"] == 1
    assert (await intents(database))[0].outcome is Outcome.DECLINED


async def test_wrong_credentials_stop_the_connection_and_everything_waits(database: Database) -> None:
    await tell(database, *(transfer(number) for number in range(5)))
    await derive_all(database, RETAILER)

    async with serving(Target(password="new")) as target:
        async with Rig(database, RETAILER).pumping(target):

            async def broken() -> bool:
                async with database.transaction() as tx:
                    return await connections.state_of(tx, ERP) is ConnectionState.BROKEN

            await until(broken)
            await SYSTEM_CLOCK.sleep(0.2)
        assert sum(target.writes.values()) == 1
        assert sorted((await states(database)).values()) == sorted([IntentState.PARKED, *[IntentState.PENDING] * 4])
        assert len(await facts_of(database, ConnectionBroken)) == 1

        async with database.transaction() as tx:
            released = await service.restore_connection(tx, ERP, SYSTEM_CLOCK.now())
        assert len(released.intents) == 1
        async with Rig(database, RETAILER).pumping(target, password="new"):
            await until_state(database, IntentState.LANDED)

    assert len(await facts_of(database, ConnectionRestored)) == 1
    assert len(target.documents) == 5


async def test_a_missing_lookup_parks_its_group_and_adding_it_releases_and_verifies_the_group(
    database: Database,
) -> None:
    async def mapped(session: Session, documents: Sequence[IntentDocument]) -> Sequence[CallOutcome]:
        session.lookup("location", "S1")
        return await create(session, documents)

    await tell(database, *(transfer(number) for number in range(3)))
    await derive_all(database, RETAILER)
    rig = Rig(database, RETAILER, connector(run=mapped))

    async with serving(Target()) as target, rig.pumping(target) as line:
        await until_state(database, IntentState.PARKED)
        async with database.transaction() as tx:
            (group,) = await service.causes(tx)
        assert (group.cause, group.connection, group.intents) == ("lookup:location:S1", ERP, 3)
        assert group.reason == 'lookup "location" has no entry for "S1"'
        assert len(await facts_of(database, IntentParked)) == 3
        assert target.writes == {}

        line.adopt({"location": {"S1": "42"}})
        async with database.transaction() as tx:
            released = await service.release(tx, SYSTEM_CLOCK.now(), cause=group.cause)
        await until_state(database, IntentState.LANDED)
        async with database.transaction() as tx:
            verified = await service.verify(tx, released.intents)

    assert verified.landed
    assert verified.counts == {IntentState.LANDED: 3}


async def test_a_pump_that_begins_with_the_missing_lookup_sends_on_what_waited_for_it_and_no_other_does(
    database: Database,
) -> None:
    """A pump of an estate that does not have it would only park it again."""

    async def mapped(session: Session, documents: Sequence[IntentDocument]) -> Sequence[CallOutcome]:
        session.lookup("location", "S1")
        return await create(session, documents)

    await tell(database, *(transfer(number) for number in range(3)))
    await derive_all(database, RETAILER)
    without = Rig(database, RETAILER, connector(run=mapped))
    with_it = Rig(database, RETAILER, connector(run=mapped), lookups={"location": {"S1": "42"}, "tax": {"*": "x"}})

    async with serving(Target()) as target:
        for _ in range(2):
            async with without.pumping(target):
                await until_state(database, IntentState.PARKED)
        assert len(await facts_of(database, IntentParked)) == 3
        async with with_it.pumping(target):
            await until_state(database, IntentState.LANDED)


async def test_one_unmatched_document_of_a_batch_does_not_stop_its_neighbours(database: Database) -> None:
    async def batched(session: Session, documents: Sequence[IntentDocument]) -> Sequence[CallOutcome]:
        if any(document.reference == "T-5" for document in documents):
            raise Unmatched("sku", "A")
        return [(await create(session, [document]))[0] for document in documents]

    await tell(database, *(transfer(number) for number in range(8)))
    await derive_all(database, RETAILER)

    rig = Rig(database, RETAILER, connector(run=batched, batch_max=8))
    async with serving(Target()) as target, rig.pumping(target):
        await until_state(database, IntentState.LANDED, IntentState.PARKED)

    parked = [intent for intent in await intents(database) if intent.state is IntentState.PARKED]
    assert [(intent.reference, intent.cause) for intent in parked] == [("T-5", "identity:sku:A")]
    assert len(target.documents) == 7


async def test_what_nothing_can_look_for_waits_for_a_person(database: Database) -> None:
    await tell(database, transfer(1), transfer(2))
    await derive_all(database, RETAILER)
    lossy = Target(plan=lambda _, number: Fault.LOSE_ANSWER if number == 0 else Fault.NONE)

    blind = Rig(database, RETAILER, connector(probes=False))
    async with serving(lossy) as target, blind.pumping(target):
        await until_state(database, IntentState.PARKED)
        first, second = await intents(database)
        assert first.cause == "unsure:transfer.post"

        async with database.transaction() as tx:  # releasing alone never sends it blindly
            await service.release(tx, SYSTEM_CLOCK.now(), intent_id=first.id)
        await until_state(database, IntentState.PARKED)
        async with database.transaction() as tx:
            refused = await service.resend(tx, first.id, who="Ann", why="try", now=SYSTEM_CLOCK.now())
        assert isinstance(refused, Unfit)
        assert target.writes["T-1"] == 1

        async with database.transaction() as tx:
            found = await service.resolve(tx, first.id, "1", who="Ann", why="seen in the ERP", now=SYSTEM_CLOCK.now())
            absent = await service.confirm_absent(tx, second.id, who="Ann", why="searched", now=SYSTEM_CLOCK.now())
        assert found == Done(intent_id=first.id, state=IntentState.LANDED)
        assert absent == Done(intent_id=second.id, state=IntentState.PENDING)
        await until_state(database, IntentState.LANDED)

    assert (target.writes["T-1"], target.writes["T-2"]) == (1, 2)
    resolved = (await intents(database))[0]
    assert (resolved.document_id, resolved.outcome) == ("1", Outcome.APPLIED_BY_HAND)


async def test_attempts_that_were_certainly_not_applied_are_limited(database: Database) -> None:
    thrice = estate(flow(FlowKind.TRANSFER, attempts_max=3))
    await tell(database, transfer(1))
    await derive_all(database, thrice)

    async with serving(Target(plan=lambda *_: Fault.LOSE_REQUEST)) as target, Rig(database, thrice).pumping(target):
        await until_state(database, IntentState.PARKED)

    (intent,) = await intents(database)
    assert intent.cause == "attempts:transfer.post"
    assert target.writes["T-1"] == 3
    assert target.documents == []


async def test_a_target_that_is_down_parks_nothing_and_is_caught_up_when_it_returns(database: Database) -> None:
    once = estate(flow(FlowKind.TRANSFER, attempts_max=1))
    await tell(database, *(transfer(number) for number in range(20)))
    await derive_all(database, once)
    rig = Rig(database, once, terms=BreakerTerms(failures_max=3, open_first_s=0.05, open_max_s=0.2))
    down = Target()
    async with serving(down):
        pass  # its port is known, and nobody listens there

    async with rig.pumping(down) as line:

        async def opened() -> bool:
            return line.allowance.breaker.state is not BreakerState.CLOSED

        await until(opened)
        await SYSTEM_CLOCK.sleep(0.5)
        assert set((await states(database)).values()) <= {IntentState.PENDING, IntentState.SENDING}
        async with database.transaction() as tx:
            (status,) = await connections.statuses(tx)
        assert status.breaker is not BreakerState.CLOSED
        assert status.failure != ""
        assert status.holder is not None
        async with serving(Target(), port=int(down.url.rpartition(":")[2])) as target:
            await until_state(database, IntentState.LANDED)

            async def closed() -> bool:
                async with database.transaction() as tx:
                    (seen,) = await connections.statuses(tx)
                return seen.breaker is BreakerState.CLOSED

            await until(closed)

    assert len(target.documents) == 20


async def test_news_learnt_on_the_way_are_applied_with_the_landing(database: Database) -> None:
    shipped = ShipmentReported(reference="T-1", document_id="7", shipped_at=at(0))

    async def telling(session: Session, documents: Sequence[IntentDocument]) -> Sequence[CallOutcome]:
        (landed,) = await create(session, documents)
        assert isinstance(landed, Landed)
        return [Landed(document_id=landed.document_id, news=(shipped,))]

    await tell(database, transfer(1))
    await derive_all(database, RETAILER)
    rig = Rig(database, RETAILER, connector(run=telling))
    async with serving(Target()) as target, rig.pumping(target):
        await until_state(database, IntentState.LANDED)

    ((document, origin),) = rig.news
    (intent,) = await intents(database)
    assert document == shipped
    assert (origin.correlation_id, origin.causation_id, origin.source) == (intent.correlation_id, intent.id, ERP)
    (fact,) = await facts_of(database, IntentLanded)
    assert isinstance(fact, IntentLanded)
    assert (fact.document_id, fact.reference) == (intent.document_id, "T-1")


async def test_news_that_cannot_be_applied_are_neither_lost_nor_stop_the_neighbours(database: Database) -> None:
    shipped = ShipmentReported(reference="T-2", document_id="7", shipped_at=at(0))

    async def telling(session: Session, documents: Sequence[IntentDocument]) -> Sequence[CallOutcome]:
        (landed,) = await create(session, documents)
        assert isinstance(landed, Landed)
        return [Landed(document_id=landed.document_id, news=(shipped,) if documents[0].reference == "T-2" else ())]

    class Failing(Rig):
        async def apply_news(self, *_: object) -> None:
            raise ValueError("no such fulfilment")

    await tell(database, *(transfer(number) for number in range(5)))
    await derive_all(database, RETAILER)
    async with serving(Target()) as target, Failing(database, RETAILER, connector(run=telling)).pumping(target):
        await until_state(database, IntentState.LANDED, IntentState.PARKED)

    (parked,) = [intent for intent in await intents(database) if intent.state is IntentState.PARKED]
    assert (parked.reference, parked.cause, parked.unsure) == ("T-2", "recording:transfer.post", True)
    assert "no such fulfilment" in parked.reason
    assert parked.document_id != ""
    assert len(target.documents) == 5


async def test_a_bug_in_a_connector_leaves_a_doubt_and_a_running_pump(database: Database) -> None:
    async def buggy(session: Session, documents: Sequence[IntentDocument]) -> Sequence[CallOutcome]:
        outcomes = await create(session, documents)
        if documents[0].reference == "T-1":
            raise KeyError("after the write")
        return outcomes

    await tell(database, transfer(1), transfer(2))
    await derive_all(database, RETAILER)
    async with serving(Target()) as target, Rig(database, RETAILER, connector(run=buggy)).pumping(target):
        await until_state(database, IntentState.LANDED)

    assert sorted(target.order) == ["T-1", "T-2"]


async def test_a_stopped_connection_sends_nothing_until_it_is_started(database: Database) -> None:
    await tell(database, transfer(1))
    await derive_all(database, RETAILER)
    async with database.transaction() as tx:
        assert await connections.stop(tx, ERP, "month end", SYSTEM_CLOCK.now())
    async with serving(Target()) as target, Rig(database, RETAILER).pumping(target):
        await SYSTEM_CLOCK.sleep(0.3)
        assert target.writes == {}
        async with database.transaction() as tx:
            assert await connections.start(tx, ERP, SYSTEM_CLOCK.now())
        await until_state(database, IntentState.LANDED)


async def test_a_withdrawn_intent_in_doubt_is_not_sent_again(database: Database) -> None:
    await tell(database, transfer(1))
    await derive_all(database, RETAILER)
    lost = Target(plan=lambda *_: Fault.LOSE_REQUEST)
    rig = Rig(database, RETAILER, connector(settle=timedelta(milliseconds=400)))
    async with serving(lost) as target, rig.pumping(target):
        await until_state(database, IntentState.IN_DOUBT)
        (intent,) = await intents(database)
        async with database.transaction() as tx:
            await service.withdraw(tx, intent.id, who="Ann", why="cancelled", now=SYSTEM_CLOCK.now())
        await until_state(database, IntentState.WITHDRAWN)

    (intent,) = await intents(database)
    assert intent.outcome is Outcome.NOT_WANTED
    assert target.writes["T-1"] == 1


async def test_a_withdrawn_intent_that_turns_out_to_have_landed_is_to_be_undone(database: Database) -> None:
    await tell(database, transfer(1))
    await derive_all(database, RETAILER)
    lossy = Target(plan=lambda *_: Fault.LOSE_ANSWER)
    rig = Rig(database, RETAILER, connector(settle=timedelta(milliseconds=400)))
    async with serving(lossy) as target, rig.pumping(target):
        await until_state(database, IntentState.IN_DOUBT)
        (intent,) = await intents(database)
        async with database.transaction() as tx:
            await service.withdraw(tx, intent.id, who="Ann", why="cancelled", now=SYSTEM_CLOCK.now())
        await until_state(database, IntentState.LANDED)

    (intent,) = await intents(database)
    assert intent.outcome is Outcome.TO_UNDO


async def test_kinds_that_nothing_carries_are_parked_not_forgotten(database: Database) -> None:
    await tell(database, transfer(1))
    await derive_all(database, RETAILER)
    async with serving(Target()) as target, Rig(database, estate(flow(FlowKind.COUNT))).pumping(target):
        await until_state(database, IntentState.PARKED)

    assert (await intents(database))[0].cause == "unsupported:transfer.post"
