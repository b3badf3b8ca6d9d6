"""Laws of cancelling part of an order: units stay somewhere, claims are freed once, money is kept to the cent."""

from datetime import date
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.base import OrderId, Tax
from crossdock.canonical.facts import FulfilmentReduced, OrderLinesCancelled
from crossdock.canonical.intents import PostInvoice
from crossdock.canonical.orders import OrderPlaced
from crossdock.fulfilment.model import Exceeds, Shipped
from crossdock.orders import service as orders
from crossdock.orders.closing.model import LinesCancelled, LinesOutcome, NotOpen
from crossdock.orders.model import AlreadyCancelled, Cancelled, HoldCode, NotFound, Part, RestCancelled, TooLate
from crossdock.orders.reading.rules import share
from crossdock.orders.service import Shipping
from crossdock.orders.states import OrderStatus
from orders.kit import CARD, DC, MUG, NORTH, NOW, TEA, WRAP, World, line, order

UTC = ZoneInfo("UTC")


async def cancel(world: World, order_id: OrderId, **units: int) -> LinesOutcome:
    wanted = {f"l-{sku}": Decimal(amount) for sku, amount in units.items()}
    async with world.database.transaction() as tx:
        return await orders.cancel_lines(tx, order_id, wanted, "one is enough", now=NOW)


async def ship(world: World, order_id: OrderId, at: int = 0, **units: int) -> Shipped | Exceeds:
    shipping = Shipping(
        fulfilment_id=(await world.work(order_id))[at],
        reference=f"P{at}{units}",
        shipped_at=NOW,
        units={sku: Decimal(amount) for sku, amount in units.items()} or None,  # type: ignore[misc]  # items by name
    )
    async with world.database.transaction() as tx:
        outcome = await orders.ship(tx, shipping, now=NOW)
    assert isinstance(outcome, Shipped | Exceeds), outcome
    return outcome


async def vector(world: World, order_id: OrderId, sku: str) -> dict[str, int]:
    (found,) = [each for each in (await world.view(order_id)).order.lines if each.sku == sku]
    return {part.value: int(found.vector.of(part)) for part in Part if found.vector.of(part)}


async def bill(world: World, order_id: OrderId) -> PostInvoice | None:
    async with world.database.transaction() as tx:
        return await orders.invoice_document(tx, order_id, UTC)


# --- units ---------------------------------------------------------------------------------------------------------


async def test_cancelled_units_are_free_again_and_their_location_has_less_to_do(world: World) -> None:
    await world.stock(TEA, dc=9)
    (order_id,) = await world.bought(order("1", line(TEA, 5)))

    outcome = await cancel(world, order_id, TEA=2)

    assert outcome == LinesCancelled(order_id, Decimal(2))
    assert await vector(world, order_id, TEA) == {"cancelled": 2, "released": 3}
    assert await world.allocated(TEA) == 3
    (work,) = (await world.view(order_id)).fulfilments
    assert [tuple(map(int, (each.quantity, each.cancelled, each.open))) for each in work.lines] == [(5, 2, 3)]
    header = (await world.view(order_id)).order.header
    facts = [event.fact for event in await world.events(header.correlation_id)]
    (less,) = [fact for fact in facts if isinstance(fact, FulfilmentReduced)]
    (told,) = [fact for fact in facts if isinstance(fact, OrderLinesCancelled)]
    assert [(each.sku, int(each.quantity)) for each in (*less.lines, *told.lines)] == [("TEA", 2), ("TEA", 2)]


async def test_what_nobody_works_on_is_cancelled_first_then_the_latest_work(world: World) -> None:
    await world.stock(TEA, dc=2, north=2)
    (order_id,) = await world.bought(order("1", line(TEA, 6)))

    await cancel(world, order_id, TEA=3)

    assert await vector(world, order_id, TEA) == {"cancelled": 3, "released": 3}
    assert {(each.location, int(each.lines[0].open)) for each in (await world.view(order_id)).fulfilments} == {
        (DC, 2),
        (NORTH, 1),
    }


async def test_more_than_is_open_changes_nothing(world: World) -> None:
    await world.stock(TEA, dc=9)
    (order_id,) = await world.bought(order("1", line(TEA, 2), line(MUG, 1)))
    await ship(world, order_id, TEA=1)

    assert await cancel(world, order_id, TEA=2) == NotOpen(order_id, ("l-TEA",))
    assert await cancel(world, order_id, POT=1) == NotOpen(order_id, ("l-POT",))
    assert await cancel(world, order_id, TEA=0) == NotOpen(order_id, ("l-TEA",))
    assert await vector(world, order_id, TEA) == {"released": 1, "shipped": 1}


async def test_with_the_last_open_unit_the_order_is_cancelled_as_a_whole(world: World) -> None:
    await world.stock(TEA, dc=9)
    whole, rest, gone = await world.bought(*(order(str(n), line(TEA, 2)) for n in range(3)))
    await ship(world, rest, TEA=1)
    await ship(world, gone)

    assert await cancel(world, whole, TEA=2) == Cancelled(whole)
    assert await cancel(world, rest, TEA=1) == RestCancelled(rest, Decimal(1))
    assert await cancel(world, gone, TEA=1) == TooLate(gone)
    assert await cancel(world, whole, TEA=1) == AlreadyCancelled(whole)
    assert isinstance(await cancel(world, OrderId(UUID(int=1)), TEA=1), NotFound)
    assert await world.allocated(TEA) == 0


