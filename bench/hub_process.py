"""A hub in a process of its own, as people start it, and callers that never give up."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
import psutil
import psycopg
from bench.sample import order
from psycopg import IsolationLevel
from psycopg.rows import TupleRow

from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.postgres import running

ESTATE_YAML = """
company: {name: Tea & Co, currency: EUR}
locations: [{code: dc, name: DC, kind: warehouse}]
channels: [{code: web, name: Web, currency: EUR, pool: [dc]}]
"""


AWAY: Final = 503
_FACTS: Final = "SELECT count(*), count(DISTINCT stream) FROM eventlog.event WHERE type = 'order.accepted'"


@dataclass(slots=True)
class HubProcess:
    """`crossdock up` with a data folder of its own."""

    folder: Path
    port: int = 0
    key: str = ""
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (self.folder / "estate").mkdir()
        (self.folder / "estate" / "retailer.yaml").write_text(ESTATE_YAML)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "CROSSDOCK_HOME": str(self.folder / "home"),
            "CROSSDOCK_ESTATE": str(self.folder / "estate"),
            "CROSSDOCK_PORT": str(self.port),
            "CROSSDOCK_DATABASE_URL": "",
            "CROSSDOCK_LOG_LEVEL": "error",
        }

    def start(self) -> None:
        log = (self.folder / "hub.log").open("ab")
        command = [sys.executable, "-m", "crossdock", "up"]
        self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        log.close()

    async def ready(self) -> None:
        """Wait until it answers; a minute at most."""
        async with aiohttp.ClientSession() as session:
            for _ in range(600):
                assert self.process is not None
                assert self.process.poll() is None, (self.folder / "hub.log").read_text()[-2000:]
                try:
                    async with session.get(f"http://127.0.0.1:{self.port}/readyz") as answer:
                        if answer.ok:
                            return
                except aiohttp.ClientError:
                    pass
                await SYSTEM_CLOCK.sleep(0.1)
        raise AssertionError("the hub does not answer")

    def new_key(self) -> None:
        made = subprocess.run(
            [sys.executable, "-m", "crossdock", "key", "create", "crash", "--scope", "orders:write", "--json"],
            env=self.environment,
            capture_output=True,
            check=True,
        )
        self.key = json.loads(made.stdout)["key"]

    def processes(self) -> list[psutil.Process]:
        """The hub and everything that it has started."""
        assert self.process is not None
        hub = psutil.Process(self.process.pid)
        return [hub, *hub.children(recursive=True)]

    def postmaster(self) -> psutil.Process:
        """The process whose end ends the database."""
        servers = [one for one in self.processes() if one.name() == "postgres"]
        return next(one for one in servers if one.parent() not in servers)

    def stored(self) -> dict[str, str]:
        """Order id by the channel's name, as the database has it; each once, with one fact."""
        with self._session() as session:
            session.isolation_level = IsolationLevel.REPEATABLE_READ  # both at one moment: the load goes on
            rows = session.execute("SELECT channel_order_id, order_id::text FROM orders.header").fetchall()
            facts = session.execute(_FACTS).fetchone()
        assert len({name for name, _ in rows}) == len(rows), "an order is there twice"
        assert facts == (len(rows), len(rows)), "each order has one fact"
        return dict(rows)

    def _session(self) -> "psycopg.Connection[TupleRow]":
        """To the hub's own database, which may be on its way up."""
        for _ in range(600):
            found = running(self.folder / "home" / "postgres")
            try:
                if found is not None:
                    return psycopg.connect(found.dsn)
            except psycopg.OperationalError:
                pass
            time.sleep(0.1)
        raise AssertionError("the database does not run")

    def kill(self) -> None:
        """As if the power went: nothing is finished, nobody is told."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(30)

    def stop(self) -> None:
        """In good order."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, (self.folder / "hub.log").read_text()[-2000:]


@dataclass(slots=True)
class Callers:
    """Each places its next order when the last one is acknowledged, and tries until it is."""

    hub: HubProcess
    count: int = 24
    acknowledged: dict[str, str] = field(default_factory=dict)
    """Order id by the caller's own name of the order."""
    asked: set[str] = field(default_factory=set)
    tried_again: int = 0
    ending: bool = False

    async def run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            await asyncio.gather(*(self._call(session, number) for number in range(self.count)))

    async def _call(self, session: aiohttp.ClientSession, number: int) -> None:
        serial = 0
        while not self.ending:
            serial += 1
            name = f"W-{number}-{serial}"
            self.asked.add(name)
            while not await self._place(session, name):
                self.tried_again += 1
                await SYSTEM_CLOCK.sleep(0.1)

    async def _place(self, session: aiohttp.ClientSession, name: str) -> bool:
        headers = {"Authorization": f"Bearer {self.hub.key}", "Idempotency-Key": name}
        url = f"http://127.0.0.1:{self.hub.port}/v1/orders"
        try:
            async with session.post(url, json=order(name), headers=headers) as answer:
                told = await answer.json(content_type=None)
                if not answer.ok:
                    assert answer.status == AWAY, (answer.status, told)
                    return False
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            return False
        assert self.acknowledged.get(name, told["order_id"]) == told["order_id"], "a second answer names another order"
        self.acknowledged[name] = told["order_id"]
        return True

    async def recovered(self) -> None:
        """Wait until an order is acknowledged that nobody has asked for yet; two minutes at most."""
        before = set(self.asked)
        for _ in range(12_000):
            if self.acknowledged.keys() - before:
                return
            await SYSTEM_CLOCK.sleep(0.01)
        raise AssertionError("the hub did not recover")

    async def more(self, orders: int) -> None:
        """Wait until that many more are acknowledged; two minutes at most."""
        goal = len(self.acknowledged) + orders
        for _ in range(1200):
            if len(self.acknowledged) >= goal:
                return
            await SYSTEM_CLOCK.sleep(0.1)
        raise AssertionError(f"{len(self.acknowledged)} orders of {goal} were acknowledged")
