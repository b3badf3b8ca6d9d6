"""A lean load generator: many keep-alive connections, one request under way on each, bare epoll and sockets.

Runs in a process of its own. `python -m bench.load` reads one JSON job from standard input and prints one JSON result.
"""

import json
import select
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
_RECEIVE: Final = 65536


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


def template(job: Job) -> tuple[bytes, ...]:
    """The request cut at its numbers."""
    body = job.body.replace("{n}", MARK.decode()).encode()
    lines = [f"POST {job.path} HTTP/1.1", f"Host: 127.0.0.1:{job.port}", "Content-Type: application/json"]
    lines += [f"{name}: {value.replace('{n}', MARK.decode())}" for name, value in job.headers.items()]
    lines.append(f"Content-Length: {len(body)}")
    whole = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    return tuple(whole.split(MARK))


class _Client:
    """One connection."""

    __slots__ = ("due", "got", "sent_at", "sock")

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0
        self.due = 0
        self.got = b""


def run(job: Job) -> Result:
    """Send until the time is over, then wait for what is under way."""
    parts = template(job)
    number = job.first
    clients = {client.sock.fileno(): client for client in (_Client(job.port) for _ in range(job.clients))}
    poll = select.epoll()
    for at in clients:
        poll.register(at, select.EPOLLIN)
    taken = array("q")
    statuses: Counter[bytes] = Counter()
    pause_ns = int(1e9 * job.clients / job.rate) if job.rate else 0
    began = time.perf_counter_ns()
    ends = began + int(job.seconds * 1e9)
    under_way = 0
    resting: list[_Client] = []
    for index, client in enumerate(clients.values()):
        client.due = began + pause_ns * index // job.clients
        resting.append(client)
    while under_way or time.perf_counter_ns() < ends:
        now = time.perf_counter_ns()
        if resting and now < ends:
            ready = [client for client in resting if client.due <= now]
            if ready:
                resting = [client for client in resting if client.due > now]
            for client in ready:
                number += 1
                client.sock.sendall((b"%0*d" % (WIDTH, number)).join(parts))
                # Latency counts from when the request was due: a slow server cannot slow the clock down.
                client.sent_at = client.due if pause_ns else now
                client.due += pause_ns
                under_way += 1
        wait = 0.2 if not resting else max(0.0, (min(client.due for client in resting) - now) / 1e9)
        for at, _ in poll.poll(min(wait, 0.2)):
            client = clients[at]
            got = client.got + client.sock.recv(_RECEIVE)
            if not _whole(got):
                client.got = got
                continue
            client.got = b""
            now = time.perf_counter_ns()
            taken.append(now - client.sent_at)
            statuses[got[9:12]] += 1
            if now >= ends:
                under_way -= 1
            elif pause_ns:
                under_way -= 1
                resting.append(client)
            else:
                number += 1
                client.sent_at = now
                client.sock.sendall((b"%0*d" % (WIDTH, number)).join(parts))
    seconds = (time.perf_counter_ns() - began) / 1e9
    for client in clients.values():
        client.sock.close()
    return _result(taken, statuses, seconds)


def _whole(got: bytes) -> bool:
    if not got:
        raise SystemExit("the server closed the connection")
    end = got.find(b"\r\n\r\n")
    if end < 0:
        return False
    at = got.lower().find(b"content-length: ", 0, end)
    length = int(got[at + 16 : got.find(b"\r", at)])
    return len(got) >= end + 4 + length


def _result(taken: "array[int]", statuses: "Counter[bytes]", seconds: float) -> Result:
    times = sorted(taken) or [0]
    return Result(
        requests=len(taken),
        seconds=seconds,
        statuses={status.decode(): count for status, count in statuses.items()},
        p50_ms=times[len(times) // 2] / 1e6,
        p99_ms=times[min(len(times) - 1, len(times) * 99 // 100)] / 1e6,
        max_ms=times[-1] / 1e6,
    )


if __name__ == "__main__":
    print(json.dumps(msgspec.to_builtins(run(msgspec.json.decode(sys.stdin.read(), type=Job)))))