async def test_cancelling_again_frees_each_unit_once(world: World) -> None:
    await world.stock(TEA, dc=9)
    (order_id,) = await world.bought(order("1", line(TEA, 4)))

    for units in (1, 2, 2, 3, 1):
        await cancel(world, order_id, TEA=units)

    assert await cancel(world, order_id, TEA=3) == AlreadyCancelled(order_id)
    assert await vector(world, order_id, TEA) == {"cancelled": 3, "released": 1}
    assert await world.allocated(TEA) == 1
    await ship(world, order_id)
    assert (await world.view(order_id)).status is OrderStatus.COMPLETED
    assert (await world.on_hand(TEA), await world.allocated(TEA)) == (8, 0)


async def test_units_that_left_although_they_were_cancelled_are_told_to_a_person(world: World) -> None:
    """Whoever shipped had begun with more: it is a fact, and the books follow it."""
    await world.stock(TEA, dc=9)
    (order_id,) = await world.bought(order("1", line(TEA, 3)))
    await cancel(world, order_id, TEA=1)

    assert isinstance(await ship(world, order_id, TEA=4), Exceeds)
    assert isinstance(await ship(world, order_id, TEA=3), Shipped)

    view = await world.view(order_id)
    assert await vector(world, order_id, TEA) == {"shipped": 3}
    assert [hold.hold for hold in view.order.standing] == [HoldCode.SHIPPED_AFTER_CANCEL]
    assert await world.on_hand(TEA) == 6


async def test_what_nobody_counts_is_issued_when_its_goods_are_cancelled(world: World) -> None:
    await world.stock(TEA, dc=9)
    (order_id,) = await world.bought(order("1", line(TEA), line(WRAP), line(CARD)))

    await cancel(world, order_id, TEA=1, WRAP=1)
    assert await vector(world, order_id, CARD) == {"unplaced": 1}
    await world.place(order_id)

    assert (await world.view(order_id)).status is OrderStatus.COMPLETED
    assert await vector(world, order_id, CARD) == {"shipped": 1}
    assert await world.allocated(TEA) == 0


# --- money ---------------------------------------------------------------------------------------------------------


def taxed(name: str, *, inclusive: bool = False) -> OrderPlaced:
    """3 x 10.00 less 1.00 with 2.39 tax, 2 x 4.55 with 0.75 tax, shipping 4.90, two cents of the channel's rounding."""
    tea = msgspec.structs.replace(
        line(TEA, 3, price="10.00"), discount=Decimal("1.00"), taxes=(Tax(code="std", amount=Decimal("2.39")),)
    )
    mug = msgspec.structs.replace(line(MUG, 2, price="4.55"), taxes=(Tax(code="std", amount=Decimal("0.75")),))
    total = "43.02" if inclusive else "46.16"
    plain = order(name, tea, mug, shipping="4.90", total=total)
    return msgspec.structs.replace(plain, prices_include_tax=inclusive)


async def test_an_order_of_which_everything_was_kept_is_invoiced_over_its_own_total(world: World) -> None:
    await world.stock(TEA, dc=9)
    await world.stock(MUG, dc=9)
    (order_id,) = await world.bought(taxed("1"))
    assert await bill(world, order_id) is None, "something is still open"
    await ship(world, order_id)

    document = await bill(world, order_id)

    assert document is not None
    assert (document.total, document.invoice_date) == (Decimal("46.16"), date(2026, 11, 21))
    assert [(each.line_id, int(each.quantity)) for each in document.lines] == [
        ("l-TEA", 3),
        ("l-MUG", 2),
        ("charge 1", 1),
    ]


async def test_the_invoice_is_over_what_was_kept_and_shipping_and_rounding_stay(world: World) -> None:
    await world.stock(TEA, dc=9)
    await world.stock(MUG, dc=9)
    (order_id,) = await world.bought(taxed("1"))
    await cancel(world, order_id, TEA=1, MUG=2)
    await ship(world, order_id)

    document = await bill(world, order_id)

    assert document is not None
    tea, mug, freight = document.lines
    assert (tea.quantity, tea.discount, tea.taxes[0].amount) == (Decimal(2), Decimal("0.67"), Decimal("1.59"))
    assert (mug.quantity, mug.taxes[0].amount) == (Decimal(0), Decimal(0))
    assert freight.unit_price == Decimal("4.90")
    # 20.00 - 0.67 + 1.59 + 4.90, and the two cents
    assert document.total == Decimal("25.84")


async def test_prices_with_tax_are_kept_by_the_unit(world: World) -> None:
    await world.stock(TEA, dc=9)
    await world.stock(MUG, dc=9)
    (order_id,) = await world.bought(taxed("1", inclusive=True))
    await cancel(world, order_id, TEA=1)
    await ship(world, order_id)

    document = await bill(world, order_id)

    assert document is not None
    # 43.02 less a third of the tea: 10.00 - 0.33
    assert document.total == Decimal("33.35")


@given(
    amount=st.decimals(min_value=0, max_value=100_000, places=2),
    whole=st.integers(1, 500),
    part=st.integers(0, 500),
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
)
def test_the_shares_of_kept_and_cancelled_units_make_the_whole(
    amount: Decimal, whole: int, part: int, currency: str
) -> None:
    kept = min(part, whole)

    mine = share(amount, Decimal(kept), Decimal(whole), currency)
    rest = amount - mine

    assert mine + rest == amount
    smallest = {"EUR": Decimal("0.01"), "JPY": Decimal(1), "KWD": Decimal("0.001")}[currency]
    assert abs(mine - amount * kept / whole) <= smallest / 2
    assert (mine == 0) if kept == 0 else True
    assert (mine == amount) if kept == whole else True
