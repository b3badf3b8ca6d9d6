"""A connector of our own for the small target, and everything a pump needs around it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from crossdock.canonical.base import ConnectionName, Document, LocationCode
from crossdock.canonical.facts import CountRecorded, TransferRecorded
from crossdock.canonical.intents import GoodsLine, IntentDocument, PublishStock
from crossdock.connections.line import Line, open_line
from crossdock.connections.model import Account
from crossdock.connections.rules import BreakerTerms
from crossdock.connector_kit.model import (
    Absent,
    Connector,
    Found,
    Landed,
    Limits,
    Outcome,
    Refused,
    Role,
    Send,
    Setting,
    Stale,
)
from crossdock.connector_kit.record import Record
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Unmatched, Verdict, verdict_of_status
from crossdock.crossref.service import ConnectionIdentities
from crossdock.estate.model import Company, ConnectionConfig, Estate, Flow, FlowKind
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database, Tx
from crossdock.foundation.hints import Hints
from crossdock.foundation.ids import new_id, randomness
from crossdock.outbound import service
from crossdock.outbound.model import Intent, IntentState
from crossdock.outbound.ports import Builder, StateSource
from crossdock.outbound.pump.pump import Pump
from outbound.target import Target

ERP: Final = "erp"
DAY: Final = date(2026, 11, 20)
QUICK: Final = Limits(requests_per_s=100_000, burst=1000, concurrency=8)
PATIENT_BREAKER: Final = BreakerTerms(failures_max=1_000_000)
RIGHT: Final = "right"
WAIT_S: Final = 60.0
"""A law that is not reached by then fails; none is measured against it."""


async def call(session: Session, method: str, path: str, body: bytes | None = None, **params: str) -> Record:
    """One request; statuses mean what they usually mean, 422 names the field."""
    answer = await session.http.send(
        method,
        path,
        body=body,
        params=params,
        headers={"authorization": f"Bearer {session.settings['password']}", "content-type": "application/json"},
        timeout_s=float(session.settings["timeout_s"]),
    )
    verdict = verdict_of_status(answer.status)
    if verdict is Verdict.REFUSED:
        told = Record.parse(answer.body)
        raise CallFailed(verdict, told.text("error"), path=told.text("path"), code=str(answer.status))
    if verdict is not None:
        raise CallFailed(verdict, f"HTTP {answer.status}", code=str(answer.status))
    return Record.parse(answer.body)


async def create(session: Session, documents: Sequence[IntentDocument]) -> Sequence[Outcome]:
    """Blind creation: sent twice, there are two."""
    (document,) = documents
    if isinstance(document, Document) and getattr(document, "location", "") == "NOWHERE":
        session.lookup("location", "NOWHERE")
    answer = await call(session, "POST", "/documents", msgspec.json.encode(document))
    return [Landed(document_id=str(answer.whole("id")))]


async def find(session: Session, document: IntentDocument) -> Found:
    """By our reference."""
    kind = str(document.__struct_config__.tag)
    answer = await call(session, "GET", "/documents", None, reference=document.reference, intent=kind)
    ids = answer._fields["ids"]
    assert isinstance(ids, list)
    return Landed(document_id=str(ids[0])) if ids else Absent()


async def publish(session: Session, documents: Sequence[IntentDocument]) -> Sequence[Outcome]:
    """Stock of many items, answered per item."""
    items = []
    for document in documents:
        assert isinstance(document, PublishStock)
        if document.sku == "UNMATCHED":
            raise Unmatched("sku", document.sku)
        base = None if document.last_confirmed is None else str(document.last_confirmed)
        items.append({"sku": document.sku, "quantity": str(document.quantity), "base": base})
    answer = await call(session, "POST", "/stock", msgspec.json.encode({"items": items}))
    return [_stock_outcome(one) for one in answer.each("items")]


def _stock_outcome(answer: Record) -> Outcome:
    if answer.has("error"):
        return Refused(reason=answer.text("error"))
    return Stale(current=answer.text("held")) if answer.has("held") else Landed(document_id="stock")


def connector(
    *,
    settle: timedelta = timedelta(0),
    serial: bool = True,
    probes: bool = True,
    limits: Limits = QUICK,
    run: Callable[[Session, Sequence[IntentDocument]], Awaitable[Sequence[Outcome]]] = create,
    batch_max: int = 1,
) -> Connector:
    """Every kind of document is created in the same way."""
    kinds = [kind for kind in FlowKind if kind is not FlowKind.STOCK]
    return Connector(
        name="small",
        title="Small target",
        role=Role.ERP,
        summary="",
        settings=(
            Setting(name="url", title="", help=""),
            Setting(name="password", title="", help="", secret=True),
            Setting(name="timeout_s", title="", help="", default="5"),
        ),
        limits=limits,
        sends=(
            *(
                Send(
                    kind=kind,
                    run=run,
                    probe=find if probes else None,
                    settle=settle,
                    serial=serial,
                    batch_max=batch_max,
                )
                for kind in kinds
            ),
            Send(kind=FlowKind.STOCK, run=publish, settle=timedelta(milliseconds=1), batch_max=10, state=True),
        ),
    )


def flow(kind: FlowKind, connection: str = ERP, **more: float | tuple[str, ...]) -> Flow:
    """A flow whose waits are short."""
    return msgspec.convert(
        {"kind": kind, "connection": connection, "backoff_s": 0.01, "backoff_max_s": 0.05, **more}, Flow
    )


def estate(*flows: Flow) -> Estate:
    """A retailer with these flows."""
    names = dict.fromkeys(one.connection for one in flows)
    return Estate(
        company=Company(name="Test", currency="USD", zone="America/New_York"),
        connections=tuple(ConnectionConfig(name=name, connector="small") for name in names),
        flows=flows,
    )


TRANSFERS: Final = flow(FlowKind.TRANSFER)


def transfer(number: int, location: str = "DC") -> TransferRecorded:
    """A fact that makes one intent of its own key."""
    return TransferRecorded(
        transfer_id=f"T-{number}",
        from_location=LocationCode(location),
        to_location=LocationCode("S1"),
        transferred_on=DAY,
        lines=(GoodsLine(sku="A", quantity=Decimal(number)),),
    )


def count(number: int, location: str = "S1") -> CountRecorded:
    """A fact whose intents share a key per location."""
    return CountRecorded(
        count_id=f"C-{number}",
        location=LocationCode(location),
        counted_on=DAY,
        lines=(GoodsLine(sku="A", quantity=Decimal(number)),),
    )


async def tell(database: Database, *facts: Document, source: str = "test", stream: str = "test") -> None:
    """Append facts, committed."""
    now = SYSTEM_CLOCK.now()
    async with database.transaction() as tx:
        await eventlog.append(
            tx, [NewFact(stream=stream, fact=fact, happened_at=now, origin=Origin.begin(source)) for fact in facts]
        )


async def derive_all(database: Database, of: Estate, builders: Mapping[str, Builder] | None = None) -> int:
    """Derive until the log is read; the number of intents made."""
    made = 0
    while True:
        async with database.transaction() as tx:
            derived = await service.derive(tx, of, builders or {}, now=SYSTEM_CLOCK.now())
        made += derived.intents
        if derived.facts == 0:
            return made


async def intents(database: Database, **only: str) -> list[Intent]:
    """All intents, in the order they were made."""
    async with database.transaction() as tx:
        found = await service.list_intents(tx, service.Filter(**only), limit=1000)  # type: ignore[arg-type]
    return sorted(found, key=lambda intent: intent.position)


async def states(database: Database) -> dict[str, IntentState]:
    """State by reference."""
    return {intent.reference: intent.state for intent in await intents(database)}


async def until(reached: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that must come to pass."""
    async with asyncio.timeout(WAIT_S):
        while not await reached():
            await SYSTEM_CLOCK.sleep(0.02)


