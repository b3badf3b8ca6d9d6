"""The application: hot routes in front, the framework behind, problems everywhere."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from litestar import Litestar, Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.exceptions import HTTPException, SerializationException
from litestar.handlers import BaseRouteHandler
from litestar.types import ControllerRouterHandler

from crossdock.assembly.hub import Hub
from crossdock.foundation.misfit import wrong_text
from crossdock.gateway import (
    expected,
    explaining,
    feed,
    goods,
    message_routes,
    openapi,
    order_trace,
    orders_cancel,
    orders_read,
    overview,
    probes,
    products,
    reservations_read,
    stock,
    switches,
    transfers,
    work,
)
from crossdock.gateway.asgi import ASGIApp, ASGIMessage, ASGIScope
from crossdock.gateway.availability import AvailabilityDesk
from crossdock.gateway.bodies import DocumentRequest
from crossdock.gateway.front import Front, Methods, problem_of
from crossdock.gateway.keys import Keyring, Scope
from crossdock.gateway.memory import Memory
from crossdock.gateway.messages import MessageIntake
from crossdock.gateway.meters import Meters
from crossdock.gateway.orders import OrderIntake
from crossdock.gateway.parts import Parts, parts_of
from crossdock.gateway.problems import CONTENT_TYPE, FieldProblem, Problem
from crossdock.gateway.refusals import OTHERS, Asker, Refusals, asker_of, stranger, telling
from crossdock.gateway.reservations import ReservationDesk
from crossdock.gateway.retailer import RetailerView
from crossdock.gateway.sellable import Sellable
from crossdock.gateway.shedding import Reads
from crossdock.gateway.stock import StockIntake
from crossdock.gateway.upkeep import forgetting

COLD: Final[Sequence[ControllerRouterHandler]] = (
    explaining.explain,
    feed.list_events,
    expected.announce_receipt,
    expected.close_expected,
    expected.get_expected,
    expected.list_expected,
    expected.receive_expected,
    goods.record_count,
    products.describe_items,
    message_routes.take_upload,
    message_routes.take_webhook,
    order_trace.trace_order,
    orders_cancel.cancel_order,
    orders_read.get_order,
    orders_read.list_orders,
    overview.overview,
    probes.healthz,
    probes.metrics,
    probes.openapi,
    probes.readyz,
    reservations_read.get_reservation,
    stock.list_positions,
    transfers.cancel_transfer,
    transfers.close_transfer,
    transfers.get_transfer,
    transfers.list_transfers,
    transfers.ready_transfer,
    transfers.receive_transfer,
    transfers.record_transfer,
    transfers.settle_transfer,
    transfers.ship_transfer,
    switches.list_stops,
    switches.resume_selling,
    switches.stop_selling,
    work.list_exceptions,
    work.list_intents,
)
"""Routes of the framework. The hot ones are declared where they are handled."""
REMEMBERED_MAX: Final = 200_000
"""Numbers that a gateway keeps in memory: about half a kilobyte each."""
SMALL_BODY_MAX: Final = 64 * 1024
BAD_REQUEST: Final = 400
WEBHOOKS: Final = "/v1/webhooks/{connection}"
_MISSING: Final = re.compile(r"^Missing required query parameter '(\w+)'")
_KINDS: Final = {
    400: "malformed",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
}


@asynccontextmanager
async def gateway(hub: Hub) -> AsyncIterator[ASGIApp]:
    """The API of one process; on leaving, everything accepted has been committed."""
    meters = Meters()
    refusals = Refusals(meters, hub.clock)
    keyring = Keyring(hub.database, hub.clock)
    retailer = RetailerView(hub)
    memory = Memory(REMEMBERED_MAX)
    orders = OrderIntake(hub, retailer, meters, memory)
    reads = Reads(hub.database, lambda: orders.waiting)
    meters.reads_shed(lambda: reads.shed)
    stocks = StockIntake(hub, retailer, meters, memory)
    holds = ReservationDesk(hub, retailer, meters, memory)
    sellable = Sellable(hub, reads, memory)
    intake = MessageIntake(hub, retailer, meters)
    hot = (
        *orders.routes(),
        *stocks.routes(),
        *AvailabilityDesk(hub, retailer, sellable).routes(),
        *holds.routes(),
    )
    document = openapi.document(COLD, hot)
    app = framework()
    app.state.parts = Parts(
        hub=hub,
        keyring=keyring,
        retailer=retailer,
        reads=reads,
        meters=meters,
        messages=intake,
        memory=memory,
        refusals=refusals,
        document=document,
    )
    try:
        async with forgetting(hub), telling(hub, refusals), sellable.following():
            yield Front(hot, keyring, refusals, app, Methods(declared(document)))
    finally:
        for each in (orders, stocks, holds, intake):
            await each.close()


def framework() -> Litestar:
    """The cold routes."""
    return Litestar(
        route_handlers=COLD,
        guards=[require_scope],
        exception_handlers={Exception: answer_problem},
        before_send=[count_taken],
        openapi_config=None,
        logging_config=None,
        request_class=DocumentRequest,
        request_max_body_size=SMALL_BODY_MAX,
        debug=False,
    )


def declared(document: "dict[str, Any]") -> Sequence[tuple[str, str]]:
    """(method, path) of every route there is: all of them are described."""
    return [(name.upper(), path) for path, operations in document["paths"].items() for name in operations]


async def require_scope(connection: "ASGIConnection[Any, Any, Any, State]", handler: BaseRouteHandler) -> None:
    """Guard: the handler's `scope` option, checked against the caller's key. A route that declares none answers nobody."""
    if handler.opt.get("public"):
        return
    scope = handler.opt.get("scope")
    if not isinstance(scope, Scope):
        raise Problem("forbidden", "this route declares no scope")
    parts: Parts = connection.app.state.parts
    header = connection.headers.get("authorization")
    connection.state.caller = caller = await parts.keyring.caller(header.encode("latin-1") if header else None)
    caller.check(scope, of_channels=bool(handler.opt.get("of_channels")))


def answer_problem(request: "Request[Any, Any, State]", error: Exception) -> Response[bytes]:
    """Any exception as a problem document."""
    problem = _of_framework(request, error) if isinstance(error, HTTPException) else problem_of(error)
    parts_of(request.app.state).refusals.refused(_asker(request.scope), _route(request.scope), problem)
    return Response(
        problem.body(request.url.path),
        status_code=problem.status,
        media_type=CONTENT_TYPE.decode(),
        headers=dict(problem.headers),
    )


async def count_taken(message: ASGIMessage, scope: ASGIScope) -> None:
    """Before an answer goes out: what was taken in ends a row of refusals. Those are counted where they are made."""
    if message["type"] == "http.response.start" and message["status"] < BAD_REQUEST:
        asker = _asker(scope)
        if asker is not None and asker.known:
            parts_of(scope["app"].state).refusals.taken(asker, _route(scope))


def _asker(scope: ASGIScope) -> Asker | None:
    """Who sends: the connection whose webhook it is, or the key's owner; nobody for what anybody may look at."""
    if _route(scope) == WEBHOOKS:
        return Asker(f"connection/{scope['path_params']['connection']}")
    caller = scope.get("state", {}).get("caller")
    if caller is not None:
        return asker_of(caller)
    return stranger(scope, dict(scope["headers"]).get(b"authorization"))


