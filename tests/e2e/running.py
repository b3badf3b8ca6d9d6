"""A hub as its user has it: a process of its own, reached by HTTP, command line and files, and killed without warning."""

import asyncio
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.postgres import running
from crossdock.gateway.keys import Scope

LOOK_S = 0.2
LOOKS_MAX = 450
QUIET_LOOKS = 3
MOVING_MESSAGES = ("undecoded", "received", "waiting")
MOVING_INTENTS = ("pending", "sending", "in_doubt")


async def until(
    happened: Callable[[], Awaitable[bool]], what: str | Callable[[], str], *, looks: int = LOOKS_MAX
) -> None:
    """Look again and again; fails when it has not happened after so many looks."""
    for _ in range(looks):
        if await happened():
            return
        await SYSTEM_CLOCK.sleep(LOOK_S)
    raise AssertionError(f"it did not happen: {what if isinstance(what, str) else what()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> "dict[str, object]":
        found = json.loads(self.out)
        assert isinstance(found, dict), self
        return found

    @property
    def rows(self) -> "list[dict[str, object]]":
        found = json.loads(self.out)
        assert isinstance(found, list), self
        return found


@dataclass(frozen=True, slots=True)
class Told:
    """One answer of the API."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> "dict[str, object]":
        found = json.loads(self.text)
        assert isinstance(found, dict), self
        return found


@dataclass(slots=True)
class RunningHub:
    """`crossdock up` (or one of its parts) in a folder of its own; its log and everything it keeps lie there."""

    folder: Path
    client: aiohttp.ClientSession
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    key: str = ""
    web_key: str = ""
    process: asyncio.subprocess.Process | None = None

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def estate(self) -> Path:
        return self.folder / "estate"

    @property
    def url(self) -> str:
        return f"{'https' if 'CROSSDOCK_TLS_CERTIFICATE' in self.environment else 'http'}://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        file = self.folder / "hub.log"
        return file.read_text(errors="replace") if file.exists() else ""

    @property
    def dsn(self) -> str:
        """For what no surface offers: to play another writer, and to look."""
        if self.environment.get("CROSSDOCK_DATABASE_URL"):
            return self.environment["CROSSDOCK_DATABASE_URL"]
        found = running(self.home / "postgres")
        assert found is not None, "its database does not run"
        return found.dsn

    @property
    def postmaster(self) -> int:
        """The process id of its database."""
        return int((self.home / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0])

    # --- life ---

    async def launch(self, *words: str) -> None:
        """Start a process of it; `up` unless told otherwise."""
        assert self.process is None or self.process.returncode is not None, "it runs already"
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "hub.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "crossdock", *(words or ("up",)),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._env(), start_new_session=True,
            )  # fmt: skip

    async def start(self, *words: str) -> None:
        """Start it and return when it is ready to take orders."""
        await self.launch(*words)
        await until(self.is_ready, "the hub is ready")

    async def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, f"the hub ended: {self.log[-2000:]}"
        answer = await self.ask("GET", "/readyz")
        return answer is not None and answer.status == 200

    async def make_keys(self) -> None:
        """One that may do everything, one that places the web's orders."""
        every = [word for scope in Scope for word in ("--scope", scope.value)]
        self.key = await self._new_key("test", *every)
        self.web_key = await self._new_key("web", "--scope", Scope.ORDERS_WRITE.value, "--channel", "web")

    async def _new_key(self, *words: str) -> str:
        said = await self.command("key", "create", *words)
        assert said.code == 0, said
        return said.out.strip()

    async def kill(self, *, database_too: bool = True) -> None:
        """End it without a word: kill -9, of its database as well."""
        assert self.process is not None
        pids = [self.process.pid, *([self.postmaster] if database_too else [])]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        await self.process.wait()

    def kill_database(self) -> None:
        os.kill(self.postmaster, signal.SIGKILL)

    async def terminate(self) -> int:
        """Ask it to stop; its exit code once it has ended by itself."""
        assert self.process is not None
        self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), 60)

    async def end(self) -> None:
        """For fixtures: whatever state it is in."""
        if self.process is None or self.process.returncode is not None:
            return
        with suppress(TimeoutError):
            await self.terminate()
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()

    # --- surfaces ---

    async def command(self, *words: str, stdin: bytes = b"") -> Said:
        """Run `crossdock …` beside it."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "crossdock", *words,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self._env(),
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(stdin), 120)
        assert process.returncode is not None
        return Said(process.returncode, out.decode(), err.decode())

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
    ) -> Told | None:
        """What the API answers; None when no answer came (nobody can know then what was done)."""
        sent = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        if body is not None:
            raw, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        try:
            async with self.client.request(
                method, self.url + path, data=raw, headers={**sent, **(headers or {})},
                timeout=aiohttp.ClientTimeout(total=timeout_s),
            ) as answer:  # fmt: skip
                return Told(answer.status, dict(answer.headers), await answer.text())
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            return None

    async def place(self, body: object, **headers: str) -> Told | None:
        """An order of the web over the API."""
        sent = {"Authorization": f"Bearer {self.web_key}", **headers}
        return await self.ask("POST", "/v1/orders", body, headers=sent)

    async def get(self, path: str) -> "dict[str, object]":
        told = await self.ask("GET", path)
        assert told is not None, path
        assert told.status == 200, (path, told)
        return told.json

    async def pages(self, path: str, what: str, cursor: str = "after") -> "list[dict[str, object]]":
        """Every item of a paged answer."""
        found: list[dict[str, object]] = []
        joint, after = "&" if "?" in path else "?", ""
        while True:
            page = await self.get(f"{path}{joint}{cursor}={after}" if after else path)
            items = page[what]
            assert isinstance(items, list), page
            found += items
            if not items or not page["next"]:
                return found
            after = str(page["next"])

    async def orders(self) -> "list[dict[str, object]]":
        return await self.pages("/v1/orders?limit=200", "orders")

    async def events(self, *types: str) -> "list[dict[str, object]]":
        return await self.pages(f"/v1/events?limit=500&types={','.join(types)}", "events")

    async def positions(self) -> "dict[tuple[str, str], dict[str, object]]":
        rows = await self.pages("/v1/stock/positions?limit=200", "positions")
        return {(str(row["sku"]), str(row["location"])): row for row in rows}

    async def settled(self, *, looks: int = LOOKS_MAX) -> "dict[str, dict[str, int]]":
        """Wait until nothing has moved for a few looks; the counts by state then."""
        quiet = 0
        found: dict[str, dict[str, int]] = {}

        async def is_quiet() -> bool:
            nonlocal quiet, found
            told = await self.ask("GET", "/v1/overview")
            moving = told is None or told.status != 200
            if told is not None and told.status == 200:
                found = json.loads(told.text)
                moving = bool(
                    sum(found["messages"].get(state, 0) for state in MOVING_MESSAGES)
                    + sum(found["intents"].get(state, 0) for state in MOVING_INTENTS)
                    + int(str(found["stock_pending"]))
                )
            quiet = 0 if moving else quiet + 1
            return quiet >= QUIET_LOOKS

        await until(is_quiet, lambda: f"the hub is quiet, not {found}; {self.log[-1500:]}", looks=looks)
        return found

    def _env(self) -> dict[str, str]:
        return {
            **os.environ,
            "CROSSDOCK_HOME": str(self.home),
            "CROSSDOCK_ESTATE": str(self.estate),
            "CROSSDOCK_PORT": str(self.port),
            "CROSSDOCK_DATABASE_URL": "",
            "CROSSDOCK_LOG_FORMAT": "json",
            **self.environment,
        }


@asynccontextmanager
async def hub_in(
    folder: Path, environment: Mapping[str, str] | None = None, *, trust: Path | None = None
) -> AsyncIterator[RunningHub]:
    """A hub to be started; ended when the block ends, whatever happened in it. *trust* is its certificate's file."""
    context = True if trust is None else ssl.create_default_context(cafile=str(trust))
    connector = aiohttp.TCPConnector(limit=0, force_close=True, ssl=context)
    async with aiohttp.ClientSession(connector=connector) as client:
        hub = RunningHub(folder, client, dict(environment or {}))
        try:
            yield hub
        finally:
            await hub.end()


async def refusal(folder: Path, *words: str, **environment: str) -> str:
    """What `crossdock up` says when it refuses to start; nothing but that one sentence."""
    async with hub_in(folder, environment) as hub:
        said = await hub.command(*(words or ("up",)))
    assert said.code == 2, said
    assert said.out == ""
    told = [line for line in said.err.splitlines() if not line.startswith("{")]  # the log's own lines are JSON
    assert len(told) == 1, said.err
    return told[0]
