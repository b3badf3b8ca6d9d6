"""A lean load generator: many keep-alive connections, one request under way on each, bare epoll and sockets.

Runs in a process of its own: `python -m bench.load` reads one JSON job from standard input and prints one JSON result.
"""

import json
import selectors
import socket
import sys
import time
from array import array
from collections import Counter
from typing import Final

import msgspec

WIDTH: Final = 12
"""Digits of the number that makes each request its own."""
MARK: Final = b"0" * WIDTH
RECEIVE: Final = 65536
NS: Final = 1_000_000_000
LOOK_S: Final = 0.2


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to send, how hard, how long."""

    port: int
    path: str
    headers: dict[str, str]
    """`{n}` in a value stands for the request's number."""
    body: str
    """`{n}` likewise."""
    clients: int
    seconds: float
    first: int
    """Number of the first request: runs on the same database must not meet."""
    rate: float = 0.0
    """Requests per second over all clients; 0 means as fast as answers come."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came back."""

    requests: int
    seconds: float
    statuses: dict[str, int]
    p50_ms: float
    p99_ms: float
    max_ms: float

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return self.requests / self.seconds


def template(job: Job) -> list[bytes]:
    """The request cut at its numbers."""
    body = job.body.replace("{n}", MARK.decode()).encode()
    lines = [f"POST {job.path} HTTP/1.1", f"Host: 127.0.0.1:{job.port}", "Content-Type: application/json"]
    lines += [f"{name}: {value.replace('{n}', MARK.decode())}" for name, value in job.headers.items()]
    lines.append(f"Content-Length: {len(body)}")
    whole = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    return whole.split(MARK)


class Client:
    """One connection."""

    __slots__ = ("due", "got", "sent_at", "sock")

    def __init__(self, port: int, due: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0
        self.due = due
        self.got = b""


class Load:
    """One job at work."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._parts = template(job)
        self._number = job.first
        self._pause = int(NS * job.clients / job.rate) if job.rate else 0
        self._began = time.perf_counter_ns()
        self._ends = self._began + int(job.seconds * NS)
        self._selector = selectors.DefaultSelector()
        self._resting: list[Client] = []
        self._under_way = 0
        self._taken = array("q")
        self._statuses: Counter[bytes] = Counter()
        for index in range(job.clients):
            client = Client(job.port, self._began + self._pause * index // job.clients)
            self._selector.register(client.sock, selectors.EVENT_READ, client)
            self._resting.append(client)

    def run(self) -> Result:
        """Send until the time is over, then wait for what is under way."""
        while self._under_way or time.perf_counter_ns() < self._ends:
            now = time.perf_counter_ns()
            if self._resting:
                self._send_due(now)
            next_due = min((client.due for client in self._resting), default=now + NS)
            for key, _ in self._selector.select(min(LOOK_S, max(0.0, (next_due - now) / NS))):
                self._receive(key.data)
        seconds = (time.perf_counter_ns() - self._began) / NS
        for key in list(self._selector.get_map().values()):
            key.data.sock.close()
        return self._result(seconds)

    def _send_due(self, now: int) -> None:
        if now >= self._ends:
            self._resting.clear()
            return
        due = [client for client in self._resting if client.due <= now]
        self._resting = [client for client in self._resting if client.due > now]
        for client in due:
            # Latency counts from when the request was due: a slow server cannot slow the clock down.
            self._send(client, client.due if self._pause else now)
            client.due += self._pause

    def _send(self, client: Client, since: int) -> None:
        self._number += 1
        client.sent_at = since
        client.sock.sendall((b"%0*d" % (WIDTH, self._number)).join(self._parts))
        self._under_way += 1

    def _receive(self, client: Client) -> None:
        got = client.got + client.sock.recv(RECEIVE)
        if not _whole(got):
            client.got = got
            return
        client.got = b""
        now = time.perf_counter_ns()
        self._taken.append(now - client.sent_at)
        self._statuses[got[9:12]] += 1
        self._under_way -= 1
        if self._pause:
            self._resting.append(client)
        elif now < self._ends:
            self._send(client, now)

    def _result(self, seconds: float) -> Result:
        times = sorted(self._taken) or [0]
        return Result(
            requests=len(self._taken),
            seconds=seconds,
            statuses={status.decode(): count for status, count in self._statuses.items()},
            p50_ms=times[len(times) // 2] / 1e6,
            p99_ms=times[min(len(times) - 1, len(times) * 99 // 100)] / 1e6,
            max_ms=times[-1] / 1e6,
        )


def _whole(got: bytes) -> bool:
    if not got:
        raise SystemExit("the server closed the connection")
    end = got.find(b"\r\n\r\n")
    if end < 0:
        return False
    at = got.lower().find(b"content-length: ", 0, end)
    length = int(got[at + 16 : got.find(b"\r", at)])
    return len(got) >= end + 4 + length


if __name__ == "__main__":
    job = msgspec.json.decode(sys.stdin.read(), type=Job)
    print(json.dumps(msgspec.to_builtins(Load(job).run())))
