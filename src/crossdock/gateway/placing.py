"""`Prefer: wait`: requests that want to know whether their order was placed share one look at the database."""

import asyncio
from typing import Final

import psycopg

from crossdock.assembly.hub import Hub
from crossdock.canonical.base import OrderId
from crossdock.foundation.tasks import end
from crossdock.orders import service as orders
from crossdock.orders.service import View
from crossdock.orders.states import OrderStatus

LOOK_S: Final = 0.05
WAITING_MAX: Final = 500


class Placing:
    """Waits for workers: it never places anything itself."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._waiting: dict[OrderId, list[asyncio.Future[str]]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def wait(self, order_id: OrderId, seconds: float) -> str | None:
        """Where the order stands once it has been looked at; None when that takes longer, or too many wait."""
        if len(self._waiting) >= WAITING_MAX:
            return None
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(order_id, []).append(told)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="watch placing")
        try:
            async with asyncio.timeout(seconds):
                return await told
        except TimeoutError:
            return None
        finally:
            self._forget(order_id, told)

    async def close(self) -> None:
        """Let everybody go who still waits."""
        if self._looking is not None:
            await end([self._looking])

    def _forget(self, order_id: OrderId, told: "asyncio.Future[str]") -> None:
        others = [one for one in self._waiting.get(order_id, ()) if one is not told]
        if others:
            self._waiting[order_id] = others
        else:
            self._waiting.pop(order_id, None)

    async def _look(self) -> None:
        while self._waiting:
            try:
                async with self._hub.database.transaction() as tx:
                    views = await orders.get_many(tx, list(self._waiting))
            except psycopg.OperationalError:
                views = ()  # the orders are safe; who waits is answered when the database is back, or 202
            for view in views:
                if _looked_at(view):
                    self._tell(view)
            await self._hub.hints.wait(LOOK_S)

    def _tell(self, view: View) -> None:
        for told in self._waiting.get(view.order.header.order_id, ()):
            if not told.done():
                told.set_result(view.status.value)


def _looked_at(view: View) -> bool:
    return view.status is not OrderStatus.ACCEPTED
