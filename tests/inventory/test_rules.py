"""Laws of the pure decisions, for any stock and any demand."""

from datetime import timedelta
from decimal import Decimal
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.base import LocationCode, ReservationKey, Sku
from crossdock.canonical.stock import Bucket, FloorMovement
from crossdock.inventory import rules
from crossdock.inventory.model import (
    UNAVAILABLE,
    ZERO,
    Account,
    BeyondTolerance,
    Counted,
    MovementKey,
    NewCount,
    NewMovement,
    OutdatedCount,
    Position,
    PositionKey,
    StaleCount,
    Unchanged,
)
from crossdock.inventory.reservations import rules as reserving
from crossdock.inventory.reservations.model import (
    ACCOUNT_OF,
    Claim,
    ClaimKind,
    Consume,
    Fill,
    Grant,
    OutOfStock,
    Release,
    Reserved,
    ReserveLine,
    ReserveRequest,
)
from crossdock.inventory.states import State
from crossdock.inventory.waiting.rules import Timetables
from inventory.shop_floor import NOW

SKUS = [Sku("A"), Sku("B")]
PLACES = [LocationCode("DC"), LocationCode("S1"), LocationCode("S2")]
quantities = st.decimals(min_value=0, max_value=30, places=2)
positives = st.decimals(min_value=Decimal("0.01"), max_value=30, places=2)
keys = st.builds(PositionKey, st.sampled_from(SKUS), st.sampled_from(PLACES))


@st.composite
def positions(draw: st.DrawFn) -> Position:
    key = draw(keys)
    return Position(
        sku=key.sku,
        location=key.location,
        on_hand=draw(st.decimals(min_value=-20, max_value=60, places=2)),
        damaged=draw(quantities),
        display=draw(quantities),
        repair=draw(quantities),
        held=draw(quantities),
        allocated=draw(quantities),
        changed_at=NOW,
        happened_at=NOW,
    )


books = st.lists(positions(), max_size=6).map(rules.opened)
lines = st.builds(
    ReserveLine,
    st.sampled_from(SKUS),
    positives,
    st.lists(st.sampled_from(PLACES), unique=True, max_size=3),
)


@st.composite
def requests(draw: st.DrawFn) -> list[ReserveRequest]:
    numbers = count()
    wanted = st.builds(
        ReserveRequest,
        key=st.builds(lambda: ReservationKey(f"order/{next(numbers)}")),
        kind=st.just(ClaimKind.ALLOCATION),
        lines=st.lists(lines, min_size=1, max_size=4),
        fill=st.sampled_from(Fill),
    )
    return draw(st.lists(wanted, max_size=6))


@st.composite
def movements(draw: st.DrawFn) -> NewMovement:
    kind = draw(st.sampled_from(FloorMovement))
    source, target = draw(st.lists(st.sampled_from([None, *Bucket]), min_size=2, max_size=2, unique=True))
    quantity = draw(positives)
    key = draw(keys)
    return NewMovement(
        key=MovementKey("m"),
        kind=kind,
        sku=key.sku,
        location=key.location,
        quantity=-quantity if kind is FloorMovement.ADJUST and draw(st.booleans()) else quantity,
        happened_at=NOW,
        from_bucket=source,
        to_bucket=target,
    )


# ---------------------------------------------------------------------- reserving


@given(books, requests())
def test_no_batch_promises_more_than_was_available(stock: rules.Books, batch: list[ReserveRequest]) -> None:
    before = {key: balances[Account.AVAILABLE] for key, balances in stock.items()}

    outcomes = [reserving.decide(request, stock, NOW, reserving.place, Timetables())[0] for request in batch]

    granted = [grant for outcome in outcomes if isinstance(outcome, Reserved) for grant in outcome.grants]
    for key, available in before.items():
        taken = sum((grant.quantity for grant in granted if grant.position == key), ZERO)
        assert taken <= max(ZERO, available)
        assert stock[key][Account.AVAILABLE] == available - taken
    assert all(grant.position in before and grant.quantity > 0 for grant in granted)


