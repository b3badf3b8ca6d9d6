"""Orders as webhooks tell them: the vendor's REST shape."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from crossdock.canonical.orders import Address, Person
from crossdock.connector_kit.model import Damaged, Decoded, Received
from crossdock.connector_kit.record import Record
from crossdock.connectors.shopify.order import Told, ToldCharge, ToldLine, ToldTax, key_of, record

PATHS: Final = {
    "$.channel_order_id": "$.id",
    "$.number": "$.name",
    "$.placed_at": "$.created_at",
    "$.total": "$.total_price",
    "$.lines": "$.line_items",
    "$.charges": "$.shipping_lines",
    "$.payments[].tender": "$.payment_gateway_names[]",
    "$.ship_to": "$.shipping_address",
    "$.ship_to.country": "$.shipping_address.country_code",
}
"""What an order's fields are called in the vendor's words."""


def decode_order(received: Received) -> Iterable[Decoded | Damaged]:
    """One order as it is now; creation, update and cancellation all carry it whole."""
    raw = Record.parse(received.body)
    key = key_of(raw.key("id"))
    yield record(lambda: read_order(raw), received, key=key, paths=PATHS)


def read_order(raw: Record) -> Told:
    """The body, value by value."""
    return Told(
        id=raw.key("id"),
        name=raw.text("name"),
        currency=raw.text("currency"),
        taxes_included=raw.flag("taxes_included"),
        created_at=raw.moment("created_at"),
        updated_at=raw.moment("updated_at"),
        cancelled_at=raw.moment_or_none("cancelled_at"),
        total=raw.number("total_price"),
        current_total=raw.number("current_total_price"),
        financial_status=raw.text_or_none("financial_status") or "pending",
        gateways=raw.texts("payment_gateway_names"),
        lines=tuple(_line(line) for line in raw.each("line_items")),
        charges=(
            *(_shipping(line) for line in raw.each("shipping_lines") if not line.flag_or("is_removed", default=False)),
            ToldCharge(code="tip", amount=raw.number_or_none("total_tip_received") or Decimal(0)),
            *_set_charge(raw, "duties", "current_total_duties_set"),
            *_set_charge(raw, "fees", "current_total_additional_fees_set"),
        ),
        customer=_person(raw),
        ship_to=_address(raw.one_or_none("shipping_address")),
        note=raw.text_or_empty("note"),
    )


def _line(raw: Record) -> ToldLine:
    return ToldLine(
        id=raw.key("id"),
        sku=raw.text_or_empty("sku"),
        name=raw.text_or_empty("name"),
        quantity=raw.whole("quantity"),
        current=raw.whole("current_quantity"),
        unit_price=raw.number("price"),
        discounts=sum((each.number("amount") for each in raw.each("discount_allocations")), Decimal(0)),
        taxes=_taxes(raw),
    )


def _shipping(raw: Record) -> ToldCharge:
    price = raw.number("price")
    return ToldCharge(code="shipping", amount=price, discount=price - raw.number("discounted_price"), taxes=_taxes(raw))


def _taxes(raw: Record) -> tuple[ToldTax, ...]:
    return tuple(
        ToldTax(title=tax.text("title"), amount=tax.number("price"), rate=tax.number_or_none("rate"))
        for tax in raw.each("tax_lines")
    )


def _set_charge(raw: Record, code: str, name: str) -> tuple[ToldCharge, ...]:
    amounts = raw.one_or_none(name)
    return () if amounts is None else (ToldCharge(code=code, amount=amounts.one("shop_money").number("amount")),)


def _person(raw: Record) -> Person | None:
    customer = raw.one_or_none("customer")
    email, phone = raw.text_or_empty("email"), raw.text_or_empty("phone")
    if customer is None:
        return Person(email=email, phone=phone) if email or phone else None
    names = (customer.text_or_empty("first_name"), customer.text_or_empty("last_name"))
    return Person(
        channel_customer_id=customer.key("id"),
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
        region=raw.text_or_empty("province_code"),
        postal_code=raw.text_or_empty("zip"),
        country=raw.text_or_empty("country_code"),
        phone=raw.text_or_empty("phone"),
    )
