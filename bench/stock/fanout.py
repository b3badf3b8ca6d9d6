"""Three hundred stores sell; five channels with budgets of their own are told, as few times and as soon as they allow."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, LiteralString

import aiohttp
import msgspec
from bench.cluster import Contender, contenders
from bench.figures import Figure
from bench.stock.deltas import sku, store
from bench.stock.sinks import PACES, Pace
from rich.progress import Progress

from crossdock.assembly.hub import Hub, open_hub
from crossdock.assembly.sending import news, sources
from crossdock.availability import service as availability
from crossdock.canonical.base import ChannelCode, ConnectionName
from crossdock.canonical.intents import IntentDocument, PublishStock
from crossdock.connections.line import open_line
from crossdock.connections.model import Account
from crossdock.connector_kit.model import Connector, Landed, Limits, Outcome, Role, Send, Setting
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, verdict_of_status
from crossdock.crossref.service import ConnectionIdentities
from crossdock.estate import service as estates
from crossdock.estate.model import Channel, Company, ConnectionConfig, Estate, Flow, FlowKind, Location, LocationKind
from crossdock.foundation.db import execute
from crossdock.foundation.settings import Settings
from crossdock.outbound import service as outbound
from crossdock.outbound.pump.pump import Pump

ROOT: Final = Path(__file__).parents[2]
STORES: Final = 300
SKUS: Final = 10_000
MOVING: Final = 1_000
RATE: Final = 5_000
STOCK: Final = 1_000
SECONDS_MIN: Final = 30
DRAIN_S: Final = 60.0
CALLS: Final = 1.1
STALENESS: Final = 1.2
REFRESH_MAX: Final = 2000
FILL: Final[LiteralString] = """
INSERT INTO inventory.position (sku, location, on_hand, version, changed_at, happened_at)
SELECT 'SKU-' || lpad(i::text, 5, '0'), 'store-' || lpad(s::text, 3, '0'), %(stock)s, 1, now(), now()
  FROM generate_series(0, %(skus)s - 1) AS i, generate_series(0, %(stores)s - 1) AS s
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What a channel was told in all."""

    pace: Pace
    calls: int
    items: int
    unchanged: int
    throttled: int
    figures: Mapping[str, str]

    @property
    def calls_min(self) -> int:
        """With every batch full and nothing told twice."""
        return max(1, -(-(self.items - self.unchanged) // self.pace.batch))


async def fanout(seconds: float, progress: Progress) -> Sequence[Figure]:
    """`stock.fanout`."""
    task = progress.add_task("fan-out", total=3)
    length = max(SECONDS_MIN, round(seconds))
    async with contenders(["fanout"]) as (side,), _sinks() as ports, _hub(side) as hub:
        progress.advance(task)
        async with _selling(hub, ports):
            began = hub.clock.now()
            recorded = await _deltas(side.dsn, length)
            progress.advance(task)
            drained_s = await _drained(hub)
        told = [await _report(pace, port) for pace, port in zip(PACES, ports, strict=True)]
        lacking = await _differing(hub, told)
        fresh = await _freshness(hub, began)
        progress.advance(task)
    return _figures(told, lacking, fresh, recorded / length, drained_s)


def _estate() -> Estate:
    places = tuple(store(number) for number in range(STORES))
    return Estate(
        company=Company(name="Bench", currency="EUR"),
        locations=tuple(Location(code=place, name=place, kind=LocationKind.STORE) for place in places),
        channels=tuple(Channel(code=pace.name, name=pace.name, currency="EUR", pool=places) for pace in PACES),
        connections=tuple(
            ConnectionConfig(name=pace.name, connector="sink", channel=ChannelCode(pace.name)) for pace in PACES
        ),
        flows=tuple(Flow(kind=FlowKind.STOCK, connection=pace.name) for pace in PACES),
    )


@asynccontextmanager
async def _hub(side: Contender) -> AsyncIterator[Hub]:
    """With the estate, stock everywhere, and channels that know all of it."""
    side.home.mkdir(exist_ok=True)
    async with open_hub(Settings(home=side.home, database_url=side.dsn, port=0), side.dsn, {}) as hub:
        async with hub.database.transaction() as tx:
            await tx.execute("SET LOCAL statement_timeout = 0")
            await estates.apply(tx, _estate(), note="fan-out", now=hub.clock.now())
            await execute(tx, FILL, {"stock": STOCK, "skus": SKUS, "stores": STORES})
        async with hub.database.connection() as session:
            await session.execute("ANALYZE inventory.position")
        yield hub


async def _publish(session: Session, documents: Sequence[IntentDocument]) -> Sequence[Outcome]:
    items = [(one.sku, str(one.quantity)) for one in documents if isinstance(one, PublishStock)]
    answer = await session.http.send(
        "POST", "/stock", body=msgspec.json.encode(items), headers={"content-type": "application/json"}
    )
    verdict = verdict_of_status(answer.status)
    if verdict is not None:
        raise CallFailed(verdict, f"HTTP {answer.status}", code=str(answer.status))
    return [Landed(document_id="stock") for _ in documents]


def _connector(pace: Pace) -> Connector:
    return Connector(
        name="sink",
        title="Sink",
        role=Role.ERP,
        summary="",
        settings=(Setting(name="url", title="", help=""),),
        limits=Limits(requests_per_s=pace.calls_per_s, burst=1, concurrency=1),
        sends=(
            Send(kind=FlowKind.STOCK, run=_publish, settle=timedelta(milliseconds=1), batch_max=pace.batch, state=True),
        ),
    )


@asynccontextmanager
async def _selling(hub: Hub, ports: Sequence[int]) -> AsyncIterator[None]:
    """Targets follow the ledger and five pumps tell them, while inside."""
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        tasks = [asyncio.create_task(_refresh(hub, stop))]
        async with hub.database.transaction() as tx:
            estate = await hub.estate.get(tx)
        for pace, port, config in zip(PACES, ports, estate.connections, strict=True):
            account = Account(name=ConnectionName(pace.name), settings={"url": f"http://127.0.0.1:{port}"})
            identities = ConnectionIdentities(hub.database, pace.name)
            line = await stack.enter_async_context(open_line(_connector(pace), account, identities))
            pump = Pump(
                hub.database,
                line,
                estate,
                builders={},
                sources=sources(hub, config),
                apply_news=news(hub),
                hints=hub.hints,
            )
            tasks.append(asyncio.create_task(pump.run(stop)))
        try:
            yield
        finally:
            stop.set()
            hub.hints.ring()
            await asyncio.gather(*tasks)


async def _refresh(hub: Hub, stop: asyncio.Event) -> None:
    """As the worker does."""
    while not stop.is_set():
        async with hub.database.transaction() as tx:
            estate = await hub.estate.get(tx)
            changed = await availability.refresh(tx, estate, now=hub.clock.now(), limit=REFRESH_MAX)
        if changed:
            hub.hints.ring()
        else:
            await hub.clock.sleep(0.05)


async def _deltas(dsn: str, seconds: int) -> int:
    numbers = (seconds, STORES, MOVING, RATE)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.stock.deltas", dsn, *map(str, numbers), stdout=subprocess.PIPE, cwd=ROOT
    )
    out, _ = await process.communicate()
    return int(out)


async def _drained(hub: Hub) -> float:
    """Seconds until targets are up to the ledger and every channel has confirmed them."""
    began = hub.clock.monotonic()
    while hub.clock.monotonic() - began < DRAIN_S:
        async with hub.database.transaction() as tx:
            estate = await hub.estate.get(tx)
            behind = await availability.refresh(tx, estate, now=hub.clock.now(), limit=REFRESH_MAX)
            waiting = [await availability.pending(tx, ChannelCode(pace.name), limit=1) for pace in PACES]
        if not behind and not any(waiting):
            break
        await hub.clock.sleep(0.1)
    return hub.clock.monotonic() - began


@asynccontextmanager
async def _sinks() -> AsyncIterator[Sequence[int]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.stock.sinks", stdout=subprocess.PIPE, cwd=ROOT
    )
    try:
        assert process.stdout is not None
        yield json.loads(await process.stdout.readline())
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _report(pace: Pace, port: int) -> Told:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/report") as answer:
        found = await answer.json()
    told = found["told"]
    return Told(
        pace,
        told.get("calls", 0),
        told.get("items", 0),
        told.get("unchanged", 0),
        told.get("throttled", 0),
        found["figures"],
    )


async def _differing(hub: Hub, told: Sequence[Told]) -> int:
    """Figures that a channel shows and that are not what may be sold now."""
    skus = [sku(number) for number in range(MOVING)]
    async with hub.database.transaction() as tx:
        estate = await hub.estate.get(tx)
        pairs = [(each, ChannelCode(PACES[0].name)) for each in skus]
        answers = await availability.query(tx, estate, pairs, now=hub.clock.now())
    true = {answer.sku: answer.published for answer in answers}
    return sum(
        each.figures.get(one) is not None and Decimal(each.figures[one]) != figure
        for each in told
        for one, figure in true.items()
    )


async def _freshness(hub: Hub, began: datetime) -> Mapping[str, float]:
    """p99 from the fact to the confirmation, by channel, in seconds."""
    async with hub.database.transaction() as tx:
        found = await outbound.freshness(tx, began)
    return {each.connection: (each.p99_ms or 0.0) / 1000 for each in found}


def _figures(
    told: Sequence[Told], lacking: int, fresh: Mapping[str, float], rate: float, drained_s: float
) -> Sequence[Figure]:
    calls, least = sum(each.calls for each in told), sum(each.calls_min for each in told)
    # All that moves is on its way all the time: an item's turn comes again when all the others had theirs.
    allowed = {pace.name: max(MOVING / pace.items_per_s, 1 / pace.calls_per_s) for pace in PACES}
    worst = max(allowed, key=lambda name: fresh.get(name, 0.0) / allowed[name])
    ratio = fresh.get(worst, 0.0) / allowed[worst]
    throttled = sum(each.throttled for each in told)
    scene = f"{STORES} stores, {SKUS:,} SKUs, {rate:,.0f} deltas/s on {MOVING:,} of them, {len(PACES)} channels"
    by_channel = ", ".join(f"{name} {fresh.get(name, 0.0):.1f} of {most:.1f} s" for name, most in allowed.items())
    return [
        Figure(
            id="stock.fanout.calls",
            ours=calls,
            against=least,
            ratio=round(calls / least, 2),
            goal=f"<= {CALLS:g}",
            holds=calls <= CALLS * least,
            unit="calls",
            note=f"÷ full batches of figures that had changed; {scene}",
        ),
        Figure(
            id="stock.fanout.staleness",
            ours=round(fresh.get(worst, 0.0), 2),
            against=round(allowed[worst], 2),
            ratio=round(ratio, 2),
            goal=f"<= {STALENESS:g}",
            holds=0 < ratio <= STALENESS,
            unit="s",
            note=f"p99 from fact to confirmation ÷ what the budget allows, the worst channel; {by_channel}",
        ),
        Figure(
            id="stock.fanout.throttled", ours=throttled, goal="= 0", holds=throttled == 0, unit="answers", note="429s"
        ),
        Figure(
            id="stock.fanout.last",
            ours=lacking,
            goal="= 0",
            holds=lacking == 0,
            unit="figures",
            note=f"that were not told at the end; all were told {drained_s:.1f} s after the last delta",
        ),
    ]
