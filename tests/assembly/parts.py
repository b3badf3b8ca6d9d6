"""A whole hub on a real database, and a connector that speaks our own language."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from crossdock.assembly.appliers import appliers
from crossdock.assembly.backorders import give_to_backorders
from crossdock.assembly.desks import desk
from crossdock.assembly.hub import Hub
from crossdock.assembly.reactions import REACTORS, step
from crossdock.canonical.base import ConnectionName, Document, LocationCode, OrderId, Sku
from crossdock.canonical.orders import Mode, OrderChanged, OrderLine, OrderPlaced
from crossdock.canonical.receipts import SaleRecorded
from crossdock.canonical.stock import (
    DocumentSeen,
    FloorMovement,
    ItemDescribed,
    MovementRecorded,
    ShipmentReported,
    StockCounted,
)
from crossdock.catalog import service as catalog
from crossdock.connector_kit.model import Connector, Decoded, Limits, Received, Role, Setting, Webhook, Webhooks
from crossdock.estate import service as estates
from crossdock.estate.model import BackorderLimit, Channel, Company, ConnectionConfig, Estate, Location, LocationKind
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.model import START, Event
from crossdock.eventlog.service import Origin
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.db import Database
from crossdock.foundation.ids import new_id
from crossdock.foundation.settings import Settings
from crossdock.foundation.vault import Vault
from crossdock.inbound import service as inbound
from crossdock.inbound.model import MessageId, NewMessage, RecordShown, Route
from crossdock.inventory import service as inventory
from crossdock.inventory.model import MovementKey, NewMovement
from crossdock.operations import service as operations
from crossdock.operations.model import OpenException
from crossdock.orders import service as orders
from crossdock.orders.service import Acceptance, View

NOW: Final = datetime(2026, 11, 27, 9, tzinfo=UTC)
SHOP: Final = ConnectionName("shop")
DC: Final = LocationCode("DC1")
STORE: Final = LocationCode("S01")
TEA: Final = Sku("TEA")
Said = (
    OrderPlaced
    | OrderChanged
    | SaleRecorded
    | MovementRecorded
    | StockCounted
    | ItemDescribed
    | ShipmentReported
    | DocumentSeen
)


class Envelope(msgspec.Struct, frozen=True):
    """A document with what a connector knows around it."""

    key: str
    event_id: str
    document: Said
    waits_for: str = ""


def decode(received: Received) -> Iterator[Decoded]:
    told = msgspec.json.decode(received.body, type=Envelope)
    yield Decoded(document=told.document, key=told.key, event_id=told.event_id, waits_for=told.waits_for)


PLAIN: Final = Connector(
    name="plain",
    title="Plain",
    role=Role.SHOP,
    summary="Speaks the hub's own language.",
    settings=(
        Setting(name="address", title="Address", help="Where it is.", default="http://127.0.0.1:1"),
        Setting(name="token", title="Token", help="To be let in.", secret=True),
    ),
    limits=Limits(requests_per_s=100, burst=100, concurrency=2),
    webhooks=Webhooks(
        topics=(Webhook(topic="told", decode=decode),),
        topic_of=lambda _headers: "told",
        verify=lambda _body, _headers, _settings: True,
    ),
)

ESTATE: Final = Estate(
    company=Company(name="Tea & Co", currency="EUR"),
    locations=(
        Location(code=DC, name="Warehouse", kind=LocationKind.WAREHOUSE),
        Location(code=STORE, name="High Street", kind=LocationKind.STORE, modes=(Mode.SHIP, Mode.PICKUP)),
    ),
    channels=(Channel(code="web", name="Web", currency="EUR", connection=SHOP, pool=(DC, STORE), backorder=True),),
    backorder_limits=(BackorderLimit(quantity=Decimal(100)),),
    connections=(ConnectionConfig(name=SHOP, connector="plain", settings={"token": "${SHOP_TOKEN}"}, channel="web"),),  # type: ignore[arg-type]  # a plain text is what files carry
)


@dataclass(frozen=True, slots=True)
class World:
    """The hub, and short words for what people and systems do to it."""

    hub: Hub
    _seen: list[MessageId] = field(default_factory=list)

    @property
    def database(self) -> Database:
        return self.hub.database

    async def apply_estate(self, estate: Estate) -> None:
        async with self.database.transaction() as tx:
            await estates.apply(tx, estate, note="test", now=NOW)

    async def react(self) -> None:
        """Every reaction until nothing moves."""
        moved = True
        while moved:
            before = await self.newest()
            for reactor in REACTORS:
                while await step(self.hub, reactor):
                    pass
            await give_to_backorders(self.hub)
            moved = await self.newest() != before

    async def newest(self) -> int:
        async with self.database.transaction() as tx:
            return (await eventlog.head(tx)).position

    async def facts(self, *types: type[Document]) -> Sequence[Event]:
        async with self.database.transaction() as tx:
            events = await eventlog.read_after(tx, START, limit=5000)
        return [event for event in events if not types or isinstance(event.fact, types)]

    async def exceptions(self, *, closed_too: bool = False) -> Sequence[OpenException]:
        async with self.database.transaction() as tx:
            return await operations.list_exceptions(tx, closed_too=closed_too)

    async def know(self, *skus: str) -> None:
        items = [ItemDescribed(sku=sku, name=sku) for sku in skus]
        async with self.database.transaction() as tx:
            await catalog.describe(tx, items, origin=Origin.begin("erp"), now=NOW)

    async def land(self, sku: Sku, units: int, location: LocationCode = DC) -> None:
        """Goods come in."""
        await self._moved(FloorMovement.RECEIVE, sku, units, location)

    async def sell(self, sku: Sku, units: int, location: LocationCode = DC) -> None:
        """A till sells what lies on the shelf, promised or not."""
        await self._moved(FloorMovement.ISSUE, sku, units, location)

    async def _moved(self, kind: FloorMovement, sku: Sku, units: int, location: LocationCode) -> None:
        movement = NewMovement(
            key=MovementKey(str(new_id())),
            kind=kind,
            sku=sku,
            location=location,
            quantity=Decimal(units),
            happened_at=NOW,
        )
        async with self.database.transaction() as tx:
            await inventory.record(tx, [movement], origin=Origin.begin("floor"), now=NOW)

    async def accept(self, *placed: OrderPlaced) -> list[OrderId]:
        told = [Acceptance(each, SHOP, Origin.begin(SHOP)) for each in placed]
        async with self.database.transaction() as tx:
            return [each.order_id for each in await orders.accept_many(tx, self.hub.vault, told, now=NOW)]

    async def view(self, order_id: OrderId) -> View:
        async with self.database.transaction() as tx:
            found = await orders.get(tx, order_id)
        assert found is not None
        return found

    async def hear(self, document: Said, *, key: str = "k", event_id: str = "", waits_for: str = "") -> "World":
        """A message arrives and is worked on."""
        told = Envelope(key=key, event_id=event_id or str(new_id()), document=document, waits_for=waits_for)
        message = NewMessage(connection=SHOP, route=Route.WEBHOOK, feed="told", body=msgspec.json.encode(told))
        async with self.database.transaction() as tx:
            self._seen.extend(await inbound.receive(tx, self.hub.vault, [message], now=NOW))
        await self.work()
        return self

    async def work(self) -> None:
        async with self.database.transaction() as tx:
            estate = await self.hub.estate.get(tx)
        while True:
            work = await inbound.decode_waiting(self.database, desk(self.hub, estate), self.hub.clock)
            work += await inbound.apply_waiting(self.database, appliers(self.hub), estate, self.hub.clock)
            if not work.more:
                return

    async def records(self) -> Sequence[RecordShown]:
        """Everything that was heard, in order."""
        async with self.database.transaction() as tx:
            shown = [await inbound.show(tx, self.hub.vault, message) for message in self._seen]
        return [record for each in shown if each is not None for record in each.records]

    async def states(self) -> Sequence[str]:
        return [record.state for record in await self.records()]


def make_hub(database: Database, home: Path, connectors: Mapping[str, Connector]) -> Hub:
    return Hub(
        settings=Settings(home=home, retention_days=400),
        dsn=database.dsn,
        database=database,
        vault=Vault(os.urandom(32)),
        connectors=connectors,
        clock=VirtualClock(NOW),
    )


def order(number: str, sku: str = TEA, quantity: int = 1, *, price: str = "10") -> OrderPlaced:
    units = OrderLine(line_id="1", sku=sku, quantity=Decimal(quantity), unit_price=Decimal(price))
    return OrderPlaced(
        channel="web",  # type: ignore[arg-type]  # a plain text is what messages carry
        channel_order_id=number,
        placed_at=NOW,
        currency="EUR",
        lines=(units,),
        total=units.amount,
    )


def without_secret(estate: Estate) -> Estate:
    return msgspec.structs.replace(
        estate, connections=tuple(msgspec.structs.replace(each, settings={}) for each in estate.connections)
    )


def fulfilment_of(view: View) -> UUID:
    (work,) = view.fulfilments
    return work.fulfilment_id
