"""Stallholder, a marketplace that does not exist: orders by poll, parcels back. The example of docs/how-to."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from crossdock.canonical.base import ChannelCode, Tax
from crossdock.canonical.intents import IntentDocument, ReportFulfilment
from crossdock.canonical.orders import Address, OrderLine, OrderPlaced, Payment, PaymentStatus, Person
from crossdock.connector_kit.http import Response
from crossdock.connector_kit.model import (
    Absent,
    Connector,
    Damaged,
    Decoded,
    Finding,
    Found,
    Landed,
    Limits,
    Outcome,
    Page,
    Pull,
    Received,
    Refused,
    Role,
    Send,
    Setting,
)
from crossdock.connector_kit.record import Record, Undecodable
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict, verdict_of_status

OVERLAP: Final = timedelta(minutes=5)
PAYMENT: Final[Mapping[str, PaymentStatus]] = {"paid": PaymentStatus.PAID, "open": PaymentStatus.PENDING}

# --- their orders, in our words: pure functions of bytes ------------------------------------------------------------


def decode_orders(received: Received) -> Iterator[Decoded | Damaged]:
    """A page of orders; one that cannot be read stands alone. A page without the list is drift, not an empty page."""
    for entry in Record.parse(received.body).each("orders"):
        key = ""
        try:
            key = f"order/{entry.key('id')}"
            yield _decoded(entry, key, received.channel)
        except Undecodable as error:
            yield Damaged(error=error, key=key)
        except ValueError as error:  # what our own document refuses: a negative quantity, an unknown currency
            yield Damaged(error=Undecodable(entry.path, str(error)), key=key)


def _decoded(entry: Record, key: str, channel: str) -> Decoded:
    order = OrderPlaced(
        channel=ChannelCode(channel),
        channel_order_id=entry.key("id"),
        number=entry.text_or_empty("number"),
        placed_at=entry.moment("created_at"),
        updated_at=entry.moment("updated_at"),
        currency=entry.text("currency"),
        prices_include_tax=True,
        total=entry.number("total"),
        lines=tuple(_line(each) for each in entry.each("items")),
        payments=(Payment(tender="marketplace", amount=entry.number("total")),),
        payment_status=_payment(entry),
        customer=_person(entry.one("buyer")),
        ship_to=_address(entry.one("ship_to")),
    )
    # One revision of one order is one business event, whatever page or poll brings it.
    return Decoded(document=order, key=key, event_id=f"{key}/{entry.text('updated_at')}")


def _line(item: Record) -> OrderLine:
    return OrderLine(
        line_id=item.key("line"),
        sku=item.text("sku"),
        quantity=item.number("quantity"),
        unit_price=item.number("price"),
        taxes=(Tax(code=item.text("vat_code"), amount=item.number("vat")),),
        name=item.text_or_empty("title"),
    )


def _payment(entry: Record) -> PaymentStatus:
    told = entry.text("payment")
    if told not in PAYMENT:
        raise Undecodable(f"{entry.path}.payment", f'wanted one of {", ".join(PAYMENT)}, got "{told}"')
    return PAYMENT[told]


def _person(buyer: Record) -> Person:
    return Person(name=buyer.text("name"), email=buyer.text_or_empty("email"))


def _address(place: Record) -> Address:
    return Address(
        name=place.text("name"),
        lines=(place.text("street"),),
        city=place.text("city"),
        postal_code=place.text("postal_code"),
        country=place.text("country"),
    )


# --- asking them ----------------------------------------------------------------------------------------------------


async def fetch_orders(session: Session, cursor: str) -> Page:
    """Orders changed since the cursor, less the overlap: their clock and their commits may lag behind."""
    since = datetime.fromisoformat(cursor) if cursor else session.clock.now()
    answer = await _call(session, "GET", "/orders", params={"changed_since": (since - OVERLAP).isoformat()})
    try:
        newest = max((each.moment("updated_at") for each in Record.parse(answer.body).each("orders")), default=since)
    except Undecodable:  # stored all the same: what is wrong with the page is said when it is decoded
        newest = since
    return Page(body=answer.body, cursor=max(newest, since).isoformat(), more=False)


async def check(session: Session) -> AsyncIterator[Finding]:
    """Is the account usable?"""
    try:
        account = Record.parse((await _call(session, "GET", "/account")).body)
        yield Finding(subject="account", ok=True, text=f"stall {account.text('stall')}")
    except CallFailed as failure:
        yield Finding(subject="account", ok=False, text=failure.reason, todo="Correct url and token.")


# --- telling them ---------------------------------------------------------------------------------------------------


async def report(session: Session, documents: Sequence[IntentDocument]) -> Sequence[Outcome]:
    """Tell a parcel. Their API keeps our reference, which is what the probe looks for."""
    (parcel,) = documents
    assert isinstance(parcel, ReportFulfilment), parcel
    body = {
        "reference": parcel.reference,
        "carrier": session.lookup("carriers", parcel.carrier),
        "tracking": parcel.tracking,
        "lines": [{"line": line.line_id, "quantity": str(line.quantity)} for line in parcel.lines],
    }
    try:
        answer = await _call(session, "POST", f"/orders/{parcel.channel_order_id}/parcels", body=body)
    except CallFailed as failure:
        if failure.verdict is Verdict.REFUSED:
            return (Refused(reason=failure.reason),)
        raise
    return (Landed(document_id=_parcel_id(answer)),)


async def find_parcel(session: Session, document: IntentDocument) -> Found:
    """After an answer that got lost: is our parcel there?"""
    assert isinstance(document, ReportFulfilment), document
    path = f"/orders/{document.channel_order_id}/parcels"
    answer = await _call(session, "GET", path, params={"reference": document.reference})
    for parcel in Record.parse(answer.body).each("parcels"):
        return Landed(document_id=parcel.key("id"))
    return Absent()


def _parcel_id(answer: Response) -> str:
    try:
        return Record.parse(answer.body).key("id")
    except Undecodable as error:  # it is done over there, and we do not know as what: the probe will say
        raise CallFailed(Verdict.UNKNOWN, str(error)) from error


async def _call(
    session: Session, method: str, path: str, *, body: object = None, params: Mapping[str, str] | None = None
) -> Response:
    """One call. 409 and 422 are their no; a read changes nothing, so it is never in doubt."""
    answer = await session.http.send(
        method,
        path,
        headers={"Authorization": f"Bearer {session.settings['token']}", "Content-Type": "application/json"},
        body=None if body is None else msgspec.json.encode(body),
        params=params,
    )
    verdict = verdict_of_status(answer.status)
    if verdict is None:
        return answer
    if verdict is Verdict.UNKNOWN and method == "GET":
        verdict = Verdict.NOT_SENT
    reason = f"{answer.status}: {answer.body[:200].decode(errors='replace')}"
    raise CallFailed(verdict, reason)


# --- the declaration ------------------------------------------------------------------------------------------------

CONNECTOR: Final = Connector(
    name="stallholder",
    title="Stallholder",
    role=Role.SHOP,
    summary="Orders by poll, parcels back. An example.",
    settings=(
        Setting(name="url", title="Address", help="https://api.stallholder.example"),
        Setting(name="token", title="Token", help="Made in the stall's settings.", secret=True),
    ),
    limits=Limits(requests_per_s=5, burst=10, concurrency=2),
    check=check,
    pulls=(
        Pull(
            name="orders",
            fetch=fetch_orders,
            decode=decode_orders,
            every=timedelta(minutes=1),
            overlap=OVERLAP,
        ),
    ),
    sends=(
        Send(
            kind="fulfilment.report",
            run=report,
            probe=find_parcel,
            settle=timedelta(seconds=10),
        ),
    ),
    lookups=("carriers",),
)
