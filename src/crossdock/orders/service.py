"""Use cases of orders. All take the transaction; those that change something lock their orders in key order first."""

from crossdock.fulfilment.model import Shipping
from crossdock.orders.closing.model import LinesCancelled, LinesOutcome, NotOpen
from crossdock.orders.closing.service import Cancellation, cancel, cancel_lines, cancel_many, ship, ship_many
from crossdock.orders.forgetting.service import forget, of_contacts
from crossdock.orders.holding.service import Known, hold_order, release_hold, standing
from crossdock.orders.intake.service import Acceptance, accept_many
from crossdock.orders.news.service import apply_change
from crossdock.orders.placing.service import Causes, held_for_items, look_at_waiting, place, retry_backorders
from crossdock.orders.reading.service import (
    View,
    called,
    cancellation_document,
    contact_of,
    find,
    fulfilment_report,
    get,
    get_many,
    invoice_document,
    list_orders,
    open_orders,
    sale_document,
    shipment_document,
)
from crossdock.orders.repromising.service import Shortage, repromise
from crossdock.orders.standing.service import orders_of

__all__ = [
    "Acceptance",
    "Cancellation",
    "Causes",
    "Known",
    "LinesCancelled",
    "LinesOutcome",
    "NotOpen",
    "Shipping",
    "Shortage",
    "View",
    "accept_many",
    "apply_change",
    "called",
    "cancel",
    "cancel_lines",
    "cancel_many",
    "cancellation_document",
    "contact_of",
    "find",
    "forget",
    "fulfilment_report",
    "get",
    "get_many",
    "held_for_items",
    "hold_order",
    "invoice_document",
    "list_orders",
    "look_at_waiting",
    "of_contacts",
    "open_orders",
    "orders_of",
    "place",
    "release_hold",
    "repromise",
    "retry_backorders",
    "sale_document",
    "ship",
    "ship_many",
    "shipment_document",
    "standing",
]