@given(books, requests())
def test_every_wanted_unit_is_granted_or_named_as_missing(stock: rules.Books, batch: list[ReserveRequest]) -> None:
    for request in batch:
        outcome, postings, _ = reserving.decide(request, stock, NOW, reserving.place, Timetables())

        wanted = sum((line.quantity for line in request.lines), ZERO)
        granted = sum((posting.quantity for posting in postings), ZERO)
        if isinstance(outcome, Reserved):
            missing = sum((short.wanted - short.available for short in outcome.shortages), ZERO)
            assert granted + missing == wanted
            assert request.fill is Fill.PARTIAL or missing == 0
        else:
            assert isinstance(outcome, OutOfStock)
            assert granted == 0


@given(books, requests())
def test_a_refused_request_could_not_have_been_granted(stock: rules.Books, batch: list[ReserveRequest]) -> None:
    for request in batch:
        at_hand = {key: max(ZERO, balances[Account.AVAILABLE]) for key, balances in stock.items()}
        outcome, *_ = reserving.decide(request, stock, NOW, reserving.place, Timetables())
        if isinstance(outcome, OutOfStock) and request.fill is Fill.PARTIAL:
            reach = {PositionKey(line.sku, place) for line in request.lines for place in line.locations}
            assert all(at_hand.get(key, ZERO) == 0 for key in reach)


@given(books, requests())
def test_taking_from_the_books_never_makes_anything_short(stock: rules.Books, batch: list[ReserveRequest]) -> None:
    before = {key: rules.short(balances) for key, balances in stock.items()}

    for request in batch:
        reserving.decide(request, stock, NOW, reserving.place, Timetables())

    assert {key: rules.short(balances) for key, balances in stock.items()} == before


# ------------------------------------------------------------------------- the floor


@given(positions(), st.lists(movements(), max_size=8))
def test_the_floor_moves_on_hand_by_what_came_and_went(position: Position, moved: list[NewMovement]) -> None:
    stock = {position.key: rules.balances_of(position)}
    sign = {FloorMovement.RECEIVE: 1, FloorMovement.RETURN_RECEIVE: 1, FloorMovement.ISSUE: -1, FloorMovement.ADJUST: 1}
    change = sum((sign.get(m.kind, 0) * m.quantity for m in moved if m.position == position.key), ZERO)

    for movement in moved:
        if movement.position == position.key:
            for posting in list(rules.postings_of(movement, stock[position.key])):
                rules.post(stock, posting)

    balances = stock[position.key]
    assert rules.on_hand(balances) == position.on_hand + change
    assert all(balances[bucket] >= 0 for bucket in UNAVAILABLE)
    assert (balances[Account.HELD], balances[Account.ALLOCATED]) == (position.held, position.allocated)


@given(positions())
def test_accounts_and_counters_say_the_same(position: Position) -> None:
    balances = rules.balances_of(position)

    assert rules.on_hand(balances) == position.on_hand
    assert balances[Account.AVAILABLE] == position.available
    assert rules.short(balances) == position.short


@given(positions())
def test_short_is_what_is_promised_beyond_the_goods(position: Position) -> None:
    goods = max(ZERO, position.on_hand - position.unavailable)

    assert position.short >= 0
    assert position.held + position.allocated - position.short <= goods
    assert position.short == 0 or position.available < 0


# ----------------------------------------------------------------------------- counts


