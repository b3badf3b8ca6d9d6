"""Intents of an imaginary day, with references of their own."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec

from crossdock.canonical.base import LocationCode, Tax
from crossdock.canonical.intents import (
    CancelSale,
    GoodsLine,
    IntentDocument,
    JournalLine,
    PostCount,
    PostGoodsIssue,
    PostInvoice,
    PostJournal,
    PostSale,
    PostShipment,
    PostTransfer,
    SaleLine,
)
from crossdock.canonical.orders import Address, Person
from crossdock.connector_kit.model import Landed, Outcome, Send
from crossdock.connector_kit.session import Session
from crossdock.connectors.tryton import CONNECTOR
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.ids import new_id

ANN = Person(channel_customer_id="77", name="Ann Example", email="ann@example.com")
HOME = Address(name="Ann Example", lines=("1 Main Street",), city="Springfield", postal_code="12345", country="US")


def today() -> date:
    return SYSTEM_CLOCK.now().date()


def fresh(prefix: str) -> str:
    return f"{prefix}-{new_id().hex[-12:]}"


def goods(**quantities: int) -> tuple[GoodsLine, ...]:
    """Two units: `goods(SKU_001=2)`."""
    return tuple(GoodsLine(sku=sku.replace("_", "-"), quantity=Decimal(number)) for sku, number in quantities.items())


def sale(*, total: str = "11.65", sku: str = "SKU-001", quantity: int = 2, price: str = "5.38") -> PostSale:
    """Two units at 5.38 and 8.25 % tax: 11.65 with tax rounded up."""
    reference = fresh("order")
    return PostSale(
        reference=reference,
        order_id=reference,
        channel="web",
        channel_order_id=reference,
        number="#1042",
        placed_at=datetime.combine(today(), datetime.min.time(), UTC),
        currency="USD",
        prices_include_tax=False,
        lines=(
            SaleLine(
                line_id="1",
                sku=sku,
                quantity=Decimal(quantity),
                unit_price=Decimal(price),
                taxes=(Tax(code="standard", amount=Decimal("0.89")),),
                name="An item",
            ),
        ),
        total=Decimal(total),
        customer=ANN,
        ship_to=HOME,
    )


def shipment(of: PostSale, location: str, lines: Sequence[GoodsLine]) -> PostShipment:
    return PostShipment(
        reference=fresh("fulfilment"),
        sale_reference=of.reference,
        order_id=of.order_id,
        location=LocationCode(location),
        lines=tuple(lines),
        released_at=SYSTEM_CLOCK.now(),
    )


def invoice(of: PostSale) -> PostInvoice:
    return PostInvoice(
        reference=fresh("invoice"),
        sale_reference=of.reference,
        order_id=of.order_id,
        invoice_date=today(),
        total=of.total,
        currency=of.currency,
    )


def kept(of: PostSale, *quantities: int, total: str) -> PostInvoice:
    """The invoice over so many units of each line of a sale."""
    lines = tuple(
        msgspec.structs.replace(line, quantity=Decimal(units)) for line, units in zip(of.lines, quantities, strict=True)
    )
    return msgspec.structs.replace(invoice(of), lines=lines, total=Decimal(total))


def cancellation(of: PostSale) -> CancelSale:
    return CancelSale(
        reference=of.reference,
        sale_reference=of.reference,
        order_id=of.order_id,
        reason="changed my mind",
        cancelled_on=today(),
    )


def journal() -> PostJournal:
    return PostJournal(
        reference=fresh("day"),
        posting_date=today(),
        currency="USD",
        text="Store S01",
        lines=(
            JournalLine(account="tender.cash", debit=Decimal("10.00")),
            JournalLine(account="tender.card", debit=Decimal("11.65")),
            JournalLine(account="revenue", credit=Decimal("20.00")),
            JournalLine(account="tax", credit=Decimal("1.65")),
        ),
    )


def issue(location: str, lines: Sequence[GoodsLine]) -> PostGoodsIssue:
    return PostGoodsIssue(
        reference=fresh("goods"),
        location=LocationCode(location),
        posting_date=today(),
        text="Store day",
        lines=tuple(lines),
    )


def transfer(source: str, target: str, lines: Sequence[GoodsLine]) -> PostTransfer:
    return PostTransfer(
        reference=fresh("transfer"),
        from_location=LocationCode(source),
        to_location=LocationCode(target),
        posting_date=today(),
        lines=tuple(lines),
    )


def count(location: str, lines: Sequence[GoodsLine]) -> PostCount:
    return PostCount(reference=fresh("count"), location=LocationCode(location), counted_on=today(), lines=tuple(lines))


def send(document: IntentDocument) -> Send:
    found = CONNECTOR.send(str(type(document).__struct_config__.tag))
    assert found is not None
    return found


async def posted(session: Session, document: IntentDocument) -> Outcome:
    [outcome] = await send(document).run(session, [document])
    return outcome


async def landed(session: Session, document: IntentDocument) -> Landed:
    outcome = await posted(session, document)
    assert isinstance(outcome, Landed), outcome
    return outcome
