"""Webhooks on their way: signed, sent to every subscriber, retried with the original body, and bent by faults."""

import asyncio
from base64 import b64encode
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from hmac import new as hmac_new
from typing import Final
from uuid import UUID

import aiohttp
import msgspec

from crossdock.foundation.ids import new_id
from crossdock.simulation.shop.faults import WEBHOOK_FAULTS, Fault, FaultKind
from crossdock.simulation.shop.model import Subscription
from crossdock.simulation.shop.shop import Announcement, Shop

API_VERSION: Final = "2026-10"
RETRY_PAUSES_S: Final = (10.0, 60.0, 300.0, 600.0, 1200.0, 2400.0, 3600.0, 6230.0)
"""Eight retries over four hours, as the vendor states; their spacing is ours."""
CONNECT_TIMEOUT_S: Final = 1.0
ANSWER_TIMEOUT_S: Final = 5.0
REORDER_WAIT_S: Final = 30.0
PARALLEL_MAX: Final = 8
UNTOLD_MAX: Final = 10_000
TOLD_KEPT_MAX: Final = 100_000
SUCCESS: Final = range(200, 300)


def sign(secret: str, body: bytes) -> str:
    """The vendor's signature: base64 of HMAC-SHA256 over the raw body."""
    return b64encode(hmac_new(secret.encode(), body, sha256).digest()).decode()


def graphql_topic(topic: str) -> str:
    """`orders/create` as subscriptions name it: ORDERS_CREATE."""
    return topic.replace("/", "_").upper()


@dataclass(frozen=True, slots=True)
class Letter:
    """One message for one subscriber; whatever happens on the way, a retry carries the same one."""

    subscription_id: int
    topic: str
    resource: str
    event_id: UUID
    webhook_id: UUID
    body: bytes
    triggered_at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """One attempt to tell, for the auditor."""

    at: datetime
    topic: str
    resource: str
    event_id: UUID
    status: int | None
    """None: nobody answered."""
    fault: FaultKind | None


