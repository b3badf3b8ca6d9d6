"""Laws of the fulfilment's life cycle."""

from itertools import product

from crossdock.foundation.db import Database, fetch_tuples
from crossdock.foundation.lifecycle import diagram, ends, reachable
from crossdock.fulfilment.model import State
from crossdock.fulfilment.states import ENDS, START, TABLE, Happening, after

LEFT = {State.SHIPPED, State.DELIVERED, State.COLLECTED}


def test_every_state_is_reached_from_the_start() -> None:
    assert reachable(TABLE, [START]) == set(State)


def test_nothing_leads_out_of_an_end_and_every_other_state_has_a_way_out() -> None:
    assert ends(TABLE) == ENDS


def test_every_fact_that_moved_a_fulfilment_is_absorbed_when_it_comes_again() -> None:
    for (state, happening), target in TABLE.items():
        assert after(target, happening) is target, (state, happening)


def test_goods_that_have_left_never_come_back_into_work() -> None:
    for state, happening in product(LEFT, Happening):
        assert after(state, happening) in LEFT | {None}, (state, happening)


def test_a_cancellation_is_understood_in_every_state() -> None:
    assert all(after(state, Happening.CANCELLED) is not None for state in State)


def test_the_diagram_shows_each_move_once() -> None:
    text = diagram(TABLE, [START])

    assert "proposed --> released: released" in text
    assert "cancelled --> shipped: shipped" in text
    assert text.count("[*]") == 1 + len(ENDS)


async def test_the_database_knows_the_same_states(database: Database) -> None:
    async with database.transaction() as tx:
        rows = await fetch_tuples(tx, "SELECT unnest(enum_range(NULL::fulfilment.state))::text")
        modes = await fetch_tuples(tx, "SELECT unnest(enum_range(NULL::fulfilment.mode))::text")
    assert [row[0] for row in rows] == [state.value for state in State]
    assert [row[0] for row in modes] == ["ship", "pickup"]
