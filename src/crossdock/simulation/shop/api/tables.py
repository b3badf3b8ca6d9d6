"""Every type the rehearsal shop serves, its root fields, and which Python value is which GraphQL type."""

from collections.abc import Callable, Mapping
from typing import Final

from crossdock.simulation.shop.api import (
    fields_catalogue,
    fields_fulfilment,
    fields_orders,
    fields_refunds,
    fields_webhooks,
    stock_mutations,
)
from crossdock.simulation.shop.api.fields_catalogue import (
    Item,
    item_of,
    item_page,
    level_of,
    location_of,
    location_page,
    product_page,
    variant_page,
)
from crossdock.simulation.shop.api.fields_fulfilment import (
    Payload,
    SentLine,
    WorkLine,
    fulfillment_create,
    fulfillment_of,
    order_cancel,
    work_page,
)
from crossdock.simulation.shop.api.fields_orders import LineView, PaymentView, order_page
from crossdock.simulation.shop.api.fields_refunds import RefundView, refund_create
from crossdock.simulation.shop.api.fields_webhooks import (
    subscription_create,
    subscription_delete,
    subscription_of,
    subscription_page,
    subscription_update,
)
from crossdock.simulation.shop.api.paging import CONNECTION, EDGE, PAGE_INFO
from crossdock.simulation.shop.api.stock_mutations import Group, adjust_quantities, set_quantities
from crossdock.simulation.shop.api.table import GID_PREFIX, Call, Table, gid_number
from crossdock.simulation.shop.model import (
    Customer,
    Fulfillment,
    FulfillmentOrder,
    Level,
    Location,
    Order,
    Product,
    Subscription,
    Variant,
)

TYPE_OF: Final[Mapping[type, str]] = {
    Customer: "Customer",
    Fulfillment: "Fulfillment",
    FulfillmentOrder: "FulfillmentOrder",
    Group: "InventoryAdjustmentGroup",
    Item: "InventoryItem",
    Level: "InventoryLevel",
    LineView: "LineItem",
    Location: "Location",
    Order: "Order",
    PaymentView: "OrderTransaction",
    Product: "Product",
    RefundView: "Refund",
    SentLine: "FulfillmentLineItem",
    Subscription: "WebhookSubscription",
    Variant: "ProductVariant",
    WorkLine: "FulfillmentOrderLineItem",
}
TABLES: Final[Mapping[str, Table]] = {
    **fields_catalogue.TABLES,
    **fields_orders.TABLES,
    **fields_fulfilment.TABLES,
    **fields_refunds.TABLES,
    "Order": {**fields_orders.TABLES["Order"], **fields_refunds.ORDER},
    **fields_webhooks.TABLES,
    **stock_mutations.TABLES,
    "PageInfo": PAGE_INFO,
}
FIND: Final[Mapping[str, Callable[[Call, str], object]]] = {
    "Fulfillment": fulfillment_of,
    "FulfillmentOrder": lambda call, text: call.books.fulfillment_orders.get(gid_number("FulfillmentOrder", text) or 0),
    "InventoryItem": item_of,
    "InventoryLevel": level_of,
    "Location": location_of,
    "Order": lambda call, text: call.books.orders.get(gid_number("Order", text) or 0),
    "Product": lambda call, text: call.books.catalogue.products.get(gid_number("Product", text) or 0),
    "ProductVariant": lambda call, text: call.books.catalogue.variants.get(gid_number("ProductVariant", text) or 0),
    "WebhookSubscription": subscription_of,
}


def table_of(type_name: str) -> Table | None:
    """The fields of a type; connections and edges are all alike."""
    if type_name.endswith("Connection"):
        return CONNECTION
    if type_name.endswith("Edge"):
        return EDGE
    return TABLES.get(type_name)


def _found(kind: str) -> Callable[[Call], object]:
    return lambda call: FIND[kind](call, call.arguments.text("id"))


def _node(call: Call, text: str) -> object:
    kind = text.removeprefix(GID_PREFIX).partition("/")[0]
    return FIND[kind](call, text) if kind in FIND else None


def _location(call: Call) -> object:
    text = call.arguments.text_or_none("id")
    return next(iter(call.books.catalogue.locations.values())) if text is None else location_of(call, text)


QUERIES: Final[Mapping[str, Callable[[Call], object]]] = {
    "shop": lambda call: call.shop,
    "currentAppInstallation": lambda call: call.shop,
    "location": _location,
    "locations": location_page,
    "products": product_page,
    "productVariants": variant_page,
    "inventoryItem": _found("InventoryItem"),
    "inventoryItems": item_page,
    "inventoryLevel": _found("InventoryLevel"),
    "node": lambda call: _node(call, call.arguments.text("id")),
    "nodes": lambda call: [_node(call, text) for text in call.arguments.texts("ids")],
    "order": _found("Order"),
    "orders": order_page,
    "fulfillment": _found("Fulfillment"),
    "fulfillmentOrder": _found("FulfillmentOrder"),
    "fulfillmentOrders": work_page,
    "webhookSubscription": _found("WebhookSubscription"),
    "webhookSubscriptions": subscription_page,
}
MUTATIONS: Final[Mapping[str, Callable[[Call], Payload]]] = {
    "inventorySetQuantities": set_quantities,
    "inventoryAdjustQuantities": adjust_quantities,
    "fulfillmentCreate": fulfillment_create,
    "orderCancel": order_cancel,
    "refundCreate": refund_create,
    "webhookSubscriptionCreate": subscription_create,
    "webhookSubscriptionUpdate": subscription_update,
    "webhookSubscriptionDelete": subscription_delete,
}
