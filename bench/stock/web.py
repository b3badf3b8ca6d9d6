"""One hot SKU over HTTP: ours beside the same server with nothing behind it."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final

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
    name="hot",
    path="/v1/reservations",
    body='{"key":"bench-{n}","channel":"web","lines":[{"sku":"HOT","quantity":"1"}]}',
)


async def hold(port: int, side: Contender, seconds: float, run: int, *, clients: int = CLIENTS) -> Result:
    """Holds of the hot item, each durable before it is answered, as fast as they are answered."""
    job = Job(
        port=port,
        shots=(HOLD,),
        headers={"Authorization": f"Bearer {side.key}", "Idempotency-Key": "key-{n}"},
        clients=clients,
        steps=(Step(seconds),),
        first=run * NUMBERS,
    )
    result = await press(job)
    assert set(result.statuses) == {"201"}, result.statuses
    return result


async def reservations(rounds: int, seconds: float, progress: Progress) -> Sequence[Figure]:
    """`stock.hot_http`, interleaved."""
    task = progress.add_task("one hot SKU over HTTP", total=rounds * len(SIDES))
    rates: dict[str, list[float]] = {name: [] for name in SIDES}
    async with shop.shops(*SIDES) as shops, AsyncExitStack() as stack:
        sides = {each.side.name: each.side for each in shops}
        ports = {name: await stack.enter_async_context(served(kind, sides[name])) for name, kind in SIDES.items()}
        for name, port in ports.items():
            await hold(port, sides[name], 1.0, 0)
        for number in range(rounds):
            for name in list(SIDES) if number % 2 == 0 else list(SIDES)[::-1]:
                rates[name].append((await hold(ports[name], sides[name], seconds, number + 1)).per_second)
                progress.advance(task)
    return [
        compared(
            "stock.hot_http",
            rates["ours"],
            rates["bare"],
            goal=0.30,
            unit="reservations/s",
            note=f"÷ the same server, key check and validation, nothing stored; {CLIENTS} clients",
        )
    ]