class Courier:
    """Carries announcements to subscribers until it is closed. No order is promised, as with the vendor."""

    def __init__(
        self, shop: Shop, client: aiohttp.ClientSession, retry_pauses_s: Sequence[float] = RETRY_PAUSES_S
    ) -> None:
        self._shop = shop
        self._client = client
        self._pauses_s = tuple(retry_pauses_s)
        self._trips: set[asyncio.Task[None]] = set()
        self._hands = asyncio.Semaphore(PARALLEL_MAX)
        self._held: dict[str, asyncio.Event] = {}
        self.told: Final[deque[Told]] = deque(maxlen=TOLD_KEPT_MAX)
        self.overflown = 0
        shop.heard = self.announce

    def announce(self, announcement: Announcement) -> None:
        """Send a letter to each subscriber of the topic."""
        topic = graphql_topic(announcement.topic)
        for subscription in [each for each in self._shop.books.subscriptions.values() if each.topic == topic]:
            if len(self._trips) >= UNTOLD_MAX:
                self.overflown += 1
                continue
            letter = Letter(
                subscription_id=subscription.id,
                topic=announcement.topic,
                resource=announcement.resource,
                event_id=announcement.event_id,
                webhook_id=new_id(),
                body=_chosen(announcement.body, subscription.include_fields),
                triggered_at=announcement.at,
            )
            fault = self._shop.faults.strike(WEBHOOK_FAULTS, (announcement.topic,))
            before = announcement.body_before
            stale = None if before is None else _chosen(before, subscription.include_fields)
            self._start(letter, fault, stale)

    async def idle(self) -> None:
        """Return once every letter has arrived or was given up."""
        while self._trips:
            await asyncio.wait(self._trips)

    @property
    def under_way(self) -> int:
        """Letters that have neither arrived nor been given up."""
        return len(self._trips)

    async def close(self) -> None:
        """Forget what is still under way."""
        for trip in self._trips:
            trip.cancel()
        await asyncio.gather(*self._trips, return_exceptions=True)

    def _start(self, letter: Letter, fault: Fault | None, body_before: bytes | None) -> None:
        kind = fault.kind if fault else None
        if kind is FaultKind.DROP:
            self.told.append(Told(letter.triggered_at, letter.topic, letter.resource, letter.event_id, None, kind))
            return
        if kind is FaultKind.STALE_PAYLOAD and body_before is not None:
            letter = replace(letter, body=body_before)
        held = None
        if kind is FaultKind.REORDER:
            held = self._held.setdefault(letter.resource, asyncio.Event())
        trip = asyncio.get_running_loop().create_task(self._carry(letter, fault, held))
        self._trips.add(trip)
        trip.add_done_callback(self._trips.discard)

    async def _carry(self, letter: Letter, fault: Fault | None, held: asyncio.Event | None) -> None:
        clock = self._shop.books.clock
        if fault and fault.kind is FaultKind.DELAY:
            await clock.sleep(fault.seconds)
        if held is not None:
            await self._wait_for_next(held, fault.seconds if fault and fault.seconds else REORDER_WAIT_S)
            self._held.pop(letter.resource, None)
        began_s = clock.monotonic()
        for pause_s in (0.0, *self._pauses_s):
            if pause_s:
                await clock.sleep(pause_s)
            subscription = self._shop.books.subscriptions.get(letter.subscription_id)
            if subscription is None:
                return
            accepted = await self._tell(subscription, letter, fault)
            if held is None:
                self._let_go(letter.resource)
            if accepted:
                break
            fault = None
        else:
            self._given_up(letter, began_s)
            return
        if fault and fault.kind is FaultKind.REDELIVER:
            await clock.sleep(fault.seconds)
            await self._tell(subscription, letter, fault)

    async def _tell(self, subscription: Subscription, letter: Letter, fault: Fault | None) -> bool:
        kind = fault.kind if fault else None
        secret = self._shop.books.seed.client_secret
        signature = sign(f"not {secret}" if kind is FaultKind.WRONG_SIGNATURE else secret, letter.body)
        async with self._hands:
            status = await self._post(subscription.uri, letter.body, self._headers(subscription, letter, signature))
        clock = self._shop.books.clock
        self.told.append(Told(clock.now(), letter.topic, letter.resource, letter.event_id, status, kind))
        accepted = status in SUCCESS
        if accepted:
            subscription.accepted += 1
            subscription.heard_at_s = clock.monotonic()
        else:
            subscription.failed += 1
        return accepted

    async def _post(self, uri: str, body: bytes, headers: Mapping[str, str]) -> int | None:
        timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        try:
            async with self._client.post(
                uri, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None

    def _headers(self, subscription: Subscription, letter: Letter, signature: str) -> Mapping[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-Topic": letter.topic,
            "X-Shopify-Hmac-Sha256": signature,
            "X-Shopify-Shop-Domain": self._shop.books.seed.domain,
            "X-Shopify-API-Version": API_VERSION,
            "X-Shopify-Webhook-Id": str(letter.webhook_id),
            "X-Shopify-Event-Id": str(letter.event_id),
            "X-Shopify-Triggered-At": letter.triggered_at.isoformat().replace("+00:00", "Z"),
        }
        if subscription.name:
            headers["X-Shopify-Name"] = subscription.name
        return headers

    def _given_up(self, letter: Letter, began_s: float) -> None:
        """All retries failed: unless the subscriber heard something else meanwhile, the vendor drops it."""
        subscription = self._shop.books.subscriptions.get(letter.subscription_id)
        if subscription is not None and subscription.heard_at_s < began_s:
            del self._shop.books.subscriptions[letter.subscription_id]

    def _let_go(self, resource: str) -> None:
        if resource in self._held:
            self._held[resource].set()

    async def _wait_for_next(self, held: asyncio.Event, seconds: float) -> None:
        waits = {asyncio.ensure_future(held.wait()), asyncio.ensure_future(self._shop.books.clock.sleep(seconds))}
        _, late = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in late:
            wait.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _chosen(body: bytes, fields: tuple[str, ...]) -> bytes:
    """The body, cut down to the fields a subscriber asked for."""
    if not fields:
        return body
    everything = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({name: value for name, value in everything.items() if name in fields})
