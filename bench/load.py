"""A lean load generator: many keep-alive connections, one request under way on each, bare epoll and sockets.

Runs in a process of its own: `python -m bench.load` reads one JSON job from standard input and prints one JSON result.
"""

import asyncio
import json
import random
import selectors
import socket
import subprocess
import sys
import time
from array import array
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

ROOT: Final = Path(__file__).parents[1]
RECEIVE: Final = 65536
NS: Final = 1_000_000_000
LOOK_S: Final = 0.2
CYCLE: Final = 4096
"""After so many requests the sequence of shots begins again."""
STRIDE: Final = 7919
"""Neighbours in time ask for items that are far apart."""


class Shot(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of request. `{n}` stands for its number, `{k}` for one of the job's items."""

    path: str
    body: str = ""
    method: str = "POST"
    weight: int = 1
    name: str = ""


class Step(msgspec.Struct, frozen=True):
    """How hard for how long: requests per second over all clients; 0 means as fast as answers come."""

    seconds: float
    rate: float = 0.0
    only: str = ""
    """Only this kind of request; empty: all kinds."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to send, how hard, how long."""

    port: int
    shots: tuple[Shot, ...]
    headers: dict[str, str]
    """`{n}` in a value stands for the request's number."""
    clients: int
    steps: tuple[Step, ...]
    first: int
    """Number of the first request: runs on the same database must not meet."""
    items: int = 1


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind of request got in one second, or in one step (`second` is -1), by when it was due."""

    shot: str
    step: int
    second: int
    requests: int
    p50_ms: float
    p99_ms: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came back."""

    requests: int
    seconds: float
    statuses: dict[str, int]
    p50_ms: float
    p99_ms: float
    max_ms: float
    slices: list[Slice]

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return self.requests / self.seconds

    def step(self, shot: str, step: int) -> Slice:
        """A kind of request over a whole step."""
        return next(each for each in self.slices if (each.shot, each.step, each.second) == (shot, step, -1))


def template(job: Job, shot: Shot) -> bytes:
    """The request with places for its numbers, which are as long in every request."""
    body = _placed(shot.body)
    lines = [f"{shot.method} {_placed(shot.path)} HTTP/1.1", f"Host: 127.0.0.1:{job.port}"]
    lines += [f"{name}: {_placed(value)}" for name, value in job.headers.items()]
    if shot.body:
        sample = body.encode() % {b"n": 0, b"k": 0}
        lines += ["Content-Type: application/json", f"Content-Length: {len(sample)}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def _placed(text: str) -> str:
    return text.replace("%", "%%").replace("{n}", "%(n)012d").replace("{k}", "%(k)05d")


class Client:
    """One connection."""

    __slots__ = ("got", "shot", "since", "sock", "step")

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.since = 0
        self.shot = 0
        self.step = 0
        self.got = b""


class Load:
    """One job at work."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._templates = [template(job, shot) for shot in job.shots]
        weights = [shot.weight for shot in job.shots]
        self._mixed = random.Random(1).choices(range(len(job.shots)), weights, k=CYCLE)
        self._order = self._mixed
        self._number = job.first
        self._selector = selectors.DefaultSelector()
        self._resting: deque[Client] = deque()
        for _ in range(job.clients):
            client = Client(job.port)
            self._selector.register(client.sock, selectors.EVENT_READ, client)
            self._resting.append(client)
        self._step = 0
        self._taken: dict[tuple[int, int, int], array[int]] = {}
        self._statuses: Counter[bytes] = Counter()
        self._under_way = 0
        self._began = self._ends = self._due = time.perf_counter_ns()
        self._pause = 0

    def run(self) -> Result:
        """Send step by step, then wait for what is under way."""
        for at, step in enumerate(self._job.steps):
            self._step = at
            self._order = [n for n, shot in enumerate(self._job.shots) if shot.name == step.only] or self._mixed
            self._ends += int(step.seconds * NS)
            self._pause = int(NS / step.rate) if step.rate else 0
            self._due = max(self._due, time.perf_counter_ns())
            self._run_step()
        self._ends = 0
        while self._under_way:
            self._look(LOOK_S)
        seconds = (time.perf_counter_ns() - self._began) / NS
        for key in list(self._selector.get_map().values()):
            key.data.sock.close()
        return self._result(seconds)

    def _run_step(self) -> None:
        while (now := time.perf_counter_ns()) < self._ends:
            if self._pause:
                # Latency counts from when the request was due: a slow server cannot slow the clock down.
                while self._due <= now and self._resting:
                    self._send(self._resting.popleft(), self._due)
                    self._due += self._pause
                rest = self._due - now if self._resting else LOOK_S * NS
                self._look(min(LOOK_S, max(0.0, min(rest, self._ends - now) / NS)))
            else:
                while self._resting:
                    self._send(self._resting.popleft(), now)
                self._look(LOOK_S)

    def _look(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            self._receive(key.data)

    def _send(self, client: Client, since: int) -> None:
        self._number = number = self._number + 1
        client.since = since
        client.step = self._step
        client.shot = shot = self._order[number % len(self._order)]
        client.sock.sendall(self._templates[shot] % {b"n": number, b"k": number * STRIDE % self._job.items})
        self._under_way += 1

    def _receive(self, client: Client) -> None:
        got = client.got + client.sock.recv(RECEIVE)
        if not _whole(got):
            client.got = got
            return
        client.got = b""
        now = time.perf_counter_ns()
        place = client.shot, client.step, (client.since - self._began) // NS
        taken = self._taken.get(place)
        if taken is None:
            taken = self._taken[place] = array("q")
        taken.append(now - client.since)
        self._statuses[got[9:12]] += 1
        self._under_way -= 1
        if self._pause or now >= self._ends:
            self._resting.append(client)
        else:
            self._send(client, now)

    def _result(self, seconds: float) -> Result:
        times = sorted(time for taken in self._taken.values() for time in taken) or [0]
        return Result(
            requests=len(times),
            seconds=seconds,
            statuses={status.decode(): count for status, count in self._statuses.items()},
            p50_ms=_at(times, 50),
            p99_ms=_at(times, 99),
            max_ms=times[-1] / 1e6,
            slices=list(self._slices()),
        )

    def _slices(self) -> Iterator[Slice]:
        whole: dict[tuple[int, int, int], array[int]] = {}
        for (shot, step, _), taken in self._taken.items():
            whole.setdefault((shot, step, -1), array("q")).extend(taken)
        for (shot, step, second), taken in sorted((self._taken | whole).items()):
            ordered = sorted(taken)
            yield Slice(
                shot=self._job.shots[shot].name,
                step=step,
                second=second,
                requests=len(ordered),
                p50_ms=_at(ordered, 50),
                p99_ms=_at(ordered, 99),
            )


def _at(times: list[int], percent: int) -> float:
    return times[min(len(times) - 1, len(times) * percent // 100)] / 1e6


def _whole(got: bytes) -> bool:
    if not got:
        raise SystemExit("the server closed the connection")
    end = got.find(b"\r\n\r\n")
    if end < 0:
        return False
    at = got.lower().find(b"content-length: ", 0, end)
    length = int(got[at + 16 : got.find(b"\r", at)])
    return len(got) >= end + 4 + length


async def press(job: Job) -> Result:
    """Run a job in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.load", stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    out, _ = await process.communicate(msgspec.json.encode(job))
    return msgspec.json.decode(out, type=Result)


if __name__ == "__main__":
    job = msgspec.json.decode(sys.stdin.read(), type=Job)
    print(json.dumps(msgspec.to_builtins(Load(job).run())))
