"""Laws of claims without goods: they stand on receipts or in a queue, and goods that land go to whoever waits longest."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import LiteralString

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.base import Document, LocationCode, ReservationKey
from crossdock.canonical.facts import StockCovered, StockLanded, StockLate, StockShort
from crossdock.canonical.stock import FloorMovement, MovementKind
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.model import START
from crossdock.foundation.db import Database, execute
from crossdock.inventory import service, store
from crossdock.inventory.expected.model import Purchase, PurchaseLine
from crossdock.inventory.model import Account, ExpectedLine, MovementKey, NewMovement, Posting
from crossdock.inventory.posting import store as posting
from crossdock.inventory.reservations.model import (
    Claim,
    ClaimKind,
    Consume,
    Fill,
    Grant,
    Move,
    Moved,
    OutOfStock,
    Release,
    Reserved,
    ReserveLine,
    ReserveRequest,
)
from crossdock.inventory.waiting import rules
from crossdock.inventory.waiting import service as serving
from crossdock.inventory.waiting.model import AS_FAR_AS_IT_TAKES, Basis, Promise, Reach
from crossdock.inventory.waiting.ranking import Ranked
from crossdock.inventory.waiting.rules import Timetable
from inventory.shop_floor import (
    DC,
    MINUTE,
    NOW,
    ORIGIN,
    SHOP,
    STORE,
    A,
    allocation,
    at,
    commit,
    differences,
    each,
    movement,
    position,
    receive,
    record,
    release,
    reserve,
    units,
)

DAY = timedelta(days=1)


def wish(
    key: str,
    quantity: int,
    *,
    reach: Reach = AS_FAR_AS_IT_TAKES,
    promised: int = 0,
    worth: int = 0,
    penalty: int = 0,
    locations: Sequence[LocationCode] = (DC,),
    hold: bool = False,
    fill: Fill = Fill.ALL,
) -> ReserveRequest:
    return ReserveRequest(
        key=ReservationKey(key),
        kind=ClaimKind.HOLD if hold else ClaimKind.ALLOCATION,
        lines=[ReserveLine(A, units(quantity), locations)],
        expires_at=NOW + 30 * MINUTE if hold else None,
        fill=fill,
        reach=reach,
        promise=Promise(NOW + promised * MINUTE, units(worth), units(penalty)),
    )


def until(days: int, most: int | None = 0) -> Reach:
    return Reach(dated_until=NOW + days * DAY, backorder_max=None if most is None else units(most))


async def announce(database: Database, *lines: tuple[int, int], minute: int = 0, now: datetime = NOW) -> None:
    """Units and the days until they are due."""
    told = Purchase(
        reference="PO-1",
        location=DC,
        revised_at=NOW + minute * MINUTE,
        lines=[
            PurchaseLine(sku=A, quantity=units(quantity), due_at=NOW + days * DAY, line=f"{number}")
            for number, (quantity, days) in enumerate(lines, start=1)
        ],
    )
    async with database.transaction() as tx:
        await service.announce(tx, [told], origin=ORIGIN, now=now)


async def arrive(database: Database, quantity: int, line: str = "1") -> None:
    new = NewMovement(
        key=MovementKey(f"arrival/{line}/{quantity}"),
        kind=FloorMovement.RECEIVE,
        sku=A,
        location=DC,
        quantity=units(quantity),
        happened_at=NOW,
        expects=ExpectedLine("PO-1", line),
    )
    await record(database, new)


async def claimed(database: Database, *keys: str) -> list[dict[str, int]]:
    """Per reservation, how many units remain on what."""
    async with database.transaction() as tx:
        found = await service.find(tx, [ReservationKey(key) for key in keys], now=NOW)
    return [
        {claim.basis.value: int(claim.remaining) for claim in found[ReservationKey(key)].claims if claim.remaining}
        for key in keys
    ]


async def counters(database: Database, location: LocationCode = DC) -> tuple[int, ...]:
    """Available, allocated, dated, backordered; and nothing disagrees."""
    assert await differences(database) == []
    found = await position(database, location=location)
    return tuple(map(int, (found.available, found.allocated, found.dated, found.backordered)))


async def told(database: Database) -> Sequence[Document]:
    async with database.transaction() as tx:
        facts = [event.fact for event in await eventlog.read_after(tx, START)]
    return [fact for fact in facts if isinstance(fact, StockLanded | StockLate | StockCovered | StockShort)]


# ---------------------------------------------------------------------------------------------------- reserving


async def test_what_is_not_there_waits_where_the_rest_was_found_and_is_counted(database: Database) -> None:
    await receive(database, 2, location=STORE)

    (outcome,) = await reserve(database, wish("order/1", 5, locations=(DC, STORE)))

    assert isinstance(outcome, Reserved)
    assert outcome.grants == (
        Grant(at(location=STORE), units(2)),
        Grant(at(location=STORE), units(3), Basis.BACKORDER),
    )
    assert await counters(database, STORE) == (0, 2, 0, 3)


async def test_an_item_that_was_never_seen_is_waited_for_at_the_best_location(database: Database) -> None:
    (outcome,) = await reserve(database, wish("order/1", 5, locations=(SHOP, DC)))

    assert isinstance(outcome, Reserved)
    assert outcome.grants == (Grant(at(location=SHOP), units(5), Basis.BACKORDER),)
    assert await counters(database, SHOP) == (0, 0, 0, 5)


async def test_the_same_key_gets_the_same_answer_whatever_has_landed_since(database: Database) -> None:
    await announce(database, (2, 3))
    first = await reserve(database, wish("order/1", 5, reach=until(9, None)))
    await receive(database, 9)

    assert await reserve(database, wish("order/1", 5, reach=until(9, None))) == first
    assert await counters(database) == (4, 5, 0, 0)


async def test_receipts_that_are_due_in_time_come_before_the_queue(database: Database) -> None:
    await announce(database, (4, 3), (4, 20))

    (outcome,) = await reserve(database, wish("order/1", 6, reach=until(9, None)))

    assert isinstance(outcome, Reserved)
    assert [(grant.basis, grant.quantity) for grant in outcome.grants] == [
        (Basis.BACKORDER, units(2)),
        (Basis.DATED, units(4)),
    ]
    assert await counters(database) == (0, 0, 4, 2)


async def test_a_receipt_is_claimed_once(database: Database) -> None:
    await announce(database, (4, 3))

    outcomes = await asyncio.gather(*(reserve(database, wish(f"order/{n}", 1, reach=until(9))) for n in range(9)))

    assert sum(isinstance(outcome, Reserved) for (outcome,) in outcomes) == 4
    assert sum(isinstance(outcome, OutOfStock) for (outcome,) in outcomes) == 5
    assert await counters(database) == (0, 0, 4, 0)


async def test_a_claim_for_an_early_day_does_not_take_what_a_late_receipt_brings(database: Database) -> None:
    await announce(database, (4, 3), (6, 9))

    answers = await reserve(
        database,
        wish("late", 7, reach=until(9)),
        wish("early", 4, reach=until(3)),
        wish("early again", 3, reach=until(3)),
    )

    assert [type(answer) for answer in answers] == [Reserved, OutOfStock, Reserved]
    assert await counters(database) == (0, 0, 10, 0)


async def test_overdue_receipts_are_promised_to_nobody(database: Database) -> None:
    await announce(database, (4, 1))

    (outcome,) = await reserve(database, wish("order/1", 1, reach=until(9)), now=NOW + 2 * DAY)

    assert isinstance(outcome, OutOfStock)


async def test_no_more_wait_than_may_whoever_asks_at_once(database: Database) -> None:
    limited = Reach(backorder_max=units(3))

    outcomes = await asyncio.gather(*(reserve(database, wish(f"order/{n}", 1, reach=limited)) for n in range(9)))

    assert sum(isinstance(outcome, Reserved) for (outcome,) in outcomes) == 3
    assert await counters(database) == (0, 0, 0, 3)


async def test_shortfall_and_those_who_wait_at_any_location_use_the_limit_up(database: Database) -> None:
    await receive(database, 2)
    await reserve(database, allocation("sold"), allocation("sold too"))
    await record(database, movement(FloorMovement.ISSUE, 1))
    await reserve(database, wish("waits elsewhere", 1, locations=(STORE,)))

    limited = Reach(backorder_max=units(4))
    (outcome,) = await reserve(
        database, wish("order/1", 9, reach=limited, locations=(DC, STORE, SHOP), fill=Fill.PARTIAL)
    )

    assert isinstance(outcome, Reserved)
    assert [(grant.basis, grant.quantity) for grant in outcome.grants] == [(Basis.BACKORDER, units(2))]
    assert [(short.wanted, short.available) for short in outcome.shortages] == [each(9, 2)]


async def test_a_limit_lowered_later_only_stops_growth(database: Database) -> None:
    await reserve(database, wish("order/1", 5))

    (refused,) = await reserve(database, wish("order/2", 1, reach=Reach(backorder_max=units(3))))
    await release(database, "order/1")
    (granted,) = await reserve(database, wish("order/3", 1, reach=Reach(backorder_max=units(3))))

    assert isinstance(refused, OutOfStock)
    assert isinstance(granted, Reserved)
    assert await counters(database) == (0, 0, 0, 1)


# ------------------------------------------------------------------------------------------------------- ending


async def test_a_cart_that_waits_stops_waiting_at_its_deadline(database: Database) -> None:
    await announce(database, (2, 3))
    await reserve(database, wish("cart/1", 5, hold=True, reach=until(9, None)))
    later = NOW + 30 * MINUTE

    assert (await position(database, now=later)).backordered == 0
    assert (await position(database, now=later)).dated == 0
    (outcome,) = await reserve(database, wish("order/2", 2, reach=until(9)), now=later)

    assert isinstance(outcome, Reserved)
    assert await counters(database) == (0, 0, 2, 0)


async def test_a_cart_that_is_paid_goes_on_waiting_and_then_takes_what_is_there(database: Database) -> None:
    await reserve(database, wish("cart/1", 3, hold=True))
    await receive(database, 2)
    assert await counters(database) == (2, 0, 0, 3)

    await commit(database, "cart/1")

    assert await counters(database) == (0, 2, 0, 1)
    assert await claimed(database, "cart/1") == [{"goods": 2, "backorder": 1}]


async def test_who_gives_up_frees_the_receipt_and_the_place_in_the_queue_once(database: Database) -> None:
    await announce(database, (2, 3))
    await reserve(database, wish("order/1", 5, reach=until(9, None)))

    await release(database, "order/1")
    await release(database, "order/1")

    assert await counters(database) == (0, 0, 0, 0)


async def test_part_of_what_waits_is_given_up_by_name(database: Database) -> None:
    await reserve(database, wish("order/1", 5))
    part = Release(
        key=ReservationKey("order/1"),
        lines=[Grant(at(), units(2), Basis.BACKORDER)],
        reference=MovementKey("part"),
    )

    for _ in range(2):
        async with database.transaction() as tx:
            await service.release(tx, [part], origin=ORIGIN, now=NOW)

    assert await counters(database) == (0, 0, 0, 3)


async def test_goods_shipped_to_who_waited_for_them_are_not_waited_for_any_more(database: Database) -> None:
    await receive(database, 1)
    await reserve(database, wish("order/1", 3))
    shipped = Consume(
        key=ReservationKey("order/1"),
        reference=MovementKey("parcel"),
        lines=[Grant(at(), units(2))],
        happened_at=NOW,
    )

    async with database.transaction() as tx:
        await service.consume(tx, [shipped], origin=ORIGIN, now=NOW)

    assert await claimed(database, "order/1") == [{"backorder": 1}]
    assert (await position(database)).on_hand == -1
    assert await differences(database) == []


async def test_who_waits_is_moved_to_where_goods_are(database: Database) -> None:
    await reserve(database, wish("order/1", 5))
    await receive(database, 3, location=STORE)
    moved = Move(
        key=ReservationKey("order/1"),
        reference=MovementKey("move/1"),
        sku=A,
        source=DC,
        target=STORE,
        quantity=units(3),
        basis=Basis.BACKORDER,
    )

    async with database.transaction() as tx:
        (outcome,) = await service.move(tx, [moved], origin=ORIGIN, now=NOW)

    assert outcome == Moved(ReservationKey("order/1"), units(3))
    assert await counters(database) == (0, 0, 0, 2)
    assert await counters(database, STORE) == (0, 3, 0, 0)


# ------------------------------------------------------------------------------------------------------ landing


async def test_goods_that_land_go_to_the_oldest_promise_then_to_worth_then_to_the_dearest_channel(
    database: Database,
) -> None:
    await reserve(
        database,
        wish("later", 1, promised=9, worth=99, penalty=99),
        wish("cheap", 1, worth=1, penalty=99),
        wish("dear", 1, worth=2),
        wish("dear channel", 1, worth=2, penalty=5),
    )

    for served in (["dear channel"], ["dear channel", "dear"], ["dear channel", "dear", "cheap"]):
        await receive(database, 1)
        found = await claimed(database, "dear channel", "dear", "cheap", "later")
        assert found == [{"goods" if n < len(served) else "backorder": 1} for n in range(4)]
    assert await counters(database) == (0, 3, 0, 1)


async def test_nobody_is_told_of_goods_that_others_wait_for(database: Database) -> None:
    """In the landing's own transaction: no moment in between at which they could be published, or sold again."""
    await reserve(database, wish("order/1", 2))

    async with database.transaction() as tx:
        await service.record(tx, [movement(FloorMovement.RECEIVE, 3)], origin=ORIGIN, now=NOW)
        (found,) = await service.positions(tx, [A], now=NOW)
        (refused,) = await service.reserve(tx, [wish("order/2", 2, reach=Reach())], origin=ORIGIN, now=NOW)

    assert int(found.available) == 1
    assert isinstance(refused, OutOfStock)
    (landed,) = await told(database)
    assert isinstance(landed, StockLanded)
    assert [(line.reservation, line.quantity) for line in landed.served] == [("order/1", units(2))]


