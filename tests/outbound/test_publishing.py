"""State flows: the newest state is read when it is sent, coalesced, urgent first, by compare-and-set."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from crossdock.canonical.facts import IntentParked, IntentRefused
from crossdock.canonical.intents import PublishStock
from crossdock.estate.model import FlowKind
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.model import START
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database, Tx
from crossdock.outbound import service
from crossdock.outbound.model import IntentState, StateItem
from outbound.rig import ERP, Rig, at, connector, derive_all, estate, flow, intents, tell, transfer, until
from outbound.target import Fault, Target, serving

RETAILER = estate(flow(FlowKind.STOCK))


@dataclass
class Stock:
    """Figures of a channel, as a state source: versions rise, urgent ones come first."""

    figures: dict[str, tuple[Decimal, int]] = field(default_factory=dict)
    told: dict[str, tuple[Decimal, int]] = field(default_factory=dict)
    urgent: set[str] = field(default_factory=set)
    looks: int = 0

    def set(self, sku: str, quantity: int) -> None:
        version = self.figures[sku][1] + 1 if sku in self.figures else 1
        self.figures[sku] = (Decimal(quantity), version)

    async def pending(self, _tx: Tx, limit: int) -> Sequence[StateItem]:
        self.looks += 1
        due = [sku for sku, (_, version) in self.figures.items() if self.told.get(sku, (None, 0))[1] < version]
        due.sort(key=lambda sku: sku not in self.urgent)
        return [self._item(sku) for sku in due[:limit]]

    def _item(self, sku: str) -> StateItem:
        quantity, version = self.figures[sku]
        base = self.told[sku][0] if sku in self.told else None
        document = PublishStock(
            reference=f"web/{sku}/{version}",
            channel="web",
            sku=sku,
            quantity=quantity,
            version=version,
            last_confirmed=base,
        )
        return StateItem(document=document, subject=f"stock/{sku}", happened_at=at(0))

    async def confirmed(self, _tx: Tx, items: Sequence[StateItem]) -> None:
        for item in items:
            assert isinstance(item.document, PublishStock)
            self.told[item.document.sku] = (item.document.quantity, item.document.version)

    async def stale(self, _tx: Tx, item: StateItem, current: str) -> None:
        assert isinstance(item.document, PublishStock)
        self.told[item.document.sku] = (Decimal(current), self.told.get(item.document.sku, (None, 0))[1])

    def quiet(self, *but: str) -> bool:
        return all(self.told.get(sku) == figure for sku, figure in self.figures.items() if sku not in but)


def rig(database: Database, stock: Stock) -> Rig:
    return Rig(database, RETAILER, connector(), sources={FlowKind.STOCK: stock})


async def until_quiet(stock: Stock, *but: str) -> None:
    async def reached() -> bool:
        return stock.quiet(*but)

    await until(reached)


async def test_a_thousand_changes_of_one_item_are_one_send(database: Database) -> None:
    stock = Stock()
    for quantity in range(1000):
        stock.set("A", quantity)

    async with serving(Target()) as target, rig(database, stock).pumping(target):
        await until_quiet(stock)

    assert target.batches == [1]
    assert target.stock == {"A": "999"}
    assert await intents(database) == []


async def test_items_are_sent_in_batches_urgent_ones_first(database: Database) -> None:
    stock = Stock(urgent={"S24"})
    for number in range(25):
        stock.set(f"S{number}", number)

    async with serving(Target()) as target, rig(database, stock).pumping(target):
        await until_quiet(stock)

    assert target.batches == [10, 10, 5]
    assert next(iter(target.stock)) == "S24"
    async with database.transaction() as tx:
        (fresh,) = await service.freshness(tx, at(0))
    assert (fresh.connection, fresh.kind, fresh.confirmed) == (ERP, "stock.publish", 25)
    assert fresh.max_ms is not None
    assert fresh.max_ms > 0


async def test_a_lost_answer_is_recognised_by_its_own_figure(database: Database) -> None:
    """Sent again with the old base, the target is found to hold what we sent: confirmed, not overwritten."""
    stock = Stock()
    stock.set("A", 5)
    lossy = Target(plan=lambda _, number: Fault.LOSE_ANSWER if number == 0 else Fault.NONE)

    async with serving(lossy) as target, rig(database, stock).pumping(target):
        await until_quiet(stock)

    assert target.stock == {"A": "5"}
    assert stock.told["A"] == (Decimal(5), 1)


async def test_a_stale_base_is_learnt_and_decided_anew(database: Database) -> None:
    stock = Stock()
    stock.set("A", 5)
    sold_there = Target(stock={"A": "3"})

    async with serving(sold_there) as target, rig(database, stock).pumping(target):
        await until_quiet(stock)

    assert target.stock == {"A": "5"}
    assert target.writes["stock"] == 2


async def test_an_unmatched_item_waits_for_its_match_and_its_neighbours_do_not(database: Database) -> None:
    stock = Stock()
    for sku in ("A", "UNMATCHED", "B"):
        stock.set(sku, 1)

    async with serving(Target()) as target, rig(database, stock).pumping(target):
        await until_quiet(stock, "UNMATCHED")

        async def parked() -> bool:
            return len(await intents(database)) == 1

        await until(parked)
        (kept,) = await intents(database)
        assert (kept.state, kept.cause) == (IntentState.PARKED, "identity:sku:UNMATCHED")
        stock.set("UNMATCHED", 2)
        stock.set("A", 2)
        await until_quiet(stock, "UNMATCHED")
        assert len(await intents(database)) == 1

        async with database.transaction() as tx:
            await service.release(tx, SYSTEM_CLOCK.now(), cause=kept.cause)

        async def tried_again() -> bool:
            return [intent.state for intent in await intents(database)] == [
                IntentState.SUPERSEDED,
                IntentState.PARKED,
            ]

        await until(tried_again)

    assert target.stock == {"A": "2", "B": "1"}
    async with database.transaction() as tx:
        events = await eventlog.read_after(tx, START)
    assert [type(event.fact) for event in events] == [IntentParked, IntentParked]


async def test_an_item_that_the_channel_refuses_is_told_to_people_once(database: Database) -> None:
    stock = Stock()
    for sku in ("A", "BAD"):
        stock.set(sku, 1)

    async with serving(Target(plan=lambda *_: Fault.REFUSE)) as target, rig(database, stock).pumping(target):
        await until_quiet(stock, "BAD")
        await SYSTEM_CLOCK.sleep(0.3)

    (kept,) = await intents(database)
    assert (kept.state, kept.reason) == (IntentState.REFUSED, "not sold here")
    async with database.transaction() as tx:
        events = await eventlog.read_after(tx, START)
    assert [type(event.fact) for event in events] == [IntentRefused]
    assert target.stock == {"A": "1"}


async def test_a_channel_in_trouble_is_not_hammered(database: Database) -> None:
    stock = Stock()
    stock.set("A", 1)
    troubled = Target(plan=lambda _, number: Fault.UNAVAILABLE if number < 3 else Fault.NONE)

    async with serving(troubled) as target, rig(database, stock).pumping(target):
        await until_quiet(stock)

    assert target.writes["stock"] == 4


async def test_stock_and_documents_share_a_single_place_in_turns(database: Database) -> None:
    """One place on the connection: neither starves the other."""
    both = estate(flow(FlowKind.STOCK), flow(FlowKind.TRANSFER))
    stock = Stock()
    for number in range(100):
        stock.set(f"S{number}", number)
    await tell(database, *(transfer(number) for number in range(20)))
    await derive_all(database, both)
    rigged = Rig(database, both, connector(serial=True), sources={FlowKind.STOCK: stock})
    rigged.concurrency = 1

    async with serving(Target()) as target, rigged.pumping(target):
        await until_quiet(stock)

        async def landed() -> bool:
            return len(target.documents) == 20

        await until(landed)


async def test_nothing_to_tell_costs_few_looks(database: Database) -> None:
    stock = Stock()
    async with serving(Target()) as target, rig(database, stock).pumping(target):
        await SYSTEM_CLOCK.sleep(1.5)

    assert target.writes == {}
    assert stock.looks < 15
