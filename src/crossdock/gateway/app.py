"""The application: hot routes in front, the framework behind, problems everywhere."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from litestar import Litestar, Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.exceptions import HTTPException, NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.openapi.config import OpenAPIConfig

from crossdock import VERSION
from crossdock.assembly.hub import Hub
from crossdock.gateway.asgi import ASGIApp, HotRoutes, problem_of
from crossdock.gateway.keys import Keyring, Scope
from crossdock.gateway.messages import MessageIntake, take_upload, take_webhook
from crossdock.gateway.openapi import document
from crossdock.gateway.orders import OrderIntake
from crossdock.gateway.problems import FieldProblem, Problem
from crossdock.gateway.reading import events, healthz, metrics, openapi, readyz
from crossdock.gateway.retailer import RetailerView

_TITLES = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 415: "unsupported-media-type"}
HANDLERS: Final = [events, healthz, metrics, openapi, readyz, take_upload, take_webhook]


@asynccontextmanager
async def gateway(hub: Hub) -> AsyncIterator[ASGIApp]:
    """The API of one process; on leaving, everything accepted has been committed."""
    keyring = Keyring(hub.database, hub.clock)
    retailer = RetailerView(hub)
    orders = OrderIntake(hub, retailer)
    messages = MessageIntake(hub, retailer)
    hot = (*orders.routes(),)
    app = Litestar(
        route_handlers=HANDLERS,
        guards=[require_scope],
        exception_handlers={Exception: answer_problem},
        openapi_config=OpenAPIConfig(title="Crossdock", version=VERSION, path="/schema"),
        state=State({"hub": hub, "keyring": keyring, "messages": messages}),
        debug=False,
    )
    app.state.openapi = document(app, hot)
    try:
        yield HotRoutes(hot, keyring, app)
    finally:
        await orders.close()
        await messages.close()


async def require_scope(connection: "ASGIConnection[Any, Any, Any, State]", handler: BaseRouteHandler) -> None:
    """Guard: the handler's `scope` option, checked against the caller's key; deny when a route declares none."""
    if handler.opt.get("public"):
        return
    scope = handler.opt.get("scope")
    if scope is None:
        raise NotAuthorizedException
    keyring: Keyring = connection.app.state.keyring
    header = connection.headers.get("authorization")
    connection.state.caller = await keyring.caller(header.encode("latin-1") if header else None, Scope(scope))


def answer_problem(request: "Request[Any, Any, State]", error: Exception) -> Response[bytes]:
    """Any exception as a problem document."""
    if isinstance(error, Problem):
        problem = error
    elif isinstance(error, HTTPException):
        problem = _of_framework(error)
    else:
        problem = problem_of(error)
    return Response(
        problem.body(request.url.path),
        status_code=problem.status,
        media_type="application/problem+json",
        headers=dict(problem.headers),
    )


def _of_framework(error: HTTPException) -> Problem:
    kind = _TITLES.get(error.status_code)
    if kind is not None:
        return Problem(kind)
    extra = error.extra if isinstance(error.extra, list) else []
    errors = tuple(FieldProblem(path=str(item.get("key", "")), reason=str(item.get("message", ""))) for item in extra)
    return Problem("invalid", error.detail, errors=errors)