@pytest.mark.parametrize("cause", ["release", "count", "rebucket", "expiry"])
async def test_whatever_frees_goods_serves_those_who_wait(database: Database, cause: str) -> None:
    await receive(database, 1)
    await reserve(database, wish("first", 1, hold=cause == "expiry"), wish("waits", 1))
    later = NOW + 30 * MINUTE

    if cause == "release":
        await release(database, "first")
    elif cause == "count":
        await record(database, movement(FloorMovement.ADJUST, 1))
    elif cause == "rebucket":
        await record(database, movement(FloorMovement.RETURN_RECEIVE, 1))
    else:
        async with database.transaction() as tx:
            await service.lapse(tx, origin=ORIGIN, now=later)

    assert await claimed(database, "waits") == [{"goods": 1}]
    assert await differences(database) == []


async def test_what_lapses_serves_those_who_wait_before_who_has_just_come(database: Database) -> None:
    await receive(database, 1)
    await reserve(database, wish("cart", 1, hold=True), wish("waits", 1))

    (outcome,) = await reserve(database, wish("new", 1, reach=Reach()), now=NOW + 30 * MINUTE)

    assert isinstance(outcome, OutOfStock)
    assert await claimed(database, "waits") == [{"goods": 1}]


async def test_a_receipt_serves_its_claims_and_nothing_is_late(database: Database) -> None:
    await announce(database, (5, 3))
    await reserve(database, wish("order/1", 4, reach=until(9)))

    await arrive(database, 5)

    assert await counters(database) == (1, 4, 0, 0)
    assert [type(fact) for fact in await told(database)] == [StockLanded]