@given(
    position=positions(),
    on_hand=st.decimals(min_value=-5, max_value=60, places=2),
    since=st.decimals(min_value=-20, max_value=20, places=2),
    most=st.one_of(st.none(), quantities),
    base=st.one_of(st.none(), quantities),
    counted=st.sampled_from([None, -1, 0, 1]),
)
def test_a_count_ends_at_what_was_counted_plus_what_moved_since(
    *,
    position: Position,
    on_hand: Decimal,
    since: Decimal,
    most: Decimal | None,
    base: Decimal | None,
    counted: int | None,
) -> None:
    counted_at = None if counted is None else NOW + timedelta(minutes=counted)
    known = Position(
        sku=position.sku,
        location=position.location,
        on_hand=position.on_hand,
        changed_at=NOW,
        happened_at=NOW,
        counted_at=counted_at,
    )
    new = NewCount(key=MovementKey("c"), sku=known.sku, location=known.location, on_hand=on_hand, as_of=NOW, base=base)

    decision = rules.decide_count(new, known, since, most)

    match decision:
        case Counted(difference=difference):
            assert known.on_hand + difference == on_hand + since
            assert most is None or counted is None or abs(difference) <= most
        case Unchanged():
            assert known.on_hand == on_hand + since
        case StaleCount(expected=expected):
            assert base is not None
            assert base != expected == known.on_hand - since
        case OutdatedCount():
            assert counted == 1
        case BeyondTolerance(difference=difference):
            assert most is not None
            assert abs(difference) > most


# ----------------------------------------------------------------------------- claims


@st.composite
def claims(draw: st.DrawFn) -> Claim:
    ends = [draw(quantities) for _ in range(5)]
    kind = draw(st.sampled_from(ClaimKind))
    deadline = NOW + timedelta(minutes=draw(st.integers(-5, 5)))
    arrived = sum(ends, ZERO)
    key = draw(keys)
    return Claim(
        key=ReservationKey("order/1"),
        sku=key.sku,
        location=key.location,
        condition=key.condition,
        kind=kind,
        expires_at=deadline if kind is ClaimKind.HOLD else None,
        granted=arrived,
        arrived=arrived,
        remaining=ends[0],
        consumed=ends[1],
        released=ends[2],
        expired=ends[3],
        moved=ends[4],
    )


def held_by(claim: Claim) -> rules.Books:
    balances = dict.fromkeys(Account, ZERO)
    balances[ACCOUNT_OF[claim.kind]] = claim.remaining
    return {claim.position: balances}


def whole(claim: Claim) -> bool:
    ends = claim.remaining + claim.consumed + claim.released + claim.expired + claim.moved
    return claim.arrived == ends and claim.remaining >= 0


@given(claims(), positives)
def test_no_release_and_no_shipment_loses_or_doubles_a_unit(claim: Claim, quantity: Decimal) -> None:
    part = Release(key=claim.key, lines=[Grant(claim.position, quantity)], reference=MovementKey("r"))
    for request in (Release(key=claim.key), part):
        for (posting,), after in reserving.release(request, [claim], held_by(claim), NOW):
            assert whole(after)
            assert posting.quantity == after.released - claim.released
            assert posting.quantity <= claim.remaining

    shipment = Consume(
        key=claim.key,
        reference=MovementKey("s"),
        lines=[Grant(claim.position, quantity), Grant(claim.position, quantity)],
        happened_at=NOW,
    )
    booked = reserving.consume(shipment, [claim], held_by(claim))
    assert all(whole(after) for after in booked.claims)
    assert sum((posting.quantity for posting in booked.postings), ZERO) == 2 * quantity
    assert sum((grant.quantity for grant in booked.taken), ZERO) == min(claim.remaining, 2 * quantity)


@given(st.lists(claims(), min_size=1, max_size=3))
def test_a_reservation_is_active_only_while_units_remain_and_its_deadline_is_ahead(several: list[Claim]) -> None:
    state = reserving.state_of(several, NOW)

    if state in {State.HELD, State.ALLOCATED}:
        assert any(claim.remaining for claim in several)
        assert not any(claim.lapsed(NOW) for claim in several if claim.remaining)
    else:
        assert state is State.EXPIRED or not any(claim.remaining for claim in several)
