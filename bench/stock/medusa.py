"""Medusa's inventory module behind its own API, where it is installed: CROSSDOCK_BENCH_MEDUSA names the folder.

npm install @medusajs/medusa@2.21.2 @medusajs/framework@2.21.2 @medusajs/cli@2.21.2
"""

import asyncio
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from crossdock.foundation.clock import SYSTEM_CLOCK

FOLDER: Final = "CROSSDOCK_BENCH_MEDUSA"
CLIENTS: Final = 4
"""It answers no more with more of them."""
PLENTY: Final = 1_000_000
EMAIL, PASSWORD = "bench@example.org", "bench-only"
START_S: Final = 120
_CONFIG: Final = """
const { defineConfig } = require("@medusajs/framework/utils")
module.exports = defineConfig({
  projectConfig: {
    databaseUrl: process.env.DATABASE_URL,
    http: { storeCors: "*", adminCors: "*", authCors: "*", jwtSecret: "bench", cookieSecret: "bench" },
  },
  admin: { disable: true },
})
"""


def installed() -> Path | None:
    """Where it is; None: it is not measured."""
    folder = os.environ.get(FOLDER)
    return None if not folder else Path(folder)


@dataclass(frozen=True, slots=True)
class Medusa:
    """A running one, with a location."""

    session: aiohttp.ClientSession
    url: str
    location: str

    async def item(self, sku: str, units: int) -> str:
        """A new item with stock."""
        made = await self._post("/admin/inventory-items", {"sku": sku})
        item = made["inventory_item"]
        assert isinstance(item, dict)
        levels = {"location_id": self.location, "stocked_quantity": units}
        await self._post(f"/admin/inventory-items/{item['id']}/location-levels", levels)
        return str(item["id"])

    async def rate(self, item: str, seconds: float) -> float:
        """Reservations per second."""
        clock = SYSTEM_CLOCK.monotonic
        began, done = clock(), 0

        async def call() -> None:
            nonlocal done
            while clock() - began < seconds:
                assert await self._reserve(item)
                done += 1

        await asyncio.gather(*(call() for _ in range(CLIENTS)))
        return done / (clock() - began)

    async def sold(self, item: str, wishes: int) -> int:
        """How many of *wishes* were granted, a few at a time."""
        gate = asyncio.Semaphore(CLIENTS * 4)

        async def call() -> bool:
            async with gate:
                return await self._reserve(item)

        return sum(await asyncio.gather(*(call() for _ in range(wishes))))

    async def _reserve(self, item: str) -> bool:
        body = {"inventory_item_id": item, "location_id": self.location, "quantity": 1}
        async with self.session.post(f"{self.url}/admin/reservations", json=body) as answer:
            await answer.read()
            return answer.status == 200  # noqa: PLR2004 (HTTP)

    async def _post(self, path: str, body: Mapping[str, object]) -> "dict[str, object]":
        return await _post(self.session, self.url + path, body)


@asynccontextmanager
async def medusa(folder: Path, dsn: str) -> AsyncIterator[Medusa]:
    """Set it up on an empty database and run it while inside."""
    (folder / "medusa-config.js").write_text(_CONFIG)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "DATABASE_URL": dsn, "MEDUSA_DISABLE_TELEMETRY": "true", "NODE_ENV": "production"}
    command = folder / "node_modules" / ".bin" / "medusa"
    for words in (("db:migrate",), ("user", "-e", EMAIL, "-p", PASSWORD)):
        await asyncio.to_thread(
            subprocess.run, [command, *words], cwd=folder, env=environment, check=True, capture_output=True
        )
    process = await asyncio.create_subprocess_exec(
        command, "start", "-H", "127.0.0.1", "-p", str(port), cwd=folder, env=environment, stdout=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        await _ready(url)
        async with aiohttp.ClientSession() as session:
            told = await _post(session, f"{url}/auth/user/emailpass", {"email": EMAIL, "password": PASSWORD})
            session.headers["Authorization"] = f"Bearer {told['token']}"
            made = await _post(session, f"{url}/admin/stock-locations", {"name": "dc"})
            place = made["stock_location"]
            assert isinstance(place, dict)
            yield Medusa(session, url, str(place["id"]))
    finally:
        process.terminate()
        await process.wait()


async def _ready(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(START_S * 2):
            try:
                async with session.get(f"{url}/health") as answer:
                    if answer.ok:
                        return
            except aiohttp.ClientError:
                pass
            await SYSTEM_CLOCK.sleep(0.5)
    raise AssertionError("Medusa does not answer")


async def _post(session: aiohttp.ClientSession, url: str, body: Mapping[str, object]) -> "dict[str, object]":
    async with session.post(url, json=body) as answer:
        assert answer.ok, (url, answer.status, await answer.text())
        told = await answer.json()
    assert isinstance(told, dict)
    return told