async def test_floods_of_goods_and_wishes_leave_nobody_waiting_beside_goods(database: Database) -> None:
    async def want(number: int) -> None:
        await reserve(database, wish(f"order/{number}", 1, promised=number))

    async def bring(number: int) -> None:
        await record(database, movement(FloorMovement.RECEIVE, 2, key=f"r/{number}"))

    await asyncio.gather(*(want(number) for number in range(24)), *(bring(number) for number in range(10)))

    assert await counters(database) == (0, 20, 0, 4)


# ---------------------------------------------------------------------------------------------- days come and go


async def test_a_new_receipt_gives_those_who_wait_a_day_by_rank(database: Database) -> None:
    await reserve(database, wish("second", 3, promised=2), wish("first", 3, promised=1))

    await announce(database, (4, 3))

    assert await claimed(database, "first", "second") == [{"dated": 3}, {"dated": 1, "backorder": 2}]
    (outcome,) = await reserve(database, wish("third", 1, reach=until(9)))
    assert isinstance(outcome, OutOfStock), "what is coming belongs to those who waited"
    assert await counters(database) == (0, 0, 4, 2)


async def test_a_receipt_that_will_not_come_takes_the_day_from_the_last_ranked(database: Database) -> None:
    await announce(database, (4, 3))
    await reserve(database, wish("first", 2, promised=1, reach=until(9)), wish("last", 2, promised=2, reach=until(9)))

    await announce(database, (3, 3), minute=1)

    assert await claimed(database, "first", "last") == [{"dated": 2}, {"dated": 1, "backorder": 1}]
    (late,) = await told(database)
    assert isinstance(late, StockLate)
    assert [(line.reservation, line.quantity) for line in late.losing] == [("last", units(1))]
    assert await counters(database) == (0, 0, 3, 1)


