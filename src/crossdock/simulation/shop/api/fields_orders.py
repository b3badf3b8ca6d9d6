"""GraphQL fields of orders and what hangs below them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from crossdock.simulation.shop.api.fields_catalogue import utc
from crossdock.simulation.shop.api.paging import Page, Rank, page, plain_page
from crossdock.simulation.shop.api.search import Row
from crossdock.simulation.shop.api.table import Call, Table, bad_request, table
from crossdock.simulation.shop.books import Books
from crossdock.simulation.shop.model import ZERO, Address, Customer, Order, OrderLine, Payment
from crossdock.simulation.shop.pricing import LineSum, rounded, tax_of
from crossdock.simulation.shop.rest_parts import gid
from crossdock.simulation.shop.rest_shape import DEFAULT_VARIANT, GATEWAY

FULFILLMENT_STATUS: Final = {
    None: "UNFULFILLED",
    "partial": "PARTIALLY_FULFILLED",
    "fulfilled": "FULFILLED",
    "restocked": "RESTOCKED",
}


@dataclass(frozen=True, slots=True)
class Both:
    """An amount of an order in shop and presentment money."""

    order: Order
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Sum:
    """An amount in one currency."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class LineView:
    """A line with the order around it."""

    order: Order
    line: OrderLine

    @property
    def worked(self) -> LineSum:
        """The line's money as bought."""
        position = next(index for index, line in enumerate(self.order.lines) if line is self.line)
        return self.order.original_sum().lines[position]


@dataclass(frozen=True, slots=True)
class TaxView:
    """Tax of one rate."""

    order: Order
    rate: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class PaymentView:
    """A payment with the order around it."""

    order: Order
    payment: Payment


@dataclass(frozen=True, slots=True)
class ShippingView:
    """The order's one shipping line."""

    order: Order


def order_page(call: Call) -> Page:
    """Orders as far as search knows them; its index may trail behind."""
    sort = call.arguments.text_or_none("sortKey") or "PROCESSED_AT"
    books = call.books

    def rank(order: Order) -> Rank:
        if sort in ("ID", "ORDER_NUMBER"):
            return ("", order.id)
        moment = books.indexed_at(order) if sort == "UPDATED_AT" else order.created_at
        return (utc(moment) or "", order.id)

    if sort not in ("ID", "ORDER_NUMBER", "UPDATED_AT", "CREATED_AT", "PROCESSED_AT"):
        raise bad_request(f"the rehearsal shop does not sort orders by {sort}")
    known = [order for order in books.orders.values() if books.indexed_at(order) is not None]
    return page(known, call.arguments, rank=rank, row=lambda order: _row(books, order))


def _row(books: Books, order: Order) -> Row:
    return {
        "id": order.id,
        "name": [order.name, str(order.number)],
        "email": order.customer.email,
        "created_at": order.created_at,
        "processed_at": order.created_at,
        "updated_at": books.indexed_at(order),
        "financial_status": order.financial_status,
        "fulfillment_status": order.fulfillment_status or "unfulfilled",
        "status": "cancelled" if order.cancelled_at else "closed" if order.closed_at else "open",
    }


def _taxes(order: Order, amounts: Sequence[tuple[Decimal, Decimal]]) -> list[TaxView]:
    by_rate: dict[Decimal, Decimal] = {}
    for rate, amount in amounts:
        by_rate[rate] = by_rate.get(rate, ZERO) + amount
    return [TaxView(order, rate, amount) for rate, amount in by_rate.items() if rate]


def _order_taxes(order: Order) -> list[TaxView]:
    worked = order.original_sum()
    amounts = [(line.variant.tax_rate, each.tax) for line, each in zip(order.lines, worked.lines, strict=True)]
    return _taxes(order, [*amounts, (order.shipping.tax_rate, worked.shipping_tax)])


def _shipping_taxes(order: Order) -> list[TaxView]:
    price, rate = order.shipping.price, order.shipping.tax_rate
    amount = tax_of(price, rate, currency=order.currency, taxes_included=order.taxes_included)
    return _taxes(order, [(rate, amount)])


