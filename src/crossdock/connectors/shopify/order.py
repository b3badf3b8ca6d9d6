"""An order of the shop in our words.

Webhook and poll spell it differently; both are first read into `Told`, so that one order has one canonical document
whichever way it came.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

import msgspec

from crossdock.canonical.base import ChannelCode, Tax
from crossdock.canonical.money import unit
from crossdock.canonical.orders import Address, Charge, OrderLine, OrderPlaced, Payment, PaymentStatus, Person
from crossdock.connector_kit.model import Damaged, Decoded, Received
from crossdock.connector_kit.record import Undecodable
from crossdock.foundation.misfit import in_their_words, of_field

ZERO: Final = Decimal(0)
TEXT_MAX: Final = 500
SEVERAL_TENDERS: Final = "mixed"
UNNAMED_TENDER: Final = "unnamed"
"""A gateway without a name is no reason to refuse an order: the lookup of tenders can name it."""
PAYMENT: Final[Mapping[str, PaymentStatus]] = {
    "authorized": PaymentStatus.AUTHORISED,
    "expired": PaymentStatus.PENDING,
    "paid": PaymentStatus.PAID,
    "partially_paid": PaymentStatus.PENDING,
    "partially_refunded": PaymentStatus.PAID,
    "pending": PaymentStatus.PENDING,
    "refunded": PaymentStatus.REFUNDED,
    "voided": PaymentStatus.VOIDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldTax:
    """A tax line; the rate is a fraction there."""

    title: str
    amount: Decimal
    rate: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldLine:
    """A line: amounts belong to `quantity` units, of which `current` are still wanted."""

    id: str
    sku: str
    name: str
    quantity: int
    current: int
    unit_price: Decimal
    discounts: Decimal
    taxes: tuple[ToldTax, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldCharge:
    """Shipping, tip, duties."""

    code: str
    amount: Decimal
    discount: Decimal = ZERO
    taxes: tuple[ToldTax, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What both spellings say."""

    id: str
    name: str
    currency: str
    taxes_included: bool
    created_at: datetime
    updated_at: datetime
    cancelled_at: datetime | None
    total: Decimal
    current_total: Decimal
    financial_status: str
    gateways: tuple[str, ...]
    lines: tuple[ToldLine, ...]
    charges: tuple[ToldCharge, ...]
    customer: Person | None
    ship_to: Address | None
    note: str


def key_of(order_number: str) -> str:
    """The business key under which everything about an order is applied in turn."""
    return f"order/{order_number}"


def record(
    read: Callable[[], Told],
    received: Received,
    *,
    key: str,
    path: str = "$",
    paths: Mapping[str, str] | None = None,
) -> Decoded | Damaged:
    """What *read* makes of one order, or where it cannot be read, or what of it no order can be."""
    try:
        told = read()
        return replace(decoded(told, received), paths=_where(told, paths or {}))
    except Undecodable as error:
        return Damaged(error=error, key=key)
    except ValueError as error:  # what a canonical document refuses
        place, reason = of_field(str(error), OrderPlaced)
        return Damaged(error=Undecodable(path + in_their_words(place, paths or {}).removeprefix("$"), reason), key=key)


def _where(told: Told, paths: Mapping[str, str]) -> Mapping[str, str]:
    """Lines that were taken back are left out: then nobody can say which number a line has in the message."""
    if all(line.current > 0 for line in told.lines):
        return paths
    return {ours: theirs for ours, theirs in paths.items() if ours != "$.lines"}


def decoded(told: Told, received: Received) -> Decoded:
    """One record. Its event is the order's content at a revision: second-exact times alone do not tell two apart."""
    document = placed(told, received)
    mark = received.mark(msgspec.json.encode(document))
    return Decoded(
        document=document,
        key=key_of(told.id),
        event_id=f"{key_of(told.id)}/{told.updated_at.isoformat()}/{mark}",
    )


def placed(told: Told, received: Received) -> OrderPlaced:
    """The canonical order: what is still wanted; a cancelled or fully returned one as it was bought."""
    wanted = told.cancelled_at is None and any(line.current > 0 for line in told.lines)
    total = told.current_total if wanted else told.total
    status = PAYMENT.get(told.financial_status)
    if status is None:
        raise Undecodable("$.financial_status", f'an unknown status "{told.financial_status}"')
    names = received.names.get("taxes", {})
    return OrderPlaced(
        channel=ChannelCode(received.channel or received.connection),
        channel_order_id=told.id,
        number=told.name,
        placed_at=told.created_at,
        updated_at=told.updated_at,
        cancelled_at=told.cancelled_at,
        currency=told.currency,
        prices_include_tax=told.taxes_included,
        lines=tuple(
            _line(line, line.current if wanted else line.quantity, told.currency, names)
            for line in told.lines
            if not wanted or line.current > 0
        ),
        charges=tuple(_charge(charge, told.currency, names) for charge in told.charges if _matters(charge)),
        total=_exact(total, told.currency),
        payments=_payments(told, total, status, received.names.get("tenders", {})),
        payment_status=status,
        customer=told.customer,
        ship_to=told.ship_to,
        note=told.note[:TEXT_MAX],
    )


def _line(line: ToldLine, quantity: int, currency: str, names: Mapping[str, str]) -> OrderLine:
    """Discount and tax of units that are gone go with them."""

    def share(amount: Decimal) -> Decimal:
        if quantity == line.quantity:
            return _exact(amount, currency)
        return (amount * quantity / line.quantity).quantize(unit(currency), ROUND_HALF_UP)

    return OrderLine(
        line_id=line.id,
        sku=line.sku.strip() or f"no-sku/{line.id}",
        name=line.name[:TEXT_MAX],
        quantity=Decimal(quantity),
        unit_price=_exact(line.unit_price, currency),
        discount=share(line.discounts),
        taxes=tuple(_tax(tax, share(tax.amount), names) for tax in line.taxes),
    )


def _charge(charge: ToldCharge, currency: str, names: Mapping[str, str]) -> Charge:
    return Charge(
        code=charge.code,
        amount=_exact(charge.amount, currency),
        discount=_exact(charge.discount, currency),
        taxes=tuple(_tax(tax, _exact(tax.amount, currency), names) for tax in charge.taxes),
    )


def _matters(charge: ToldCharge) -> bool:
    return bool(charge.amount or charge.discount or any(tax.amount for tax in charge.taxes))


def _tax(tax: ToldTax, amount: Decimal, names: Mapping[str, str]) -> Tax:
    code = tax.title.strip() or "tax"
    percent = None if tax.rate is None else Decimal(format((tax.rate * 100).normalize(), "f"))
    return Tax(code=names.get(code, code), amount=amount, rate=percent)


def _payments(told: Told, total: Decimal, status: PaymentStatus, names: Mapping[str, str]) -> tuple[Payment, ...]:
    """Webhooks name the gateways but not what each one took: several are one payment of a mixed tender."""
    gateways: Sequence[str] = [gateway.strip() or UNNAMED_TENDER for gateway in told.gateways]
    if not gateways or not total:
        return ()
    tender = gateways[0] if len(gateways) == 1 else SEVERAL_TENDERS
    return (Payment(tender=names.get(tender, tender), amount=_exact(total, told.currency), status=status),)


def _exact(amount: Decimal, currency: str) -> Decimal:
    """Written with the currency's places, so that 398.0 and 398.00 are one; finer amounts stay as they are."""
    rounded = amount.quantize(unit(currency), ROUND_HALF_UP)
    return rounded if rounded == amount else amount
