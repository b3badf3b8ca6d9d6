"""The servers that are measured, each in a process of its own: `python -m bench.serve ours|bare|bare-stock|naive DSN HOME`."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
import uvloop
from bench.naive import naive
from bench.stock.bare import bare_stock, fronting

from crossdock.assembly.hub import Hub, open_hub
from crossdock.canonical.orders import OrderPlaced
from crossdock.foundation import log
from crossdock.foundation.ids import new_id
from crossdock.foundation.settings import Settings
from crossdock.gateway.app import gateway
from crossdock.gateway.asgi import Answer, ASGIApp, Request, decode
from crossdock.gateway.front import HotRoute
from crossdock.gateway.keys import Scope
from crossdock.gateway.orders import BODY_MAX, OrderAnswer
from crossdock.gateway.server import listen, serving

_ORDER: Final = msgspec.json.Decoder(OrderPlaced)


@asynccontextmanager
async def bare(hub: Hub) -> AsyncIterator[ASGIApp]:
    """The same server, key check, validation and answer, but nothing is stored."""

    async def answer(request: Request) -> Answer:
        decode(request.body, _ORDER)
        order_id = str(new_id())
        told = OrderAnswer(order_id=order_id, outcome="accepted", href=f"/v1/orders/{order_id}")
        return Answer(status=202, body=msgspec.json.encode(told), headers={"Location": told.href})

    route = HotRoute(
        method="POST",
        path="/v1/orders",
        summary="",
        scope=Scope.ORDERS_WRITE,
        body_max=BODY_MAX,
        request=OrderPlaced,
        answers={202: OrderAnswer},
        handle=answer,
    )
    yield fronting(hub, (route,))


APPS: Final[dict[str, Callable[[Hub], AbstractAsyncContextManager[ASGIApp]]]] = {
    "ours": gateway,
    "bare": bare,
    "bare-stock": bare_stock,
    "naive": naive,
}


async def serve(kind: str, dsn: str, home: Path) -> None:
    """Print the port, then answer until told to stop."""
    chosen = Settings(home=home, database_url=dsn, port=0)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with open_hub(chosen, dsn, {}) as hub, APPS[kind](hub) as app:
        listener = listen(chosen)
        async with serving(app, listener, chosen):
            print(listener.getsockname()[1], flush=True)
            await stop.wait()


if __name__ == "__main__":
    log.configure("warning", "text")
    uvloop.run(serve(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
