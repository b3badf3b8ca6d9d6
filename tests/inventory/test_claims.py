"""The life of a claim: committed, released, shipped, moved, each exactly once and whatever comes twice or late."""

import asyncio
from collections.abc import Sequence

import pytest

from crossdock.canonical.base import LocationCode, ReservationKey
from crossdock.canonical.facts import StockShort
from crossdock.canonical.stock import FloorMovement
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.model import START
from crossdock.foundation.db import Database
from crossdock.inventory import service
from crossdock.inventory.model import AlreadyRecorded, KeyReused, MovementKey
from crossdock.inventory.reservations.model import (
    Committed,
    Consume,
    Consumed,
    ConsumeOutcome,
    Grant,
    HoldExpired,
    Move,
    Moved,
    MoveOutcome,
    NotActive,
    NotEnough,
    NothingThere,
    Release,
    Released,
    ReleaseOutcome,
    UnknownReservation,
)
from crossdock.inventory.states import ENDS, TABLE, Act, State
from inventory.shop_floor import (
    DC,
    MINUTE,
    NOW,
    ORIGIN,
    SHOP,
    STORE,
    A,
    B,
    allocation,
    commit,
    differences,
    each,
    grant,
    hold,
    line,
    movement,
    position,
    receive,
    record,
    release,
    reserve,
    units,
)

ORDER = ReservationKey("order/1")


@pytest.fixture
async def ten(database: Database) -> Database:
    await receive(database, 10)
    return database


async def ship(
    database: Database, *lines: Grant, key: str = "order/1", reference: str = "shipment/1", minutes: int = 0
) -> ConsumeOutcome:
    shipment = Consume(
        key=ReservationKey(key), reference=MovementKey(reference), lines=lines, happened_at=NOW + minutes * MINUTE
    )
    async with database.transaction() as tx:
        (outcome,) = await service.consume(tx, [shipment], origin=ORIGIN, now=NOW + minutes * MINUTE)
    return outcome


async def give_back(database: Database, *lines: Grant, reference: str = "edit/1") -> ReleaseOutcome:
    request = Release(key=ORDER, lines=lines, reference=MovementKey(reference))
    async with database.transaction() as tx:
        (outcome,) = await service.release(tx, [request], origin=ORIGIN, now=NOW)
    return outcome


async def move(
    database: Database, quantity: int | None = None, *, reference: str = "move/1", to: LocationCode = STORE
) -> MoveOutcome:
    wanted = None if quantity is None else units(quantity)
    request = Move(key=ORDER, reference=MovementKey(reference), sku=A, source=DC, target=to, quantity=wanted)
    async with database.transaction() as tx:
        (outcome,) = await service.move(tx, [request], origin=ORIGIN, now=NOW)
    return outcome


async def state(database: Database, key: str = "order/1", minutes: int = 0) -> State | None:
    async with database.transaction() as tx:
        found = await service.find(tx, [ReservationKey(key)], now=NOW + minutes * MINUTE)
    return found[ReservationKey(key)].state if found else None


async def shorts(database: Database) -> Sequence[StockShort]:
    async with database.transaction() as tx:
        events = await eventlog.read_after(tx, START)
    return [event.fact for event in events if isinstance(event.fact, StockShort)]


# ------------------------------------------------------------------ commit, release


async def test_authorise_then_settle_allocates_once(ten: Database) -> None:
    await reserve(ten, hold("order/1", line(4)))

    first = await commit(ten, "order/1")
    second = await commit(ten, "order/1", now=NOW + 90 * MINUTE)

    assert first == second == Committed(ORDER, (grant(4),))
    found = await position(ten)
    assert (found.held, found.allocated, found.available) == each(0, 4, 6)


async def test_a_committed_hold_no_longer_expires(ten: Database) -> None:
    await reserve(ten, hold("order/1", line(4)))
    await commit(ten, "order/1")

    assert await state(ten, minutes=10_000) is State.ALLOCATED
    assert (await position(ten, now=NOW + 10_000 * MINUTE)).allocated == 4


async def test_cancelling_twice_gives_back_once(ten: Database) -> None:
    await reserve(ten, allocation("order/1", line(4)))

    first, second = await release(ten, "order/1"), await release(ten, "order/1")

    assert (first, second) == (Released(ORDER, (grant(4),)), Released(ORDER, ()))
    assert (await position(ten)).available == 10


async def test_a_failed_payment_is_compensated_exactly_once_however_often_it_is_told(ten: Database) -> None:
    await reserve(ten, hold("order/1", line(4)), allocation("order/2", line(6)))

    answers = await asyncio.gather(*(release(ten, "order/1") for _ in range(15)))

    assert sum(answer == Released(ORDER, (grant(4),)) for answer in answers) == 1
    assert (await position(ten)).available == 4
    assert await differences(ten) == []