def _route(scope: ASGIScope) -> str:
    return str(scope.get("path_template") or OTHERS)


def _of_framework(request: "Request[Any, Any, State]", error: HTTPException) -> Problem:
    """What was wrong with a parameter: in words where they are known, else in the framework's."""
    extra = error.extra if isinstance(error.extra, list) else []
    errors = tuple(
        FieldProblem(path=_path(item), reason=_reason(request, item)) for item in extra if isinstance(item, dict)
    )
    missing = _MISSING.search(error.detail)
    if missing is not None:
        errors = (FieldProblem(path=f"?{missing[1]}", reason="is required"),)
    if errors:
        return Problem("invalid", errors=errors)
    if error.status_code == BAD_REQUEST and not isinstance(error.__cause__, SerializationException):
        return Problem("invalid", error.detail)
    kind = _KINDS.get(error.status_code)
    return problem_of(error) if kind is None else Problem(kind, error.detail)


def _reason(request: "Request[Any, Any, State]", item: "dict[str, Any]") -> str:
    key = str(item.get("key", ""))
    wanted = request.route_handler.parsed_fn_signature.parameters.get(key)
    said = request.query_params.get(key)
    if wanted is not None and said is not None:
        return wrong_text(said, wanted.annotation) or str(item.get("message", ""))
    return str(item.get("message", ""))


def _path(item: "dict[str, Any]") -> str:
    key = str(item.get("key", ""))
    return f"?{key}" if item.get("source") == "query" else f"$.{key}"
