"""Long runs with faults: kill the hub, kill its database, over and over under load, and count."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.figures import Figure
from bench.hub_process import Callers, HubProcess
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from crossdock.foundation.ids import randomness

ORDERS_BETWEEN = 40


async def crash(cycles: int, seed: int) -> Sequence[Figure]:
    """Every cycle kills the hub or its database at a random moment, and compares what was acknowledged with what is there."""
    chance = randomness(seed)
    lost = doubled = 0
    recoveries: list[float] = []
    with tempfile.TemporaryDirectory(prefix="crossdock-soak-") as folder, _progress() as progress:
        task = progress.add_task("starting", total=cycles)
        hub = HubProcess(Path(folder))
        callers = Callers(hub)
        hub.start()
        await hub.ready()
        await asyncio.to_thread(hub.new_key)
        load = asyncio.create_task(callers.run())
        try:
            for _ in range(cycles):
                await callers.more(chance.randrange(1, 2 * ORDERS_BETWEEN))
                acknowledged = dict(callers.acknowledged)
                victim = chance.choice(("hub", "database"))
                progress.update(task, description=f"killing the {victim}", advance=1)
                began = time.perf_counter()
                await _kill(hub, victim)
                await callers.recovered()
                recoveries.append(time.perf_counter() - began)
                stored = await asyncio.to_thread(hub.stored)
                lost += sum(stored.get(name) != order_id for name, order_id in acknowledged.items())
            callers.ending = True
            await load
            stored = await asyncio.to_thread(hub.stored)
            lost += sum(stored.get(name) != order_id for name, order_id in callers.acknowledged.items())
            doubled = len(stored) - len(callers.asked)
        finally:
            callers.ending = True
            load.cancel()
            await asyncio.to_thread(hub.stop)
    return _figures(callers, lost, doubled, recoveries)


async def _kill(hub: HubProcess, victim: str) -> None:
    if victim == "database":
        hub.postmaster().kill()
        return
    await asyncio.to_thread(hub.kill)
    hub.start()


def _figures(callers: Callers, lost: int, doubled: int, recoveries: Sequence[float]) -> Sequence[Figure]:
    taken = len(callers.acknowledged)
    ordered = sorted(recoveries)
    note = f"of {taken} acknowledged over {len(recoveries)} kills; {callers.tried_again} requests were sent again"
    return [
        Figure(id="soak.crash.lost", ours=lost, goal="0", holds=lost == 0, unit="orders", note=note),
        Figure(id="soak.crash.doubled", ours=doubled, goal="0", holds=doubled == 0, unit="orders", note=note),
        Figure(
            id="soak.crash.recovery",
            ours=round(median(ordered), 2),
            against=round(ordered[len(ordered) * 95 // 100], 2),
            unit="s",
            note="from the kill to the next acknowledgement: median, and the 95th percentile beside it",
        ),
    ]


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    return Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True))
