"""What a sensible team writes first: the same framework, one transaction per request, the same rows."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import msgspec
from bench import rows
from litestar import Litestar, Request, Response, post
from litestar.datastructures import State
from litestar.exceptions import NotAuthorizedException
from litestar.params import JSONBody
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from crossdock.assembly.hub import Hub
from crossdock.canonical.orders import OrderPlaced
from crossdock.gateway.asgi import ASGIApp
from crossdock.gateway.orders import OrderAnswer

POOL: Final = 16


@asynccontextmanager
async def naive(hub: Hub) -> AsyncIterator[ASGIApp]:
    """The application with its pool."""
    async with AsyncConnectionPool(hub.dsn, min_size=POOL, max_size=POOL, open=False) as pool:
        yield Litestar(
            route_handlers=[place_order],
            state=State({"pool": pool, "hub": hub}),
            openapi_config=None,
            logging_config=None,
        )


@post("/v1/orders", status_code=202)
async def place_order(
    request: "Request[Any, Any, State]", state: State, data: JSONBody[OrderPlaced]
) -> Response[OrderAnswer]:
    """Check the key, look for the Idempotency-Key, write the order, keep the answer, commit."""
    hub: Hub = state.hub
    body = await request.body()
    key = request.headers["idempotency-key"]
    digest = hashlib.sha256(body).digest()
    pool: AsyncConnectionPool[AsyncConnection[TupleRow]] = state.pool
    async with pool.connection() as connection, connection.transaction():
        api_key = await _api_key(connection, request.headers.get("authorization", ""))
        found = await connection.execute(rows.KEPT_ANSWER, {"api_key": api_key, "key": key})
        kept = await found.fetchone()
        if kept is not None:
            return Response(msgspec.json.decode(kept[2], type=OrderAnswer), status_code=kept[1])
        values = rows.values_of(hub, data, body)
        for statement in rows.STATEMENTS:
            await connection.execute(statement, values)
        for line in rows.lines_of(data, values["order_id"]):
            await connection.execute(rows.LINE, line)
            await connection.execute(rows.UNPLACED, line)
        order_id = str(values["order_id"])
        answer = OrderAnswer(order_id=order_id, outcome="accepted", href=f"/v1/orders/{order_id}")
        await connection.execute(
            rows.KEEP_ANSWER,
            {"api_key": api_key, "key": key, "digest": digest, "answer": msgspec.json.encode(answer)},
        )
    return Response(answer, status_code=202, headers={"Location": answer.href})


async def _api_key(connection: "AsyncConnection[TupleRow]", authorization: str) -> UUID:
    digest = hashlib.sha256(authorization.removeprefix("Bearer ").encode()).digest()
    found = await (await connection.execute(rows.API_KEY, {"hash": digest})).fetchone()
    if found is None or "orders:write" not in found[1]:
        raise NotAuthorizedException
    api_key = found[0]
    assert isinstance(api_key, UUID)
    return api_key