async def test_a_receipt_that_comes_later_than_promised_takes_the_day_too(database: Database) -> None:
    await announce(database, (4, 3))
    await reserve(database, wish("soon", 2, reach=until(5)), wish("patient", 2, promised=1, reach=until(30)))

    await announce(database, (4, 20), minute=1)

    assert await claimed(database, "patient") == [{"dated": 2}]
    (late,) = [fact for fact in await told(database) if isinstance(fact, StockLate)]
    assert [line.reservation for line in late.losing] == ["soon"]
    assert await differences(database) == []


async def test_dated_claims_outlive_a_receipt_that_is_merely_overdue(database: Database) -> None:
    await announce(database, (4, 3))
    await reserve(database, wish("order/1", 4, reach=until(5)))

    await announce(database, (5, 3), minute=1, now=NOW + 9 * DAY)

    assert await claimed(database, "order/1") == [{"dated": 4}]


# ----------------------------------------------------------------------------------------------------- shortage


async def test_who_loses_is_named_and_the_rest_is_covered_again(database: Database) -> None:
    await receive(database, 3)
    await reserve(
        database,
        wish("first", 1, promised=1, reach=Reach()),
        wish("last", 1, promised=2, reach=Reach()),
        wish("cart", 1, hold=True, reach=Reach()),
    )

    await record(database, movement(FloorMovement.ISSUE, 2))

    (short,) = await told(database)
    assert isinstance(short, StockShort)
    assert [(line.reservation, line.quantity) for line in short.losing] == [("cart", units(1)), ("last", units(1))]
    await release(database, "cart")
    assert len(await told(database)) == 1
    await release(database, "last")
    assert isinstance((await told(database))[-1], StockCovered)


