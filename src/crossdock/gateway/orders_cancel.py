"""POST /v1/orders/{order_id}/cancel: nothing more of an order, or less of some of its lines."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final, assert_never
from uuid import UUID

import msgspec
from litestar import Request, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody

from crossdock.canonical.base import OrderId, Positive, check_positive
from crossdock.foundation.db import Tx
from crossdock.gateway.keys import Scope
from crossdock.gateway.orders_read import visible
from crossdock.gateway.parts import caller_of, parts_of
from crossdock.gateway.patience import PATIENCE_S
from crossdock.gateway.problems import FieldProblem, Problem
from crossdock.orders import service as orders
from crossdock.orders.model import AlreadyCancelled, Cancelled, NotFound, RestCancelled, TooLate
from crossdock.orders.service import LinesCancelled, LinesOutcome, NotOpen

REASON_MAX: Final = 500
LINES_MAX: Final = 1000


class CancelLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many units of a line shall be cancelled in all: said again, it changes nothing."""

    line_id: str
    cancelled: Positive

    def __post_init__(self) -> None:
        check_positive(self.cancelled, "cancelled")


class CancelRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why nothing more of the order, or of the lines named, shall be shipped."""

    reason: str
    lines: list[CancelLine] = []
    """Only these; none means the whole order."""


class CancelAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What cancelling came to."""

    order_id: UUID
    outcome: str
    """cancelled, rest_cancelled (some had left already), lines_cancelled, already_cancelled"""
    shipped: Decimal = Decimal(0)
    """Units that had left: they come back as a return, if at all."""
    cancelled: Decimal = Decimal(0)
    """Units that this request has cancelled, when only some lines were named."""


@post(
    "/v1/orders/{order_id:uuid}/cancel",
    summary="Ship nothing more of an order, or of some lines",
    opt={"scope": Scope.ORDERS_WRITE, "conflicts": True, "of_channels": True},
    status_code=200,
)
async def cancel_order(
    request: "Request[Any, Any, State]", state: State, order_id: FromPath[UUID], data: JSONBody[CancelRequest]
) -> CancelAnswer:
    """Claims are released and open work is taken back in the same transaction. Safe to repeat.

    What the ERP has of it already is undone by a flow `sale.cancel`.
    """
    hub = parts_of(state).hub
    caller = caller_of(request)
    _check(data)
    async with hub.database.transaction(patience_s=PATIENCE_S) as tx:
        visible(await orders.get(tx, OrderId(order_id)), caller)
        outcome = await _cancelled(tx, OrderId(order_id), data, hub.clock.now(), f"api:{caller.name}")
    hub.hints.ring()
    return _answer(order_id, outcome, data)


async def _cancelled(tx: Tx, order_id: OrderId, data: CancelRequest, now: datetime, source: str) -> LinesOutcome:
    if not data.lines:
        return await orders.cancel(tx, order_id, data.reason, now=now, source=source)
    in_all = {line.line_id: line.cancelled for line in data.lines}
    return await orders.cancel_lines(tx, order_id, in_all, data.reason, now=now, source=source)


def _answer(order_id: UUID, outcome: LinesOutcome, data: CancelRequest) -> CancelAnswer:
    match outcome:
        case Cancelled():
            return CancelAnswer(order_id=order_id, outcome="cancelled")
        case RestCancelled():
            return CancelAnswer(order_id=order_id, outcome="rest_cancelled", shipped=outcome.shipped)
        case LinesCancelled():
            return CancelAnswer(order_id=order_id, outcome="lines_cancelled", cancelled=outcome.units)
        case AlreadyCancelled():
            return CancelAnswer(order_id=order_id, outcome="already_cancelled")
        case NotOpen():
            raise Problem("conflict", "not so many units can be cancelled", errors=_beyond(outcome, data))
        case TooLate():
            raise Problem("conflict", "everything has left already: it comes back as a return")
        case NotFound():
            raise Problem("not-found", f"there is no order {order_id}")
        case _:
            assert_never(outcome)


def _beyond(outcome: NotOpen, data: CancelRequest) -> tuple[FieldProblem, ...]:
    reason = "is more than is open and cancelled of this line, or the order has no such line"
    return tuple(
        FieldProblem(path=f"$.lines[{index}].cancelled", reason=reason)
        for index, line in enumerate(data.lines)
        if line.line_id in outcome.line_ids
    )


def _check(data: CancelRequest) -> None:
    if len(data.reason) > REASON_MAX or "\x00" in data.reason:
        reason = f"wanted at most {REASON_MAX} characters without U+0000, got {len(data.reason)}"
        raise Problem("invalid", errors=(FieldProblem(path="$.reason", reason=reason),))
    if len(data.lines) > LINES_MAX:
        raise Problem("invalid", f"`lines` must have at most {LINES_MAX} entries")
    seen: set[str] = set()
    for index, line in enumerate(data.lines):
        if line.line_id in seen:
            raise Problem("invalid", errors=(FieldProblem(path=f"$.lines[{index}].line_id", reason="stands twice"),))
        seen.add(line.line_id)
