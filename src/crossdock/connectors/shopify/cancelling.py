"""Cancellations back to the shop: a whole order, or units of some lines while the rest goes on.

What we want is told as what is left of each line, so every try first looks whether the shop is there already: a
cancellation that came from the shop, or one whose answer was lost, is recognised and not done twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from uuid import UUID

import msgspec

from crossdock.canonical.intents import CancelOrder, IntentDocument
from crossdock.connector_kit.model import Absent, Found, Landed, Outcome, Refused
from crossdock.connector_kit.record import Record
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.connectors.shopify.api import drift_means, gid, number_of, one_reason, read, write
from crossdock.connectors.shopify.fulfilment import Part, open_parts

LINES_PER_CALL: Final = 200
PAGES_MAX: Final = 20
STATE_POINTS: Final = 205.0
SUGGEST_POINTS: Final = 30.0
CHANGE_POINTS: Final = 10.0
NOTE_MAX: Final = 255
LOOKS_MAX: Final = 5
LOOK_EVERY_S: Final = 1.0

STATE: Final = f"""
query ($id: ID!, $after: String) {{
  order(id: $id) {{
    id cancelledAt
    lineItems(first: {LINES_PER_CALL}, after: $after) {{
      nodes {{ id currentQuantity }}
      pageInfo {{ hasNextPage endCursor }}
    }}
  }}
}}
"""
CANCEL: Final = """
mutation ($id: ID!, $notify: Boolean!, $refund: Boolean!, $note: String!) {
  orderCancel(
    orderId: $id, reason: OTHER, restock: true, notifyCustomer: $notify, staffNote: $note,
    refundMethod: { originalPaymentMethodsRefund: $refund }
  ) {
    job { id } orderCancelUserErrors { field message }
  }
}
"""
SUGGEST: Final = """
query ($id: ID!, $lines: [RefundLineItemInput!]!) {
  order(id: $id) {
    suggestedRefund(refundLineItems: $lines) {
      suggestedTransactions { gateway amountSet { presentmentMoney { amount } } parentTransaction { id } }
    }
    presentmentCurrencyCode
  }
}
"""
REFUND: Final = """
mutation ($key: String!, $input: RefundInput!) {
  refundCreate(input: $input) @idempotent(key: $key) { refund { id } userErrors { field message } }
}
"""


@dataclass(frozen=True, slots=True)
class Held:
    """The shop's order: is it cancelled, and how many units of each line are still wanted."""

    cancelled: bool
    wanted: Mapping[str, int]


async def cancel(session: Session, documents: Sequence[IntentDocument]) -> Sequence[Outcome]:
    """Tell the shop what is not wanted any more; what it knows already stays as it is."""
    (document,) = documents
    assert isinstance(document, CancelOrder), document
    with drift_means(Verdict.REFUSED):
        held = await _held(session, document)
        if held is None:
            return [Refused(reason="the shop has no such order", path="$.channel_order_id")]
        gone = {} if held.cancelled else surplus(document, held.wanted)
        if isinstance(gone, Refused):
            return [gone]
        if held.cancelled or (document.lines and not gone):
            return [Landed(document_id=document.channel_order_id)]
        parts = await open_parts(session, document.channel_order_id) if document.lines else ()
    if not document.lines:
        return [await _cancel_whole(session, document)]
    lines = refund_lines(gone, parts or ())
    return [lines if isinstance(lines, Refused) else await _take_off(session, document, lines)]


async def probe(session: Session, document: IntentDocument) -> Found:
    """Does the shop want no more than we told it?"""
    assert isinstance(document, CancelOrder), document
    with drift_means(Verdict.REFUSED):
        held = await _held(session, document)
    if held is None:
        return Absent()
    done = held.cancelled or (document.lines and surplus(document, held.wanted) == {})
    return Landed(document_id=document.channel_order_id) if done else Absent()


def surplus(document: CancelOrder, wanted: Mapping[str, int]) -> Mapping[str, int] | Refused:
    """Units per line that the shop still wants and that will not come."""
    gone: dict[str, int] = {}
    for index, line in enumerate(document.lines):
        held = wanted.get(line.line_id, 0)
        if held > line.ordered:
            reason = f"the shop wants {held} units of line {line.line_id}, {line.ordered} were accepted: edited there"
            return Refused(reason=reason, path=f"$.lines[{index}].ordered", code="edited")
        if line.left != line.left.to_integral_value():
            reason = f"{line.left} units cannot be kept: the shop counts whole ones"
            return Refused(reason=reason, path=f"$.lines[{index}].left")
        if held > line.left:
            gone[line.line_id] = held - int(line.left)
    return gone


