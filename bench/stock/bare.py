"""The stock routes with key check, validation, idempotency and answer, but nothing behind them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Final

import msgspec

from crossdock.assembly.hub import Hub
from crossdock.gateway import idempotency
from crossdock.gateway.app import framework
from crossdock.gateway.asgi import Answer, ASGIApp, Request, decode
from crossdock.gateway.availability import AvailabilityAnswer, asked_of
from crossdock.gateway.front import Front, HotRoute, Methods
from crossdock.gateway.grouped import origin_of
from crossdock.gateway.keys import Keyring, Scope
from crossdock.gateway.meters import Meters
from crossdock.gateway.refusals import Refusals
from crossdock.gateway.reservations import BODY_MAX, CREATED, HoldBody, Place, ReservationAnswer
from crossdock.gateway.retailer import RetailerView
from crossdock.gateway.sellable import SellableItem

_HOLD: Final = msgspec.json.Decoder(HoldBody)
_ENCODE: Final = msgspec.json.Encoder().encode
_NUMBER: Final = Decimal(1_000_000_000)
_LIFE: Final = timedelta(minutes=15)


@asynccontextmanager
async def bare_stock(hub: Hub) -> AsyncIterator[ASGIApp]:
    """The same server as ours, answering at once."""
    retailer = RetailerView(hub)

    async def hold(request: Request) -> Answer:
        asked = decode(request.body, _HOLD)
        request.caller.check_channel(asked.channel)
        (await retailer.get()).channel(asked.channel, "$.channel")
        origin_of(request)
        idempotency.claim_of(request, hub.vault)
        href = f"/v1/reservations/{asked.key}"
        told = ReservationAnswer(
            key=asked.key,
            outcome="held",
            href=href,
            units=[Place(sku=line.sku, location="dc", quantity=line.quantity) for line in asked.lines],
            expires_at=hub.clock.now() + _LIFE,
        )
        return Answer(status=CREATED, body=_ENCODE(told), headers={"Location": href})

    async def look_up(request: Request) -> Answer:
        asked = asked_of(request.query)
        (channel,) = asked.asked
        request.caller.check_channel(channel)
        (await retailer.get()).channel(channel, "?channel")
        told = AvailabilityAnswer(
            channel=channel,
            mode=asked.mode.value,
            as_of=hub.clock.now(),
            age_ms=0,
            items=[SellableItem(sku=sku, sellable=_NUMBER) for sku in asked.skus],
        )
        return Answer(status=200, body=_ENCODE(told), headers={"Age": "0"})

    routes = (
        HotRoute(
            method="GET",
            path="/v1/availability",
            summary="",
            scope=Scope.STOCK_READ,
            body_max=0,
            request=None,
            answers={200: AvailabilityAnswer},
            handle=look_up,
        ),
        HotRoute(
            method="POST",
            path="/v1/reservations",
            summary="",
            scope=Scope.RESERVATIONS,
            body_max=BODY_MAX,
            request=HoldBody,
            answers={CREATED: ReservationAnswer},
            handle=hold,
        ),
    )
    yield fronting(hub, routes)


def fronting(hub: Hub, routes: Sequence[HotRoute]) -> Front:
    """The server's outermost part with nothing but *routes* behind it."""
    methods = Methods([(route.method, route.path) for route in routes])
    return Front(routes, Keyring(hub.database, hub.clock), Refusals(Meters(), hub.clock), framework(), methods)
