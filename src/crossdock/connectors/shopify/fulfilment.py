"""Shipments back to the shop. `fulfillmentCreate` has no idempotency key: what we sent is recognised by its parcels."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from crossdock.canonical.intents import IntentDocument, ReportFulfilment
from crossdock.connector_kit.model import Absent, Found, Landed, Outcome, Refused
from crossdock.connector_kit.record import Record
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import Unmatched, Verdict
from crossdock.connectors.shopify.api import Answer, drift_means, gid, number_of, one_reason, read, write

CLOCK_SKEW: Final = timedelta(minutes=5)
WORKS_PER_CALL: Final = 5
PARTS_PER_CALL: Final = 20
PAGES_MAX: Final = 30
WORKS_POINTS: Final = 220.0
PARTS_POINTS: Final = 165.0
PARCELS_POINTS: Final = 505.0
CREATE_POINTS: Final = 10.0
WORKABLE: Final = frozenset({"OPEN", "IN_PROGRESS"})

PARTS: Final = "nodes { id remainingQuantity lineItem { id } } pageInfo { hasNextPage endCursor }"
WORKS: Final = f"""
query ($id: ID!, $after: String) {{
  order(id: $id) {{
    fulfillmentOrders(first: {WORKS_PER_CALL}, after: $after) {{
      nodes {{
        id status
        assignedLocation {{ location {{ id }} }}
        lineItems(first: {PARTS_PER_CALL}) {{ {PARTS} }}
      }}
      pageInfo {{ hasNextPage endCursor }}
    }}
  }}
}}
"""
MORE_PARTS: Final = f"""
query ($id: ID!, $after: String!) {{
  fulfillmentOrder(id: $id) {{ lineItems(first: 80, after: $after) {{ {PARTS} }} }}
}}
"""
PARCELS: Final = """
query ($id: ID!) {
  order(id: $id) {
    fulfillments(first: 100) {
      id status createdAt
      trackingInfo(first: 10) { number }
      fulfillmentLineItems(first: 250) { nodes { quantity lineItem { id } } }
    }
  }
}
"""
CREATE: Final = """
mutation ($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { id name } userErrors { field message } }
}
"""


@dataclass(frozen=True, slots=True)
class Part:
    """Units of an order line that one fulfilment order still has to send."""

    work: str
    location: str
    id: str
    line_id: str
    remaining: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """A fulfilment that the shop has."""

    id: str
    created_at: datetime
    tracking: frozenset[str]
    units: Mapping[str, int]
    """By order line."""


Take = tuple[Part, int]


async def report(session: Session, documents: Sequence[IntentDocument]) -> Sequence[Outcome]:
    """Tell the shop of one parcel; the same tracking number on the order already is that parcel."""
    (document,) = documents
    assert isinstance(document, ReportFulfilment), document
    company = session.lookup("carriers", document.carrier) if document.carrier else None
    with drift_means(Verdict.REFUSED):
        parcels = await _parcels(session, document) if document.tracking else ()
        found = _same(document, parcels)
        if found is not None:
            return [Landed(document_id=found.id)]
        parts = await open_parts(session, document.channel_order_id)
    if parts is None:
        return [Refused(reason="the shop has no such order", path="$.channel_order_id")]
    takes = plan(document, parts, await _preferred(session, document))
    if isinstance(takes, Refused):
        return [takes]
    return [await _create(session, document, takes, company)]


async def probe(session: Session, document: IntentDocument) -> Found:
    """Look for the parcel: its tracking, or its units since it was shipped."""
    assert isinstance(document, ReportFulfilment), document
    with drift_means(Verdict.REFUSED):
        found = _same(document, await _parcels(session, document))
    return Absent() if found is None else Landed(document_id=found.id)


def plan(document: ReportFulfilment, parts: Sequence[Part], preferred: str | None) -> Sequence[Take] | Refused:
    """Which parts to send, from one location as the vendor demands: ours if it can, else the first that can."""
    wanted = units_of(document)
    if isinstance(wanted, Refused):
        return wanted
    places = sorted({part.location for part in parts}, key=lambda place: place != preferred)
    for place in places:
        takes = _takes(wanted, [part for part in parts if part.location == place])
        if takes is not None:
            return takes
    open_units = sum(part.remaining for part in parts)
    reason = (
        f"the shop's order does not have these {sum(wanted.values())} units open at one location ({open_units} are)"
    )
    return Refused(reason=reason, path="$.lines")


def units_of(document: ReportFulfilment) -> Mapping[str, int] | Refused:
    """Units by order line; the shop counts whole ones."""
    units: dict[str, int] = {}
    for index, line in enumerate(document.lines):
        if line.quantity != line.quantity.to_integral_value() or line.quantity <= 0:
            reason = f"{line.quantity} units cannot be reported: the shop counts whole ones"
            return Refused(reason=reason, path=f"$.lines[{index}].quantity")
        if not line.line_id:
            return Refused(reason="the order line is not named", path=f"$.lines[{index}].line_id")
        units[line.line_id] = units.get(line.line_id, 0) + int(line.quantity)
    return units


def _takes(wanted: Mapping[str, int], parts: Sequence[Part]) -> Sequence[Take] | None:
    takes: list[Take] = []
    for line_id, quantity in wanted.items():
        left = quantity
        for part in parts:
            units = min(left, part.remaining) if part.line_id == line_id else 0
            if units:
                takes.append((part, units))
                left -= units
        if left:
            return None
    return takes


def _same(document: ReportFulfilment, parcels: Sequence[Parcel]) -> Parcel | None:
    """The parcel that this document became. Without tracking: the same units, made no earlier than they were shipped."""
    tracking = frozenset(document.tracking)
    if tracking:
        return next((parcel for parcel in parcels if parcel.tracking == tracking), None)
    wanted = units_of(document)
    if isinstance(wanted, Refused):
        return None
    since = document.shipped_at - CLOCK_SKEW
    matching = [each for each in parcels if each.units == wanted and not each.tracking and each.created_at >= since]
    return max(matching, key=lambda parcel: parcel.created_at, default=None)


async def _create(
    session: Session, document: ReportFulfilment, takes: Sequence[Take], company: str | None
) -> Landed | Refused:
    by_work: dict[str, list[dict[str, object]]] = {}
    for part, units in takes:
        by_work.setdefault(part.work, []).append({"id": part.id, "quantity": units})
    fulfillment: dict[str, object] = {
        "lineItemsByFulfillmentOrder": [
            {"fulfillmentOrderId": work, "fulfillmentOrderLineItems": lines} for work, lines in by_work.items()
        ],
        "notifyCustomer": session.settings["notify_customer"] == "yes",
    }
    if document.tracking or company:
        fulfillment["trackingInfo"] = {"company": company, "numbers": list(document.tracking)}
    answer = await write(session, CREATE, {"fulfillment": fulfillment}, points=CREATE_POINTS)
    with drift_means(Verdict.UNKNOWN):
        payload = answer.data.one("fulfillmentCreate")
        reason = one_reason(payload)
        if reason:
            return Refused(reason=reason)
        made = payload.one("fulfillment")
        return Landed(document_id=number_of(made.text("id")), number=made.text_or_empty("name"))


async def _preferred(session: Session, document: ReportFulfilment) -> str | None:
    """Their location of ours, where the shop has one for it: it need not."""
    try:
        return (await session.identities.theirs("location", [document.location]))[document.location]
    except Unmatched:
        return None


async def open_parts(session: Session, channel_order_id: str) -> Sequence[Part] | None:
    """What the shop's fulfilment orders still have to send; None when it has no such order."""
    parts: list[Part] = []
    after: str | None = None
    for _ in range(PAGES_MAX):
        variables = {"id": gid("Order", channel_order_id), "after": after}
        answer = await read(session, WORKS, variables, points=WORKS_POINTS)
        order = answer.data.one_or_none("order")
        if order is None:
            return None
        works = order.one("fulfillmentOrders")
        for work in works.each("nodes"):
            if work.text("status") in WORKABLE:
                parts += [part async for part in _parts_of(session, work)]
        page = works.one("pageInfo")
        if not page.flag("hasNextPage"):
            break
        after = page.text("endCursor")
    return parts


