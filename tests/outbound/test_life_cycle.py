"""The life of an intent and the verdict table, for every state, event and verdict."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.outbound.causes import code, text
from crossdock.outbound.model import Ended, IntentState, Outcome, Purpose, Terms, Verdict
from crossdock.outbound.publication.rules import BY_VERDICT, ORDER
from crossdock.outbound.pump.rules import Candidate, Carrier, looks, pack, share
from crossdock.outbound.rules import PROBED, SENT, Case, Standing, backoff_s, decide
from crossdock.outbound.states import OPEN, TABLE, Event, after

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TERMINAL = {IntentState.LANDED, IntentState.SUPERSEDED, IntentState.WITHDRAWN}

terms = st.builds(
    Terms,
    settle=st.timedeltas(timedelta(0), timedelta(hours=1)),
    probes=st.booleans(),
    attempts_max=st.integers(1, 20),
    backoff_s=st.floats(0.001, 60),
    backoff_max_s=st.floats(60, 3600),
)
chances = st.floats(0, 1, exclude_max=True)


def ended_as(verdicts: st.SearchStrategy[Verdict]) -> st.SearchStrategy[Ended]:
    return st.builds(
        Ended,
        verdict=verdicts,
        reason=st.text(max_size=700),
        cause=st.just("lookup:tax:x"),
        wait=st.none() | st.timedeltas(timedelta(0), timedelta(days=2)),
        document_id=st.sampled_from(["", "42"]),
    )


def case_of(state: IntentState, verdicts: list[Verdict]) -> st.SearchStrategy[Case]:
    standing = st.builds(
        Standing,
        kind=st.just("sale.post"),
        connection=st.just("erp"),
        state=st.just(state),
        attempts=st.integers(1, 5000),
        failures=st.integers(0, 30),
    )
    return st.builds(
        Case, intent=standing, ended=ended_as(st.sampled_from(verdicts)), terms=terms, now=st.just(NOW), chance=chances
    )


sends = case_of(IntentState.SENDING, list(SENT))
probes = case_of(IntentState.IN_DOUBT, list(PROBED))


def test_the_database_knows_the_same_words(dsn: str) -> None:
    wanted = {"intent_state": IntentState, "outcome": Outcome, "verdict": Verdict, "purpose": Purpose}
    with psycopg.connect(dsn) as connection:
        for name, words in wanted.items():
            rows = connection.execute(
                "SELECT enumlabel FROM pg_enum WHERE enumtypid = %s::regtype ORDER BY enumsortorder",
                [f"outbound.{name}"],
            )
            assert [row[0] for row in rows] == [str(word) for word in words]


def test_every_state_is_reached_and_terminal_ones_are_never_left() -> None:
    reached, fresh = {IntentState.PENDING}, {IntentState.PENDING}
    while fresh:
        fresh = {target for (state, _), target in TABLE.items() if state in fresh} - reached
        reached |= fresh

    assert reached == set(IntentState)
    assert all(target is state for (state, _), target in TABLE.items() if state in TERMINAL)


def test_every_event_occurs_and_open_is_what_is_not_terminal() -> None:
    assert {event for _, event in TABLE} == set(Event)
    assert set(IntentState) - TERMINAL == OPEN


def test_only_a_probe_or_a_person_leads_out_of_doubt_to_another_send() -> None:
    ways = {
        event
        for (state, event), target in TABLE.items()
        if state is IntentState.IN_DOUBT and target is IntentState.PENDING
    }

    assert ways == {Event.NOT_APPLIED}
    assert after(IntentState.IN_DOUBT, Event.RELEASED) is None
    assert after(IntentState.IN_DOUBT, Event.CLAIMED) is None


def test_every_verdict_has_its_row() -> None:
    assert set(SENT) == set(Verdict) - {Verdict.ABSENT, Verdict.BY_HAND}
    assert set(PROBED) == set(Verdict) - {Verdict.BY_HAND}
    assert set(BY_VERDICT) | {Verdict.STALE} == set(SENT)
    assert set(ORDER) == set(SENT)


@given(sends | probes)
def test_a_decision_is_a_move_of_the_table(case: Case) -> None:
    decision = decide(case)

    assert TABLE[case.intent.state, decision.event] is decision.state
    assert len(decision.reason) <= 500
    assert decision.state is not IntentState.PARKED or decision.cause
    assert decision.state is not IntentState.LANDED or decision.document_id
    assert not decision.unsure or decision.state in {IntentState.IN_DOUBT, IntentState.PARKED}


@given(sends)
def test_what_may_have_been_applied_is_never_sent_again_without_looking(case: Case) -> None:
    decision = decide(case)

    if case.ended.verdict is Verdict.UNKNOWN:
        assert decision.state is (IntentState.IN_DOUBT if case.terms.probes else IntentState.PARKED)
        assert decision.unsure
    if decision.state is IntentState.IN_DOUBT:
        assert decision.due_at >= NOW + case.terms.settle


@given(probes)
def test_a_doubt_ends_only_with_knowledge(case: Case) -> None:
    decision = decide(case)

    known = case.ended.verdict is Verdict.ABSENT or (
        case.ended.verdict is Verdict.LANDED and bool(case.ended.document_id)
    )
    assert decision.unsure is not known
    if decision.state is IntentState.PENDING:
        assert case.ended.verdict is Verdict.ABSENT


@given(sends)
def test_not_sent_and_throttled_never_use_up_the_attempts(case: Case) -> None:
    decision = decide(case)

    if case.ended.verdict in {Verdict.NOT_SENT, Verdict.THROTTLED}:
        assert (decision.state, decision.failures) == (IntentState.PENDING, case.intent.failures)


@given(st.integers(1, 10_000), st.floats(0.001, 100), st.floats(0.001, 10_000), chances)
def test_back_off_is_full_jitter_within_its_cap(tries: int, first_s: float, max_s: float, chance: float) -> None:
    wait = backoff_s(tries, first_s, max_s, chance)

    assert 0 <= wait <= max_s
    assert wait <= first_s * 2 ** min(tries - 1, 32)
    assert backoff_s(tries, first_s, max_s, 0.0) == 0.0
    assert backoff_s(tries + 1, first_s, max_s, chance) >= wait


@given(st.lists(st.sampled_from(["a", "b", "serial", "strange"]), max_size=60), st.integers(0, 8), st.booleans())
def test_packing_fills_places_in_order_and_never_beyond(kinds: list[str], slots: int, serial_free: bool) -> None:  # noqa: FBT001
    carriers = {
        "a": Carrier(batch_max=1, serial=False),
        "b": Carrier(batch_max=5, serial=False),
        "serial": Carrier(batch_max=2, serial=True),
    }
    candidates = [Candidate(id=UUID(int=number), kind=kind) for number, kind in enumerate(kinds)]
    kind_of = {candidate.id: candidate.kind for candidate in candidates}

    packed = pack(candidates, carriers, slots=slots, serial_free=serial_free)

    assert len(packed.batches) <= slots
    assert {kind_of[one] for one in packed.unserved} <= {"strange"}
    taken = [one for batch in packed.batches for one in batch]
    assert len(taken) == len(set(taken))
    serial = [batch for batch in packed.batches if kind_of[batch[0]] == "serial"]
    assert len(serial) <= (1 if serial_free else 0)
    for batch in packed.batches:
        assert len({kind_of[one] for one in batch}) == 1
        assert len(batch) <= carriers[kind_of[batch[0]]].batch_max
        assert list(batch) == sorted(batch)


@given(
    st.dictionaries(st.text(max_size=3), st.builds(Carrier, batch_max=st.integers(1, 9), serial=st.booleans())),
    st.integers(-2, 9),
    st.booleans(),
)
def test_every_kind_that_may_begin_is_looked_for_once(
    carriers: dict[str, Carrier],
    slots: int,
    serial_free: bool,  # noqa: FBT001
) -> None:
    found = looks(carriers, slots=slots, serial_free=serial_free)

    assert all(0 < look.slots <= slots for look in found)
    for kind, carrier in carriers.items():
        seen = [look for look in found if kind not in look.leave]
        assert len(seen) == (1 if slots > 0 and (serial_free or not carrier.serial) else 0)
        assert not carrier.serial or slots == 1 or all(look.slots == 1 for look in seen)


@given(st.integers(-5, 50), st.integers(0, 5), st.booleans())
def test_places_are_shared_out_whole_and_nobody_starves(free: int, ready: int, turn: bool) -> None:  # noqa: FBT001
    shares = share(free, ready, publications_turn=turn)

    assert shares.intents + shares.publications == max(0, free)
    assert shares.publications <= ready
    if free >= 2 and ready:
        assert shares.publications >= 1
        assert shares.intents >= 1
    if free == 1 and ready:
        assert (shares.publications == 1) is turn


@given(st.text())
def test_foreign_text_always_fits_facts_and_the_database(foreign: str) -> None:
    assert "\x00" not in text(foreign)
    assert len(text(foreign)) <= 500
    assert 1 <= len(code(foreign)) <= 64
    assert code(foreign) == code(foreign).strip()


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_a_withdrawal_that_comes_too_late_is_absorbed(state: IntentState) -> None:
    assert after(state, Event.WITHDRAWN) is state