async def test_cancelling_after_the_goods_left_gives_nothing_back(ten: Database) -> None:
    await reserve(ten, allocation("order/1", line(4)))
    await ship(ten, grant(4))

    assert await release(ten, "order/1") == Released(ORDER, ())
    found = await position(ten)
    assert (found.on_hand, found.allocated, found.available) == each(6, 0, 6)


async def test_a_released_or_unknown_reservation_cannot_be_committed(ten: Database) -> None:
    await reserve(ten, hold("order/1"))
    await release(ten, "order/1")

    assert await commit(ten, "order/1") == NotActive(ORDER, State.RELEASED)
    assert await commit(ten, "order/9") == UnknownReservation(ReservationKey("order/9"))
    assert await release(ten, "order/9") == UnknownReservation(ReservationKey("order/9"))


async def test_release_and_commit_racing_end_one_way(ten: Database) -> None:
    for n in range(10):
        await reserve(ten, hold(f"cart/{n}"))

    outcomes = await asyncio.gather(*(act(ten, f"cart/{n}") for n in range(10) for act in (commit, release)))

    committed = sum(isinstance(outcome, Committed) for outcome in outcomes)
    kept = (await position(ten)).allocated
    assert kept == 0  # a release also ends what was committed just before
    assert committed + sum(isinstance(outcome, NotActive) for outcome in outcomes) == 10
    assert await differences(ten) == []


async def test_an_edit_gives_back_some_units_once(ten: Database) -> None:
    await reserve(ten, allocation("order/1", line(5)))

    first = await give_back(ten, grant(2))
    again = await give_back(ten, grant(2))
    other = await give_back(ten, grant(1))

    assert first == Released(ORDER, (grant(2),))
    assert again == AlreadyRecorded(MovementKey("edit/1"))
    assert other == KeyReused(MovementKey("edit/1"))
    assert (await position(ten)).allocated == 3


async def test_no_edit_gives_back_more_than_remains(ten: Database) -> None:
    await reserve(ten, allocation("order/1", line(5)))

    assert await give_back(ten, grant(7), grant(1, B)) == Released(ORDER, (grant(5),))
    assert (await position(ten)).available == 10


# ------------------------------------------------------------------------- shipping


async def test_shipping_takes_the_claimed_units_in_parts(ten: Database) -> None:
    await reserve(ten, allocation("order/1", line(5)))

    first = await ship(ten, grant(2))
    again = await ship(ten, grant(2))
    rest = await ship(ten, grant(3), reference="shipment/2")

    assert first == Consumed(ORDER, (grant(2),), ())
    assert again == AlreadyRecorded(MovementKey("shipment/1"))
    assert rest == Consumed(ORDER, (grant(3),), ())
    found = await position(ten)
    assert (found.on_hand, found.allocated, found.available) == each(5, 0, 5)
    assert await state(ten) is State.CONSUMED


async def test_what_was_shipped_beyond_the_claim_is_gone_all_the_same(ten: Database) -> None:
    await reserve(ten, allocation("order/1", line(2)), allocation("order/2", line(8)))

    outcome = await ship(ten, grant(5))

    assert outcome == Consumed(ORDER, (grant(2),), (grant(3),))
    found = await position(ten)
    assert (found.on_hand, found.allocated, found.available, found.short) == each(5, 8, -3, 3)
    assert [fact.short for fact in await shorts(ten)] == [3]
    assert await differences(ten) == []


async def test_goods_shipped_after_a_cancellation_leave_stock(ten: Database) -> None:
    await reserve(ten, allocation("order/1", line(2)))
    await release(ten, "order/1")

    assert await ship(ten, grant(2)) == Consumed(ORDER, (), (grant(2),))
    assert (await position(ten)).on_hand == 8


async def test_goods_shipped_on_a_lapsed_hold_leave_stock(ten: Database) -> None:
    await reserve(ten, hold("order/1", line(2), expires_at=NOW + MINUTE))

    assert await ship(ten, grant(2), minutes=2) == Consumed(ORDER, (), (grant(2),))
    assert (await position(ten)).available == 8
    assert await differences(ten) == []


async def test_a_shipment_of_an_unknown_reservation_may_be_told_again_later(ten: Database) -> None:
    assert await ship(ten, grant(1)) == UnknownReservation(ORDER)
    await reserve(ten, allocation("order/1", line(1)))

    assert await ship(ten, grant(1)) == Consumed(ORDER, (grant(1),), ())


async def test_one_shipment_told_by_many_is_booked_once(ten: Database) -> None:
    await reserve(ten, allocation("order/1", line(5)))

    outcomes = await asyncio.gather(*(ship(ten, grant(5)) for _ in range(12)))

    assert sum(isinstance(outcome, Consumed) for outcome in outcomes) == 1
    assert (await position(ten)).on_hand == 5


