"""GET /v1/orders/{order_id}/trace: everything that happened to one order, everywhere."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.datastructures import State
from litestar.params import FromPath

from crossdock.canonical.base import OrderId
from crossdock.gateway.keys import Scope
from crossdock.gateway.orders_read import visible
from crossdock.gateway.parts import caller_of, parts_of
from crossdock.operations import trace
from crossdock.operations.trace import Trace


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline."""

    at: datetime
    source: str
    what: str
    detail: str
    ids: list[str]


class WaitView(msgspec.Struct, frozen=True, kw_only=True):
    """What has not happened yet, and whose turn it is."""

    whom: str
    what: str
    since: datetime
    exception_id: UUID | None


class DocumentView(msgspec.Struct, frozen=True, kw_only=True):
    """What the order has become in another system."""

    connection: str
    kind: str
    reference: str
    document_id: str
    number: str
    landed_at: datetime


class TraceView(msgspec.Struct, frozen=True, kw_only=True):
    """An order's whole story, oldest first. Names and addresses are not in it."""

    order_id: UUID
    status: str
    steps: list[StepView]
    waits: list[WaitView]
    """Empty when the order is finished."""
    documents: list[DocumentView]


@get(
    "/v1/orders/{order_id:uuid}/trace",
    summary="One order's whole story",
    opt={"scope": Scope.ORDERS_READ, "of_channels": True},
)
async def trace_order(request: "Request[Any, Any, State]", state: State, order_id: FromPath[UUID]) -> TraceView:
    """Messages, facts, intents, attempts and exceptions as one timeline, and who waits for whom."""
    async with parts_of(state).reads.transaction() as tx:
        found = await trace.trace_order(tx, OrderId(order_id))
    visible(None if found is None else found.view, caller_of(request))
    assert found is not None
    return _view(order_id, found)


def _view(order_id: UUID, found: Trace) -> TraceView:
    return TraceView(
        order_id=order_id,
        status=found.view.status.value,
        steps=[
            StepView(at=step.at, source=step.source, what=step.what, detail=step.detail, ids=list(step.ids))
            for step in found.steps
        ],
        waits=[
            WaitView(whom=wait.whom, what=wait.what, since=wait.since, exception_id=wait.exception)
            for wait in found.waits
        ],
        documents=[
            DocumentView(
                connection=document.connection,
                kind=document.kind,
                reference=document.reference,
                document_id=document.document_id,
                number=document.number,
                landed_at=document.landed_at,
            )
            for document in found.documents
        ],
    )
