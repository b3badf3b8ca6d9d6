"""What the laws of orders are tried on: a small retailer, its goods, its orders."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from crossdock.canonical.base import ConnectionName, FulfilmentId, LocationCode, OrderId, Sku
from crossdock.canonical.facts import StockLanded
from crossdock.canonical.orders import Address, Charge, Mode, OrderLine, OrderPlaced, PaymentStatus, Person
from crossdock.canonical.stock import FloorMovement
from crossdock.estate.model import Channel, Company, Estate, Location, LocationKind
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.model import Cursor, Event
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Database, Tx, fetch_tuples
from crossdock.foundation.ids import new_id
from crossdock.foundation.vault import Vault
from crossdock.inventory import service as inventory
from crossdock.inventory.model import MovementKey, NewMovement, Position
from crossdock.orders import service as orders
from crossdock.orders.model import AcceptOutcome, Placed, PlaceOutcome
from crossdock.orders.service import Acceptance, View

SHOP = ConnectionName("shop")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DC, NORTH, SOUTH = LocationCode("dc"), LocationCode("north"), LocationCode("south")
TEA, MUG, POT = Sku("TEA"), Sku("MUG"), Sku("POT")
WRAP, CARD = Sku("WRAP"), Sku("CARD")
"""Gift wrapping and gift cards by mail: nobody counts them."""
ITEMS = {TEA: True, MUG: True, POT: True, WRAP: False, CARD: False}
ONE = Decimal(1)

ESTATE = Estate(
    company=Company(name="Tea & Co", currency="EUR"),
    locations=(
        Location(code=DC, name="DC", kind=LocationKind.WAREHOUSE),
        Location(code=NORTH, name="North", kind=LocationKind.STORE, modes=(Mode.SHIP, Mode.PICKUP)),
        Location(code=SOUTH, name="South", kind=LocationKind.STORE, modes=(Mode.SHIP, Mode.PICKUP)),
    ),
    channels=(
        Channel(code="web", name="Web", currency="EUR", connection="shop", pool=(DC, NORTH, SOUTH)),
        Channel(code="whole", name="Never split", currency="EUR", pool=(DC, NORTH, SOUTH), split=False),
    ),
)


async def known(_tx: Tx, skus: Collection[Sku]) -> Mapping[Sku, bool]:
    """The catalogue's answer."""
    return {sku: ITEMS[sku] for sku in skus if sku in ITEMS}


def line(sku: str, quantity: int | str = 1, *, line_id: str = "", price: str = "4.50") -> OrderLine:
    return OrderLine(line_id=line_id or f"l-{sku}", sku=sku, quantity=Decimal(quantity), unit_price=Decimal(price))


def order(
    name: str,
    *lines: OrderLine,
    channel: str = "web",
    minutes: int | None = None,
    payment: PaymentStatus = PaymentStatus.PAID,
    total: str | None = None,
    city: str = "Ulm",
    mode: Mode = Mode.SHIP,
    pickup: LocationCode | None = None,
    cancelled: bool = False,
    shipping: str = "",
    reservations: Sequence[str] = (),
    promised_by: datetime | None = None,
) -> OrderPlaced:
    """An order of one tea unless told otherwise; *minutes* after NOW is its revision."""
    bought = lines or (line(TEA),)
    charges = (Charge(code="shipping", amount=Decimal(shipping)),) if shipping else ()
    sum_of_lines = sum((each.amount for each in bought), Decimal(shipping or 0))
    return OrderPlaced(
        channel=channel,  # type: ignore[arg-type]  # a plain text is what messages carry
        channel_order_id=name,
        placed_at=NOW,
        updated_at=None if minutes is None else NOW + timedelta(minutes=minutes),
        currency="EUR",
        lines=tuple(bought),
        charges=charges,
        total=sum_of_lines if total is None else Decimal(total),
        payment_status=payment,
        mode=mode,
        pickup_location=pickup,
        customer=Person(name="Zyxella Quibberton", email="zyxella@example.org"),
        ship_to=Address(name="Zyxella Quibberton", city=city, country="DE"),
        cancelled_at=NOW + timedelta(minutes=minutes or 0) if cancelled else None,
        reservations=tuple(reservations),
        promised_by=promised_by,
    )


