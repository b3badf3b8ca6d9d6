"""Laws of the order's life cycles: units, payment, the status derived from them."""

from decimal import Decimal
from itertools import permutations, product

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.orders import PaymentStatus
from crossdock.foundation.db import Database, fetch_tuples
from crossdock.foundation.lifecycle import diagram, ends, reachable
from crossdock.orders.model import HoldCode, Part, Vector, total_of
from crossdock.orders.rules import moved
from crossdock.orders.states import PAYMENTS, UNITS, OrderStatus, UnitFact, after, status_of

VECTORS = st.builds(
    lambda units: Vector(**dict(zip((part.value for part in Part), units, strict=True))),
    st.lists(st.integers(0, 4).map(Decimal), min_size=len(Part), max_size=len(Part)),
)


def test_every_part_is_reached_by_units_that_begin_unplaced() -> None:
    assert reachable(UNITS, [Part.UNPLACED]) == set(Part)


def test_units_that_have_left_stay_left_and_every_other_part_has_a_way_out() -> None:
    assert ends(UNITS) == {Part.SHIPPED, Part.COLLECTED}


def test_every_fact_that_moved_a_unit_is_absorbed_when_it_comes_again_or_is_the_next_step() -> None:
    for (part, fact), target in UNITS.items():
        again = after(target, fact)
        assert again is target or fact in {UnitFact.REJECTED, UnitFact.ALLOCATED, UnitFact.MISSING}, (part, fact)


def test_a_cancellation_is_understood_wherever_a_unit_is() -> None:
    assert all(after(part, UnitFact.CANCELLED) is not None for part in Part)


def test_payment_messages_of_one_moment_end_the_same_in_whatever_order_they_come() -> None:
    for told in product(PaymentStatus, repeat=3):
        ends_at = set()
        for first, *rest in permutations(told):
            state = first
            for status in rest:
                state = PAYMENTS[state, status]
            ends_at.add(state)
        assert len(ends_at) == 1, (told, ends_at)


def test_the_diagram_of_units_begins_unplaced() -> None:
    assert "[*] --> unplaced" in diagram(UNITS, [Part.UNPLACED])


@given(vector=VECTORS, source=st.sampled_from(Part), target=st.sampled_from(Part), data=st.data())
def test_a_move_keeps_the_sum_and_touches_two_parts(
    vector: Vector, source: Part, target: Part, data: st.DataObject
) -> None:
    units = data.draw(st.integers(0, int(vector.of(source))).map(Decimal))

    after_move = vector.moved(source, target, units)

    assert after_move.ordered == vector.ordered
    assert all(after_move.of(part) >= 0 for part in Part)
    assert all(after_move.of(part) == vector.of(part) for part in Part if part not in {source, target})


@given(vector=VECTORS, data=st.data())
def test_a_fact_takes_units_from_the_first_parts_named(vector: Vector, data: st.DataObject) -> None:
    parts = (Part.PACKED, Part.PICKED, Part.RELEASED)
    there = sum((vector.of(part) for part in parts), Decimal(0))
    units = data.draw(st.integers(0, int(there)).map(Decimal))

    shipped = moved(vector, UnitFact.SHIPPED, units, out_of=parts)

    assert shipped.shipped == vector.shipped + units
    assert shipped.packed == max(Decimal(0), vector.packed - units)


@given(vectors=st.lists(VECTORS, max_size=4), held=st.booleans())
def test_the_status_follows_from_where_the_units_are(vectors: list[Vector], held: bool) -> None:  # noqa: FBT001
    units = total_of(vectors)

    status = status_of(units, held=held)

    assert (status in {OrderStatus.COMPLETED, OrderStatus.CANCELLED}) == (units.open == 0)
    assert (status is OrderStatus.COMPLETED) == (units.open == 0 and units.out > 0)
    assert (status is OrderStatus.HELD) == (units.unplaced > 0 and held)


async def test_the_database_knows_the_same_words(database: Database) -> None:
    async with database.transaction() as tx:
        holds = await fetch_tuples(tx, "SELECT unnest(enum_range(NULL::orders.hold_code))::text")
        payments = await fetch_tuples(tx, "SELECT unnest(enum_range(NULL::orders.payment_status))::text")
    assert [row[0] for row in holds] == [code.value for code in HoldCode]
    assert [row[0] for row in payments] == [status.value for status in PaymentStatus]
