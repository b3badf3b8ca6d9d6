"""Health, readiness, metrics, and the API's own description."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

import psycopg
from litestar import Response, get
from litestar.datastructures import State
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.core import GaugeMetricFamily, Metric

from crossdock.eventlog import service as eventlog
from crossdock.foundation.db import Tx, fetch_value
from crossdock.gateway.keys import Scope
from crossdock.gateway.parts import Parts, parts_of
from crossdock.inbound import service as inbound
from crossdock.operations import service as operations
from crossdock.operations.stuck import service as stuck_work
from crossdock.outbound import service as outbound

TALLY_BACK: Final = timedelta(hours=1)
READY_WITHIN_S: Final = 2.0
METRICS_TYPE: Final = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")
"""The framework adds the character set to every kind of text."""


@get("/healthz", summary="Is the process alive?", opt={"public": True}, media_type="text/plain")
async def healthz() -> str:
    """Answers without the database: a restart would help only if this does not answer."""
    return "alive\n"


@get("/readyz", summary="Can it take orders?", opt={"public": True}, media_type="text/plain")
async def readyz(state: State) -> Response[str]:
    """200 when the database answers and took in what it was given last, 503 with the reason otherwise."""
    parts = parts_of(state)
    try:
        async with asyncio.timeout(READY_WITHIN_S), parts.hub.database.transaction() as tx:
            await fetch_value(tx, "SELECT 1", int)
    except (psycopg.Error, TimeoutError):
        return Response("the database does not answer\n", status_code=503)
    unwritable = parts.meters.unwritable(parts.hub.clock.monotonic())
    if unwritable:
        return Response(f"the database takes nothing in: {unwritable}\n", status_code=503)
    return Response("ready\n")


@get("/metrics", summary="Prometheus metrics", opt={"scope": Scope.METRICS}, media_type=METRICS_TYPE)
async def metrics(state: State) -> Response[bytes]:
    """What this process counted, and how much waits in the database."""
    parts = parts_of(state)
    async with parts.reads.transaction() as tx:
        gauges = list(await _gauges(tx, parts))
    return Response(parts.meters.text(gauges), media_type=METRICS_TYPE)


@get("/openapi.json", summary="This API, described", opt={"public": True})
async def openapi(state: State) -> dict[str, Any]:
    """OpenAPI 3.1, hot routes included."""
    return parts_of(state).document


async def _gauges(tx: Tx, parts: Parts) -> Iterable[Metric]:
    now = parts.hub.clock.now()
    messages = GaugeMetricFamily(
        "crossdock_inbound_records", "Records of the last hour, by what became of them", labels=["connection", "state"]
    )
    counts: dict[tuple[str, str], int] = {}
    for tally in await inbound.tally(tx, since=now - TALLY_BACK):
        place = (tally.connection, tally.state)
        counts[place] = counts.get(place, 0) + tally.count
    for (connection, state), count in counts.items():
        messages.add_metric([connection, state], count)
    intents = GaugeMetricFamily(
        "crossdock_outbound_intents", "Intents not settled", labels=["connection", "kind", "state"]
    )
    oldest = GaugeMetricFamily(
        "crossdock_outbound_oldest_seconds", "Age of the oldest of them", labels=["connection", "kind", "state"]
    )
    for each in await outbound.backlog(tx):
        place_of = [each.connection, each.kind, each.state.value]
        intents.add_metric(place_of, each.intents)
        oldest.add_metric(place_of, (now - each.oldest).total_seconds())
    exceptions = GaugeMetricFamily("crossdock_exceptions_open", "Open exceptions", labels=["owner", "type"])
    for owner, type_name, count, _, _ in await operations.counts(tx, now=now):
        exceptions.add_metric([owner, type_name], count)
    stuck = GaugeMetricFamily("crossdock_work_stuck", "Work that fails again and again", labels=["work"])
    for work in await stuck_work.stuck(tx):
        stuck.add_metric([work.work], 1)
    waiting = await eventlog.hidden_since(tx)
    horizon = GaugeMetricFamily(
        "crossdock_horizon_age_seconds",
        "How long the oldest fact has waited behind an open transaction before anybody may read it",
        value=0.0 if waiting is None else max(0.0, (now - waiting).total_seconds()),
    )
    return messages, intents, oldest, exceptions, stuck, horizon