async def test_an_adjustment_races_two_picks(ten: Database) -> None:
    await reserve(ten, allocation("order/1", line(4)), allocation("order/2", line(4)))

    await asyncio.gather(
        ship(ten, grant(4)),
        record(ten, movement(FloorMovement.ADJUST, -3)),
        ship(ten, grant(4), key="order/2", reference="shipment/2"),
    )

    found = await position(ten)
    assert (found.on_hand, found.allocated, found.available, found.short) == each(-1, 0, -1, 0)
    assert await differences(ten) == []


# --------------------------------------------------------------------------- moving


async def test_a_moved_claim_never_floats(ten: Database) -> None:
    await receive(ten, 3, location=STORE)
    await reserve(ten, allocation("order/1", line(5)))

    assert await move(ten, 2) == Moved(ORDER, units(2))
    assert await move(ten, 2) == AlreadyRecorded(MovementKey("move/1"))

    assert ((await position(ten)).allocated, (await position(ten, location=STORE)).allocated) == each(3, 2)
    assert await ship(ten, grant(2, location=STORE)) == Consumed(ORDER, (grant(2, location=STORE),), ())
    assert await differences(ten) == []


async def test_a_claim_moves_only_to_goods(ten: Database) -> None:
    await receive(ten, 3, location=STORE)
    await reserve(ten, allocation("order/1", line(5)), allocation("order/2", line(2, A, STORE)))

    assert await move(ten) == NotEnough(ORDER, units(1))
    assert await move(ten, to=SHOP) == NotEnough(ORDER, units(0))
    await receive(ten, 9, location=STORE)
    assert await move(ten) == Moved(ORDER, units(5))
    assert await move(ten, reference="move/2") == NothingThere(ORDER)


async def test_a_claim_that_was_moved_away_and_back_is_whole(ten: Database) -> None:
    await receive(ten, 5, location=STORE)
    await reserve(ten, hold("order/1", line(5)))
    await move(ten)
    await commit(ten, "order/1")
    back = Move(key=ORDER, reference=MovementKey("back"), sku=A, source=STORE, target=DC)
    async with ten.transaction() as tx:
        (outcome,) = await service.move(tx, [back], origin=ORIGIN, now=NOW)

    assert outcome == Moved(ORDER, units(5))
    assert await state(ten, minutes=60) is State.ALLOCATED
    assert await ship(ten, grant(5)) == Consumed(ORDER, (grant(5),), ())
    assert await differences(ten) == []


async def test_a_lapsed_hold_cannot_be_moved(ten: Database) -> None:
    await receive(ten, 5, location=STORE)
    await reserve(ten, hold("order/1", line(5), expires_at=NOW))
    assert await move(ten) == UnknownReservation(ORDER)

    await reserve(ten, hold("order/2", line(5), expires_at=NOW + MINUTE))
    request = Move(key=ReservationKey("order/2"), reference=MovementKey("m"), sku=A, source=DC, target=STORE)
    async with ten.transaction() as tx:
        (outcome,) = await service.move(tx, [request], origin=ORIGIN, now=NOW + MINUTE)

    assert isinstance(outcome, HoldExpired)


async def test_moves_releases_and_shipments_race_without_losing_a_unit(ten: Database) -> None:
    await receive(ten, 10, location=STORE)
    for n in range(8):
        await reserve(ten, allocation(f"order/{n}"))

    def shift(n: int, source: LocationCode, target: LocationCode) -> Move:
        key, reference = ReservationKey(f"order/{n}"), MovementKey(f"move/{n}/{target}")
        return Move(key=key, reference=reference, sku=A, source=source, target=target)

    async def wander(n: int) -> None:
        for source, target in ((DC, STORE), (STORE, DC), (DC, STORE)):
            async with ten.transaction() as tx:
                await service.move(tx, [shift(n, source, target)], origin=ORIGIN, now=NOW)

    async def end(n: int) -> None:
        if n % 2:
            await release(ten, f"order/{n}")
        else:
            await ship(ten, grant(1, location=STORE), key=f"order/{n}", reference=f"shipment/{n}")

    await asyncio.gather(*(act(n) for n in range(8) for act in (wander, end)))

    assert await differences(ten) == []


# ----------------------------------------------------------------------- the table


def test_every_state_is_reached_and_ends_are_final() -> None:
    reached = {State.HELD, State.ALLOCATED} | set(TABLE.values())

    assert reached == set(State)
    assert all(after is before for (before, _), after in TABLE.items() if before in ENDS)


def test_whatever_ends_a_reservation_may_come_twice() -> None:
    for act in (Act.RELEASE, Act.CONSUME):
        assert all((state, act) in TABLE for state in State if state is not State.RELEASED or act is Act.RELEASE)