def refund_lines(gone: Mapping[str, int], parts: Sequence[Part]) -> Sequence[Mapping[str, object]] | Refused:
    """Units with the location that was to send them: they are free again there."""
    lines: list[Mapping[str, object]] = []
    for line_id, quantity in gone.items():
        left = quantity
        for part in parts:
            units = min(left, part.remaining) if part.line_id == line_id else 0
            if units:
                restock = {"restockType": "CANCEL", "locationId": part.location} if part.location else {}
                given = {"lineItemId": gid("LineItem", line_id), "quantity": units, "restockType": "NO_RESTOCK"}
                lines.append({**given, **restock})
                left -= units
        if left:
            reason = f"the shop has {quantity - left} units of line {line_id} left to send, {quantity} are cancelled"
            return Refused(reason=reason, path="$.lines", code="sent")
    return lines


async def _cancel_whole(session: Session, document: CancelOrder) -> Landed | Refused:
    """The vendor answers with a job; only an order that shows as cancelled is."""
    variables = {
        "id": gid("Order", document.channel_order_id),
        "notify": session.settings["notify_customer"] == "yes",
        "refund": _gives_back(session),
        "note": document.reason[:NOTE_MAX],
    }
    answer = await write(session, CANCEL, variables, points=CHANGE_POINTS)
    with drift_means(Verdict.UNKNOWN):
        reason = one_reason(answer.data.one("orderCancel"), "orderCancelUserErrors")
    if reason:
        return Refused(reason=reason)
    for _ in range(LOOKS_MAX):
        held = await _held(session, document)
        if held is not None and held.cancelled:
            return Landed(document_id=document.channel_order_id)
        await session.clock.sleep(LOOK_EVERY_S)
    raise CallFailed(Verdict.UNKNOWN, "the shop has begun to cancel the order, and is not through with it")


async def _take_off(session: Session, document: CancelOrder, lines: Sequence[Mapping[str, object]]) -> Landed | Refused:
    """A refund of units that were not sent; money goes back only where the connection says so."""
    order_id = gid("Order", document.channel_order_id)
    given: dict[str, object] = {
        "orderId": order_id,
        "note": document.reason[:NOTE_MAX],
        "notify": session.settings["notify_customer"] == "yes",
        "refundLineItems": lines,
    }
    if _gives_back(session):
        given |= await _money(session, order_id, lines)
    # What the shop denied it goes on denying under the same key.
    counter = f"denied/{document.reference}"
    content = msgspec.json.encode([document.reference, given, session.memory.get(counter, "0")])
    key = str(UUID(bytes=sha256(content).digest()[:16], version=5))
    answer = await write(session, REFUND, {"key": key, "input": given}, points=CHANGE_POINTS)
    with drift_means(Verdict.UNKNOWN):
        payload = answer.data.one("refundCreate")
        reason = one_reason(payload)
        if reason:
            session.memory[counter] = str(int(session.memory.get(counter, "0")) + 1)
            return Refused(reason=reason)
        session.memory.pop(counter, None)
        return Landed(document_id=number_of(payload.one("refund").text("id")))


async def _money(session: Session, order_id: str, lines: Sequence[Mapping[str, object]]) -> Mapping[str, object]:
    """The shop's own suggestion of what these units are worth, in the money that the customer has paid."""
    answer = await read(session, SUGGEST, {"id": order_id, "lines": lines}, points=SUGGEST_POINTS)
    with drift_means(Verdict.REFUSED):
        order = answer.data.one("order")
        suggested = order.one("suggestedRefund").each("suggestedTransactions")
        return {
            "currency": order.text("presentmentCurrencyCode"),
            "transactions": [_transaction(order_id, each) for each in suggested],
        }


def _transaction(order_id: str, suggested: Record) -> Mapping[str, object]:
    return {
        "orderId": order_id,
        "kind": "REFUND",
        "gateway": suggested.text("gateway"),
        "amount": suggested.one("amountSet").one("presentmentMoney").text("amount"),
        "parentId": suggested.one("parentTransaction").text("id"),
    }


def _gives_back(session: Session) -> bool:
    return session.settings["refund_cancelled"] == "yes"


async def _held(session: Session, document: CancelOrder) -> Held | None:
    wanted: dict[str, int] = {}
    after: str | None = None
    for _ in range(PAGES_MAX):
        variables = {"id": gid("Order", document.channel_order_id), "after": after}
        answer = await read(session, STATE, variables, points=STATE_POINTS)
        order = answer.data.one_or_none("order")
        if order is None:
            return None
        lines = order.one("lineItems")
        wanted |= {number_of(line.text("id")): line.whole("currentQuantity") for line in lines.each("nodes")}
        if order.has("cancelledAt"):
            return Held(cancelled=True, wanted=wanted)
        page = lines.one("pageInfo")
        if not page.flag("hasNextPage"):
            break
        after = page.text("endCursor")
    return Held(cancelled=False, wanted=wanted)
