"""Durable order intake, side by side with a plain application, with pgbench, and with the server alone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from bench import pgbench
from bench.cluster import Contender, contenders
from bench.figures import Figure, compared
from bench.fsync import fdatasync_ms
from bench.hosting import served
from bench.load import Job, Result, Shot, Step, press
from bench.sample import BODY, IDEMPOTENCY_KEY
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

CLIENTS: Final = 64
SERVERS: Final = ("ours", "naive", "bare")
RUNS: Final = (*SERVERS, "pgbench")
NUMBERS: Final = 100_000_000
"""Requests of one run are numbered within this."""


@dataclass(slots=True)
class Bench:
    """What is running, and what was measured."""

    seconds: float
    ports: dict[str, int] = field(default_factory=dict)
    sides: dict[str, Contender] = field(default_factory=dict)
    runs: int = 0
    rates: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in RUNS})

    async def load(self, name: str, *, seconds: float, rate: float = 0.0) -> Result:
        """Press one server; every answer must be 202."""
        self.runs += 1
        job = Job(
            port=self.ports[name],
            shots=(Shot(path="/v1/orders", body=BODY),),
            headers={"Authorization": f"Bearer {self.sides[name].key}", "Idempotency-Key": IDEMPOTENCY_KEY},
            clients=CLIENTS,
            steps=(Step(seconds, rate),),
            first=self.runs * NUMBERS,
        )
        result = await press(job)
        assert set(result.statuses) == {"202"}, (name, result)
        return result


async def intake(rounds: int, seconds: float) -> Sequence[Figure]:
    """Every round measures all sides one after the other; ratios are taken within a round."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    async with AsyncExitStack() as stack:
        progress = stack.enter_context(Progress(*columns, TimeElapsedColumn(), console=console))
        task = progress.add_task("starting", total=rounds * len(RUNS) + 1)
        bench = await stack.enter_async_context(_started(seconds))
        file = pgbench.script(bench.sides["ours"], bench.sides["ours"].home)
        for number in range(rounds):
            # Whoever goes first in a round goes last in the next: a machine that slows down favours nobody.
            for name in RUNS if number % 2 == 0 else RUNS[::-1]:
                progress.update(task, description=f"round {number + 1}: {name}")
                bench.rates[name].append(await _rate(bench, name, file))
                progress.advance(task)
        progress.update(task, description="latency at half load")
        half = median(bench.rates["ours"]) / 2
        sync_ms = fdatasync_ms(bench.sides["ours"].home)
        result = await bench.load("ours", seconds=seconds * 2, rate=half)
        progress.advance(task)
    return [*_ratios(bench), *_latencies(result, sync_ms, half)]


async def _rate(bench: Bench, name: str, file: Path) -> float:
    if name == "pgbench":
        side = bench.sides[name]
        return await asyncio.to_thread(pgbench.run, side, file, clients=CLIENTS, seconds=bench.seconds)
    return (await bench.load(name, seconds=bench.seconds)).per_second


@asynccontextmanager
async def _started(seconds: float) -> AsyncIterator[Bench]:
    async with contenders(RUNS) as sides, AsyncExitStack() as stack:
        bench = Bench(seconds, sides={side.name: side for side in sides})
        for name in SERVERS:
            bench.ports[name] = await stack.enter_async_context(served(name, bench.sides[name]))
            await bench.load(name, seconds=min(2.0, seconds))
        yield bench


def _ratios(bench: Bench) -> Sequence[Figure]:
    ours, unit = bench.rates["ours"], "orders/s"
    return [
        compared(
            "intake.naive",
            ours,
            bench.rates["naive"],
            goal=3,
            unit=unit,
            note="÷ the same framework, one transaction per request, the same rows",
        ),
        compared(
            "intake.pgbench",
            ours,
            bench.rates["pgbench"],
            goal=1.0,
            unit=unit,
            note="÷ pgbench, one transaction per order, the same rows, disk and clients",
        ),
        compared(
            "intake.bare",
            ours,
            bench.rates["bare"],
            goal=None,
            unit=unit,
            note="÷ the same server, key check and validation, nothing stored",
        ),
    ]


def _latencies(result: Result, sync_ms: float, rate: float) -> Sequence[Figure]:
    note = f"at {rate:,.0f} orders/s; one 8 kB fdatasync takes {sync_ms:.2f} ms here"
    return [
        Figure(
            id=f"intake.latency.{name}",
            ours=round(value, 2),
            against=round(sync_ms, 3),
            ratio=round(value / sync_ms, 1),
            unit="ms",
            note=note,
        )
        for name, value in (("p50", result.p50_ms), ("p99", result.p99_ms))
    ]
