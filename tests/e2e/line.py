"""The line to the ERP: bytes go both ways until it is told to lose an answer, or everything."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

CHUNK = 65_536


@dataclass(slots=True)
class Line:
    """A TCP proxy on 127.0.0.1 that understands just enough of HTTP to know which call is under way."""

    url: str = ""
    lost: list[str] = field(default_factory=list)
    """Calls that the other side carried out and whose answers nobody got."""
    _losing: list[str] = field(default_factory=list)
    _silent: bool = False

    def lose(self, *methods: str, silently: bool = False) -> None:
        """Cut the connection when the answer to the next call of each method comes back; *silently*: say nothing at all."""
        self._losing += methods
        self._silent = silently

    def heard(self, body: bytes) -> str | None:
        """The method whose answer is to be lost, if *body* calls one."""
        for method in self._losing:
            if f'"{method}"'.encode() in body:
                self._losing.remove(method)
                return method
        return None

    async def swallow(self, methods: list[str], until_gone: "asyncio.Task[None]") -> None:
        """The answer is here and goes no further."""
        self.lost += methods
        if self._silent:
            await asyncio.wait([until_gone])


@asynccontextmanager
async def open_line(port: Callable[[], int]) -> AsyncIterator[Line]:
    """Connects each caller with 127.0.0.1:*port* anew."""
    line = Line()

    async def connect(caller: asyncio.StreamReader, to_caller: asyncio.StreamWriter) -> None:
        try:
            erp, to_erp = await asyncio.open_connection("127.0.0.1", port())
        except OSError:
            to_caller.close()
            return
        losing: list[str] = []

        async def calls() -> None:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    head = await caller.readuntil(b"\r\n\r\n")
                    body = await caller.readexactly(_length(head))
                    method = line.heard(body)
                    if method is not None:
                        losing.append(method)
                    to_erp.write(head + body)
                    await to_erp.drain()
            to_erp.close()

        calling = asyncio.create_task(calls())
        with suppress(ConnectionError):
            while data := await erp.read(CHUNK):
                if losing:
                    await line.swallow(losing, calling)
                    break
                to_caller.write(data)
                await to_caller.drain()
        calling.cancel()
        to_erp.close()
        to_caller.close()

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    line.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        server.close()


def _length(head: bytes) -> int:
    lengths = [each for each in head.lower().split(b"\r\n") if each.startswith(b"content-length:")]
    return int(lengths[0].partition(b":")[2]) if lengths else 0
