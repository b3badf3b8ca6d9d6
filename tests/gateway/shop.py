"""What the laws of the API are tried on: a small retailer behind a real socket, a client that speaks HTTP to it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import LiteralString

import aiohttp
from multidict import CIMultiDict
from psycopg.rows import TupleRow

from crossdock.assembly.hub import Hub, open_hub
from crossdock.canonical.base import LocationCode, Sku
from crossdock.canonical.orders import Mode
from crossdock.canonical.stock import FloorMovement
from crossdock.connector_kit.model import Connector
from crossdock.estate import service as estates
from crossdock.estate.model import Channel, Company, ConnectionConfig, Estate, Location, LocationKind
from crossdock.eventlog.service import Origin
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import fetch_tuples
from crossdock.foundation.ids import new_id
from crossdock.foundation.settings import Settings
from crossdock.gateway import keys
from crossdock.gateway.app import gateway
from crossdock.gateway.keys import AGE_S, Scope
from crossdock.gateway.server import listen, serving
from crossdock.inbound import service as inbound
from crossdock.inbound.model import MessageId, StoredMessage
from crossdock.inventory import service as inventory
from crossdock.inventory.model import MovementKey, NewMovement

DC, NORTH = LocationCode("dc"), LocationCode("north")
ESTATE = Estate(
    company=Company(name="Tea & Co", currency="EUR"),
    locations=(
        Location(code=DC, name="DC", kind=LocationKind.WAREHOUSE),
        Location(code=NORTH, name="North", kind=LocationKind.STORE, modes=(Mode.SHIP, Mode.PICKUP)),
    ),
    channels=(
        Channel(code="web", name="Web", currency="EUR", pool=(DC, NORTH)),
        Channel(code="app", name="App", currency="EUR", pool=(DC,)),
    ),
    connections=(ConnectionConfig(name="tills", connector="pos"),),
)
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Told:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> "dict[str, object]":
        found = json.loads(self.text)
        assert isinstance(found, dict), self.text
        return found

    @property
    def kind(self) -> str:
        """The last part of a problem's type."""
        assert self.headers["Content-Type"] == "application/problem+json", (self.status, self.headers, self.text)
        return str(self.json["type"]).rpartition("/")[2]

    @property
    def paths(self) -> list[str]:
        """The paths a problem names."""
        errors = self.json["errors"]
        assert isinstance(errors, list)
        return [error["path"] for error in errors]