# ----------------------------------------------------------------------------------------------------- the guards

DATED_STANDS: tuple[LiteralString, ...] = (
    "ALTER TABLE inventory.position DROP CONSTRAINT position_dated_stands_on_receipts",
    "ALTER TABLE inventory.running DROP CONSTRAINT running_dated_stands_on_receipts",
)
LIMIT_KEPT: tuple[LiteralString, ...] = (
    "ALTER TABLE inventory.position DROP CONSTRAINT position_backorders_keep_their_limit",
    "ALTER TABLE inventory.running DROP CONSTRAINT running_backorders_keep_their_limit",
)
QUIET = NOW + MINUTE


async def overpromise(database: Database, account: Account, now: datetime) -> None:
    """A program that holds the lock but counts wrongly."""
    wrong = Posting(at(), MovementKind.ALLOCATE, Account.OUTSIDE, account, units(5), "order/9", now)
    async with database.transaction() as tx:
        await store.lock(tx, {at()}, make=False)
        await posting.write(tx, [wrong], origin=ORIGIN, now=now, facts=False)


@pytest.mark.parametrize("now", [NOW, QUIET])
async def test_the_table_refuses_a_day_that_nothing_will_bring(database: Database, now: datetime) -> None:
    await announce(database, (4, 3))

    with pytest.raises(psycopg.errors.CheckViolation, match="dated_stands_on_receipts"):
        await overpromise(database, Account.DATED, now)

    async with database.transaction() as tx:
        for statement in DATED_STANDS:
            await execute(tx, statement)
    await overpromise(database, Account.DATED, now)
    found = {difference.check for difference in await differences(database)}
    assert "dated claims stand on receipts, backorders within their limit" in found


