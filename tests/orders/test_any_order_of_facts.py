"""Laws under random facts in random order with duplicates, checked by an account that knows nothing of the rules."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossdock.canonical.base import FulfilmentId, OrderId, Sku
from crossdock.canonical.orders import OrderPlaced, PaymentStatus
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.fulfilment.model import Shipping
from crossdock.inventory.model import PositionKey
from crossdock.orders import service as orders
from crossdock.orders.model import HoldCode, Part
from crossdock.orders.states import OrderStatus
from orders.kit import DC, ESTATE, NOW, World, line, order

names = count(1)
REAL = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
LINES = st.lists(st.integers(1, 4), min_size=1, max_size=3)
STEPS = st.lists(
    st.sampled_from(
        ["again", "paid", "void", "edit", "place", "place", "cancel", "called off", "ship", "ship", "part", "goods",
         "waive", "till"]
    ),
    max_size=14,
)  # fmt: skip


async def everything(_tx: Tx, skus: Collection[Sku]) -> Mapping[Sku, bool]:
    """A catalogue in which every item exists."""
    return dict.fromkeys(skus, True)


async def nobody(_tx: Tx, _orders: Collection[OrderId]) -> Collection[FulfilmentId]:
    """No other system has been told of any work."""
    return ()


@dataclass(slots=True)
class Story:
    """One order of one item of its own, and what the world outside knows about it."""

    world: World
    sku: Sku
    placed: OrderPlaced
    order_id: OrderId
    received: int = 0
    sold_at_tills: int = 0
    revision: int = 1
    parcels: int = 0

    async def step(self, what: str) -> None:
        news: dict[str, dict[str, object]] = {
            "paid": {"payment_status": PaymentStatus.PAID},
            "void": {"payment_status": PaymentStatus.VOIDED},
            "edit": {"total": self.placed.total + 1},
            "called off": {"cancelled_at": NOW},
        }
        if what in news:
            await self._tell(**news[what])
            return
        doing = {
            "again": self._again,
            "place": self._place,
            "cancel": self._cancel,
            "ship": self._ship_all,
            "part": self._ship_some,
            "goods": self._goods,
            "till": self._till,
            "waive": self._waive,
        }
        await doing[what]()

    async def _again(self) -> None:
        await self.world.accept(self.placed, self.placed)

    async def _cancel(self) -> None:
        async with self.world.database.transaction() as tx:
            await orders.cancel(tx, self.order_id, "no", now=NOW)

    async def _ship_all(self) -> None:
        await self._ship(whole=True)

    async def _ship_some(self) -> None:
        await self._ship(whole=False)

    async def _goods(self) -> None:
        self.received += 2
        await self.world.stock(self.sku, dc=1, north=1)
        async with self.world.database.transaction() as tx:
            await orders.retry_backorders(tx, ESTATE, [self.sku], known=everything, now=NOW)
            await orders.place(tx, ESTATE, [self.order_id], known=everything, now=NOW)

    async def _till(self) -> None:
        self.sold_at_tills += 1
        await self.world.sold(self.sku, dc=1)
        found = [orders.Shortage(PositionKey(self.sku, DC), "issue at the till")]
        async with self.world.database.transaction() as tx:
            await orders.repromise(tx, ESTATE, found, told=nobody, known=everything, now=NOW)

    async def _waive(self) -> None:
        async with self.world.database.transaction() as tx:
            for hold in HoldCode:
                await orders.release_hold(tx, self.order_id, hold, who="ann", reason="fine", now=NOW)

    async def _tell(self, **news: object) -> None:
        self.revision += 1
        document = order(
            self.placed.channel_order_id, *self.placed.lines, minutes=self.revision, payment=self.placed.payment_status
        )
        changed = {name: getattr(document, name) for name in document.__struct_fields__} | news
        self.placed = OrderPlaced(**changed)
        await self.world.accept(self.placed)

    async def _place(self) -> None:
        async with self.world.database.transaction() as tx:
            await orders.place(tx, ESTATE, [self.order_id], known=everything, now=NOW)

    async def _ship(self, *, whole: bool) -> None:
        for work in (await self.world.view(self.order_id)).fulfilments:
            self.parcels += 1
            lines = None if whole else {each.line_id: Decimal(1) for each in work.lines}
            shipping = Shipping(
                fulfilment_id=work.fulfilment_id, reference=f"P{self.parcels % 4}", shipped_at=NOW, lines=lines
            )
            async with self.world.database.transaction() as tx:
                await orders.ship_many(tx, [shipping, shipping], now=NOW)

    async def check(self, ordered: Sequence[int]) -> None:
        """Units of the order, of the locations' work and of stock tell one story."""
        view = await self.world.view(self.order_id)
        given_out = [each for work in view.fulfilments for each in work.lines]
        for at, each in enumerate(view.order.lines):
            assert each.ordered == ordered[at]
            mine = [one for one in given_out if one.line_id == each.line_id]
            assert each.vector.of(Part.RELEASED) == sum((one.open for one in mine), Decimal(0))
            assert each.vector.out == sum((one.shipped for one in mine), Decimal(0))
        units = view.order.units
        positions = (await self.world.positions(self.sku)).values()
        assert sum(each.on_hand for each in positions) == self.received - self.sold_at_tills - units.out
        claimed = sum(each.allocated + each.dated + each.backordered for each in positions)
        assert claimed == units.released + units.backordered, "every unit that is wanted is claimed, and no other"
        over = sum(max(Decimal(0), each.allocated - max(Decimal(0), each.on_hand)) for each in positions)
        assert sum(each.short for each in positions) == over
        facts = await self.world.facts(self.order_id)
        assert facts.count("order.accepted") == 1
        assert facts.count("order.cancelled") + facts.count("order.completed") <= 1
        assert facts.count("fulfilment.released") == len(view.fulfilments)
        if view.status in {OrderStatus.COMPLETED, OrderStatus.CANCELLED}:
            assert view.order.header.completed_at is not None
        await self.check_served()

    async def check_served(self) -> None:
        """When the reactions on its facts have run: what goods there are for an order, somebody works on."""
        await self._place()
        view = await self.world.view(self.order_id)
        positions = (await self.world.positions(self.sku)).values()
        if not view.order.standing:
            assert sum(each.allocated for each in positions) == view.order.units.released


