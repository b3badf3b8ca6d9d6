"""Laws of transfers: units are at the source, under way or at the target, whatever is told in whatever order."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.base import Document, Sku
from crossdock.canonical.facts import TransferDiscrepancy, TransferRecorded, TransferSettled, TransferShipped
from crossdock.canonical.stock_facts import DifferingLine
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.model import START
from crossdock.foundation.db import Database
from crossdock.foundation.lifecycle import diagram, ends, reachable
from crossdock.inventory import service
from crossdock.inventory.model import AlreadyRecorded, KeyReused, MovementKey, MovementOutcome, Recorded
from crossdock.inventory.transfers import rules
from crossdock.inventory.transfers.model import (
    Cancel,
    Close,
    MarkReady,
    NewTransfer,
    NotPossible,
    Receive,
    Settle,
    Ship,
    Stage,
    Step,
    StepOutcome,
    Stepped,
    TransferLine,
    UnknownTransfer,
)
from crossdock.inventory.transfers.states import TABLE, Fact, State, after
from inventory.shop_floor import (
    DC,
    NOW,
    ORIGIN,
    STORE,
    A,
    B,
    allocation,
    differences,
    each,
    line,
    position,
    receive,
    reserve,
    units,
)

TODAY = date(2026, 11, 27)


def planned(quantity: int = 6, *, stage: Stage = Stage.DRAFT) -> NewTransfer:
    return NewTransfer(
        reference="T-1",
        source=DC,
        target=STORE,
        quantities={A: units(quantity)},
        happened_at=NOW,
        stage=stage,
        transferred_on=TODAY if stage is Stage.RECEIVED else None,
    )


def shipped(quantity: int | None = None) -> Ship:
    return Ship(reference="T-1", happened_at=NOW, quantities=_of(quantity))


def arrival(quantity: int | None = None, name: str = "1") -> Receive:
    return Receive(reference="T-1", arrival=name, happened_at=NOW, transferred_on=TODAY, quantities=_of(quantity))


def _of(quantity: int | None) -> Mapping[Sku, Decimal] | None:
    return None if quantity is None else {A: units(quantity)}


CLOSE = Close(reference="T-1", happened_at=NOW, reason="lost")
READY, CANCEL = MarkReady(reference="T-1"), Cancel(reference="T-1")
SETTLE = Settle(reference="T-1", reason="counted")


async def make(database: Database, new: NewTransfer) -> MovementOutcome:
    async with database.transaction() as tx:
        return await service.transfer(tx, new, origin=ORIGIN, now=NOW)


async def step(database: Database, *steps: Step) -> list[StepOutcome]:
    outcomes = []
    for each_step in steps:
        async with database.transaction() as tx:
            outcomes.append(await service.step(tx, each_step, origin=ORIGIN, now=NOW))
    return outcomes


async def units_at(database: Database) -> tuple[Decimal, Decimal, Decimal]:
    """At the source, under way, at the target."""
    source, target = await position(database), await position(database, location=STORE)
    assert await differences(database) == []
    return source.on_hand, target.in_transit, target.on_hand


async def told(database: Database) -> Sequence[Document]:
    async with database.transaction() as tx:
        facts = [event.fact for event in await eventlog.read_after(tx, START)]
    return [
        fact
        for fact in facts
        if isinstance(fact, TransferShipped | TransferRecorded | TransferDiscrepancy | TransferSettled)
    ]


async def state_of(database: Database, reference: str = "T-1") -> State:
    async with database.transaction() as tx:
        found = await service.find_transfer(tx, reference)
    assert found is not None
    return found.header.state


async def test_a_transfer_takes_its_way(database: Database) -> None:
    await receive(database, 10)
    await make(database, planned())
    seen = [await units_at(database)]
    for each_step in (READY, shipped(), arrival(4, "1"), arrival(2, "2")):
        await step(database, each_step)
        seen.append(await units_at(database))

    assert seen == [each(10, 0, 0), each(10, 0, 0), each(4, 6, 0), each(4, 2, 4), each(4, 0, 6)]
    assert await state_of(database) is State.RECEIVED
    facts = await told(database)
    assert [type(fact) for fact in facts] == [TransferShipped, TransferRecorded, TransferRecorded]
    assert [fact.transfer_id for fact in facts if isinstance(fact, TransferRecorded)] == ["T-1", "T-1/2"]


async def test_goods_that_are_there_already_are_booked_at_once_and_once(database: Database) -> None:
    await receive(database, 10)

    outcomes = await asyncio.gather(*(make(database, planned(stage=Stage.RECEIVED)) for _ in range(5)))

    assert sum(isinstance(outcome, Recorded) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, AlreadyRecorded) for outcome in outcomes) == 4
    assert await units_at(database) == each(4, 0, 6)
    assert isinstance(await make(database, planned(7, stage=Stage.RECEIVED)), KeyReused)


async def test_the_erp_is_told_of_what_arrived_and_not_before(database: Database) -> None:
    await receive(database, 10)
    await make(database, planned(stage=Stage.IN_TRANSIT))
    assert not any(isinstance(fact, TransferRecorded) for fact in await told(database))

    await step(database, arrival(5))

    (recorded,) = [fact for fact in await told(database) if isinstance(fact, TransferRecorded)]
    assert [(goods.sku, goods.quantity) for goods in recorded.lines] == [(A, units(5))]


async def test_what_never_arrives_is_a_discrepancy_until_a_person_explains_it(database: Database) -> None:
    await receive(database, 10)
    await make(database, planned(stage=Stage.IN_TRANSIT))

    outcomes = await step(database, arrival(4), CLOSE, CLOSE)

    assert [outcome.state for outcome in outcomes if isinstance(outcome, Stepped)] == [
        State.PARTLY_RECEIVED,
        State.DISCREPANCY,
        State.DISCREPANCY,
    ]
    assert await units_at(database) == each(4, 0, 4)
    differing = [fact for fact in await told(database) if isinstance(fact, TransferDiscrepancy)]
    assert [fact.lines for fact in differing] == [(DifferingLine(sku=A, shipped=units(6), received=units(4)),)]
    assert await step(database, SETTLE) == [Stepped("T-1", State.SETTLED)]
    assert TransferSettled(transfer_id="T-1", reason="counted") in await told(database)


async def test_a_late_arrival_clears_the_discrepancy_and_is_sellable(database: Database) -> None:
    await receive(database, 10)
    await make(database, planned(stage=Stage.IN_TRANSIT))

    await step(database, arrival(4, "1"), CLOSE, arrival(1, "2"))
    assert await state_of(database) is State.DISCREPANCY
    await step(database, arrival(1, "3"))

    assert await state_of(database) is State.RECEIVED
    assert await units_at(database) == each(4, 0, 6)
    assert isinstance((await told(database))[-1], TransferSettled)


async def test_goods_found_after_the_difference_was_explained_reopen_it(database: Database) -> None:
    await make(database, planned(stage=Stage.IN_TRANSIT))

    await step(database, CLOSE, SETTLE, arrival(6))

    assert await state_of(database) is State.DISCREPANCY


async def test_more_than_left_is_there_all_the_same_and_a_discrepancy(database: Database) -> None:
    await receive(database, 10)
    await make(database, planned(stage=Stage.IN_TRANSIT))
    await step(database, arrival(8))

    assert await state_of(database) is State.DISCREPANCY
    assert await units_at(database) == each(4, 0, 8)


async def test_an_item_that_nobody_sent_is_there_all_the_same(database: Database) -> None:
    await make(database, planned(stage=Stage.IN_TRANSIT))
    surprise = Receive(
        reference="T-1",
        arrival="1",
        happened_at=NOW,
        transferred_on=TODAY,
        quantities={A: units(6), B: units(2)},
    )

    await step(database, surprise)

    assert (await position(database, B, STORE)).on_hand == 2
    assert await state_of(database) is State.DISCREPANCY


async def test_an_arrival_is_taken_once_however_often_it_is_told(database: Database) -> None:
    await receive(database, 10)
    await make(database, planned(stage=Stage.IN_TRANSIT))

    outcomes = await asyncio.gather(*(step(database, arrival(2)) for _ in range(4)))

    assert sum(isinstance(outcome, Stepped) for (outcome,) in outcomes) == 1
    assert sum(isinstance(outcome, AlreadyRecorded) for (outcome,) in outcomes) == 3
    assert await step(database, arrival(3)) == [KeyReused(MovementKey("transfer/T-1/1"))]
    assert await units_at(database) == each(4, 4, 2)


async def test_a_shipment_is_taken_once_however_often_it_is_told(database: Database) -> None:
    await receive(database, 10)
    await make(database, planned())

    await step(database, shipped(5), shipped(5), shipped(6), READY)

    assert await units_at(database) == each(5, 5, 0)
    assert await state_of(database) is State.IN_TRANSIT


async def test_what_cannot_happen_is_answered_and_changes_nothing(database: Database) -> None:
    await receive(database, 10)
    assert await step(database, READY) == [UnknownTransfer("T-1")]
    await make(database, planned())

    assert await step(database, SETTLE, CLOSE) == [NotPossible("T-1", State.DRAFT)] * 2
    await step(database, shipped())
    assert await step(database, CANCEL) == [NotPossible("T-1", State.IN_TRANSIT)]
    assert await units_at(database) == each(4, 6, 0)


async def test_goods_that_left_although_cancelled_are_under_way(database: Database) -> None:
    await receive(database, 10)
    await make(database, planned())

    await step(database, CANCEL, shipped())

    assert await units_at(database) == each(4, 6, 0)


async def test_goods_that_leave_although_they_are_promised_make_the_source_short(database: Database) -> None:
    await receive(database, 6)
    await reserve(database, allocation("order/1", line(2)))

    await make(database, planned(stage=Stage.IN_TRANSIT))

    assert (await position(database)).short == 2
    assert await differences(database) == []


async def test_news_in_any_order_ends_with_the_same_units(database: Database) -> None:
    told: list[Step] = [READY, shipped(), arrival(4, "1"), arrival(2, "2")]
    orders = list(permutations(told))
    await receive(database, 10 * len(orders))

    for number, order in enumerate(orders, start=1):
        await make(database, replace(planned(), reference=f"T-{number}"))
        await step(database, *(replace(news, reference=f"T-{number}") for news in order))

        assert await state_of(database, f"T-{number}") is State.RECEIVED
    assert await units_at(database) == each(4 * len(orders), 0, 6 * len(orders))


async def test_open_transfers_are_listed_by_location(database: Database) -> None:
    await make(database, planned(stage=Stage.IN_TRANSIT))

    async with database.transaction() as tx:
        here = await service.open_transfers(tx, location=STORE)
        elsewhere = await service.open_transfers(tx, location=A)  # type: ignore[arg-type]  # no such place
    assert [(each_one.header.reference, each_one.open) for each_one in here] == [("T-1", units(6))]
    assert elsewhere == []


# ------------------------------------------------------------------------------------------------------- the table


def test_every_state_is_reached_from_a_draft_and_only_cancelled_or_settled_are_quiet() -> None:
    assert reachable(TABLE, [State.DRAFT]) == set(State)
    assert ends(TABLE) == set(), "news of goods can come at any time"
    assert "[*] --> draft" in diagram(TABLE, [State.DRAFT])


def test_news_of_goods_is_understood_in_every_state() -> None:
    for state in State:
        assert after(state, Fact.SHIPPED) is not None, state
        possible = {Fact.EXCEEDED} if state is State.RECEIVED else {Fact.ARRIVED_IN_PART, Fact.ARRIVED, Fact.EXCEEDED}
        assert all(after(state, fact) is not None for fact in possible), state


def test_what_is_told_twice_changes_nothing_the_second_time() -> None:
    for (state, fact), then in TABLE.items():
        again = after(then, fact)
        arrives = fact in {Fact.ARRIVED_IN_PART, Fact.ARRIVED, Fact.EXCEEDED}
        assert again is then or arrives, (state, fact)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1))
def test_an_arrival_means_what_all_arrivals_add_up_to(pairs: list[tuple[int, int]]) -> None:
    lines = [
        TransferLine(Sku(f"{number}"), units(0), shipped=units(left), received=units(came))
        for number, (left, came) in enumerate(pairs)
    ]

    fact = rules.told(lines)

    assert (fact is Fact.ARRIVED_IN_PART) == any(came < left for left, came in pairs)
    assert (fact is Fact.ARRIVED) == all(came == left for left, came in pairs)
    assert len(rules.differing(lines)) == sum(came != left for left, came in pairs)