@pytest.mark.parametrize("now", [NOW, QUIET])
async def test_the_table_refuses_a_queue_beyond_its_limit(database: Database, now: datetime) -> None:
    await reserve(database, wish("order/1", 2, reach=Reach(backorder_max=units(4))))

    with pytest.raises(psycopg.errors.CheckViolation, match="backorders_keep_their_limit"):
        await overpromise(database, Account.BACKORDERED, now)

    async with database.transaction() as tx:
        for statement in LIMIT_KEPT:
            await execute(tx, statement)
    await overpromise(database, Account.BACKORDERED, now)
    found = {difference.check for difference in await differences(database)}
    assert "dated claims stand on receipts, backorders within their limit" in found


async def test_a_fact_is_never_refused_for_what_was_promised(database: Database) -> None:
    """Neither the day nor the limit stands in the way of the floor."""
    await announce(database, (4, 3))
    await reserve(database, wish("order/1", 4, reach=until(9)))

    await announce(database, minute=1)

    assert await counters(database) == (0, 0, 0, 4)


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        ("UPDATE inventory.claim SET basis = 'dated', due_by = now()", "claimed units = Σ open claims"),
        ("UPDATE inventory.claim SET remaining = 1, moved = arrived - 1", "claim = Σ its ledger rows"),
        ("UPDATE inventory.position SET backordered = 1", "counter = Σ ledger"),
    ],
)
async def test_the_auditor_finds_what_was_changed_by_hand(
    database: Database, damage: LiteralString, check: str
) -> None:
    await reserve(database, wish("order/1", 3), now=QUIET)
    async with database.transaction() as tx:
        await execute(tx, damage)

    assert check in {difference.check for difference in await differences(database)}


# ------------------------------------------------------------------------------------------------------ pure laws

days = st.integers(0, 6)
portions = st.lists(st.tuples(days, st.integers(1, 5)), max_size=5)


def dated(pairs: Sequence[tuple[int, int]]) -> list[tuple[datetime, Decimal]]:
    return [(NOW + day * DAY, units(quantity)) for day, quantity in pairs]


def feasible(receipts: Sequence[tuple[int, int]], claims: Sequence[tuple[int, int]]) -> bool:
    """Every claim can be served by a receipt that is due in time: counted day by day, without the rule's own words."""
    return all(
        sum(quantity for at_day, quantity in claims if at_day <= day)
        <= sum(quantity for at_day, quantity in receipts if at_day <= day)
        for day in range(7)
    )


@given(receipts=portions, claims=portions, by=days)
def test_what_is_free_by_a_day_can_be_promised_and_one_more_cannot(
    receipts: list[tuple[int, int]], claims: list[tuple[int, int]], by: int
) -> None:
    if not feasible(receipts, claims):
        return

    free = int(Timetable(dated(receipts), dated(claims)).free(NOW + by * DAY))

    assert free >= 0
    assert feasible(receipts, [*claims, (by, free)])
    assert not feasible(receipts, [*claims, (by, free + 1)])


def queue(*quantities: int, basis: Basis, by: Sequence[int] = ()) -> list[Ranked]:
    found = []
    for number, quantity in enumerate(quantities):
        claim = Claim(
            key=ReservationKey(f"{number}"),
            sku=A,
            location=DC,
            condition=at().condition,
            kind=ClaimKind.ALLOCATION,
            expires_at=None,
            granted=units(quantity),
            arrived=units(quantity),
            remaining=units(quantity),
            basis=basis,
            due_by=NOW + by[number] * DAY if by else None,
        )
        found.append(Ranked(claim, Promise(NOW + number * MINUTE, units(0), units(0))))
    return found


def bench(**accounts: int) -> rules.Bench:
    books = {account: units(accounts.get(account.value, 0)) for account in Account}
    return rules.Bench({at(): books}, {}, NOW)