async def until_state(database: Database, *wanted: IntentState) -> None:
    """Wait until every intent stands in one of these states."""

    async def reached() -> bool:
        return set((await states(database)).values()) <= set(wanted)

    await until(reached)


@dataclass
class Rig:
    """A pump with its surroundings."""

    database: Database
    estate: Estate
    connector: Connector = field(default_factory=connector)
    connection: str = ERP
    builders: Mapping[str, Builder] = field(default_factory=dict)
    sources: Mapping[str, StateSource] = field(default_factory=dict)
    hints: Hints = field(default_factory=Hints)
    news: list[tuple[Document, Origin]] = field(default_factory=list)
    span: timedelta = timedelta(seconds=15)
    terms: BreakerTerms = PATIENT_BREAKER
    lookups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    grace_s: float = 10.0
    concurrency: int | None = None

    async def apply_news(self, _tx: Tx, document: Document, origin: Origin) -> None:
        self.news.append((document, origin))

    @asynccontextmanager
    async def line(self, target: Target, *, password: str = RIGHT, timeout_s: float = 5) -> AsyncIterator[Line]:
        """The connection to *target*."""
        account = Account(
            name=ConnectionName(self.connection),
            settings={"url": target.url, "password": "${PASSWORD}", "timeout_s": str(timeout_s)},
            lookups=self.lookups,
            concurrency=self.concurrency,
        )
        identities = ConnectionIdentities(self.database, self.connection)
        environment = {"PASSWORD": password}
        async with open_line(self.connector, account, identities, environment=environment, terms=self.terms) as line:
            yield line

    def pump(self, line: Line, *, standby_s: float = 0.05) -> Pump:
        """A pump on that line."""
        return Pump(
            self.database,
            line,
            self.estate,
            builders=self.builders,
            sources=self.sources,
            apply_news=self.apply_news,
            hints=self.hints,
            chance=randomness(1),
            lease_span=self.span,
            standby_s=standby_s,
            grace_s=self.grace_s,
        )

    @asynccontextmanager
    async def pumping(self, target: Target, *, password: str = RIGHT, timeout_s: float = 5) -> AsyncIterator[Line]:
        """A running pump; stopped cleanly at the end."""
        async with self.line(target, password=password, timeout_s=timeout_s) as line, running(self.pump(line)):
            yield line


@asynccontextmanager
async def running(pump: Pump) -> AsyncIterator["asyncio.Task[None]"]:
    """The pump at work; stopped cleanly at the end."""
    stop = asyncio.Event()
    task = asyncio.create_task(pump.run(stop))
    try:
        yield task
    finally:
        stop.set()
        if not task.cancelled():
            await asyncio.gather(task, return_exceptions=True)


def at(second: int) -> datetime:
    """A moment of the test day."""
    return datetime(2026, 11, 20, 12, 0, second, tzinfo=UTC)


def identifier() -> str:
    """An id as text."""
    return str(new_id())
