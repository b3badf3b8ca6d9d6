"""The control side: what a rehearsal does to the shop from another process, as JSON below `/_control/`."""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import web

from crossdock.simulation.shop.audit import read_out
from crossdock.simulation.shop.courier import Courier
from crossdock.simulation.shop.faults import Fault
from crossdock.simulation.shop.model import Order
from crossdock.simulation.shop.ordering import NotSold, OutOfStock, Purchase
from crossdock.simulation.shop.shop import Shop

_ENCODER: Final = msgspec.json.Encoder(decimal_format="string")


class Placed(msgspec.Struct, frozen=True):
    """An order was placed."""

    id: int
    name: str
    total: str


class Denied(msgspec.Struct, frozen=True):
    """The shop said no."""

    reason: str


class Cancelling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to cancel."""

    reason: str = "customer"
    restock: bool = True


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units off lines (by line id) and new lines (by SKU)."""

    remove: dict[int, int] = msgspec.field(default_factory=dict)
    add: dict[str, int] = msgspec.field(default_factory=dict)


class Annotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A note on an order."""

    note: str


class Control:
    """Routes for rehearsals. They change the shop as customers and staff would, never behind its back."""

    def __init__(self, shop: Shop, courier: Courier) -> None:
        self._shop = shop
        self._courier = courier

    def mount(self, application: web.Application) -> None:
        """Add the routes."""
        router = application.router
        router.add_get("/_control/audit", self._audit)
        router.add_post("/_control/orders", self._place)
        router.add_post("/_control/orders/{id}/cancel", self._order(self._cancel))
        router.add_post("/_control/orders/{id}/pay", self._order(self._pay))
        router.add_post("/_control/orders/{id}/edit", self._order(self._edit))
        router.add_post("/_control/orders/{id}/annotate", self._order(self._annotate))
        router.add_get("/_control/faults", self._faults)
        router.add_post("/_control/faults", self._arm)
        router.add_delete("/_control/faults", self._disarm)

    async def _audit(self, _request: web.Request) -> web.Response:
        return _answer(read_out(self._shop.books, self._courier, self._shop.faults.struck))

    async def _place(self, request: web.Request) -> web.Response:
        try:
            purchase = msgspec.json.decode(await request.read(), type=Purchase)
        except msgspec.MsgspecError as error:
            return _answer(Denied(str(error)), 400)
        outcome = self._shop.place_order(purchase)
        if isinstance(outcome, OutOfStock):
            text = f'"{outcome.sku}": {outcome.wanted} wanted, {outcome.available} available'
            return _answer(Denied(text), 409)
        if isinstance(outcome, NotSold):
            return _answer(Denied(outcome.reason), 422)
        total = format(outcome.original_sum().total, "f")
        return _answer(Placed(outcome.id, outcome.name, total), 201)

    def _order(self, act: Callable[[Order, bytes], str | None]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(request: web.Request) -> web.Response:
            text = request.match_info["id"]
            order = self._shop.books.orders.get(int(text)) if text.isdecimal() else None
            if order is None:
                return _answer(Denied(f"there is no order {text}"), 404)
            try:
                refusal = act(order, await request.read() or b"{}")
            except msgspec.MsgspecError as error:
                return _answer(Denied(str(error)), 400)
            if refusal is not None:
                return _answer(Denied(refusal), 409)
            return _answer(Placed(order.id, order.name, format(order.current_sum().total, "f")))

        return handler

    def _cancel(self, order: Order, body: bytes) -> str | None:
        asked = msgspec.json.decode(body, type=Cancelling)
        return self._shop.cancel_order(order.id, reason=asked.reason, restock=asked.restock)

    def _pay(self, order: Order, _body: bytes) -> str | None:
        return self._shop.pay(order.id)

    def _edit(self, order: Order, body: bytes) -> str | None:
        asked = msgspec.json.decode(body, type=Edit)
        return self._shop.edit_order(order.id, remove=asked.remove, add=asked.add)

    def _annotate(self, order: Order, body: bytes) -> str | None:
        self._shop.annotate_order(order.id, msgspec.json.decode(body, type=Annotation).note)
        return None

    async def _faults(self, _request: web.Request) -> web.Response:
        return _answer(self._shop.faults.armed)

    async def _arm(self, request: web.Request) -> web.Response:
        try:
            self._shop.faults.arm(*msgspec.json.decode(await request.read(), type=tuple[Fault, ...]))
        except msgspec.MsgspecError as error:
            return _answer(Denied(str(error)), 400)
        return _answer(self._shop.faults.armed)

    async def _disarm(self, _request: web.Request) -> web.Response:
        self._shop.faults.clear()
        return _answer(self._shop.faults.armed)


def _answer(body: object, status: int = 200) -> web.Response:
    return web.Response(body=_ENCODER.encode(body), status=status, content_type="application/json")
