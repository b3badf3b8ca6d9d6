"""A small shop on HTTP, a caller of its API and an ear for its webhooks: what the laws about the shop stand on."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import aiohttp
import msgspec
from aiohttp import web

from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.settings import Settings
from crossdock.simulation.shop import ItemSeed, LocationSeed, OpenShop, ShopSeed, open_shop

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SPECS = Settings.from_environment().specs_folder
HAS_SPECS = (SPECS / "channels/shopify").is_dir()
NO_SPECS = "the vendor's schema is not at hand: set CROSSDOCK_SPECS"
TOKEN = {"X-Shopify-Access-Token": "rehearsal-access-token"}


class Problem(msgspec.Struct):
    """A top-level error."""

    message: str
    extensions: dict[str, object] = {}

    @property
    def code(self) -> object:
        return self.extensions.get("code")


class Answered(msgspec.Struct):
    """A GraphQL answer, read as loosely as a test may."""

    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: list[Problem] = []
    extensions: dict[str, object] = {}

    @property
    def codes(self) -> list[object]:
        return [problem.code for problem in self.errors]


def pick(raw: msgspec.Raw | object, *path: str | int) -> object:
    """The value at a path of JSON."""
    value: object = msgspec.json.decode(raw) if isinstance(raw, msgspec.Raw) else raw
    for step in path:
        value = value[step]  # type: ignore[index]
    return value


@dataclass(slots=True)
class Ear:
    """Hears webhooks; answers with the next status in `statuses`, else 200."""

    url: str = ""
    heard: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def hear(self, count: int) -> None:
        """Return once so many messages were heard."""
        while len(self.heard) < count:
            self._news.clear()
            await self._news.wait()

    async def listen(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.heard.append((headers, await request.read()))
        self._news.set()
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    @property
    def topics(self) -> list[str]:
        return [headers["x-shopify-topic"] for headers, _ in self.heard]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """An open shop, a client and an ear."""

    opened: OpenShop
    clock: VirtualClock
    client: aiohttp.ClientSession
    ear: Ear

    async def post(self, query: str, **variables: object) -> aiohttp.ClientResponse:
        body = msgspec.json.encode({"query": query, "variables": variables})
        url = f"{self.opened.url}/admin/api/2026-10/graphql.json"
        answer = await self.client.post(url, data=body, headers=TOKEN)
        await answer.read()
        return answer

    async def ask(self, query: str, **variables: object) -> Answered:
        answer = await self.post(query, **variables)
        return msgspec.json.decode(await answer.read(), type=Answered)

    async def subscribe(self, *topics: str) -> None:
        for topic in topics:
            answer = await self.ask(SUBSCRIBE, topic=topic, uri=self.ear.url)
            assert pick(answer.data, "webhookSubscriptionCreate", "userErrors") == [], answer


SUBSCRIBE = """
mutation ($topic: WebhookSubscriptionTopic!, $uri: String!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: {uri: $uri}) {
    webhookSubscription { id topic uri }
    userErrors { field message }
  }
}
"""


def small_seed(*, taxes_included: bool = False, **options: object) -> ShopSeed:
    """Two places, three SKUs."""
    seed = ShopSeed(
        locations=(LocationSeed("DC"), LocationSeed("S1")),
        items=(
            ItemSeed(sku="APPLE", title="Apple", price=Decimal("1.99"), tax_rate=Decimal("0.07"), stock={"DC": 10}),
            ItemSeed(
                sku="PEAR", title="Pear", price=Decimal("2.50"), stock={"DC": 3, "S1": 2}, barcode="4006381333931"
            ),
            ItemSeed(sku="LAST", title="Last one", price=Decimal("99.00"), tax_rate=Decimal("0.19"), stock={"S1": 1}),
        ),
        taxes_included=taxes_included,
        utc_offset_minutes=-300,
    )
    return msgspec.structs.replace(seed, **options)


@asynccontextmanager
async def rehearsal(
    seed: ShopSeed | None = None, *, specs: Path | None = None, retry_pauses_s: tuple[float, ...] = (10.0,) * 8
) -> AsyncIterator[Rehearsal]:
    """Open everything; checks are the minimal ones unless *specs* says otherwise."""
    clock, ear = VirtualClock(START), Ear()
    application = web.Application()
    application.router.add_post("/hooks", ear.listen)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        ear.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks"
        async with (
            open_shop(seed or small_seed(), clock=clock, specs=specs, retry_pauses_s=retry_pauses_s) as opened,
            aiohttp.ClientSession() as client,
        ):
            yield Rehearsal(opened, clock, client, ear)
    finally:
        await runner.cleanup()
