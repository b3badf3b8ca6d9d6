"""A small system over real HTTP that keeps documents, and can lose answers, refuse, throttle, lag and die."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from aiohttp import web

from crossdock.foundation.clock import SYSTEM_CLOCK


class Fault(StrEnum):
    """What happens to one request that wants to write."""

    NONE = "none"
    LOSE_ANSWER = "lose_answer"
    """Committed, then the connection is cut."""
    LOSE_REQUEST = "lose_request"
    """Cut before anything was done."""
    BAD_GATEWAY = "bad_gateway"
    """Committed, then 502."""
    UNAVAILABLE = "unavailable"
    """503, nothing done."""
    THROTTLE = "throttle"
    REFUSE = "refuse"
    FORBID = "forbid"
    HANG = "hang"
    """No answer until released; then committed and answered."""


COMMITTING = frozenset({Fault.NONE, Fault.LOSE_ANSWER, Fault.BAD_GATEWAY, Fault.HANG})
STATUS = {Fault.BAD_GATEWAY: 502, Fault.UNAVAILABLE: 503, Fault.FORBID: 403}


@dataclass(frozen=True)
class Kept:
    """A document over there."""

    id: int
    reference: str
    kind: str
    visible_from_s: float


@dataclass
class Target:
    """The system's state and its switches."""

    plan: Callable[[str, int], Fault] = lambda _reference, _number: Fault.NONE
    """(reference, how many writes of it came before) → what happens."""
    lag_s: float = 0.0
    """After a write, look-ups do not see it for this long."""
    retry_after: str = "0"
    delay_s: float = 0.0
    password: str = "right"
    documents: list[Kept] = field(default_factory=list)
    writes: Counter[str] = field(default_factory=Counter)
    lookups: int = 0
    order: list[str] = field(default_factory=list)
    """References as they were committed."""
    stock: dict[str, str] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)
    """Trace ids of the calls that came in."""
    open_now: int = 0
    open_max: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    def count(self, reference: str) -> int:
        return sum(1 for document in self.documents if document.reference == reference)

    def keep(self, reference: str, kind: str) -> Kept:
        kept = Kept(len(self.documents) + 1, reference, kind, SYSTEM_CLOCK.monotonic() + self.lag_s)
        self.documents.append(kept)
        self.order.append(reference)
        return kept

    async def write(self, request: web.Request) -> web.StreamResponse:
        self.open_now += 1
        self.open_max = max(self.open_max, self.open_now)
        try:
            return await self._write(request)
        finally:
            self.open_now -= 1

    async def _write(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        reference, kind = body["reference"], body["intent"]
        self.traces.append(
            request.headers.get("traceparent", "").split("-")[1] if "traceparent" in request.headers else ""
        )
        number = self.writes[reference]
        self.writes[reference] += 1
        if self.delay_s:
            await SYSTEM_CLOCK.sleep(self.delay_s)
        if request.headers.get("authorization") != f"Bearer {self.password}":
            return web.Response(status=401)
        fault = self.plan(reference, number)
        if fault is Fault.HANG:
            self.hanging.set()
            await self.released.wait()
        if fault in COMMITTING:
            kept = self.keep(reference, kind)
            answer = web.json_response({"id": kept.id})
        else:
            answer = web.json_response({"error": "no such customer", "path": "$.customer"}, status=422)
        if fault in {Fault.LOSE_ANSWER, Fault.LOSE_REQUEST}:
            return _cut(request)
        if fault is Fault.THROTTLE:
            return web.Response(status=429, headers={"Retry-After": self.retry_after})
        return web.Response(status=STATUS[fault]) if fault in STATUS else answer

    async def look(self, request: web.Request) -> web.StreamResponse:
        self.lookups += 1
        now_s = SYSTEM_CLOCK.monotonic()
        wanted = request.query["reference"], request.query["intent"]
        found = [one for one in self.documents if (one.reference, one.kind) == wanted and one.visible_from_s <= now_s]
        return web.json_response({"ids": [one.id for one in found]})

    async def set_stock(self, request: web.Request) -> web.StreamResponse:
        """Absolute figures with compare-and-set; one answer per item inside a 200."""
        body = await request.json()
        number = self.writes["stock"]
        self.writes["stock"] += 1
        fault = self.plan("stock", number)
        if fault is Fault.UNAVAILABLE:
            return web.Response(status=503)
        self.batches.append(len(body["items"]))
        answers: list[dict[str, str]] = []
        for item in body["items"]:
            held = self.stock.get(item["sku"])
            if fault is Fault.REFUSE and item["sku"] == "BAD":
                answers.append({"error": "not sold here"})
            elif held is not None and item["base"] != held:
                answers.append({"held": held})
            else:
                self.stock[item["sku"]] = item["quantity"]
                answers.append({"ok": "yes"})
        return _cut(request) if fault is Fault.LOSE_ANSWER else web.json_response({"items": answers})


def _cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@asynccontextmanager
async def serving(target: Target, port: int = 0) -> AsyncIterator[Target]:
    """Listen on 127.0.0.1; a free port unless one is named."""
    app = web.Application()
    app.router.add_post("/documents", target.write)
    app.router.add_get("/documents", target.look)
    app.router.add_post("/stock", target.set_stock)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    addresses: Sequence[tuple[str, int]] = runner.addresses
    target.url = f"http://127.0.0.1:{addresses[0][1]}"
    try:
        yield target
    finally:
        target.released.set()
        await runner.cleanup()