def _trimmed(amount: Decimal) -> str:
    """GraphQL drops trailing zeros but keeps one decimal: 398.0, not 398.00 as REST."""
    text = format(amount.normalize(), "f")
    return text if "." in text else f"{text}.0"


def _first(rows: Sequence[object], call: Call) -> Sequence[object]:
    return rows[: call.arguments.whole_or_none("first") or len(rows)]


def _variant_title(it: LineView) -> str | None:
    return None if it.line.variant.title == DEFAULT_VARIANT else it.line.variant.title


TABLES: Final[dict[str, Table]] = {
    "Order": table(
        Order,
        {
            "id": lambda it, _: gid("Order", it.id),
            "legacyResourceId": lambda it, _: str(it.id),
            "name": lambda it, _: it.name,
            "number": lambda it, _: it.number,
            "note": lambda it, _: it.note or None,
            "tags": lambda it, _: it.tags,
            "test": lambda _it, _: False,
            "confirmed": lambda _it, _: True,
            "edited": lambda it, _: it.edited,
            "email": lambda it, _: it.customer.email,
            "phone": lambda _it, _: None,
            "sourceName": lambda _it, _: "web",
            "sourceIdentifier": lambda _it, _: None,
            "currencyCode": lambda it, _: it.currency,
            "presentmentCurrencyCode": lambda it, _: it.presentment_currency,
            "taxesIncluded": lambda it, _: it.taxes_included,
            "createdAt": lambda it, _: utc(it.created_at),
            "processedAt": lambda it, _: utc(it.created_at),
            "updatedAt": lambda it, _: utc(it.updated_at),
            "cancelledAt": lambda it, _: utc(it.cancelled_at),
            "cancelReason": lambda it, _: it.cancel_reason.upper() if it.cancel_reason else None,
            "closedAt": lambda it, _: utc(it.closed_at),
            "displayFinancialStatus": lambda it, _: it.financial_status.upper(),
            "displayFulfillmentStatus": lambda it, _: FULFILLMENT_STATUS[it.fulfillment_status],
            "customer": lambda it, _: it.customer,
            "billingAddress": lambda it, _: it.customer.address,
            "shippingAddress": lambda it, _: it.customer.address,
            "paymentGatewayNames": lambda it, _: [GATEWAY] if it.payments else [],
            "discountCodes": lambda it, _: [it.discount_code] if it.discount_code else [],
            "subtotalPriceSet": lambda it, _: Both(it, it.original_sum().subtotal),
            "totalDiscountsSet": lambda it, _: Both(it, it.original_sum().discounts),
            "totalPriceSet": lambda it, _: Both(it, it.original_sum().total),
            "totalShippingPriceSet": lambda it, _: Both(it, it.shipping.price),
            "totalTaxSet": lambda it, _: Both(it, it.original_sum().tax),
            "currentSubtotalPriceSet": lambda it, _: Both(it, it.current_sum().subtotal),
            "currentTotalDiscountsSet": lambda it, _: Both(it, it.current_sum().discounts),
            "currentTotalPriceSet": lambda it, _: Both(it, it.current_sum().total),
            "currentTotalTaxSet": lambda it, _: Both(it, it.current_sum().tax),
            "currentTotalDutiesSet": lambda _it, _: None,
            "currentTotalAdditionalFeesSet": lambda _it, _: None,
            "totalTipReceivedSet": lambda it, _: Both(it, ZERO),
            "taxLines": lambda it, _: _order_taxes(it),
            "lineItems": lambda it, call: plain_page(
                [LineView(it, line) for line in it.lines], call.arguments, lambda each: each.line.id
            ),
            "shippingLines": lambda it, call: plain_page(
                [ShippingView(it)], call.arguments, lambda each: each.order.shipping_line_id
            ),
            "transactions": lambda it, call: _first([PaymentView(it, each) for each in it.payments], call),
            "fulfillments": lambda it, call: _first(it.fulfillments, call),
            "fulfillmentOrders": lambda it, call: plain_page(
                it.fulfillment_orders, call.arguments, lambda each: each.id
            ),
        },
    ),
    "Customer": table(
        Customer,
        {
            "id": lambda it, _: gid("Customer", it.id),
            "legacyResourceId": lambda it, _: str(it.id),
            "firstName": lambda it, _: it.address.first_name,
            "lastName": lambda it, _: it.address.last_name,
            "displayName": lambda it, _: it.address.name,
            "createdAt": lambda it, _: utc(it.created_at),
        },
    ),
    "MailingAddress": table(
        Address,
        {
            "firstName": lambda it, _: it.first_name,
            "lastName": lambda it, _: it.last_name,
            "name": lambda it, _: it.name,
            "company": lambda _it, _: None,
            "address1": lambda it, _: it.address1,
            "address2": lambda _it, _: None,
            "city": lambda it, _: it.city,
            "zip": lambda it, _: it.zip,
            "province": lambda it, _: it.province or None,
            "provinceCode": lambda it, _: it.province_code or None,
            "country": lambda it, _: it.country,
            "countryCodeV2": lambda it, _: it.country_code,
            "phone": lambda it, _: it.phone or None,
        },
    ),
    "MoneyBag": table(
        Both,
        {
            "shopMoney": lambda it, _: Sum(rounded(it.amount, it.order.currency), it.order.currency),
            "presentmentMoney": lambda it, _: Sum(
                rounded(it.amount * it.order.presentment_rate, it.order.presentment_currency),
                it.order.presentment_currency,
            ),
        },
    ),
    "MoneyV2": table(Sum, {"amount": lambda it, _: _trimmed(it.amount), "currencyCode": lambda it, _: it.currency}),
    "TaxLine": table(
        TaxView,
        {
            "title": lambda _it, _: "Tax",
            "rate": lambda it, _: float(it.rate),
            "priceSet": lambda it, _: Both(it.order, it.amount),
        },
    ),
    "DiscountAllocation": table(Both, {"allocatedAmountSet": lambda it, _: it}),
    "LineItem": table(
        LineView,
        {
            "id": lambda it, _: gid("LineItem", it.line.id),
            "name": lambda it, _: it.line.variant.product_title,
            "title": lambda it, _: it.line.variant.product_title,
            "variantTitle": lambda it, _: _variant_title(it),
            "sku": lambda it, _: it.line.variant.sku,
            "quantity": lambda it, _: it.line.quantity,
            "currentQuantity": lambda it, _: it.line.current_quantity,
            "unfulfilledQuantity": lambda it, _: it.line.fulfillable_quantity,
            "requiresShipping": lambda _it, _: True,
            "taxable": lambda it, _: bool(it.line.variant.tax_rate),
            "isGiftCard": lambda _it, _: False,
            "variant": lambda it, _: it.line.variant,
            "product": lambda it, call: call.books.catalogue.products[it.line.variant.product_id],
            "originalUnitPriceSet": lambda it, _: Both(it.order, it.line.unit_price),
            "originalTotalSet": lambda it, _: Both(it.order, it.worked.gross),
            "totalDiscountSet": lambda it, _: Both(it.order, ZERO),
            "discountAllocations": lambda it, _: [Both(it.order, it.worked.discount)] if it.worked.discount else [],
            "taxLines": lambda it, _: _taxes(it.order, [(it.line.variant.tax_rate, it.worked.tax)]),
        },
    ),
    "ShippingLine": table(
        ShippingView,
        {
            "id": lambda it, _: gid("ShippingLine", it.order.shipping_line_id),
            "code": lambda it, _: it.order.shipping_title,
            "title": lambda it, _: it.order.shipping_title,
            "originalPriceSet": lambda it, _: Both(it.order, it.order.shipping.price),
            "discountedPriceSet": lambda it, _: Both(it.order, it.order.shipping.price),
            "taxLines": lambda it, _: _shipping_taxes(it.order),
        },
    ),
    "OrderTransaction": table(
        PaymentView,
        {
            "id": lambda it, _: gid("OrderTransaction", it.payment.id),
            "kind": lambda it, _: it.payment.kind.upper(),
            "status": lambda _it, _: "SUCCESS",
            "gateway": lambda _it, _: GATEWAY,
            "amountSet": lambda it, _: Both(it.order, it.payment.amount),
            "createdAt": lambda it, _: utc(it.payment.created_at),
            "processedAt": lambda it, _: utc(it.payment.created_at),
        },
    ),
}
