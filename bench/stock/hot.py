"""One hot SKU: ours in process, one `UPDATE` per request, the same load spread over many SKUs."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from bench import pgbench
from bench.figures import Figure, compared
from bench.stock import plain, shop
from rich.progress import Progress

PLAIN_CLIENTS: Final = 64


async def reservations(rounds: int, seconds: float, progress: Progress) -> Sequence[Figure]:
    """`stock.hot` and `stock.hot_uniform`, interleaved."""
    rates: dict[str, list[float]] = {"hot": [], "spread": [], "plain": [], "statement": []}
    task = progress.add_task("one hot SKU", total=rounds * len(rates))
    with TemporaryDirectory(prefix="crossdock-bench-") as folder:
        scripts = {"plain": plain.transaction(Path(folder)), "statement": plain.statement(Path(folder))}
        async with shop.shops("ours", "plain", "statement") as (ours, *others):
            sides = dict(zip(scripts, others, strict=True))
            for number in range(rounds):
                for name in list(rates) if number % 2 == 0 else list(rates)[::-1]:
                    if name in scripts:
                        rate = await asyncio.to_thread(
                            pgbench.tps, sides[name].database.dsn, scripts[name], clients=PLAIN_CLIENTS, seconds=seconds
                        )
                    else:
                        rate = await ours.reserve(seconds, shop.hot if name == "hot" else shop.spread)
                    rates[name].append(rate)
                    progress.advance(task)
    return [
        compared(
            "stock.hot",
            rates["hot"],
            rates["plain"],
            goal=25,
            unit="reservations/s",
            note="÷ one guarded UPDATE per request and the same rows, 64 clients; in one statement it makes "
            f"{median(rates['statement']):,.0f}/s",
        ),
        compared(
            "stock.hot_uniform",
            rates["hot"],
            rates["spread"],
            goal=1.0,
            unit="reservations/s",
            note="one SKU ÷ the same callers over 10,000 SKUs",
        ),
    ]
