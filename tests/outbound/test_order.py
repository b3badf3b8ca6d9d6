"""Order per business key, priorities, and neighbours that do not hurt each other."""

from dataclasses import replace
from decimal import Decimal

from crossdock.canonical.intents import GoodsLine, PostCount
from crossdock.connector_kit.model import Limits
from crossdock.estate.model import FlowKind
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database
from crossdock.foundation.ids import randomness
from crossdock.outbound import service
from crossdock.outbound.model import Done, IntentState
from outbound.rig import (
    Rig,
    connector,
    count,
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

COUNTS = flow(FlowKind.COUNT)
RETAILER = estate(COUNTS)


async def test_intents_of_one_key_land_in_their_order_under_failures(database: Database) -> None:
    chance = randomness(3)
    faults = [Fault.LOSE_ANSWER, Fault.LOSE_REQUEST, Fault.UNAVAILABLE, Fault.THROTTLE]
    unlucky = {(f"C-{n}", t): chance.choice(faults) for n in range(60) for t in range(9) if chance.random() < 0.3}
    flaky = Target(plan=lambda reference, number: unlucky.get((reference, number), Fault.NONE))
    await tell(database, *(count(number, f"S{number % 4}") for number in range(60)))
    await derive_all(database, RETAILER)

    async with serving(flaky) as target, Rig(database, RETAILER, connector(serial=False)).pumping(target):
        await until_state(database, IntentState.LANDED)

    numbers = [int(reference.removeprefix("C-")) for reference in target.order]
    assert sorted(numbers) == list(range(60))
    for store in range(4):
        own = [number for number in numbers if number % 4 == store]
        assert own == sorted(own)


async def test_a_refused_intent_holds_its_key_until_a_person_settled_it_and_no_other_key(database: Database) -> None:
    picky = Target(plan=lambda reference, number: Fault.REFUSE if (reference, number) == ("C-0", 0) else Fault.NONE)
    await tell(database, count(0, "S0"), count(1, "S0"), count(2, "S1"))
    await derive_all(database, RETAILER)

    async with serving(picky) as target, Rig(database, RETAILER).pumping(target):

        async def settled() -> bool:
            return (await states(database))["C-2"] is IntentState.LANDED

        await until(settled)
        assert await states(database) == {
            "C-0": IntentState.REFUSED,
            "C-1": IntentState.PENDING,
            "C-2": IntentState.LANDED,
        }
        refused = next(intent for intent in await intents(database) if intent.reference == "C-0")
        assert (refused.reason, refused.path) == ("no such customer", "$.customer")
        async with database.transaction() as tx:
            answer = await service.resend(tx, refused.id, who="Ann", why="created it", now=SYSTEM_CLOCK.now())
        assert answer == Done(intent_id=refused.id, state=IntentState.PENDING)
        await until_state(database, IntentState.LANDED)

    assert target.order == ["C-2", "C-0", "C-1"]


async def test_a_corrected_document_is_sent_under_the_same_reference(database: Database) -> None:
    await tell(database, count(0))
    await derive_all(database, RETAILER)
    picky = Target(plan=lambda _, number: Fault.REFUSE if number == 0 else Fault.NONE)

    async with serving(picky) as target, Rig(database, RETAILER).pumping(target):
        await until_state(database, IntentState.REFUSED)
        (intent,) = await intents(database)
        corrected = PostCount(
            reference="C-0",
            location=count(0).location,
            counted_on=count(0).counted_on,
            lines=(GoodsLine(sku="B", quantity=Decimal(7)),),
        )
        async with database.transaction() as tx:
            await service.resend(tx, intent.id, corrected, who="Ann", why="B, not A", now=SYSTEM_CLOCK.now())
        await until_state(database, IntentState.LANDED)

    (intent,) = await intents(database)
    assert isinstance(intent.document, dict)
    assert intent.document["lines"] == [{"sku": "B", "quantity": "7"}]
    assert target.order == ["C-0"]


async def test_lower_priority_numbers_go_first(database: Database) -> None:
    both = estate(flow(FlowKind.COUNT, priority=100), flow(FlowKind.TRANSFER, priority=10))
    await tell(database, *(count(number, f"S{number}") for number in range(5)), *(transfer(n) for n in range(5)))
    await derive_all(database, both)

    async with serving(Target()) as target, Rig(database, both).pumping(target):
        await until_state(database, IntentState.LANDED)

    assert [reference[0] for reference in target.order] == ["T"] * 5 + ["C"] * 5


async def test_serial_sends_never_overlap_on_a_connection(database: Database) -> None:
    both = estate(COUNTS, flow(FlowKind.TRANSFER))
    await tell(database, *(count(n, f"S{n}") for n in range(20)), *(transfer(n) for n in range(20)))
    await derive_all(database, both)

    async with serving(Target(delay_s=0.003)) as target, Rig(database, both, connector(serial=True)).pumping(target):
        await until_state(database, IntentState.LANDED)

    assert target.open_max == 1


async def test_many_serial_intents_do_not_hold_up_what_can_go_beside_them(database: Database) -> None:
    both = estate(COUNTS, flow(FlowKind.TRANSFER))
    mixed = connector(serial=False)
    sends = tuple(replace(send, serial=send.kind == FlowKind.COUNT) for send in mixed.sends)
    await tell(database, *(count(n, f"S{n}") for n in range(40)), *(transfer(n) for n in range(5)))
    await derive_all(database, both)

    async with (
        serving(Target(delay_s=0.01)) as target,
        Rig(database, both, replace(mixed, sends=sends)).pumping(target),
    ):
        await until_state(database, IntentState.LANDED)

    transfers = [place for place, reference in enumerate(target.order) if reference.startswith("T")]
    assert max(transfers) < 30
    assert target.open_max > 1


async def test_parallel_sends_stay_within_the_connections_concurrency(database: Database) -> None:
    both = estate(flow(FlowKind.TRANSFER))
    await tell(database, *(transfer(number) for number in range(30)))
    await derive_all(database, both)
    three = Limits(requests_per_s=100_000, burst=1000, concurrency=3)

    rig = Rig(database, both, connector(serial=False, limits=three))
    async with serving(Target(delay_s=0.01)) as target, rig.pumping(target):
        await until_state(database, IntentState.LANDED)

    assert target.open_max == 3


async def test_a_dead_connection_does_not_hold_up_another(database: Database) -> None:
    both = estate(flow(FlowKind.TRANSFER, "dead"), flow(FlowKind.TRANSFER, "alive"))
    await tell(database, *(transfer(number) for number in range(30)))
    assert await derive_all(database, both) == 60
    dead = Rig(database, both, connector(serial=False), connection="dead")
    alive = Rig(database, both, connector(serial=True), connection="alive")

    async with (
        serving(Target(plan=lambda *_: Fault.HANG)) as hole,
        serving(Target()) as target,
        dead.pumping(hole, timeout_s=60),
        alive.pumping(target),
    ):
        await hole.hanging.wait()

        async def landed() -> bool:
            return len(target.documents) == 30

        await until(landed)
        hole.released.set()

    assert sorted(target.order) == sorted(f"T-{number}" for number in range(30))


async def blocked(database: Database) -> dict[str, bool]:
    async with database.transaction() as tx:
        cursor = await tx.execute("SELECT reference, blocked FROM outbound.intent")
        return dict(await cursor.fetchall())


async def test_what_waits_behind_a_cause_is_not_looked_at_and_goes_when_the_cause_is_gone(database: Database) -> None:
    picky = Target(plan=lambda reference, number: Fault.REFUSE if (reference, number) == ("C-0", 0) else Fault.NONE)
    await tell(database, *(count(number) for number in range(4)))
    await derive_all(database, RETAILER)

    async with serving(picky) as target, Rig(database, RETAILER).pumping(target):

        async def swept() -> bool:
            return await blocked(database) == {"C-0": False, "C-1": True, "C-2": True, "C-3": True}

        await until(swept)

        async def held_up() -> bool:
            return (await states(database))["C-0"] is IntentState.REFUSED

        await until(held_up)
        (refused, *_) = await intents(database)
        async with database.transaction() as tx:
            await service.withdraw(tx, refused.id, who="Ann", why="counted again", now=SYSTEM_CLOCK.now())
        await until_state(database, IntentState.LANDED, IntentState.WITHDRAWN)

    assert target.order == ["C-1", "C-2", "C-3"]


async def test_a_flag_that_is_wrong_is_put_right_and_never_changes_the_order(database: Database) -> None:
    await tell(database, *(count(number) for number in range(4)))
    await derive_all(database, RETAILER)
    async with database.transaction() as tx:
        await tx.execute("UPDATE outbound.intent SET blocked = reference = 'C-0'")

    async with serving(Target()) as target, Rig(database, RETAILER).pumping(target):
        await until_state(database, IntentState.LANDED)

    assert target.order == ["C-0", "C-1", "C-2", "C-3"]
