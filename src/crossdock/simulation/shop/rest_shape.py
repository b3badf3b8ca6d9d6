"""Webhook bodies: the vendor's REST shape of an order, a fulfilment and a level."""

from collections.abc import Callable, Mapping
from typing import Final

from crossdock.simulation.shop.books import Books
from crossdock.simulation.shop.model import Fulfillment, Level, Order, OrderLine, Payment, Refund, RefundLine
from crossdock.simulation.shop.pricing import LineSum, tax_of
from crossdock.simulation.shop.rest_parts import ZERO, Json, Writer, address_body, customer_body, gid, shop_time

DEFAULT_VARIANT: Final = "Default Title"
GATEWAY: Final = "bogus"
INSIDE_ORDERS_ONLY: Final = frozenset({"attributed_staffs", "current_quantity"})


def order_body(books: Books, order: Order) -> Mapping[str, Json]:
    """An order as `orders/*` webhooks carry it."""
    write = Writer(books, order)
    return {
        **_order_head(books, order, write),
        **_order_money(order, write),
        "billing_address": address_body(order.customer.address),
        "customer": customer_body(books, order.customer, order.currency),
        "discount_applications": _discount_applications(order, write),
        "fulfillments": [_parcel(order, each, Writer(books, order), _line) for each in order.fulfillments],
        "line_items": _lines(order, write),
        "payment_terms": None,
        "refunds": [_refund(order, refund, write) for refund in order.refunds],
        "shipping_address": address_body(order.customer.address),
        "shipping_lines": [_shipping_line(order, write)],
    }


def fulfillment_body(books: Books, order: Order, fulfillment: Fulfillment) -> Mapping[str, Json]:
    """A parcel as `fulfillments/*` webhooks carry it: its lines say less than those inside an order."""

    def short_line(line: OrderLine, worked: LineSum, write: Writer) -> Mapping[str, Json]:
        return {name: value for name, value in _line(line, worked, write).items() if name not in INSIDE_ORDERS_ONLY}

    return _parcel(order, fulfillment, Writer(books, order), short_line)


LineBody = Callable[[OrderLine, LineSum, Writer], Mapping[str, Json]]


def _parcel(order: Order, fulfillment: Fulfillment, write: Writer, line_body: LineBody) -> Mapping[str, Json]:
    quantities = {line.line_id: line.quantity for line in fulfillment.lines}
    sums = dict(zip((line.id for line in order.lines), order.original_sum().lines, strict=True))
    numbers, urls = fulfillment.tracking.numbers, fulfillment.tracking.urls
    return {
        "id": fulfillment.id,
        "admin_graphql_api_id": gid("Fulfillment", fulfillment.id),
        "created_at": write.time(fulfillment.created_at),
        "location_id": fulfillment.location_id,
        "name": fulfillment.name,
        "order_id": order.id,
        "origin_address": {},
        "receipt": {},
        "service": "manual",
        "shipment_status": None,
        "status": "success",
        "tracking_company": fulfillment.tracking.company,
        "tracking_number": numbers[0] if numbers else None,
        "tracking_numbers": list(numbers),
        "tracking_url": urls[0] if urls else None,
        "tracking_urls": list(urls),
        "updated_at": write.time(fulfillment.created_at),
        "line_items": [
            {**line_body(line, sums[line.id], write), "quantity": quantities[line.id]}
            for line in order.lines
            if line.id in quantities
        ],
    }


def inventory_level_body(books: Books, level: Level) -> Mapping[str, Json]:
    """A level as `inventory_levels/update` carries it."""
    return {
        "inventory_item_id": level.item_id,
        "location_id": level.location_id,
        "available": level.quantity("available"),
        "updated_at": shop_time(books, level.updated_at),
        "admin_graphql_api_id": f"{gid('InventoryLevel', level.id)}?inventory_item_id={level.item_id}",
    }


