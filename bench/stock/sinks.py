"""Five channels that take stock figures at their own pace: `python -m bench.stock.sinks` prints their ports.

Each has a token bucket, answers 429 when it is empty, and remembers what it was told.
"""

import asyncio
import json
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Pace:
    """What a channel allows."""

    name: str
    calls_per_s: float
    batch: int
    burst: int = 2

    @property
    def items_per_s(self) -> float:
        """At best."""
        return self.calls_per_s * self.batch


PACES: Final = (
    Pace("shop", 2.0, 100),
    Pace("market", 5.0, 40),
    Pace("bazaar", 4.0, 25),
    Pace("app", 1.0, 250),
    Pace("wholesale", 0.5, 250),
)


@dataclass(slots=True)
class Sink:
    """One channel."""

    pace: Pace
    level: float = 0.0
    at_s: float = field(default_factory=time.monotonic)
    told: Counter[str] = field(default_factory=Counter)
    figures: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.level = self.pace.burst

    async def take(self, request: web.Request) -> web.Response:
        """A batch of figures."""
        now_s = time.monotonic()
        self.level = min(self.pace.burst, self.level + (now_s - self.at_s) * self.pace.calls_per_s)
        self.at_s = now_s
        items = json.loads(await request.read())
        if self.level < 1:
            self.told["throttled"] += 1
            return web.Response(status=429, headers={"Retry-After": "1"})
        self.level -= 1
        self.told["calls"] += 1
        self.told["items"] += len(items)
        self.told["unchanged"] += sum(self.figures.get(sku) == figure for sku, figure in items)
        self.figures.update(items)
        return web.json_response({"ok": "yes"})

    async def report(self, _request: web.Request) -> web.Response:
        """What it was told."""
        return web.json_response({"told": self.told, "figures": self.figures})


async def main() -> None:
    """Serve until told to stop."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    runners = []
    ports = []
    for pace in PACES:
        sink = Sink(pace)
        app = web.Application()
        app.router.add_post("/stock", sink.take)
        app.router.add_get("/report", sink.report)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        ports.append(runner.addresses[0][1])
        runners.append(runner)
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await stop.wait()
    for runner in runners:
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
