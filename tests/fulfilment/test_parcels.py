"""Laws of parcels: whatever is told, in whatever order, no unit leaves twice and none is both shipped and cancelled."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.base import FulfilmentId, LocationCode, OrderId, ReservationKey, Sku
from crossdock.canonical.orders import Mode
from crossdock.fulfilment import rules
from crossdock.fulfilment.model import AlreadyShipped, Exceeds, Fulfilment, FulfilmentLine, Parcel, Shipping, State

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ZERO = Decimal(0)


def fulfilment(quantities: list[int], mode: Mode) -> Fulfilment:
    return Fulfilment(
        fulfilment_id=FulfilmentId(UUID(int=1)),
        order_id=OrderId(UUID(int=2)),
        location=LocationCode("dc"),
        mode=mode,
        state=State.RELEASED,
        reservation_key=ReservationKey("order/2/1"),
        correlation_id=UUID(int=3),
        released_at=NOW,
        ended_at=None,
        end_reason=None,
        lines=tuple(
            FulfilmentLine(line_id=str(at), sku=Sku(f"S{at}"), quantity=Decimal(quantity))
            for at, quantity in enumerate(quantities)
        ),
    )


def told(work: Fulfilment, leaving: rules.Leaving, reference: str) -> Fulfilment:
    parcel = Parcel(reference=reference, shipped_at=NOW, carrier="", tracking=(), lines=leaving.goods)
    after = leaving.fulfilment
    assert after.fulfilment_id == work.fulfilment_id
    return Fulfilment(
        **{name: getattr(after, name) for name in Fulfilment.__slots__ if name != "parcels"},
        parcels=(*work.parcels, parcel),
    )


STEPS = st.lists(
    st.one_of(
        st.just("cancel"),
        st.just("all"),
        st.dictionaries(st.sampled_from("012x"), st.integers(-1, 4).map(Decimal), min_size=1),
    ),
    max_size=8,
)


@given(
    quantities=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    mode=st.sampled_from(Mode),
    steps=STEPS,
    references=st.lists(st.sampled_from(["P1", "P2", "P3", "P4"]), min_size=8, max_size=8),
)
def test_parcels_and_cancellations_in_any_order_conserve_every_unit(
    quantities: list[int], mode: Mode, steps: list[str | dict[str, Decimal]], references: list[str]
) -> None:
    work = fulfilment(quantities, mode)

    for step, reference in zip(steps, references, strict=False):
        before = work
        if step == "cancel":
            work = rules.cancelled(work) if work.open else work
        else:
            lines = None if isinstance(step, str) else step
            shipping = Shipping(fulfilment_id=work.fulfilment_id, reference=reference, shipped_at=NOW, lines=lines)
            leaving = rules.leave(work, shipping)
            if isinstance(leaving, rules.Leaving):
                assert sum((goods.quantity for goods in leaving.goods), ZERO) == sum(
                    (*leaving.shipped.open.values(), *leaving.shipped.revived.values()), ZERO
                )
                work = told(work, leaving, reference)
            else:
                assert isinstance(leaving, AlreadyShipped | Exceeds)
        for line, was in zip(work.lines, before.lines, strict=True):
            assert line.shipped + line.cancelled + line.open == line.quantity
            assert was.shipped <= line.shipped <= line.quantity
            assert line.open >= 0
            assert line.cancelled >= 0
        parcels = sum((goods.quantity for parcel in work.parcels for goods in parcel.lines), ZERO)
        assert parcels == sum((line.shipped for line in work.lines), ZERO)
        assert len({parcel.reference for parcel in work.parcels}) == len(work.parcels)
        if not work.open:
            assert work.state in {State.SHIPPED, State.COLLECTED, State.CANCELLED}
