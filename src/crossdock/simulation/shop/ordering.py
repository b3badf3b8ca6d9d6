"""What happens to an order and its stock when a customer buys, pays, edits or cancels."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

import msgspec

from crossdock.simulation.shop.books import Books
from crossdock.simulation.shop.model import (
    Address,
    Customer,
    FulfillmentOrder,
    FulfillmentOrderLine,
    Order,
    OrderLine,
    Oversold,
    Payment,
    Refund,
    RefundLine,
    Variant,
)
from crossdock.simulation.shop.pricing import PricedShipping, rounded, spread

FIRST_NAMES: Final = ("Ada", "Björn", "Chloé", "Dmitri", "Esra", "Farah", "Giulia", "Hiro", "Inês", "José")
LAST_NAMES: Final = ("Andersson", "Brown", "Çelik", "Dubois", "Evans", "Fischer", "García", "Haddad", "Ito", "Jensen")
STREETS: Final = ("High Street", "Station Road", "Mill Lane", "Market Square", "Harbour Way")
CITIES: Final = (("Springfield", "62701"), ("Riverside", "92501"), ("Fairview", "07022"), ("Salem", "97301"))


class PurchaseLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units of one SKU."""

    sku: str
    quantity: int


class Purchase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A filled basket at the till of the web shop."""

    lines: tuple[PurchaseLine, ...]
    discount: Decimal = Decimal(0)
    """Taken off the whole basket, shared over its lines by value."""
    discount_code: str = ""
    shipping: Decimal = Decimal(0)
    payment: Literal["paid", "authorized", "pending"] = "paid"
    oversell: bool = False
    """Sold although too little is available: two buyers in the same second."""
    truth: dict[str, int] | None = None
    """Units that really exist per SKU at this moment, when the rehearsal knows; the auditor compares."""
    presentment_currency: str = ""
    presentment_rate: Decimal = Decimal(1)
    note: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutOfStock:
    """The storefront said no."""

    sku: str
    wanted: int
    available: int


@dataclass(frozen=True, slots=True)
class NotSold:
    """The basket makes no sense: an unknown SKU, no units, a discount beyond its value."""

    reason: str


PlaceOutcome = Order | OutOfStock | NotSold


def place(books: Books, purchase: Purchase) -> PlaceOutcome:
    """Turn a basket into an order and commit its stock; nothing changes unless an order is answered."""
    refusal = _refusal(books, purchase)
    if refusal is not None:
        return refusal
    now = books.second()
    currency = books.seed.currency
    variants = [books.catalogue.by_sku[line.sku] for line in purchase.lines]
    grosses = [rounded(v.price * line.quantity, currency) for v, line in zip(variants, purchase.lines, strict=True)]
    shares = spread(rounded(purchase.discount, currency), grosses, currency)
    order = Order(
        id=next(books.ids),
        number=next(books.numbers),
        currency=currency,
        presentment_currency=purchase.presentment_currency or currency,
        presentment_rate=purchase.presentment_rate,
        taxes_included=books.seed.taxes_included,
        lines=[
            OrderLine(next(books.ids), variant, line.quantity, variant.price, share)
            for variant, line, share in zip(variants, purchase.lines, shares, strict=True)
        ],
        shipping=PricedShipping(rounded(purchase.shipping, currency), books.seed.shipping_tax_rate),
        shipping_line_id=next(books.ids),
        shipping_title="Standard",
        discount_code=purchase.discount_code or ("WELCOME" if purchase.discount else ""),
        customer=_customer(books),
        financial_status=purchase.payment,
        payments=[],
        token=books.token(),
        note=purchase.note,
        tags=purchase.tags,
        created_at=now,
        updated_at=now,
    )
    if purchase.payment != "pending":
        kind: Literal["sale", "authorization"] = "sale" if purchase.payment == "paid" else "authorization"
        order.payments.append(Payment(next(books.ids), kind, order.original_sum().total, now))
    _note_oversold(books, order, purchase)
    books.orders[order.id] = order
    for line in order.lines:
        _commit(books, order, line, line.quantity)
    return order


def pay(books: Books, order: Order) -> str | None:
    """Capture an authorization or receive a pending amount, whole."""
    if order.cancelled_at is not None or order.financial_status not in ("pending", "authorized"):
        return f"order is {order.financial_status}"
    kind: Literal["sale", "capture"] = "capture" if order.financial_status == "authorized" else "sale"
    order.payments.append(Payment(next(books.ids), kind, order.current_sum().total, books.second()))
    order.financial_status = "paid"
    return None


def cancel(books: Books, order: Order, *, reason: str, restock: bool, refund: bool = True) -> str | None:
    """Take back all units, and the money unless it stays; impossible once a parcel left or a second time."""
    if order.cancelled_at is not None:
        return "order was already cancelled"
    if order.fulfillments:
        return "order has fulfilments that cannot be cancelled"
    removed = [(line, line.current_quantity) for line in order.lines if line.current_quantity]
    refund_lines = tuple(
        take_off(books, order, line, quantity, restock=restock, cause="cancel") for line, quantity in removed
    )
    now = books.second()
    payments: tuple[Payment, ...] = ()
    if order.financial_status in ("paid", "partially_refunded"):
        if refund:
            payments = (Payment(next(books.ids), "refund", order.held, now),)
            order.financial_status = "refunded"
    else:
        if order.financial_status == "authorized":
            order.payments.append(Payment(next(books.ids), "void", Decimal(0), now))
        order.financial_status = "voided"
    order.payments.extend(payments)
    order.refunds.append(Refund(next(books.ids), now, "", restock, refund_lines, payments))
    order.cancelled_at, order.closed_at, order.cancel_reason = now, now, reason
    for each in order.fulfillment_orders:
        each.status, each.updated_at = "CANCELLED", now
    return None


def edit(books: Books, order: Order, *, remove: Mapping[int, int], add: Mapping[str, int]) -> str | None:
    """Staff takes units off lines and adds lines; money differences stay open, as with the vendor."""
    if order.cancelled_at is not None:
        return "order was cancelled"
    by_id = {line.id: line for line in order.lines}
    for line_id, quantity in remove.items():
        if line_id not in by_id or not 0 < quantity <= by_id[line_id].fulfillable_quantity:
            return f"cannot take {quantity} units off line {line_id}"
    for sku, quantity in add.items():
        if sku not in books.catalogue.by_sku or quantity <= 0:
            return f'cannot add {quantity} units of "{sku}"'
    for line_id, quantity in remove.items():
        take_off(books, order, by_id[line_id], quantity, restock=True, cause="edit")
    for sku, quantity in add.items():
        variant = books.catalogue.by_sku[sku]
        line = OrderLine(next(books.ids), variant, quantity, variant.price, Decimal(0))
        order.lines.append(line)
        _commit(books, order, line, quantity)
    order.edited = True
    return None


def _refusal(books: Books, purchase: Purchase) -> OutOfStock | NotSold | None:
    wanted: dict[str, int] = {}
    for line in purchase.lines:
        if line.sku not in books.catalogue.by_sku:
            return NotSold(f'there is no SKU "{line.sku}"')
        if line.quantity <= 0:
            return NotSold(f'{line.quantity} units of "{line.sku}" cannot be bought')
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    if not wanted:
        return NotSold("the basket is empty")
    value = sum((books.catalogue.by_sku[sku].price * quantity for sku, quantity in wanted.items()), Decimal(0))
    if not 0 <= purchase.discount <= value:
        return NotSold(f"a discount of {purchase.discount} does not fit a basket of {value}")
    for sku, quantity in wanted.items():
        variant = books.catalogue.by_sku[sku]
        available = books.stock.available(variant)
        if quantity > available and not (purchase.oversell or variant.oversell):
            return OutOfStock(sku, quantity, available)
    return None


def _note_oversold(books: Books, order: Order, purchase: Purchase) -> None:
    """Per SKU: what was bought beyond what existed (if the rehearsal told) or beyond what the shop believed."""
    wanted: dict[str, tuple[Variant, int]] = {}
    for line in order.lines:
        wanted[line.variant.sku] = (line.variant, wanted.get(line.variant.sku, (line.variant, 0))[1] + line.quantity)
    for sku, (variant, quantity) in wanted.items():
        believed = books.stock.available(variant)
        truth = None if purchase.truth is None else purchase.truth.get(sku)
        beyond = quantity - max(0, believed if truth is None else truth)
        if beyond > 0:
            books.oversold.append(Oversold(order.created_at, order.id, sku, beyond, believed, truth))


def _commit(books: Books, order: Order, line: OrderLine, quantity: int) -> None:
    """Claim stock for a line and put it on the fulfilment order of each location that is to send."""
    now = books.second()
    for location_id, part in books.stock.place(line.variant, quantity).items():
        key = (line.variant.inventory_item_id, location_id)
        books.stock.shift(key, {"available": -part, "committed": part}, at=now, cause="order", reference=order.name)
        work = _open_work(books, order, location_id)
        work.lines.append(FulfillmentOrderLine(next(books.ids), line.id, part, part))
        work.updated_at = now


def _open_work(books: Books, order: Order, location_id: int) -> FulfillmentOrder:
    for each in order.fulfillment_orders:
        if each.location_id == location_id and each.status == "OPEN":
            return each
    now = books.second()
    work = FulfillmentOrder(next(books.ids), order.id, location_id, [], "OPEN", now, now)
    order.fulfillment_orders.append(work)
    books.fulfillment_orders[work.id] = work
    return work


def take_off(
    books: Books,
    order: Order,
    line: OrderLine,
    quantity: int,
    *,
    restock: bool,
    cause: str,
    first: int | None = None,
) -> RefundLine:
    """Release committed units of a line: those at *first*, then the latest placed."""
    before = order.current_sum()
    left, location_id = quantity, None
    works = [work for work in order.fulfillment_orders if work.location_id != first]
    works += [work for work in order.fulfillment_orders if work.location_id == first]
    for work in reversed(works):
        for part in (each for each in work.lines if each.line_id == line.id and each.remaining):
            take = min(left, part.remaining)
            if not take:
                break
            part.remaining -= take
            part.total -= take
            left -= take
            location_id = work.location_id
            books.stock.shift(
                (line.variant.inventory_item_id, work.location_id),
                {"committed": -take, "available": take} if restock else {"committed": -take},
                at=books.second(),
                cause=cause,
                reference=order.name,
            )
        if work.status in ("OPEN", "IN_PROGRESS") and not any(part.remaining for part in work.lines):
            work.status = "CLOSED"
    assert left == 0, (order.name, line.id, quantity, left)
    line.removed += quantity
    after = order.current_sum()
    return RefundLine(
        id=next(books.ids),
        line_id=line.id,
        location_id=location_id if restock else None,
        quantity=quantity,
        restock_type="cancel" if restock else "no_restock",
        subtotal=before.subtotal - after.subtotal,
        total_tax=sum((each.tax for each in before.lines), Decimal(0))
        - sum((each.tax for each in after.lines), Decimal(0)),
    )


def _customer(books: Books) -> Customer:
    chance = books.chance
    first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
    city, zip_code = chance.choice(CITIES)
    address = Address(
        first_name=first,
        last_name=last,
        address1=f"{chance.randint(1, 200)} {chance.choice(STREETS)}",
        city=city,
        zip=zip_code,
        country=books.seed.country,
        country_code=books.seed.country_code,
    )
    customer_id = next(books.ids)
    return Customer(customer_id, f"customer{customer_id}@example.com", address, books.second())
