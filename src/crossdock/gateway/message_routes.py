"""POST /v1/webhooks/… and /v1/uploads/…: bodies taken raw."""

from typing import Any

from litestar import Request, Response, post
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery

from crossdock.gateway.keys import Scope
from crossdock.gateway.messages import Acknowledged
from crossdock.gateway.parts import parts_of


@post("/v1/webhooks/{connection:str}", summary="A vendor's webhook", opt={"public": True}, status_code=200)
async def take_webhook(
    connection: FromPath[str], request: "Request[Any, Any, State]", state: State
) -> Response[Acknowledged]:
    """Verify the vendor's signature over the raw body, store, acknowledge. Decoded afterwards."""
    intake = parts_of(state).messages
    return Response(await intake.webhook(connection, dict(request.scope), request.receive))


@post(
    "/v1/uploads/{connection:str}",
    summary="A file or batch from a store or partner",
    opt={"scope": Scope.UPLOADS},
    status_code=202,
)
async def take_upload(
    connection: FromPath[str], request: "Request[Any, Any, State]", state: State, feed: FromQuery[str] = ""
) -> Response[Acknowledged]:
    """Store the body whole, acknowledge. Its records are decoded afterwards, each on its own."""
    intake = parts_of(state).messages
    return Response(await intake.upload(connection, feed, dict(request.scope), request.receive), status_code=202)