@dataclass(slots=True)
class Api:
    """The API as a caller sees it, and the database behind it."""

    hub: Hub
    session: aiohttp.ClientSession
    url: str
    key: str

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        raw: object = None,
    ) -> Told:
        """Send *body* as JSON, or *raw* as it is."""
        sent: dict[str, str] = {"Authorization": f"Bearer {self.key if key is None else key}", **(headers or {})}
        content = raw
        if body is not None:
            content = json.dumps(body).encode()
            sent = {**JSON, **sent}
        async with self.session.request(method, self.url + path, data=content, headers=sent) as answer:
            return Told(answer.status, CIMultiDict(answer.headers), await answer.text())

    async def post(self, path: str, body: object, **more: str) -> Told:
        """With an Idempotency-Key when `idempotency` is given."""
        headers = {"Idempotency-Key": more["idempotency"]} if "idempotency" in more else {}
        return await self.ask("POST", path, body, headers=headers, key=more.get("key"))

    async def get(self, path: str, *, key: str | None = None) -> Told:
        return await self.ask("GET", path, key=key)

    async def new_key(
        self, name: str, *scopes: Scope, channel: str | None = None, lives: timedelta | None = None
    ) -> str:
        now = self.hub.clock.now()
        async with self.hub.database.transaction() as tx:
            expires_at = None if lives is None else now + lives
            return await keys.create(tx, name, scopes, now=now, channel=channel, expires_at=expires_at)

    async def api_keys_are_read_again(self) -> None:
        """The gateway's copy of the keys may be half a second old."""
        await self.hub.clock.sleep(AGE_S)

    async def lets_in(self, key: str) -> bool:
        return (await self.get("/v1/orders", key=key)).status == 200

    async def rows(self, sql: LiteralString) -> Sequence[TupleRow]:
        async with self.hub.database.transaction() as tx:
            return await fetch_tuples(tx, sql)

    async def the_message(self) -> StoredMessage:
        """The only one that came in, opened."""
        ((message_id,),) = await self.rows("SELECT id FROM inbound.message")
        async with self.hub.database.transaction() as tx:
            shown = await inbound.show(tx, self.hub.vault, MessageId(message_id))
        assert shown is not None, message_id
        return shown.message

    async def revoke(self, name: str) -> None:
        async with self.hub.database.transaction() as tx:
            assert await keys.revoke(tx, name, now=self.hub.clock.now())

    async def count(self, table: str) -> int:
        counts: dict[str, LiteralString] = {
            "orders": "SELECT count(*) FROM orders.header",
            "messages": "SELECT count(*) FROM inbound.message",
            "facts": "SELECT count(*) FROM eventlog.event",
            "movements": "SELECT count(*) FROM inventory.movement",
            "commits": "SELECT count(DISTINCT xmin::text) FROM orders.header",
        }
        return int((await self.rows(counts[table]))[0][0])

    async def waits_for_a_lock(self) -> bool:
        """Is somebody held up in this database?"""
        sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return int((await self.rows(sql))[0][0]) > 0

    async def stock(self, sku: str, **units: int) -> None:
        """Goods come in, by location."""
        now = self.hub.clock.now()
        movements = [
            NewMovement(
                key=MovementKey(str(new_id())),
                kind=FloorMovement.RECEIVE,
                sku=Sku(sku),
                location=LocationCode(place),
                quantity=Decimal(count),
                happened_at=now,
            )
            for place, count in units.items()
        ]
        async with self.hub.database.transaction() as tx:
            await inventory.record(tx, movements, origin=Origin.begin("test"), now=now)


async def eventually(happened: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that happens elsewhere; fails after half a minute."""
    for _ in range(600):
        if await happened():
            return
        await SYSTEM_CLOCK.sleep(0.05)
    raise AssertionError("it did not happen within 30 s")


def line(sku: str = "TEA", quantity: object = "1", *, line_id: str = "1", price: str = "4.50") -> "dict[str, object]":
    return {"line_id": line_id, "sku": sku, "quantity": quantity, "unit_price": price}


def order(name: str, *lines: "dict[str, object]", **fields: object) -> "dict[str, object]":
    """An order of one tea unless told otherwise."""
    return {
        "document": "order_placed",
        "channel": "web",
        "channel_order_id": name,
        "placed_at": "2026-11-21T12:00:00Z",
        "currency": "EUR",
        "lines": list(lines) or [line()],
        "total": "4.50",
        **fields,
    }


def settings(home: Path, dsn: str) -> Settings:
    return Settings(home=home, database_url=dsn, port=0)


@asynccontextmanager
async def opened(
    home: Path, dsn: str, connectors: Mapping[str, Connector], *, name: str = "test"
) -> AsyncIterator[Api]:
    """A hub with its estate and one key that may do everything, answering on a free port."""
    chosen = settings(home, dsn)
    async with open_hub(chosen, dsn, connectors) as hub:
        async with hub.database.transaction() as tx:
            await estates.apply(tx, ESTATE, note="test", now=hub.clock.now())
            key = await keys.create(tx, name, tuple(Scope), now=hub.clock.now())
        async with gateway(hub) as app:
            listener = listen(chosen)
            port = listener.getsockname()[1]
            connector = aiohttp.TCPConnector(limit=0)
            async with serving(app, listener, chosen), aiohttp.ClientSession(connector=connector) as session:
                yield Api(hub, session, f"http://127.0.0.1:{port}", key)
