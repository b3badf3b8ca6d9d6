"""The shop on HTTP: the vendor's GraphQL address, its token address, and faults between request and answer."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from secrets import compare_digest, token_hex
from typing import Final

import aiohttp
import msgspec
from aiohttp import web

from crossdock.foundation.clock import Clock
from crossdock.foundation.ids import new_id
from crossdock.foundation.log import logger
from crossdock.simulation.shop.api.desk import Body, Desk, Ready, Request
from crossdock.simulation.shop.api.schema import Checks, load_checks
from crossdock.simulation.shop.control import Control
from crossdock.simulation.shop.courier import API_VERSION, RETRY_PAUSES_S, Courier
from crossdock.simulation.shop.faults import API_FAULTS, Fault, FaultKind, Faults
from crossdock.simulation.shop.seed import ShopSeed
from crossdock.simulation.shop.shop import Shop

BODY_MAX: Final = 2 * 1024 * 1024
TOKEN_LIFE: Final = timedelta(hours=24)
BEFORE: Final = frozenset(
    {
        FaultKind.THROTTLE,
        FaultKind.THROTTLE_429,
        FaultKind.ERROR_BEFORE,
        FaultKind.TIMEOUT_BEFORE,
        FaultKind.DISCONNECT_BEFORE,
    }
)
_JSON: Final = "application/json; charset=utf-8"
log = logger("simulation.shop")


class ListenError(Exception):
    """The shop cannot listen there; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class OpenShop:
    """A shop that can be reached."""

    shop: Shop
    courier: Courier
    url: str
    checks: str
    """Whose schema requests are checked against."""


@asynccontextmanager
async def open_shop(
    seed: ShopSeed,
    *,
    clock: Clock,
    specs: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    faults: Faults | None = None,
    retry_pauses_s: Sequence[float] = RETRY_PAUSES_S,
) -> AsyncIterator[OpenShop]:
    """Open a shop until the block ends. *specs* is the folder with the vendors' schemas; port 0 takes a free one."""
    if host != "localhost" and not ip_address(host).is_loopback:
        raise ListenError(f"A rehearsal listens on this machine only, not on {host}; use 127.0.0.1.")
    shop = Shop(seed, clock=clock, faults=faults)
    checks = load_checks(specs)
    async with aiohttp.ClientSession() as client:
        courier = Courier(shop, client, retry_pauses_s)
        counter = Counter(shop, checks)
        application = web.Application(client_max_size=BODY_MAX)
        application.router.add_post("/admin/api/{version}/graphql.json", counter.graphql)
        application.router.add_post("/admin/oauth/access_token", counter.access_token)
        Control(shop, courier).mount(application)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port)
            try:
                await site.start()
            except OSError as error:
                raise ListenError(
                    f"Port {port} of {host} cannot be used ({error.strerror}); choose another."
                ) from error
            url = f"http://{host}:{runner.addresses[0][1]}"
            yield OpenShop(shop, courier, url, checks.source)
        finally:
            await courier.close()
            await runner.cleanup()


@dataclass(frozen=True, slots=True)
class Counter:
    """Where API calls are handed in."""

    shop: Shop
    checks: Checks
    desk: Desk = field(init=False)
    tokens: dict[str, datetime] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "desk", Desk(self.shop, self.checks))

    async def graphql(self, request: web.Request) -> web.Response:
        """One operation; what faults do to it happens here."""
        refused = self._refused(request)
        if refused is not None:
            return refused
        try:
            asked = msgspec.json.decode(await request.read(), type=Request)
        except msgspec.MsgspecError:
            return self._json({"errors": {"query": "Required parameter missing or invalid"}}, 400)
        ready = self.desk.prepare(asked)
        if not isinstance(ready, Ready):
            return self._json(ready)
        fault = self.shop.faults.strike(API_FAULTS, ready.fields)
        if fault is not None:
            return await self._with_fault(request, ready, fault)
        return self._json(self.desk.run(ready))

    async def access_token(self, request: web.Request) -> web.Response:
        """A token for 24 hours against client id and secret."""
        form = await request.post()
        seed = self.shop.books.seed
        known = compare_digest(str(form.get("client_id")), seed.client_id)
        if not (known and compare_digest(str(form.get("client_secret")), seed.client_secret)):
            return self._json({"error": "invalid_client"}, 401)
        if form.get("grant_type") != "client_credentials":
            return self._json({"error": "unsupported_grant_type"}, 400)
        token = f"shpat_{token_hex(16)}"
        self.tokens[token] = self.shop.books.clock.now() + TOKEN_LIFE
        scope = "read_orders,write_inventory,write_merchant_managed_fulfillment_orders"
        return self._json({"access_token": token, "scope": scope, "expires_in": int(TOKEN_LIFE.total_seconds()) - 1})

    def _refused(self, request: web.Request) -> web.Response | None:
        version = request.match_info["version"]
        # Expired versions are served by the oldest live one, silently; this shop lives on one version.
        if not (len(version) == len(API_VERSION) and version <= API_VERSION):
            return self._json({"errors": "Not Found"}, 404)
        token = request.headers.get("X-Shopify-Access-Token", "")
        until = self.tokens.get(token)
        alive = until is not None and self.shop.books.clock.now() < until
        if not alive and not compare_digest(token.encode(), self.shop.books.seed.access_token.encode()):
            text = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return self._json({"errors": text}, 401)
        return None

    async def _with_fault(self, request: web.Request, ready: Ready, fault: Fault) -> web.Response:
        clock = self.shop.books.clock
        if fault.kind in BEFORE:
            return await self._instead(request, ready, fault)
        if fault.kind is FaultKind.SLOW:
            held = self.desk.keys.hold(self.desk.keys_of(ready))
            await clock.sleep(fault.seconds)
            self.desk.keys.release(held)
        body = self.desk.run(ready, failing=fault.kind is FaultKind.FAIL_INSIDE)
        if fault.kind is FaultKind.ERROR_AFTER:
            return self._json({"errors": "Internal Server Error"}, 500)
        if fault.kind is FaultKind.TIMEOUT_AFTER:
            await clock.sleep(fault.seconds)
        if fault.kind in (FaultKind.TIMEOUT_AFTER, FaultKind.DISCONNECT_AFTER):
            return _dropped(request)
        return self._json(body)

    async def _instead(self, request: web.Request, ready: Ready, fault: Fault) -> web.Response:
        """Nothing is done; the points of the call are given back."""
        self.desk.untake(ready)
        if fault.kind is FaultKind.THROTTLE:
            return self._json(self.desk.throttled(ready.requested))
        if fault.kind is FaultKind.THROTTLE_429:
            return self._json({"errors": "Too Many Requests"}, 429, {"Retry-After": f"{fault.seconds:.1f}"})
        if fault.kind is FaultKind.ERROR_BEFORE:
            return self._json({"errors": "Bad Gateway"}, 502)
        if fault.kind is FaultKind.TIMEOUT_BEFORE:
            await self.shop.books.clock.sleep(fault.seconds)
        return _dropped(request)

    def _json(self, body: Body, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
        names = {
            "Content-Type": _JSON,
            "X-Shopify-API-Version": API_VERSION,
            "X-Request-Id": str(new_id()),
            "X-Rehearsal-Checks": self.checks.source,
            **(headers or {}),
        }
        return web.Response(body=msgspec.json.encode(body), status=status, headers=names)


def _dropped(request: web.Request) -> web.Response:
    """Close the connection without an answer; the value returned never leaves."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
