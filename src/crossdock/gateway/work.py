"""GET /v1/exceptions and GET /v1/intents: what waits for people, and what is on its way out."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec
from litestar import get
from litestar.datastructures import State
from litestar.params import FromQuery

from crossdock.gateway.keys import Scope
from crossdock.gateway.parts import check_limit, parts_of, wrong
from crossdock.gateway.problems import Problem
from crossdock.operations import service as operations
from crossdock.operations.model import OpenException, Place
from crossdock.outbound import service as outbound
from crossdock.outbound.model import Intent, IntentState
from crossdock.outbound.service import Filter


class ExceptionView(msgspec.Struct, frozen=True, kw_only=True):
    """A business matter that needs a person."""

    exception_id: UUID
    type: str
    subject: str
    label: str
    path: str
    detail: str
    owner: str
    state: str
    opened_at: datetime
    due_at: datetime
    occurrences: int
    amount: Decimal | None
    currency: str | None
    correlation_id: UUID
    closed_at: datetime | None
    resolution: str | None


class ExceptionList(msgspec.Struct, frozen=True, kw_only=True):
    """Open ones by their clock. Ask again with `after=next`; `next` is null on the last page."""

    exceptions: list[ExceptionView]
    next: str | None


class IntentView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that another system shall do."""

    intent_id: UUID
    kind: str
    connection: str
    reference: str
    subject: str
    state: str
    outcome: str
    cause: str
    reason: str
    path: str
    attempts: int
    due_at: datetime
    document_id: str
    number: str
    correlation_id: UUID
    created_at: datetime
    changed_at: datetime
    landed_at: datetime | None


class IntentPage(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first. Ask again with `after=next`; `next` is null on the last page."""

    intents: list[IntentView]
    next: UUID | None


@get("/v1/exceptions", summary="Exceptions, by their clock", opt={"scope": Scope.OPERATIONS_READ})
async def list_exceptions(
    state: State,
    *,
    after: FromQuery[str] = "",
    owner: FromQuery[str] = "",
    type_name: FromQuery[str] = "",
    subject: FromQuery[str] = "",
    closed_too: FromQuery[bool] = False,
    limit: FromQuery[int] = 200,
) -> ExceptionList:
    """Filter by owner, type and subject (`order/…`, `stock/…`)."""
    check_limit(limit)
    _check_text(owner, type_name, subject)
    place = _place(after)
    async with parts_of(state).reads.transaction() as tx:
        found = await operations.list_exceptions(
            tx,
            owner=owner,
            type_name=type_name,
            subject=subject,
            closed_too=closed_too,
            limit=limit,
            after=place,
        )
    more = str(found[-1].place) if len(found) == limit else None
    return ExceptionList(exceptions=[_exception(each) for each in found], next=more)


def _place(text: str) -> Place | None:
    try:
        return Place.parse(text) if text else None
    except ValueError:
        raise wrong("after", "is not a cursor of this list") from None


@get("/v1/intents", summary="Intents, newest first", opt={"scope": Scope.OPERATIONS_READ})
async def list_intents(
    state: State,
    *,
    after: FromQuery[UUID | None] = None,
    only: FromQuery[IntentState | None] = None,
    connection: FromQuery[str | None] = None,
    kind: FromQuery[str | None] = None,
    subject: FromQuery[str | None] = None,
    limit: FromQuery[int] = 100,
) -> IntentPage:
    """Filter by state (`only`), connection, kind and subject. Documents are not shown: they may name people."""
    check_limit(limit)
    _check_text(connection or "", kind or "", subject or "")
    chosen = Filter(state=only, connection=connection, kind=kind, subject=subject)
    async with parts_of(state).reads.transaction() as tx:
        found = await outbound.list_intents(tx, chosen, after_id=after, limit=limit)
    return IntentPage(intents=[_intent(each) for each in found], next=found[-1].id if len(found) == limit else None)


def _check_text(*texts: str) -> None:
    if any("\x00" in text for text in texts):
        raise Problem("invalid", "a filter must not hold the character U+0000")


def _exception(each: OpenException) -> ExceptionView:
    return ExceptionView(
        exception_id=each.id,
        type=each.type,
        subject=each.subject,
        label=each.label,
        path=each.path,
        detail=each.detail,
        owner=each.owner,
        state=each.state.value,
        opened_at=each.opened_at,
        due_at=each.due_at,
        occurrences=each.occurrences,
        amount=each.amount,
        currency=each.currency,
        correlation_id=each.correlation_id,
        closed_at=each.closed_at,
        resolution=each.resolution,
    )


def _intent(each: Intent) -> IntentView:
    return IntentView(
        intent_id=each.id,
        kind=each.kind,
        connection=each.connection,
        reference=each.reference,
        subject=each.subject,
        state=each.state.value,
        outcome=each.outcome.value,
        cause=each.cause,
        reason=each.reason,
        path=each.path,
        attempts=each.attempts,
        due_at=each.due_at,
        document_id=each.document_id,
        number=each.number,
        correlation_id=each.correlation_id,
        created_at=each.created_at,
        changed_at=each.changed_at,
        landed_at=each.landed_at,
    )
