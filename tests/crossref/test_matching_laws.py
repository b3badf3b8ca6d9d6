"""Laws of matching by rule: one to one, whatever the order, and nobody is forgotten."""

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random

import hypothesis.strategies as st
import pytest
from hypothesis import given

from crossdock.crossref.model import Link, MatchPlan, Ours, TheirObject
from crossdock.crossref.rules import plan_matches

CODES = ["A", "a", "B", "C", "D", " d ", "E", ""]
NAMES = ["Milk", "milk  ", "Bread", ""]
BARCODES = st.lists(st.sampled_from(["400638", "0400638", "77", "0", ""]), max_size=2).map(tuple)


@st.composite
def situations(draw: st.DrawFn) -> tuple[Sequence[Ours], Sequence[TheirObject], Mapping[str, str]]:
    codes = draw(st.lists(st.sampled_from([code for code in CODES if code]), unique=True, max_size=6))
    ours = [Ours(code=code, name=draw(st.sampled_from(NAMES)), barcodes=draw(BARCODES)) for code in codes]
    theirs = [
        TheirObject(
            id=str(number),
            code=draw(st.sampled_from(CODES)),
            name=draw(st.sampled_from(NAMES)),
            barcodes=draw(BARCODES),
        )
        for number in range(draw(st.integers(0, 6)))
    ]
    pairs = draw(st.integers(0, min(len(ours), len(theirs))))
    linked = {our.code: their.id for our, their in zip(ours[:pairs], theirs[:pairs], strict=True)}
    return ours, theirs, linked


@given(situations())
def test_links_are_one_to_one_and_never_touch_what_is_linked(
    situation: tuple[Sequence[Ours], Sequence[TheirObject], Mapping[str, str]],
) -> None:
    ours, theirs, linked = situation

    plan = plan_matches(ours, theirs, linked)

    all_ours = [link.ours for link in plan.links] + list(linked)
    all_theirs = [link.theirs for link in plan.links] + list(linked.values())
    assert max(Counter(all_ours).values(), default=1) == 1
    assert max(Counter(all_theirs).values(), default=1) == 1
    assert set(all_theirs) <= {their.id for their in theirs}


@given(situations())
def test_each_of_ours_is_linked_ambiguous_or_unmatched_and_each_of_theirs_is_linked_or_left_over(
    situation: tuple[Sequence[Ours], Sequence[TheirObject], Mapping[str, str]],
) -> None:
    ours, theirs, linked = situation

    plan = plan_matches(ours, theirs, linked)

    fates = [link.ours for link in plan.links] + [each.ours for each in plan.ambiguous]
    fates += [our.code for our in plan.unmatched_ours] + list(linked)
    assert sorted(fates) == sorted(our.code for our in ours)
    left = [their.id for their in plan.unmatched_theirs] + [link.theirs for link in plan.links] + list(linked.values())
    assert sorted(left) == sorted(their.id for their in theirs)


@given(situations(), st.randoms(use_true_random=False))
def test_the_order_of_the_lists_changes_nothing(
    situation: tuple[Sequence[Ours], Sequence[TheirObject], Mapping[str, str]], chance: Random
) -> None:
    ours, theirs, linked = situation
    plan = plan_matches(ours, theirs, linked)

    shuffled_ours, shuffled_theirs = list(ours), list(theirs)
    chance.shuffle(shuffled_ours)
    chance.shuffle(shuffled_theirs)

    assert plan_matches(shuffled_ours, shuffled_theirs, linked) == plan


@given(situations())
def test_what_is_ambiguous_offers_only_free_candidates(
    situation: tuple[Sequence[Ours], Sequence[TheirObject], Mapping[str, str]],
) -> None:
    ours, theirs, linked = situation

    plan = plan_matches(ours, theirs, linked)

    free = {their.id for their in plan.unmatched_theirs}
    assert all(each.candidates and set(each.candidates) <= free for each in plan.ambiguous)


@given(situations())
def test_applying_a_plan_leaves_nothing_more_to_link_by_the_same_rules_alone(
    situation: tuple[Sequence[Ours], Sequence[TheirObject], Mapping[str, str]],
) -> None:
    ours, theirs, linked = situation
    plan = plan_matches(ours, theirs, linked, rules=["code"])

    again = plan_matches(ours, theirs, {**linked, **{link.ours: link.theirs for link in plan.links}}, rules=["code"])

    assert again.links == ()


def plan_of(ours: Ours, *theirs: TheirObject, rules: Sequence[str] = ()) -> MatchPlan:
    return plan_matches([ours], theirs, {}, rules)


def their(number: str, code: str = "", name: str = "", *barcodes: str) -> TheirObject:
    return TheirObject(id=number, code=code, name=name, barcodes=barcodes)


@pytest.mark.parametrize(
    ("ours", "theirs", "how"),
    [
        (Ours(code="A-1"), their("9", " a-1"), "rule:code"),
        (Ours(code="A-1", barcodes=("04006381333931",)), their("9", "x", "", "4006381333931"), "rule:barcode"),
        (Ours(code="A-1", name="Whole  Milk"), their("9", "x", "whole milk"), "rule:name"),
    ],
)
def test_code_then_barcode_then_name_make_a_pair(ours: Ours, theirs: TheirObject, how: str) -> None:
    assert plan_of(ours, theirs).links == (Link(ours="A-1", theirs="9", how=how),)


def test_two_candidates_of_one_code_are_left_to_people() -> None:
    plan = plan_of(Ours(code="A"), their("1", "A"), their("2", "a"))

    assert plan.links == ()
    assert [(each.ours, each.candidates, each.how) for each in plan.ambiguous] == [("A", ("1", "2"), "rule:code")]


def test_a_later_rule_decides_between_candidates_of_an_earlier_one() -> None:
    plan = plan_of(Ours(code="A", barcodes=("77",)), their("1", "A"), their("2", "A", "", "77"))

    assert plan.links == (Link(ours="A", theirs="2", how="rule:barcode"),)
    assert plan.ambiguous == ()


def test_a_rule_that_was_not_asked_for_pairs_nothing() -> None:
    plan = plan_of(Ours(code="A", name="Milk"), their("1", "B", "Milk"), rules=["code", "barcode"])

    assert plan.links == ()
    assert [our.code for our in plan.unmatched_ours] == ["A"]


def test_barcodes_of_zeros_alone_pair_nothing() -> None:
    assert plan_of(Ours(code="A", barcodes=("000",)), their("1", "B", "", "0")).links == ()