@dataclass(frozen=True, slots=True)
class World:
    """The hub as these laws see it: every step in a transaction of its own."""

    database: Database
    vault: Vault

    async def accept(self, *placed: OrderPlaced, connection: ConnectionName = SHOP) -> Sequence[AcceptOutcome]:
        acceptances = [Acceptance(each, connection, Origin.begin(connection)) for each in placed]
        async with self.database.transaction() as tx:
            return await orders.accept_many(tx, self.vault, acceptances, now=NOW)

    async def place(self, *ids: OrderId, estate: Estate = ESTATE) -> Sequence[PlaceOutcome]:
        async with self.database.transaction() as tx:
            return await orders.place(tx, estate, ids, known=known, now=NOW)

    async def bought(self, *placed: OrderPlaced) -> list[OrderId]:
        """Accepted and placed."""
        ids = [outcome.order_id for outcome in await self.accept(*placed)]
        await self.place(*ids)
        return ids

    async def view(self, order_id: OrderId) -> View:
        async with self.database.transaction() as tx:
            found = await orders.get(tx, order_id)
        assert found is not None
        return found

    async def facts(self, order_id: OrderId) -> list[str]:
        """Types of what happened to the order and its fulfilments, oldest first."""
        view = await self.view(order_id)
        return [event.type for event in await self.events(view.order.header.correlation_id)]

    async def events(self, correlation_id: UUID) -> Sequence[Event]:
        async with self.database.transaction() as tx:
            return await eventlog.of_correlation(tx, correlation_id)

    async def stock(self, sku: Sku, **units: int) -> None:
        """Goods come in, by location."""
        await self._moved(FloorMovement.RECEIVE, sku, units)

    async def land(self, sku: Sku, **units: int) -> Sequence[Placed]:
        """Goods come in, and the hub reacts to it."""
        await self.stock(sku, **units)
        return await self.react(sku)

    async def react(self, *skus: Sku, estate: Estate = ESTATE) -> Sequence[Placed]:
        """What the hub does after stock has moved: start on what has got goods, then look for the others'."""
        async with self.database.transaction() as tx:
            events = await eventlog.read_after(tx, Cursor(0, 0), limit=10_000, types=["stock.landed"])
            keys = {
                each.reservation
                for event in events
                if isinstance(event.fact, StockLanded)
                for each in event.fact.served
            }
            whose = await orders.orders_of(tx, keys)
            landed = await orders.place(tx, estate, sorted(set(whose.values())), known=known, now=NOW)
            served = await orders.retry_backorders(tx, estate, skus, known=known, now=NOW)
        return [each for each in (*landed, *served) if isinstance(each, Placed)]

    async def sold(self, sku: Sku, **units: int) -> None:
        """A till sells goods, whoever they were promised to."""
        await self._moved(FloorMovement.ISSUE, sku, units)

    async def _moved(self, kind: FloorMovement, sku: Sku, units: Mapping[str, int]) -> None:
        movements = [
            NewMovement(
                key=MovementKey(str(new_id())),
                kind=kind,
                sku=sku,
                location=LocationCode(place),
                quantity=Decimal(count),
                happened_at=NOW,
            )
            for place, count in units.items()
        ]
        async with self.database.transaction() as tx:
            await inventory.record(tx, movements, origin=Origin.begin("test"), now=NOW)

    async def positions(self, *skus: Sku) -> dict[tuple[Sku, LocationCode], Position]:
        async with self.database.transaction() as tx:
            found = await inventory.positions(tx, skus, now=NOW)
        return {(each.sku, each.location): each for each in found}

    async def allocated(self, sku: Sku) -> int:
        return int(sum(each.allocated for each in (await self.positions(sku)).values()))

    async def on_hand(self, sku: Sku) -> int:
        return int(sum(each.on_hand for each in (await self.positions(sku)).values()))

    async def work(self, order_id: OrderId) -> list[FulfilmentId]:
        return [each.fulfilment_id for each in (await self.view(order_id)).fulfilments]

    async def count(self, table: str) -> int:
        counts = {
            "orders": "SELECT count(*) FROM orders.header",
            "lines": "SELECT count(*) FROM orders.line",
            "accepted": "SELECT count(*) FROM eventlog.event WHERE type = 'order.accepted'",
            "subjects": "SELECT count(*) FROM customers.subject",
        }
        async with self.database.transaction() as tx:
            rows = await fetch_tuples(tx, counts[table])
        return int(rows[0][0])
