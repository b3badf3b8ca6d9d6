"""What a hub costs that has nothing to do: starting, memory, processor."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

import psutil
from bench.figures import Figure, below
from bench.hub_process import HubProcess
from rich.console import Console

START_MAX_S: Final = 5.0
MEMORY_MAX_MB: Final = 350.0
CPU_MAX_PERCENT: Final = 2.0
SETTLE_S: Final = 10.0


async def idle(starts: int, seconds: float) -> Sequence[Figure]:
    """`crossdock up` with its embedded database: the first start makes the data folder, later ones find it."""
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="crossdock-bench-") as folder, console.status("first start") as status:
        hub = HubProcess(Path(folder))
        try:
            first = await _start(hub)
            later = []
            for number in range(starts):
                status.update(f"start {number + 1} of {starts}")
                await asyncio.to_thread(hub.stop)
                later.append(await _start(hub))
            status.update(f"watching an idle hub for {SETTLE_S + seconds:.0f} s")
            await _wait(SETTLE_S)
            megabytes, percent = await _watched(hub, seconds)
        finally:
            await asyncio.to_thread(hub.stop)
    note = f"from the command to /readyz, median of {starts}; the very first start took {first:.1f} s"
    return [
        below("idle.start", median(later), START_MAX_S, unit="s", note=note),
        below(
            "idle.memory", megabytes, MEMORY_MAX_MB, unit="MB", note="hub and its PostgreSQL, shared pages counted once"
        ),
        below(
            "idle.cpu",
            percent,
            CPU_MAX_PERCENT,
            unit="% of a core",
            note=f"hub and its PostgreSQL over {seconds:.0f} s",
        ),
    ]


async def _start(hub: HubProcess) -> float:
    began = time.perf_counter()
    hub.start()
    await hub.ready()
    return time.perf_counter() - began


async def _wait(seconds: float) -> None:
    await asyncio.wait([asyncio.create_task(asyncio.to_thread(time.sleep, seconds))])


async def _watched(hub: HubProcess, seconds: float) -> tuple[float, float]:
    processes = hub.processes()
    before = sum(_cpu_s(one) for one in processes)
    began = time.perf_counter()
    await _wait(seconds)
    spent = sum(_cpu_s(one) for one in processes) - before
    elapsed = time.perf_counter() - began
    return sum(_bytes(one) for one in processes) / 1e6, 100 * spent / elapsed


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _bytes(process: psutil.Process) -> int:
    memory = process.memory_full_info()
    return int(memory.pss if sys.platform == "linux" else memory.uss)
