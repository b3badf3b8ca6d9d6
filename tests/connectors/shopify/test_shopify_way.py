"""The way of an order from the shop's checkout to a canonical document, over real HTTP and bad days."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from connectors.shopify.shopify_world import World, order_in, poll, world
from crossdock.connector_kit.model import Decoded
from crossdock.connectors.shopify import CONNECTOR
from crossdock.simulation.shop import Fault, FaultKind


@dataclass(slots=True)
class Door:
    """Where webhooks come in: verified, then decoded; what is not signed by the vendor is turned away."""

    shop: World
    url: str = ""
    taken: list[Decoded] = field(default_factory=list)
    turned_away: int = 0

    async def enter(self, request: web.Request) -> web.Response:
        hooks = CONNECTOR.webhooks
        assert hooks is not None
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        if not hooks.verify(body, headers, self.shop.session.settings):
            self.turned_away += 1
            return web.Response(status=401)
        topic = hooks.topic_of(headers)
        decode = next(each.decode for each in hooks.topics if each.topic == topic)
        for record in decode(self.shop.received(body, topic)):
            assert isinstance(record, Decoded), record
            self.taken.append(record)
        return web.Response(status=200)


@asynccontextmanager
async def door(shop: World) -> AsyncIterator[Door]:
    """Open the door and have the shop send there."""
    opened = Door(shop)
    application = web.Application()
    application.router.add_post("/hooks", opened.enter)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        opened.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks"
        assert CONNECTOR.webhooks is not None
        assert CONNECTOR.webhooks.register is not None
        await CONNECTOR.webhooks.register(shop.session, opened.url)
        yield opened
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    "mishap",
    [
        Fault(kind=FaultKind.REDELIVER, on="orders/create"),
        Fault(kind=FaultKind.REORDER, on="orders/create"),
        Fault(kind=FaultKind.DROP, on="orders/create"),
        Fault(kind=FaultKind.STALE_PAYLOAD, on="orders/updated"),
    ],
    ids=lambda fault: fault.kind,
)
async def test_whatever_befalls_its_messages_an_order_is_one_event_with_the_poll(mishap: Fault) -> None:
    async with world() as shop, door(shop) as hooks:
        shop.opened.shop.faults.arm(mishap)
        order = shop.buy(("APPLE", 2), ("LAMP", 1))
        await shop.opened.courier.idle()
        (polled,), _ = await poll(shop)

        assert hooks.taken
        assert {record.event_id for record in hooks.taken} == {polled.event_id}
        assert order_in(polled).number == order.name


async def test_an_unsigned_message_is_turned_away_and_the_retry_is_taken() -> None:
    async with world() as shop, door(shop) as hooks:
        shop.opened.shop.faults.arm(Fault(kind=FaultKind.WRONG_SIGNATURE, on="orders/create"))
        shop.buy(("APPLE", 2))
        while not hooks.turned_away or len(hooks.taken) < 2:
            await shop.clock.advance(10)

        assert hooks.turned_away == 1
        assert len({record.event_id for record in hooks.taken}) == 1


async def test_a_cancellation_told_before_the_creation_is_the_later_revision() -> None:
    async with world() as shop, door(shop) as hooks:
        shop.opened.shop.faults.arm(
            Fault(kind=FaultKind.DELAY, on="orders/create", seconds=60),
            Fault(kind=FaultKind.DROP, on="orders/updated", times=2),
        )
        order = shop.buy(("APPLE", 2))
        await shop.clock.advance(1)
        shop.opened.shop.cancel_order(order.id)
        while len(hooks.taken) < 2:
            await shop.clock.advance(30)

        first, second = (order_in(record) for record in hooks.taken)
        assert first.cancelled_at is not None
        assert second.cancelled_at is None
        assert first.updated_at is not None
        assert second.updated_at is not None
        assert first.updated_at > second.updated_at
        assert hooks.taken[0].key == hooks.taken[1].key
