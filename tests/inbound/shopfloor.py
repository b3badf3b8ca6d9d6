"""A small connector of our own, its appliers, and a hub around them: real decoders, real effects, real tables."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from crossdock.canonical.base import ChannelCode, ChannelOrderId, ConnectionName, Document, LocationCode
from crossdock.canonical.orders import OrderChanged, OrderLine, OrderPlaced
from crossdock.canonical.stock import StockCounted
from crossdock.connector_kit.http import Http
from crossdock.connector_kit.model import (
    Connector,
    Damaged,
    Decoded,
    FileDrop,
    Limits,
    Load,
    Page,
    Pull,
    Received,
    Role,
    Webhook,
    Webhooks,
)
from crossdock.connector_kit.record import Record, Undecodable
from crossdock.connector_kit.session import Session
from crossdock.estate.model import Company, Estate, Policies
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.model import START
from crossdock.foundation.clock import SYSTEM_CLOCK, VirtualClock
from crossdock.foundation.db import Database, Tx
from crossdock.foundation.vault import Vault
from crossdock.inbound import service as inbound
from crossdock.inbound.model import (
    Applied,
    Arrived,
    MessageId,
    NewMessage,
    Outcome,
    Rejected,
    Route,
    Waits,
    Work,
)
from crossdock.inbound.service import Appliers, ApplyContext, Desk

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
SHOP = ConnectionName("shop")
OTHER = ConnectionName("other")
EFFECTS = """
CREATE TABLE IF NOT EXISTS public.effect (
    position bigint GENERATED ALWAYS AS IDENTITY, key text NOT NULL, what text NOT NULL, worker int NOT NULL)