async def _parts_of(session: Session, work: Record) -> AsyncIterator[Part]:
    place = work.one("assignedLocation").one_or_none("location")
    location = place.text("id") if place else ""
    lines = work.one("lineItems")
    for _ in range(PAGES_MAX):
        for line in lines.each("nodes"):
            yield Part(
                work=work.text("id"),
                location=location,
                id=line.text("id"),
                line_id=number_of(line.one("lineItem").text("id")),
                remaining=line.whole("remainingQuantity"),
            )
        page = lines.one("pageInfo")
        if not page.flag("hasNextPage"):
            return
        variables = {"id": work.text("id"), "after": page.text("endCursor")}
        answer: Answer = await read(session, MORE_PARTS, variables, points=PARTS_POINTS)
        lines = answer.data.one("fulfillmentOrder").one("lineItems")


async def _parcels(session: Session, document: ReportFulfilment) -> Sequence[Parcel]:
    variables = {"id": gid("Order", document.channel_order_id)}
    answer = await read(session, PARCELS, variables, points=PARCELS_POINTS)
    order = answer.data.one_or_none("order")
    if order is None:
        return ()
    return [_parcel(raw) for raw in order.each("fulfillments") if raw.text("status") != "CANCELLED"]


def _parcel(raw: Record) -> Parcel:
    units: dict[str, int] = {}
    for line in raw.one("fulfillmentLineItems").each("nodes"):
        line_id = number_of(line.one("lineItem").text("id"))
        units[line_id] = units.get(line_id, 0) + line.whole("quantity")
    return Parcel(
        id=number_of(raw.text("id")),
        created_at=raw.moment("createdAt"),
        tracking=frozenset(each.text("number") for each in raw.each("trackingInfo") if each.has("number")),
        units=units,
    )