@given(wanted=st.lists(st.integers(1, 6), max_size=6), available=st.integers(-3, 20))
def test_goods_go_down_the_queue_without_a_gap(wanted: list[int], available: int) -> None:
    desk = bench(available=available, backordered=sum(wanted))

    turns = list(rules.land(queue(*wanted, basis=Basis.BACKORDER), desk))

    served = [int(turn.units) for turn in turns]
    assert sum(served) == min(max(0, available), sum(wanted))
    assert served[:-1] == wanted[: max(0, len(served) - 1)]
    balances = desk.books[at()]
    assert balances[Account.AVAILABLE] == available - sum(served)
    assert balances[Account.BACKORDERED] == sum(wanted) - sum(served)
    assert all(claim.arrived == claim.remaining + claim.moved for turn in turns for claim in turn.changed)


@given(wanted=st.lists(st.tuples(st.integers(1, 6), days), max_size=6), receipts=portions)
def test_after_days_were_taken_away_every_day_left_can_be_kept(
    wanted: list[tuple[int, int]], receipts: list[tuple[int, int]]
) -> None:
    quantities = [quantity for quantity, _ in wanted]
    standing = queue(*quantities, basis=Basis.DATED, by=[day for _, day in wanted])
    desk = bench(dated=sum(quantities), on_order=sum(quantity for _, quantity in receipts))

    turns = list(rules.postpone(standing, Timetable(dated(receipts)), desk))

    lost = {turn.claim.key: int(turn.units) for turn in turns}
    kept = [(day, quantity - lost.get(ReservationKey(f"{n}"), 0)) for n, (quantity, day) in enumerate(wanted)]
    assert feasible(receipts, kept)
    assert desk.books[at()][Account.BACKORDERED] == sum(lost.values())
    if feasible(receipts, [(day, quantity) for quantity, day in wanted]):
        assert not turns


@given(wanted=st.lists(st.integers(1, 6), max_size=6), receipts=portions, claims=portions)
def test_days_that_are_given_can_be_kept_and_nothing_is_given_twice(
    wanted: list[int], receipts: list[tuple[int, int]], claims: list[tuple[int, int]]
) -> None:
    if not feasible(receipts, claims):
        return
    timetable = Timetable(dated(receipts), dated(claims))
    desk = bench(backordered=sum(wanted))

    turns = list(rules.date(queue(*wanted, basis=Basis.BACKORDER), timetable, desk))

    given_days = [((turn.changed[1].due_by or NOW) - NOW).days for turn in turns]
    promised = [(day, int(turn.units)) for day, turn in zip(given_days, turns, strict=True)]
    assert feasible(receipts, [*claims, *promised])
    assert desk.books[at()][Account.DATED] == sum(quantity for _, quantity in promised)


@given(standing=st.lists(st.integers(1, 6), max_size=6), lacking=st.integers(0, 30))
def test_exactly_what_is_not_there_is_lost_from_the_end(standing: list[int], lacking: int) -> None:
    ranked = queue(*standing, basis=Basis.GOODS)

    lost = rules.losing(ranked, units(lacking))

    assert sum(int(quantity) for _, quantity in lost) == min(lacking, sum(standing))
    assert [each_one.claim.key for each_one, _ in lost] == [f"{n}" for n in reversed(range(len(standing)))][: len(lost)]


# ---------------------------------------------------------------------------------- more than are looked at in one go


async def crowd(database: Database, many: int) -> None:
    """So many orders for one unit each, the oldest promise first."""
    await reserve(database, *[wish(f"order/{number:05}", 1, promised=number) for number in range(many)])


async def test_who_asks_when_all_that_comes_is_promised_waits_without_a_day_however_many_wait(
    database: Database,
) -> None:
    many = serving.SERVED_MAX + 50
    await announce(database, (many, 3))
    await crowd(database, many)

    await reserve(database, wish("order/last", 1, promised=many))

    assert await counters(database) == (0, 0, many, 1)
    assert await claimed(database, "order/last") == [{"backorder": 1}]


async def test_goods_that_suffice_for_all_go_to_all_who_wait_before_anybody_new_however_many_wait(
    database: Database,
) -> None:
    many = serving.SERVED_MAX + 50
    await crowd(database, many)

    await receive(database, many + 1)
    assert await counters(database) == (1, many, 0, 0)

    landed = [each for each in await told(database) if isinstance(each, StockLanded)]
    assert len({line.reservation for fact in landed for line in fact.served}) == many