"""


def decode_order(received: Received) -> Iterator[Decoded]:
    yield _order(Record.parse(received.body))


def decode_change(received: Received) -> Iterator[Decoded]:
    raw = Record.parse(received.body)
    number = raw.text("id")
    document = OrderChanged(
        channel=ChannelCode("web"),
        channel_order_id=ChannelOrderId(number),
        updated_at=raw.moment("at"),
        payment_status=None,
    )
    event_id = f"order/{number}/changed/{raw.text('at')}"
    yield Decoded(document=document, key=f"order/{number}", event_id=event_id, waits_for=f"order/{number}")


def decode_orders(received: Received) -> Iterator[Decoded]:
    for raw in Record.parse(received.body).each("orders"):
        yield _order(raw)


def decode_counts(received: Received) -> Iterator[Decoded | Damaged]:
    """One JSON object per line: `{"sku": …, "on_hand": …, "n": …}`."""
    for number, line in enumerate(received.body.splitlines()):
        key = ""
        try:
            raw = Record.parse(line)
            key = f"count/{raw.text('sku')}"
            document = StockCounted(
                sku=raw.text("sku"),
                location=LocationCode("s1"),
                on_hand=raw.number("on_hand"),
                as_of=NOW,
                reference=raw.text("n"),
            )
            yield Decoded(document=document, key=key, event_id=f"count/{raw.text('n')}")
        except Undecodable as error:
            path = error.path.replace("$", f"$[{number}]", 1)
            yield Damaged(error=Undecodable(path, error.reason), key=key, raw=line)


def decode_badly(received: Received) -> Iterable[Decoded]:
    raise ZeroDivisionError(f"{len(received.body)} bytes")


def _order(raw: Record) -> Decoded:
    number = raw.text("id")
    lines = tuple(
        OrderLine(
            line_id=line.text("id"),
            sku=line.text("sku"),
            quantity=line.number("quantity"),
            unit_price=line.number("price"),
        )
        for line in raw.each("line_items")
    )
    document = OrderPlaced(
        channel=ChannelCode("web"),
        channel_order_id=number,
        placed_at=raw.moment("at"),
        currency="EUR",
        lines=lines,
        total=raw.number("total"),
    )
    return Decoded(document=document, key=f"order/{number}", event_id=f"order/{number}@{raw.text('at')}")


async def no_page(_session: Session, cursor: str) -> Page:
    return Page(body=b'{"orders": []}', cursor=cursor, more=False)


def pull(fetch: Callable[[Session, str], Awaitable[Page]] = no_page) -> Pull:
    return Pull(
        name="orders",
        fetch=fetch,
        decode=decode_orders,
        every=timedelta(minutes=1),
        overlap=timedelta(minutes=5),
        silent_after=timedelta(hours=1),
    )


DROP = FileDrop(name="counts", pattern="*.jsonl", decode=decode_counts, size_max=10_000)
MARKED = FileDrop(name="marked", pattern="*.dat", decode=decode_counts, marker=".complete")


def connector(*, pulls: Sequence[Pull] = (), loads: Sequence[Load] = ()) -> Connector:
    return Connector(
        name="notes",
        title="Notes",
        role=Role.SHOP,
        summary="Tells orders and counts as JSON.",
        settings=(),
        limits=Limits(requests_per_s=10, burst=10, concurrency=2),
        webhooks=Webhooks(
            topics=(
                Webhook(topic="orders/create", decode=decode_order),
                Webhook(topic="orders/change", decode=decode_change),
                Webhook(topic="bad", decode=decode_badly),
            ),
            topic_of=lambda headers: headers["x-topic"],
            verify=lambda _body, _headers, _settings: True,
        ),
        pulls=tuple(pulls) or (pull(),),
        loads=tuple(loads),
        drops=(DROP, MARKED),
        uploads=(FileDrop(name="counts", pattern="application/jsonl", decode=decode_counts),),
    )


class NoIdentities:
    """Nothing is matched."""

    async def theirs(self, _kind: str, _ours: Sequence[str]) -> Mapping[str, str]:
        return {}

    async def ours(self, _kind: str, _theirs: Sequence[str]) -> Mapping[str, str]:
        return {}

    async def document(self, _kind: str, _reference: str) -> str | None:
        return None


def session(client: aiohttp.ClientSession, clock: VirtualClock, connection: ConnectionName = SHOP) -> Session:
    return Session(
        connection=connection,
        settings={},
        lookups={},
        identities=NoIdentities(),
        http=Http(client, "http://127.0.0.1:1"),
        clock=clock,
    )


@dataclass
class Hub:
    """Inbound with its surroundings. Effects go to a table of their own, in the applier's transaction."""

    database: Database
    vault: Vault = field(default_factory=lambda: Vault(bytes(32)))
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(NOW))
    estate: Estate = field(
        default_factory=lambda: Estate(company=Company(name="T", currency="EUR"), policies=Policies(parent_wait="2h"))
    )
    made: Connector = field(default_factory=connector)
    poison: set[str] = field(default_factory=set)
    """Keys on which the applier breaks."""
    bad: set[str] = field(default_factory=set)
    """Keys that the applier rejects."""
    own: set[str] = field(default_factory=set)
    """Keys that are our own writes."""
    calls: list[int] = field(default_factory=list)
    """Sizes of the groups that appliers got."""

    @property
    def desk(self) -> Desk:
        return Desk(estate=self.estate, connectors={SHOP: self.made, OTHER: self.made}, settings={}, vault=self.vault)

    @property
    def appliers(self) -> Appliers:
        return Appliers(
            by_type={OrderPlaced: self.place, OrderChanged: inbound.each(self.change), StockCounted: self.count},
            vault=self.vault,
            own=self.owns,
        )

    async def owns(self, _tx: Tx, arrived: Sequence[Arrived]) -> Sequence[bool]:
        return [record.key in self.own for record in arrived]

    async def place(self, tx: Tx, arrived: Sequence[Arrived], _context: ApplyContext) -> Sequence[Outcome]:
        self.calls.append(len(arrived))
        return [await self.effect(tx, record, "placed") for record in arrived]

    async def count(self, tx: Tx, arrived: Sequence[Arrived], _context: ApplyContext) -> Sequence[Outcome]:
        self.calls.append(len(arrived))
        return [await self.effect(tx, record, reference(record.document)) for record in arrived]

    async def change(self, tx: Tx, arrived: Arrived, _context: ApplyContext) -> Outcome:
        cursor = await tx.execute("SELECT 1 FROM public.effect WHERE key = %s AND what = 'placed'", (arrived.key,))
        if await cursor.fetchone() is None:
            return Waits(key=arrived.waits_for)
        return await self.effect(tx, arrived, "changed")

    async def effect(self, tx: Tx, arrived: Arrived, what: str) -> Outcome:
        if arrived.key in self.bad:
            return Rejected(reason="contradicts the books", path="$.total")
        await tx.execute(
            "INSERT INTO public.effect (key, what, worker) VALUES (%s, %s, pg_backend_pid())", (arrived.key, what)
        )
        if arrived.key in self.poison:
            raise RuntimeError(f"cannot apply {arrived.key}")
        return Applied()

    async def receive(
        self, feed: str, *bodies: str | bytes, connection: ConnectionName = SHOP, route: Route = Route.WEBHOOK
    ) -> Sequence[MessageId]:
        raw = [body.encode() if isinstance(body, str) else body for body in bodies]
        async with self.database.transaction() as tx:
            return await inbound.receive(
                tx,
                self.vault,
                [NewMessage(connection=connection, route=route, feed=feed, body=body, headers={}) for body in raw],
                now=self.clock.now(),
            )

    async def decode(self) -> Work:
        return await inbound.decode_waiting(self.database, self.desk, self.clock)

    async def apply(self) -> Work:
        return await inbound.apply_waiting(self.database, self.appliers, self.estate, self.clock)

    async def work(self) -> Work:
        """Decode and apply until nothing moves."""
        total = Work()
        while True:
            step = await self.decode() + await self.apply()
            total += step
            if not step.more:
                return total

    async def effects(self, key: str = "") -> Sequence[str]:
        async with self.database.transaction() as tx:
            cursor = await tx.execute("SELECT what FROM public.effect WHERE %s IN ('', key) ORDER BY position", (key,))
            return [str(what) for (what,) in await cursor.fetchall()]

    async def states(self, message: MessageId) -> Sequence[str]:
        async with self.database.transaction() as tx:
            shown = await inbound.show(tx, self.vault, message)
        assert shown is not None
        return [record.state for record in shown.records]

    async def facts(self) -> Sequence[Document]:
        async with self.database.transaction() as tx:
            return [event.fact for event in await eventlog.read_after(tx, START, limit=1000)]


