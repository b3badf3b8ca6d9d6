"""One reference, one document over there, whatever happens to calls and answers."""

from collections.abc import Sequence
from datetime import timedelta

from crossdock.canonical.intents import IntentDocument
from crossdock.connector_kit.model import Landed
from crossdock.connector_kit.model import Outcome as CallOutcome
from crossdock.connector_kit.session import Session
from crossdock.foundation import telemetry
from crossdock.foundation.db import Database
from crossdock.foundation.ids import randomness
from crossdock.outbound import service
from crossdock.outbound.model import IntentState, Outcome, Purpose, Verdict
from outbound.rig import TRANSFERS, Rig, connector, create, derive_all, estate, intents, tell, transfer, until_state
from outbound.target import Fault, Target, serving

RETAILER = estate(TRANSFERS)


async def test_a_committed_document_whose_answer_is_lost_is_found_not_sent_again(database: Database) -> None:
    lossy = Target(plan=lambda _, number: Fault.LOSE_ANSWER if number == 0 else Fault.NONE)
    await tell(database, transfer(1))
    await derive_all(database, RETAILER)

    async with serving(lossy) as target, Rig(database, RETAILER).pumping(target):
        await until_state(database, IntentState.LANDED)

    (intent,) = await intents(database)
    assert target.count("T-1") == 1
    assert intent.document_id == str(target.documents[0].id)
    assert intent.outcome is Outcome.APPLIED
    async with database.transaction() as tx:
        found = await service.get_intent(tx, intent.id)
    assert found is not None
    story = [(attempt.purpose, attempt.verdict) for attempt in found.attempts]
    assert story == [(Purpose.SEND, Verdict.UNKNOWN), (Purpose.PROBE, Verdict.LANDED)]


async def test_a_target_that_shows_documents_late_is_given_its_settle_time(database: Database) -> None:
    slow = Target(plan=lambda _, number: Fault.LOSE_ANSWER if number == 0 else Fault.NONE, lag_s=0.3)
    await tell(database, transfer(1))
    await derive_all(database, RETAILER)

    patient = Rig(database, RETAILER, connector(settle=timedelta(seconds=1)))
    async with serving(slow) as target, patient.pumping(target):
        await until_state(database, IntentState.LANDED)

    assert target.count("T-1") == 1


async def test_without_the_settle_time_the_same_target_would_double(database: Database) -> None:
    """The guard removed: this is what it prevents."""
    slow = Target(plan=lambda _, number: Fault.LOSE_ANSWER if number == 0 else Fault.NONE, lag_s=2.0)
    await tell(database, transfer(1))
    await derive_all(database, RETAILER)

    hasty = Rig(database, RETAILER, connector(settle=timedelta(0)))
    async with serving(slow) as target, hasty.pumping(target):
        await until_state(database, IntentState.LANDED)

    assert target.count("T-1") == 2


async def test_one_answer_in_five_lost_over_two_hundred_intents_makes_two_hundred_documents(database: Database) -> None:
    chance = randomness(7)
    faults = (Fault.LOSE_ANSWER, Fault.LOSE_REQUEST, Fault.BAD_GATEWAY, Fault.UNAVAILABLE)
    unlucky = {
        (f"T-{n}", tries): chance.choice(faults) for n in range(200) for tries in range(9) if chance.random() < 0.2
    }
    flaky = Target(plan=lambda reference, number: unlucky.get((reference, number), Fault.NONE))
    await tell(database, *(transfer(number) for number in range(200)))
    assert await derive_all(database, RETAILER) == 200

    rig = Rig(database, RETAILER, connector(serial=False))
    async with serving(flaky) as target, rig.pumping(target):
        await until_state(database, IntentState.LANDED)

    assert sorted(document.reference for document in target.documents) == sorted(f"T-{n}" for n in range(200))
    ids = {intent.reference: intent.document_id for intent in await intents(database)}
    assert ids == {document.reference: str(document.id) for document in target.documents}
    assert any(fault is Fault.LOSE_ANSWER for fault in unlucky.values())


async def test_a_fact_read_twice_makes_one_intent(database: Database) -> None:
    await tell(database, transfer(1), transfer(1))
    await derive_all(database, RETAILER)
    await tell(database, transfer(1))

    assert await derive_all(database, RETAILER) == 0
    assert len(await intents(database)) == 1


async def test_an_answer_without_a_document_id_is_not_landed(database: Database) -> None:
    """`Landed` with an empty id: the target is asked for the document instead."""

    async def forgetful(session: Session, documents: Sequence[IntentDocument]) -> Sequence[CallOutcome]:
        await create(session, documents)
        return [Landed(document_id=" ")]

    await tell(database, transfer(1))
    await derive_all(database, RETAILER)

    async with serving(Target()) as target, Rig(database, RETAILER, connector(run=forgetful)).pumping(target):
        await until_state(database, IntentState.LANDED)

    (intent,) = await intents(database)
    assert intent.document_id == "1"
    assert target.count("T-1") == 1
    assert target.lookups == 1


async def test_a_call_continues_the_trace_of_what_caused_it(database: Database) -> None:
    telemetry.configure()
    await tell(database, transfer(1))
    await derive_all(database, RETAILER)

    async with serving(Target()) as target, Rig(database, RETAILER).pumping(target):
        await until_state(database, IntentState.LANDED)

    (intent,) = await intents(database)
    assert target.traces == [intent.correlation_id.hex]
