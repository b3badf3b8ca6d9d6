"""The hub as its user runs it: a process of its own, spoken to by command line and HTTP."""

import asyncio
import contextlib
import os
import shlex
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import aiohttp
import msgspec

from crossdock.foundation.clock import Clock

START_S_MAX: Final = 60.0
STOP_S_MAX: Final = 20.0
LOOK_S: Final = 0.1
Body = TypeVar("Body")


class HubError(Exception):
    """The hub did not do what the day needs; the text says what it said."""


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class HubProcess:
    """`crossdock up` in a folder of its own."""

    folder: Path
    environment: Mapping[str, str]
    client: aiohttp.ClientSession
    clock: Clock
    port: int = field(default_factory=free_port)
    key: str = ""
    _process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Of its API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def home(self) -> Path:
        """Its data folder."""
        return self.folder / "hub"

    @property
    def estate(self) -> Path:
        """Its estate's files."""
        return self.folder / "estate"

    def drop_folder(self, connection: str) -> Path:
        """Where files for a connection are put."""
        return self.home / "drop" / connection

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        log = (self.folder / "hub.log").open("ab")
        with log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "crossdock", "up", stdout=log, stderr=log, env=self._env(), start_new_session=True
            )
        waited = 0.0
        while not await self._ready():
            if self._process.returncode is not None or waited > START_S_MAX:
                raise HubError(f"The hub did not start: {self.last_words()}")
            await self.clock.sleep(LOOK_S)
            waited += LOOK_S

    async def stop(self) -> None:
        """End it in good order; by force when it takes longer than it may."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S_MAX)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    async def command(self, *words: str, width: int | None = None) -> str:
        """Run `crossdock …` beside it; what it printed, *width* characters a line. HubError unless it ends with 0 or 1."""
        environment = self._env() if width is None else {**self._env(), "COLUMNS": str(width)}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "crossdock", *words,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment,
        )  # fmt: skip
        said, complained = await process.communicate()
        if process.returncode not in {0, 1}:
            raise HubError(f"crossdock {' '.join(words)}: {complained.decode().strip()[-500:]}")
        return said.decode()

    async def script(self, commands: Sequence[Sequence[str]], begun: Callable[[int], None]) -> str:
        """Run commands one after the other in one process beside it; what they printed. *begun* is told which one begins."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "crossdock", "script",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env=self._env(),
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write("".join(f"{shlex.join(words)}\n" for words in commands).encode())
        process.stdin.close()
        said = asyncio.create_task(process.stdout.read())
        count = 0
        complained = ""
        async for line in process.stderr:
            if line.startswith(b"+ "):
                begun(count)
                count += 1
            else:
                complained = (complained + line.decode(errors="replace"))[-500:]
        if await process.wait() not in {0, 1}:
            failed = " ".join(commands[max(count - 1, 0)])
            raise HubError(f"crossdock {failed}: {complained.strip()}")
        return (await said).decode()

    async def get(self, path: str, kind: type[Body]) -> Body:
        """Ask its API."""
        async with self.client.get(f"{self.url}{path}", headers=self._headers()) as answer:
            body = await answer.read()
            if answer.status != 200:  # noqa: PLR2004 (HTTP)
                raise HubError(f"GET {path}: {answer.status} {body[:300]!r}")
            return msgspec.json.decode(body, type=kind)

    async def post(self, path: str, body: bytes, content_type: str) -> int:
        """Send it something; the status."""
        headers = {**self._headers(), "Content-Type": content_type}
        async with self.client.post(f"{self.url}{path}", data=body, headers=headers) as answer:
            await answer.read()
            return answer.status

    def last_words(self) -> str:
        """The end of its log."""
        file = self.folder / "hub.log"
        return file.read_text(errors="replace")[-800:] if file.exists() else "nothing"

    async def _ready(self) -> bool:
        try:
            async with self.client.get(f"{self.url}/readyz") as answer:
                return answer.status == 200  # noqa: PLR2004 (HTTP)
        except aiohttp.ClientError:
            return False

    def _headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def _env(self) -> dict[str, str]:
        return {
            **os.environ,
            **self.environment,
            "CROSSDOCK_HOME": str(self.home),
            "CROSSDOCK_ESTATE": str(self.estate),
            "CROSSDOCK_PORT": str(self.port),
            "CROSSDOCK_DATABASE_URL": "",
        }


@asynccontextmanager
async def hub_process(folder: Path, environment: Mapping[str, str], clock: Clock) -> AsyncIterator[HubProcess]:
    """A hub to be started; ended when the block ends, whatever happened in it."""
    async with aiohttp.ClientSession() as client:
        hub = HubProcess(folder, environment, client, clock)
        try:
            yield hub
        finally:
            await hub.stop()


SCOPES: Final[Sequence[str]] = (
    "orders:read", "stock:read", "events:read", "uploads:write", "operations:read", "metrics:read",
)  # fmt: skip
