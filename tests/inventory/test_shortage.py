"""Laws of giving way: who keeps the goods that are left is decided by rank alone, and no unit is lost or doubled."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.base import LocationCode, ReservationKey, Sku
from crossdock.inventory.model import ZERO, Account, PositionKey
from crossdock.inventory.reservations.model import Claim, ClaimKind
from crossdock.inventory.rules import Books, short
from crossdock.inventory.shortage.rules import give_way
from crossdock.inventory.waiting.model import Basis, Promise
from crossdock.inventory.waiting.ranking import Ranked
from crossdock.inventory.waiting.rules import Bench

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
A, HERE, THERE, FAR = Sku("A"), LocationCode("HERE"), LocationCode("THERE"), LocationCode("FAR")
PLACES = (HERE, THERE, FAR)

wishes = st.lists(
    st.tuples(
        st.integers(1, 4),  # units
        st.integers(0, 3),  # day
        st.integers(0, 2),  # worth
        st.booleans(),  # a cart
        st.sets(st.sampled_from(PLACES[1:])),  # where else it may come from
    ),
    min_size=1,
    max_size=6,
)


def claim(number: int, units: int, *, cart: bool) -> Claim:
    return Claim(
        key=ReservationKey(f"r{number}"),
        sku=A,
        location=HERE,
        condition=PositionKey(A, HERE).condition,
        kind=ClaimKind.HOLD if cart else ClaimKind.ALLOCATION,
        expires_at=NOW + timedelta(days=1) if cart else None,
        granted=Decimal(units),
        arrived=Decimal(units),
        remaining=Decimal(units),
    )


def books_of(standing: list[Ranked], on_hand: int, elsewhere: dict[LocationCode, int]) -> Books:
    held = sum((each.claim.remaining for each in standing if each.claim.kind is ClaimKind.HOLD), ZERO)
    allocated = sum((each.claim.remaining for each in standing), ZERO) - held
    books: Books = {}
    for place in PLACES:
        books[PositionKey(A, place)] = dict.fromkeys(Account, ZERO)
        books[PositionKey(A, place)][Account.AVAILABLE] = Decimal(elsewhere.get(place, 0))
    here = books[PositionKey(A, HERE)]
    here[Account.HELD], here[Account.ALLOCATED] = held, allocated
    here[Account.AVAILABLE] = Decimal(on_hand) - held - allocated
    return books


@given(wishes, st.integers(0, 12), st.integers(0, 5), st.integers(0, 5))
def test_the_first_ranked_keep_the_goods_and_every_unit_that_gives_way_stands_somewhere(
    wanted: list[tuple[int, int, int, bool, set[LocationCode]]], on_hand: int, there: int, far: int
) -> None:
    standing = [
        Ranked(claim(n, units, cart=cart), Promise(NOW + timedelta(days=day), Decimal(worth), ZERO))
        for n, (units, day, worth, cart, _) in enumerate(wanted)
    ]
    may = {
        each.claim.key: tuple(sorted(places))
        for each, (_, _, _, cart, places) in zip(standing, wanted, strict=True)
        if not cart
    }
    books = books_of(standing, on_hand, {THERE: there, FAR: far})
    position = PositionKey(A, HERE)
    lacking = short(books[position])
    bench = Bench(books, {(each.claim.key, each.claim.ground): each.claim for each in standing}, NOW)

    ways = list(give_way(position, standing, may, bench))

    gone = {way.gave.key: sum((grant.quantity for grant in way.gave.moved), way.gave.waiting) for way in ways}
    assert sum(gone.values(), ZERO) == lacking, "exactly what is missing"
    assert short(books[position]) == ZERO
    ranked = sorted(standing, key=lambda each: each.rank)
    lost = [gone.get(each.claim.key, ZERO) for each in ranked]
    first = next((at for at, units in enumerate(lost) if units), len(ranked))
    for at, each in enumerate(ranked):
        if at > first:
            assert lost[at] == each.claim.remaining, "nobody keeps goods that somebody ranked before has lost"
    for each in standing:
        stood = sum((one.remaining for (key, _), one in bench.claims.items() if key == each.claim.key), ZERO)
        assert stood == each.claim.remaining, "no unit is lost or doubled"
    for place, before in ((THERE, there), (FAR, far)):
        taken = sum(
            (grant.quantity for way in ways for grant in way.gave.moved if grant.position.location == place), ZERO
        )
        assert books[PositionKey(A, place)][Account.AVAILABLE] == before - taken >= ZERO
        for way in ways:
            allowed = may.get(way.gave.key, ())
            assert all(grant.position.location in allowed for grant in way.gave.moved)


@given(wishes, st.integers(0, 5))
def test_nobody_waits_while_goods_that_it_may_have_lie_elsewhere(
    wanted: list[tuple[int, int, int, bool, set[LocationCode]]], there: int
) -> None:
    standing = [
        Ranked(claim(n, units, cart=False), Promise(NOW + timedelta(days=day), Decimal(worth), ZERO))
        for n, (units, day, worth, _, _) in enumerate(wanted)
    ]
    books = books_of(standing, 0, {THERE: there})
    bench = Bench(books, {(each.claim.key, each.claim.ground): each.claim for each in standing}, NOW)
    position = PositionKey(A, HERE)

    ways = list(give_way(position, standing, {each.claim.key: (THERE,) for each in standing}, bench))

    waiting = sum((way.gave.waiting for way in ways), ZERO)
    assert waiting == max(ZERO, sum((each.claim.remaining for each in standing), ZERO) - there)
    queued = sum((one.remaining for (_, ground), one in bench.claims.items() if ground.basis is Basis.BACKORDER), ZERO)
    assert queued == waiting == books[position][Account.BACKORDERED]
