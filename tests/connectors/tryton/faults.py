"""A proxy on 127.0.0.1 that lets a call through to the ERP and keeps the answer for itself."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress


class Dropper:
    """`drop(method)` swallows the answer to the next call of that method, after the ERP has done its work."""

    def __init__(self) -> None:
        self.url = ""
        self.dropped: list[str] = []
        self.seen: list[bytes] = []
        """What was asked, dropped or not."""
        self._next: list[str] = []

    def drop(self, method: str) -> None:
        self._next.append(method)

    def swallows(self, body: bytes) -> bool:
        for method in self._next:
            if f'"{method}"'.encode() in body:
                self._next.remove(method)
                self.dropped.append(method)
                return True
        return False


@asynccontextmanager
async def dropping(port: Callable[[], int]) -> AsyncIterator[Dropper]:
    dropper = Dropper()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head, body = await message(reader)
                dropper.seen.append(body)
                upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", port())
                upstream_writer.write(head + body)
                answer = await message(upstream_reader)
                upstream_writer.close()
                if dropper.swallows(body):
                    break
                writer.write(b"".join(answer))
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    dropper.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield dropper
    finally:
        server.close()


async def message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    size = int(lengths[0].split(b":")[1]) if lengths else 0
    return head, await reader.readexactly(size)