def _order_head(books: Books, order: Order, write: Writer) -> Mapping[str, Json]:
    return {
        "id": order.id,
        "admin_graphql_api_id": gid("Order", order.id),
        "app_id": None,
        "browser_ip": None,
        "buyer_accepts_marketing": False,
        "cancel_reason": order.cancel_reason,
        "cancelled_at": write.time(order.cancelled_at),
        "cart_token": None,
        "checkout_id": None,
        "checkout_token": None,
        "client_details": None,
        "closed_at": write.time(order.closed_at),
        "confirmation_number": None,
        "confirmed": True,
        "contact_email": order.customer.email,
        "created_at": write.time(order.created_at),
        "currency": order.currency,
        "customer_locale": None,
        "device_id": None,
        "discount_codes": _discount_codes(order, write),
        "duties_included": False,
        "email": order.customer.email,
        "estimated_taxes": False,
        "financial_status": order.financial_status,
        "fulfillment_status": order.fulfillment_status,
        "landing_site": None,
        "landing_site_ref": None,
        "location_id": None,
        "merchant_business_entity_id": "MTU0ODM4MDAwOQ",
        "merchant_of_record_app_id": None,
        "name": order.name,
        "note": order.note or None,
        "note_attributes": [],
        "number": order.number - 1000,
        "order_number": order.number,
        "order_status_url": f"https://{books.seed.domain}/orders/{order.token}/authenticate",
        "payment_gateway_names": [GATEWAY] if order.payments else [],
        "phone": None,
        "po_number": None,
        "presentment_currency": order.presentment_currency,
        "processed_at": write.time(order.created_at),
        "reference": None,
        "referring_site": None,
        "source_identifier": None,
        "source_name": "web",
        "source_url": None,
        "tags": ", ".join(order.tags),
        "tax_exempt": False,
        "taxes_included": order.taxes_included,
        "test": False,
        "token": order.token,
        "total_weight": sum(line.variant.grams * line.quantity for line in order.lines),
        "updated_at": write.time(order.updated_at),
        "user_id": None,
    }


def _order_money(order: Order, write: Writer) -> Mapping[str, Json]:
    bought, current = order.original_sum(), order.current_sum()
    rates = [line.variant.tax_rate for line in order.lines]
    taxes = [(rate, line.tax) for rate, line in zip(rates, bought.lines, strict=True)]
    open_amount = current.total if order.financial_status in ("pending", "authorized") else ZERO
    return {
        "current_total_additional_fees_set": None,
        "current_total_duties_set": None,
        "original_total_additional_fees_set": None,
        "original_total_duties_set": None,
        **write.pair("current_subtotal_price", current.subtotal),
        **write.pair("current_total_discounts", current.discounts),
        **write.pair("current_total_price", current.total),
        **write.pair("current_total_tax", current.tax),
        **write.pair("subtotal_price", bought.subtotal),
        **write.pair("total_discounts", bought.discounts),
        **write.pair("total_line_items_price", bought.line_items),
        **write.pair("total_price", bought.total),
        **write.pair("total_tax", bought.tax),
        "tax_lines": write.tax_lines([*taxes, (order.shipping.tax_rate, bought.shipping_tax)]),
        "total_cash_rounding_payment_adjustment_set": write.both(ZERO),
        "total_cash_rounding_refund_adjustment_set": write.both(ZERO),
        "total_outstanding": write.money(open_amount),
        "total_shipping_price_set": write.both(order.shipping.price),
        "total_tip_received": write.money(ZERO),
    }


def _lines(order: Order, write: Writer) -> list[Json]:
    sums = order.original_sum().lines
    return [_line(line, worked, write) for line, worked in zip(order.lines, sums, strict=True)]


def _line(line: OrderLine, worked: LineSum, write: Writer) -> Mapping[str, Json]:
    variant = line.variant
    titled = variant.title != DEFAULT_VARIANT
    status = None if not line.fulfilled else "partial" if line.fulfillable_quantity else "fulfilled"
    allocation: Json = {
        "amount": write.money(worked.discount),
        "amount_set": write.both(worked.discount),
        "discount_application_index": 0,
    }
    return {
        "id": line.id,
        "admin_graphql_api_id": gid("LineItem", line.id),
        "attributed_staffs": [],
        "current_quantity": line.current_quantity,
        "fulfillable_quantity": line.fulfillable_quantity,
        "fulfillment_service": "manual",
        "fulfillment_status": status,
        "gift_card": False,
        "grams": variant.grams,
        "name": f"{variant.product_title} - {variant.title}" if titled else variant.product_title,
        **write.pair("price", line.unit_price),
        "product_exists": True,
        "product_id": variant.product_id,
        "properties": [],
        "quantity": line.quantity,
        "requires_shipping": True,
        "sku": variant.sku,
        "taxable": bool(variant.tax_rate),
        "title": variant.product_title,
        # The vendor counts only discounts of the line itself here; shares of the order's discount stand below.
        **write.pair("total_discount", ZERO),
        "variant_id": variant.id,
        "variant_inventory_management": "shopify",
        "variant_title": variant.title if titled else None,
        "vendor": None,
        "tax_lines": write.tax_lines([(variant.tax_rate, worked.tax)]),
        "duties": [],
        "discount_allocations": [allocation] if worked.discount else [],
    }


