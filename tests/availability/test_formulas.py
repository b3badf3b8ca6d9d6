"""Laws of the formulas, for any stock and any rules."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from availability.shop_window import estate as estate_of_the_shop_window
from availability.worlds import (
    CHANNELS,
    KIT,
    Told,
    answer,
    estates,
    expectations,
    lowest_balance,
    plain,
    plain_kit,
    quantities,
    scenes,
)
from crossdock.availability.formulas import rules as formulas
from crossdock.availability.formulas.rules import Share
from crossdock.availability.model import ZERO, Reason
from crossdock.availability.scene.model import Expected, Scene
from crossdock.canonical.base import ChannelCode, Sku
from crossdock.canonical.orders import Mode
from crossdock.catalog.model import Traits
from crossdock.estate.model import Estate
from inventory.shop_floor import NOW, A, B

some_channel = st.sampled_from(CHANNELS)
some_mode = st.sampled_from(Mode)


def told(estate: Estate, scene: Scene, sku: Sku, code: ChannelCode, mode: Mode) -> Told:
    channel = estate.channel(code)
    assert channel is not None
    return Told(estate, scene, sku, channel, mode)


@given(estates(), scenes(), some_channel, some_mode)
def test_the_answer_is_what_the_design_says(estate: Estate, scene: Scene, channel: ChannelCode, mode: Mode) -> None:
    found = answer(estate, scene, A, channel, mode)

    assert (found.pool, found.physical, found.sellable, found.published) == plain(told(estate, scene, A, channel, mode))


@given(estates(), scenes(), some_channel, some_mode)
def test_a_kit_can_be_sold_as_often_as_its_scarcest_component_allows(
    estate: Estate, scene: Scene, channel: ChannelCode, mode: Mode
) -> None:
    found = answer(estate, scene, KIT, channel, mode)

    expected = plain_kit(told(estate, scene, KIT, channel, mode), scene.traits_of(KIT).parts or {})
    assert expected is not None
    assert (found.pool, found.physical, found.sellable, found.published) == expected
    assert found.sellable == found.sellable.to_integral_value()


@given(estates(), scenes(), st.sampled_from([A, KIT]), some_channel, some_mode)
def test_the_terms_add_up_to_the_answer(
    estate: Estate, scene: Scene, sku: Sku, channel: ChannelCode, mode: Mode
) -> None:
    found = answer(estate, scene, sku, channel, mode)

    for term in found.locations:
        kept_back = term.safety_stock + term.staleness_allowance
        assert term.atp == (max(ZERO, term.available - kept_back) if term.eligible else ZERO)
        assert term.available == term.on_hand - sum(term.unavailable.values(), ZERO) - term.held - term.allocated
        assert (term.cause is None) == (term.atp > 0)
    if sku == A:
        atps = sum((term.atp for term in found.locations), ZERO)
        assert found.pool == max(ZERO, atps + found.incoming - found.unplaced)
    assert found.kept == sum((term.remaining for term in found.segments), ZERO)
    assert found.free == max(ZERO, found.pool - found.kept)
    assert found.physical == max(ZERO, min(found.pool, found.own_segment + found.free) - found.channel_buffer)
    assert found.sellable == found.physical + found.backorder
    assert (found.causes == ()) == (found.published != 0)


@given(estates(), scenes(), some_channel, some_mode)
def test_a_channel_is_never_told_more_than_is_there_or_coming_or_allowed_without_goods(
    estate: Estate, scene: Scene, channel: ChannelCode, mode: Mode
) -> None:
    found = answer(estate, scene, A, channel, mode)

    goods = sum((max(ZERO, position.available) for key, position in scene.positions.items() if key.sku == A), ZERO)
    coming = sum((each.quantity for each in scene.receipts[A] if each.due_at >= NOW), ZERO)
    assert found.published is not None
    assert ZERO <= found.published <= found.sellable <= goods + coming + found.backorder_limit


@given(estates(percent=False), scenes(), some_channel, quantities)
def test_more_stock_never_means_less_to_sell(estate: Estate, scene: Scene, channel: ChannelCode, more: Decimal) -> None:
    assert answer(estate, _grown(scene, more), A, channel).sellable >= answer(estate, scene, A, channel).sellable


@given(estates(), scenes(), some_channel, quantities)
def test_more_stock_never_makes_a_pool_or_a_share_of_it_smaller(
    estate: Estate, scene: Scene, channel: ChannelCode, more: Decimal
) -> None:
    """A channel without a share may get less while shares in percent grow by whole units: that is what they are for."""
    before, after = answer(estate, scene, A, channel), answer(estate, _grown(scene, more), A, channel)

    assert after.pool >= before.pool
    assert [term.size for term in after.segments] >= [term.size for term in before.segments]


def _grown(scene: Scene, more: Decimal) -> Scene:
    positions = {key: replace(position, on_hand=position.on_hand + more) for key, position in scene.positions.items()}
    return replace(scene, positions=positions)


@given(estates(percent=False), scenes(), some_channel, quantities)
def test_more_safety_stock_never_means_more_to_sell(
    estate: Estate, scene: Scene, channel: ChannelCode, more: Decimal
) -> None:
    safer = msgspec.structs.replace(
        estate,
        safety_stock=tuple(msgspec.structs.replace(r, quantity=r.quantity + more) for r in estate.safety_stock),
    )

    assert answer(safer, scene, A, channel).sellable <= answer(estate, scene, A, channel).sellable


@given(estates(), scenes(), some_channel)
def test_an_items_claims_wait_or_switches_never_give_more_to_sell(
    estate: Estate, scene: Scene, channel: ChannelCode
) -> None:
    calm = replace(scene, unplaced={}, dated={}, switches=())

    assert answer(estate, scene, A, channel).pool <= answer(estate, calm, A, channel).pool


@given(st.lists(expectations()), st.lists(expectations()), st.integers(-10, 60))
def test_what_comes_is_the_lowest_balance_from_the_day_on(
    receipts: list[Expected], dated: list[Expected], hours: int
) -> None:
    until = NOW + timedelta(hours=max(0, hours))
    on_time = [each for each in receipts if each.due_at >= NOW]

    assert formulas.incoming(receipts, dated, NOW, until) == lowest_balance(on_time, dated, until)


@given(st.lists(expectations()), st.lists(expectations()), st.integers(0, 60), st.integers(0, 60))
def test_a_later_day_never_has_less_to_promise(
    receipts: list[Expected], dated: list[Expected], one: int, other: int
) -> None:
    early, late = sorted((NOW + timedelta(hours=one), NOW + timedelta(hours=other)))

    assert formulas.incoming(receipts, dated, NOW, early) <= formulas.incoming(receipts, dated, NOW, late)


shares = st.lists(st.builds(Share, quantities, quantities, st.none() | quantities), max_size=4)


@given(shares, quantities, quantities)
def test_a_unit_more_in_the_pool_is_at_most_a_unit_more_kept_and_nobodys_share_shrinks(
    listed: list[Share], units: Decimal, more: Decimal
) -> None:
    before, after = formulas.kept(listed, units), formulas.kept(listed, units + more)

    assert all(one <= other for one, other in zip(before, after, strict=True))
    assert sum(after, ZERO) - sum(before, ZERO) <= more


@given(estates(), scenes(), some_channel)
def test_what_is_zero_has_a_reason_of_its_own(estate: Estate, scene: Scene, channel: ChannelCode) -> None:
    found = answer(estate, scene, A, channel)

    if found.published == 0 and found.sellable > 0:
        assert found.reasons[0] in {Reason.PUBLISH_MIN, Reason.PUBLISH_MAX}
    if Reason.SEGMENT in found.reasons:
        assert all(cause.rule is not None and cause.rule.list == "segments" for cause in found.causes[:1])
    for cause in found.causes:
        assert cause.reason is not Reason.STOP_SELL or cause.rule is not None or cause.switch is not None


SMALL = estate_of_the_shop_window()
NOBODY_COUNTS = Traits(tracked=False)


def test_a_kit_of_what_nobody_counts_has_no_number_either() -> None:
    scene = Scene(as_of=NOW, traits={KIT: Traits(parts={B: Decimal(2)}), B: NOBODY_COUNTS})

    found = answer(SMALL, scene, KIT)

    assert (found.tracked, found.published, found.causes) == (False, None, ())


def test_a_kit_that_is_part_of_itself_can_never_be_sold() -> None:
    scene = Scene(as_of=NOW, traits={KIT: Traits(parts={})})

    assert answer(SMALL, scene, KIT).reasons == (Reason.IMPOSSIBLE_KIT,)