async def begin(world: World, quantities: Sequence[int], received: int, payment: PaymentStatus) -> Story:
    sku = Sku(f"SKU-{new_id()}")
    placed = order(
        f"story-{next(names)}",
        *(line(sku, quantity, line_id=str(at)) for at, quantity in enumerate(quantities)),
        minutes=1,
        payment=payment,
    )
    (accepted,) = await world.accept(placed)
    await world.stock(sku, dc=received)
    return Story(world, sku, placed, accepted.order_id, received)


@REAL
@given(
    quantities=LINES,
    received=st.integers(1, 6),
    payment=st.sampled_from([PaymentStatus.PENDING, PaymentStatus.PAID]),
    steps=STEPS,
)
async def test_whatever_happens_in_whatever_order_every_unit_is_in_one_place(
    world: World, quantities: list[int], received: int, payment: PaymentStatus, steps: list[str]
) -> None:
    story = await begin(world, quantities, received, payment)

    for step in steps:
        await story.step(step)
        await story.check(quantities)


@REAL
@given(data=st.data())
async def test_the_end_does_not_depend_on_the_order_in_which_messages_come(world: World, data: st.DataObject) -> None:
    name = f"shuffled-{next(names)}"
    messages = [
        order(name, minutes=1, payment=PaymentStatus.PENDING),
        order(name, minutes=2, payment=PaymentStatus.AUTHORISED),
        order(name, minutes=2, payment=PaymentStatus.PAID),
        order(name, minutes=3, payment=PaymentStatus.PAID),
        *([order(name, minutes=4, payment=PaymentStatus.VOIDED, cancelled=True)] if data.draw(st.booleans()) else []),
    ]
    straight = [replace_name(message, f"{name}-straight") for message in messages]
    extra = data.draw(st.lists(st.sampled_from(messages), max_size=3))

    for message in straight:
        await world.accept(message)
    shuffled = data.draw(st.permutations([*messages, *extra]))
    if data.draw(st.booleans()):
        await world.accept(*shuffled)
    else:
        for message in shuffled:
            await world.accept(message)

    async with world.database.transaction() as tx:
        (one,) = await orders.find(tx, name)
        (other,) = await orders.find(tx, f"{name}-straight")
    ends = []
    for order_id in (one, other):
        view = await world.view(order_id)
        ends.append((view.status, view.order.header.payment_status, view.order.units, len(view.order.standing)))
    assert ends[0] == ends[1]


def replace_name(message: OrderPlaced, name: str) -> OrderPlaced:
    fields = {field: getattr(message, field) for field in message.__struct_fields__}
    return OrderPlaced(**(fields | {"channel_order_id": name}))
