"""Stock over HTTP: ours beside the same server with nothing behind it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import aiohttp
from bench.cluster import Contender
from bench.figures import Figure, compared
from bench.hosting import served
from bench.load import Job, Result, Shot, Step, press
from bench.stock import shop
from rich.progress import Progress

CLIENTS: Final = 256
NUMBERS: Final = 100_000_000
"""Requests of one run are numbered within this."""
SIDES: Final = {"ours": "ours", "bare": "bare-stock"}
HOLD: Final = Shot(
    name="hold",
    path="/v1/reservations",
    body='{"key":"bench-{n}","channel":"web","lines":[{"sku":"HOT","quantity":"1"}]}',
)
READ: Final = Shot(name="read", method="GET", path="/v1/availability?channel=web&sku=SKU-{k}", weight=95)
WRITE: Final = Shot(
    name="write",
    path="/v1/reservations",
    body='{"key":"bench-{n}","channel":"web","lines":[{"sku":"SKU-{k}","quantity":"1"}]}',
    weight=5,
)
QUERY: Final = 5000
GOOD: Final = {"200", "201"}


@dataclass(slots=True)
class Served:
    """A server that is measured, and how often it was."""

    side: Contender
    port: int
    runs: int = 0

    async def press(self, *steps: Step, shots: tuple[Shot, ...], clients: int = CLIENTS) -> Result:
        """Load it step by step."""
        self.runs += 1
        job = Job(
            port=self.port,
            shots=shots,
            headers={"Authorization": f"Bearer {self.side.key}", "Idempotency-Key": "key-{n}"},
            clients=clients,
            steps=steps,
            first=self.runs * NUMBERS,
            items=shop.SPREAD,
        )
        return await press(job)

    async def ask_for_all(self) -> None:
        """Every number once: what is measured afterwards is a shop that has been open for a while."""
        skus = [f"SKU-{number:05d}" for number in range(shop.SPREAD)]
        headers = {"Authorization": f"Bearer {self.side.key}"}
        url = f"http://127.0.0.1:{self.port}/v1/availability/query"
        async with aiohttp.ClientSession(headers=headers) as session:
            for at in range(0, len(skus), QUERY):
                body = {"channel": "web", "skus": skus[at : at + QUERY]}
                async with session.post(url, json=body) as answer:
                    assert answer.ok, await answer.text()


@asynccontextmanager
async def pair() -> AsyncIterator[dict[str, Served]]:
    """Both servers, each on a shop of its own."""
    async with shop.shops(*SIDES) as shops, AsyncExitStack() as stack:
        yield {
            each.side.name: Served(each.side, await stack.enter_async_context(served(SIDES[each.side.name], each.side)))
            for each in shops
        }


async def over_http(rounds: int, seconds: float, progress: Progress) -> Sequence[Figure]:
    """`stock.hot_http` and `stock.reads`, interleaved."""
    async with pair() as servers:
        hot = await _rates(servers, (HOLD,), rounds, seconds, progress)
        await servers["ours"].ask_for_all()
        reads = await _rates(servers, (READ, WRITE), rounds, seconds, progress)
    return [
        compared(
            "stock.hot_http",
            hot["ours"],
            hot["bare"],
            goal=0.30,
            unit="reservations/s",
            note=f"÷ the same server, key check and validation, nothing stored; {CLIENTS} clients",
        ),
        compared(
            "stock.reads",
            reads["ours"],
            reads["bare"],
            goal=0.50,
            unit="requests/s",
            note=f"{READ.weight}:{WRITE.weight} read:write over {shop.SPREAD:,} SKUs ÷ the same server, nothing behind it",
        ),
    ]


async def _rates(
    servers: dict[str, Served], shots: tuple[Shot, ...], rounds: int, seconds: float, progress: Progress
) -> dict[str, list[float]]:
    task = progress.add_task(" and ".join(shot.name for shot in shots), total=(rounds + 1) * len(servers))
    rates: dict[str, list[float]] = {name: [] for name in servers}
    for number in range(rounds + 1):
        for name in list(servers) if number % 2 == 0 else list(servers)[::-1]:
            result = await servers[name].press(Step(seconds), shots=shots)
            assert result.statuses.keys() <= GOOD, (name, result.statuses)
            if number:  # the first round is for warming up
                rates[name].append(result.per_second)
            progress.advance(task)
    return rates