def _shipping_line(order: Order, write: Writer) -> Json:
    price, rate = order.shipping.price, order.shipping.tax_rate
    tax = tax_of(price, rate, currency=order.currency, taxes_included=order.taxes_included)
    return {
        "id": order.shipping_line_id,
        "carrier_identifier": None,
        "code": order.shipping_title,
        **write.pair("discounted_price", price),
        "is_removed": False,
        "phone": None,
        **write.pair("price", price),
        "requested_fulfillment_service_id": None,
        "source": "shopify",
        "title": order.shipping_title,
        "tax_lines": write.tax_lines([(rate, tax)]),
        "discount_allocations": [],
    }


def _discount_codes(order: Order, write: Writer) -> list[Json]:
    taken = sum((line.discount for line in order.lines), ZERO)
    if not taken:
        return []
    return [{"code": order.discount_code, "amount": write.money(taken), "type": "fixed_amount"}]


def _discount_applications(order: Order, write: Writer) -> list[Json]:
    taken = sum((line.discount for line in order.lines), ZERO)
    if not taken:
        return []
    application: Json = {
        "target_type": "line_item",
        "type": "discount_code",
        "value": write.money(taken),
        "value_type": "fixed_amount",
        "allocation_method": "across",
        "target_selection": "all",
        "code": order.discount_code,
    }
    return [application]


def _refund(order: Order, refund: Refund, write: Writer) -> Json:
    return {
        "id": refund.id,
        "admin_graphql_api_id": gid("Refund", refund.id),
        "created_at": write.time(refund.created_at),
        "note": refund.note or None,
        "order_id": order.id,
        "processed_at": write.time(refund.created_at),
        "restock": refund.restock,
        "total_additional_fees_set": write.both(ZERO),
        "total_duties_set": write.both(ZERO),
        "user_id": None,
        "order_adjustments": [],
        "transactions": [_payment(order, payment, write) for payment in refund.payments],
        "refund_line_items": [_refund_line(order, line, write) for line in refund.lines],
        "duties": [],
        "additional_fees": [],
    }


def _refund_line(order: Order, refunded: RefundLine, write: Writer) -> Json:
    position = next(index for index, line in enumerate(order.lines) if line.id == refunded.line_id)
    return {
        "id": refunded.id,
        "line_item_id": refunded.line_id,
        "location_id": refunded.location_id,
        "quantity": refunded.quantity,
        "restock_type": refunded.restock_type,
        "subtotal": refunded.subtotal,
        "subtotal_set": write.both(refunded.subtotal),
        "total_tax": refunded.total_tax,
        "total_tax_set": write.both(refunded.total_tax),
        "line_item": _line(order.lines[position], order.original_sum().lines[position], write),
    }


def _payment(order: Order, payment: Payment, write: Writer) -> Json:
    return {
        "id": payment.id,
        "admin_graphql_api_id": gid("OrderTransaction", payment.id),
        "amount": write.money(payment.amount),
        "authorization": None,
        "created_at": write.time(payment.created_at),
        "currency": order.currency,
        "device_id": None,
        "error_code": None,
        "gateway": GATEWAY,
        "kind": payment.kind,
        "location_id": None,
        "message": None,
        "order_id": order.id,
        "parent_id": None,
        "payment_id": f"{order.name}.{payment.id}",
        "processed_at": write.time(payment.created_at),
        "receipt": {},
        "source_name": "web",
        "status": "success",
        "test": False,
        "user_id": None,
    }