async def hub_on(database: Database) -> Hub:
    async with database.transaction() as tx:
        await tx.execute(EFFECTS)
    return Hub(database)


def reference(document: Document) -> str:
    assert isinstance(document, StockCounted)
    return document.reference


def order(number: str = "1", *, quantity: str = "1", at: str = "2026-11-27T09:00:00Z") -> str:
    return (
        f'{{"id": "{number}", "at": "{at}", "total": "10", '
        f'"line_items": [{{"id": "1", "sku": "A", "quantity": {quantity}, "price": 10}}]}}'
    )


def change(number: str = "1", at: str = "2026-11-27T09:05:00Z") -> str:
    return f'{{"id": "{number}", "at": "{at}"}}'


def count(sku: str, n: int | str, on_hand: str = "1") -> str:
    return f'{{"sku": "{sku}", "on_hand": {on_hand}, "n": "{n}"}}'


def counts(*lines: str) -> str:
    return "\n".join(lines)


def write(folder: Path, name: str, content: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(content)
    return path


async def blocked(database: Database) -> None:
    """Return once some statement waits for somebody's lock."""
    waiting = 0
    while not waiting:
        await SYSTEM_CLOCK.sleep(0.02)
        async with database.transaction() as tx:
            cursor = await tx.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            (waiting,) = await cursor.fetchone() or (0,)
