"""Orders as polls tell them: the vendor's GraphQL shape."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial

import msgspec

from crossdock.canonical.orders import Address, Person
from crossdock.connector_kit.model import Damaged, Decoded, Received
from crossdock.connector_kit.record import Record, Undecodable
from crossdock.connectors.shopify.api import number_of
from crossdock.connectors.shopify.order import Told, ToldCharge, ToldLine, ToldTax, key_of, record


class Body(msgspec.Struct, frozen=True):
    """A stored page: the vendor's answers as they came, the page of orders first, then further lines of long orders."""

    answers: tuple[msgspec.Raw, ...]


class _Nodes(msgspec.Struct, frozen=True):
    nodes: list[msgspec.Raw]


class _Orders(msgspec.Struct, frozen=True):
    orders: _Nodes


class _FirstAnswer(msgspec.Struct, frozen=True):
    data: _Orders


def decode_page(received: Received) -> Iterable[Decoded | Damaged]:
    """Every order of a page; one that cannot be read does not hold up the others."""
    try:
        body = msgspec.json.decode(received.body, type=Body)
    except msgspec.MsgspecError as error:
        raise Undecodable("$", f"not a stored page: {error}") from None
    first, *further = [Record.parse(bytes(answer)).one("data") for answer in body.answers]
    lines: dict[str, list[Record]] = {}
    for answer in further:
        order = answer.one("order")
        lines.setdefault(order.text("id"), []).extend(order.one("lineItems").each("nodes"))
    for index, raw in enumerate(first.one("orders").each("nodes")):
        made = record(partial(_order, raw, lines), received, key=_key(raw), path=raw.path)
        yield replace(made, raw=_alone(body, index)) if isinstance(made, Damaged) else made


def _key(raw: Record) -> str:
    """As far as it can be read; an order without a usable id concerns nobody else."""
    try:
        return key_of(number_of(raw.text("id")))
    except Undecodable:
        return ""


def _alone(body: Body, index: int) -> bytes:
    """A page of that one order, which this decoder reads again; further lines stay with it."""
    first = msgspec.json.decode(bytes(body.answers[0]), type=_FirstAnswer)
    cut = _FirstAnswer(_Orders(_Nodes([first.data.orders.nodes[index]])))
    return msgspec.json.encode(Body((msgspec.Raw(msgspec.json.encode(cut)), *body.answers[1:])))


def _order(raw: Record, further_lines: Mapping[str, Sequence[Record]]) -> Told:
    lines = (*raw.one("lineItems").each("nodes"), *further_lines.get(raw.text("id"), ()))
    return Told(
        id=number_of(raw.text("id")),
        name=raw.text("name"),
        currency=raw.text("currencyCode"),
        taxes_included=raw.flag("taxesIncluded"),
        created_at=raw.moment("createdAt"),
        updated_at=raw.moment("updatedAt"),
        cancelled_at=raw.moment_or_none("cancelledAt"),
        total=_amount(raw, "totalPriceSet"),
        current_total=_amount(raw, "currentTotalPriceSet"),
        financial_status=(raw.text_or_none("displayFinancialStatus") or "PENDING").lower(),
        gateways=raw.texts("paymentGatewayNames"),
        lines=tuple(_line(line) for line in lines),
        charges=(
            *(_shipping(line) for line in raw.one("shippingLines").each("nodes")),
            ToldCharge(code="tip", amount=_amount(raw, "totalTipReceivedSet")),
            *_set_charge(raw, "duties", "currentTotalDutiesSet"),
            *_set_charge(raw, "fees", "currentTotalAdditionalFeesSet"),
        ),
        customer=_person(raw),
        ship_to=_address(raw.one_or_none("shippingAddress")),
        note=raw.text_or_empty("note"),
    )


def _line(raw: Record) -> ToldLine:
    discounts = (_amount(each, "allocatedAmountSet") for each in raw.each("discountAllocations"))
    return ToldLine(
        id=number_of(raw.text("id")),
        sku=raw.text_or_empty("sku"),
        name=raw.text_or_empty("name"),
        quantity=raw.whole("quantity"),
        current=raw.whole("currentQuantity"),
        unit_price=_amount(raw, "originalUnitPriceSet"),
        discounts=sum(discounts, Decimal(0)),
        taxes=_taxes(raw),
    )


def _shipping(raw: Record) -> ToldCharge:
    price = _amount(raw, "originalPriceSet")
    discount = price - _amount(raw, "discountedPriceSet")
    return ToldCharge(code="shipping", amount=price, discount=discount, taxes=_taxes(raw))


def _taxes(raw: Record) -> tuple[ToldTax, ...]:
    return tuple(
        ToldTax(title=tax.text("title"), amount=_amount(tax, "priceSet"), rate=tax.number_or_none("rate"))
        for tax in raw.each("taxLines")
    )


def _amount(raw: Record, name: str) -> Decimal:
    return raw.one(name).one("shopMoney").number("amount")


def _set_charge(raw: Record, code: str, name: str) -> tuple[ToldCharge, ...]:
    return (ToldCharge(code=code, amount=_amount(raw, name)),) if raw.has(name) else ()


def _person(raw: Record) -> Person | None:
    customer = raw.one_or_none("customer")
    email, phone = raw.text_or_empty("email"), raw.text_or_empty("phone")
    if customer is None:
        return Person(email=email, phone=phone) if email or phone else None
    names = (customer.text_or_empty("firstName"), customer.text_or_empty("lastName"))
    return Person(
        channel_customer_id=number_of(customer.text("id")),
        name=" ".join(name for name in names if name),
        email=email,
        phone=phone,
    )


def _address(raw: Record | None) -> Address | None:
    if raw is None:
        return None
    lines = (raw.text_or_empty("company"), raw.text_or_empty("address1"), raw.text_or_empty("address2"))
    return Address(
        name=raw.text_or_empty("name"),
        lines=tuple(line for line in lines if line),
        city=raw.text_or_empty("city"),
        region=raw.text_or_empty("provinceCode"),
        postal_code=raw.text_or_empty("zip"),
        country=raw.text_or_empty("countryCodeV2"),
        phone=raw.text_or_empty("phone"),
    )
