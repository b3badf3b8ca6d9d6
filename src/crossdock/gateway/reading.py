"""Routes that look: orders, the events feed, health, metrics, the API's own description."""

from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from litestar import Request, Response, get
from litestar.datastructures import State
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from crossdock.assembly.hub import Hub
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.model import START, Cursor, Event
from crossdock.foundation.db import fetch_value
from crossdock.gateway.keys import Scope
from crossdock.gateway.problems import Problem

PAGE_MAX: Final = 500


class FeedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One fact, as subscribers get it."""

    id: UUID
    type: str
    subject: str
    happened_at: str
    recorded_at: str
    trace: UUID
    source: str
    payload: object


class FeedPage(msgspec.Struct, frozen=True, kw_only=True):
    """Facts in commit order. Ask again with `after=next`; an empty page means: nothing new yet."""

    events: list[FeedEvent]
    next: str


def _feed_event(event: Event) -> FeedEvent:
    return FeedEvent(
        id=event.id,
        type=event.type,
        subject=event.stream,
        happened_at=event.happened_at.isoformat(),
        recorded_at=event.recorded_at.isoformat(),
        trace=event.correlation_id,
        source=event.source,
        payload=event.fact,
    )


@get("/v1/events", summary="The events feed", opt={"scope": Scope.EVENTS_READ})
async def events(state: State, after: str = "", types: str = "", limit: int = 100) -> FeedPage:
    """Facts after a cursor, in commit order; none is ever skipped. `types` is a comma-separated filter."""
    hub: Hub = state.hub
    try:
        cursor = Cursor.parse(after) if after else START
    except ValueError:
        raise Problem("invalid", "`after` is not a cursor of this feed") from None
    if not 1 <= limit <= PAGE_MAX:
        raise Problem("invalid", f"`limit` must be between 1 and {PAGE_MAX}")
    wanted = [name.strip() for name in types.split(",") if name.strip()]
    async with hub.database.transaction() as tx:
        found = await eventlog.read_after(tx, cursor, limit=limit, types=wanted)
    return FeedPage(events=[_feed_event(event) for event in found], next=str(found[-1].cursor if found else cursor))


@get("/healthz", summary="Is the process alive?", opt={"public": True}, media_type="text/plain")
async def healthz() -> str:
    """Answers without the database: a restart would help only if this does not answer."""
    return "alive\n"


@get("/readyz", summary="Can it take orders?", opt={"public": True}, media_type="text/plain")
async def readyz(state: State) -> Response[str]:
    """200 when the database answers, 503 otherwise."""
    hub: Hub = state.hub
    try:
        async with hub.database.transaction() as tx:
            await fetch_value(tx, "SELECT 1", int)
    except psycopg.Error:
        return Response("the database does not answer\n", status_code=503)
    return Response("ready\n")


@get("/metrics", summary="Prometheus metrics", opt={"scope": Scope.METRICS})
async def metrics() -> Response[bytes]:
    """Counters and gauges of this process."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@get("/openapi.json", summary="This API, described", opt={"public": True})
async def openapi(request: "Request[Any, Any, State]") -> "dict[str, Any]":
    """OpenAPI 3.1, hot routes included."""
    described: dict[str, Any] = request.app.state.openapi
    return described
