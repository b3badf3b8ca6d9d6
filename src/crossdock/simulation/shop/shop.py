"""The shop: what customers and its staff do to it. Webhooks and the API only show and carry what happens here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from crossdock.foundation.clock import Clock
from crossdock.foundation.ids import new_id, randomness
from crossdock.simulation.shop import fulfilling, ordering, refunding
from crossdock.simulation.shop.books import Books
from crossdock.simulation.shop.faults import Faults
from crossdock.simulation.shop.fulfilling import FulfilOutcome, Wanted
from crossdock.simulation.shop.model import Fulfillment, Level, Order, Refund, Tracking
from crossdock.simulation.shop.ordering import PlaceOutcome, Purchase
from crossdock.simulation.shop.refunding import MoneyBack, NotRefundable, Unwanted
from crossdock.simulation.shop.rest_parts import Json
from crossdock.simulation.shop.rest_shape import fulfillment_body, inventory_level_body, order_body
from crossdock.simulation.shop.seed import ShopSeed

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Announcement:
    """Something happened that subscribers may want to hear; the body is what was true at that moment."""

    topic: str
    """As the header spells it: orders/create."""
    resource: str
    """What it is about; messages of one resource can be told out of order."""
    event_id: UUID
    body: bytes
    body_before: bytes | None
    """The resource as it was announced before this change, for the rehearsal of stale messages."""
    at: datetime


class Shop:
    """One rehearsal shop. It lives on one event loop; every method finishes at once and announces what it changed.

    Methods that a customer or the staff may be denied answer None when done, or the reason in words.
    """

    def __init__(self, seed: ShopSeed, *, clock: Clock, faults: Faults | None = None) -> None:
        self.books: Final = Books(seed, clock)
        self.books.stock.changed = self._level_changed
        self.faults: Final = faults or Faults(randomness(seed.chance))
        self.heard: Callable[[Announcement], None] = _nobody
        self._told: dict[int, bytes] = {}
        self._event_id = new_id()

    def place_order(self, purchase: Purchase) -> PlaceOutcome:
        """A customer buys; refused when too little is `available`, unless the variant or the purchase oversells."""
        self._event_id = new_id()
        outcome = ordering.place(self.books, purchase)
        if isinstance(outcome, Order):
            self._order_changed(
                outcome, "orders/create", *(("orders/paid",) if outcome.financial_status == "paid" else ())
            )
        return outcome

    def cancel_order(
        self, order_id: int, *, reason: str = "customer", restock: bool = True, refund: bool = True
    ) -> str | None:
        """Take back everything that was not sent, and the money unless it stays."""
        self._event_id = new_id()
        order = self.books.orders[order_id]
        refusal = ordering.cancel(self.books, order, reason=reason, restock=restock, refund=refund)
        if refusal is None:
            self._order_changed(order, "orders/cancelled")
        return refusal

    def refund(
        self, order_id: int, unwanted: Sequence[Unwanted], money: Sequence[MoneyBack] = (), *, note: str = ""
    ) -> Refund | NotRefundable:
        """Take units off that were not sent, and give money back."""
        self._event_id = new_id()
        order = self.books.orders[order_id]
        outcome = refunding.refund(self.books, order, unwanted, money, note)
        if isinstance(outcome, Refund):
            self._order_changed(order)
        return outcome

    def pay(self, order_id: int) -> str | None:
        """Capture or receive the whole amount."""
        self._event_id = new_id()
        order = self.books.orders[order_id]
        refusal = ordering.pay(self.books, order)
        if refusal is None:
            self._order_changed(order, "orders/paid")
        return refusal

    def edit_order(
        self, order_id: int, *, remove: Mapping[int, int] | None = None, add: Mapping[str, int] | None = None
    ) -> str | None:
        """Take units off lines (by line id) and add new lines (by SKU)."""
        self._event_id = new_id()
        order = self.books.orders[order_id]
        refusal = ordering.edit(self.books, order, remove=remove or {}, add=add or {})
        if refusal is None:
            self._order_changed(order, "orders/edited")
        return refusal

    def annotate_order(self, order_id: int, note: str) -> None:
        """Staff writes a note: an update that changes nothing that matters."""
        self._event_id = new_id()
        order = self.books.orders[order_id]
        order.note = note
        self._order_changed(order)

    def fulfil(self, wanted: Wanted, tracking: Tracking) -> FulfilOutcome:
        """Send units: fulfilment order id → line id → quantity (None: all that is left)."""
        self._event_id = new_id()
        outcome = fulfilling.fulfil(self.books, wanted, tracking)
        if isinstance(outcome, Fulfillment):
            order = self.books.orders[outcome.order_id]
            body = fulfillment_body(self.books, order, outcome)
            self._announce("fulfillments/create", f"fulfillment/{outcome.id}", body)
            done = order.fulfillment_status == "fulfilled"
            self._order_changed(order, "orders/fulfilled" if done else "orders/partially_fulfilled")
        return outcome

    def begin_action(self) -> None:
        """What is announced from here on is one merchant action and shares one event id."""
        self._event_id = new_id()

    def _order_changed(self, order: Order, *topics: str) -> None:
        self.books.touch(order)
        body = order_body(self.books, order)
        before = self._told.get(order.id)
        for topic in (*topics, "orders/updated"):
            self._announce(topic, f"order/{order.id}", body, before)
        self._told[order.id] = _ENCODER.encode(body)

    def _level_changed(self, level: Level) -> None:
        self._announce("inventory_levels/update", f"level/{level.id}", inventory_level_body(self.books, level))

    def _announce(self, topic: str, resource: str, body: Mapping[str, Json], body_before: bytes | None = None) -> None:
        now = self.books.clock.now()
        self.heard(Announcement(topic, resource, self._event_id, _ENCODER.encode(body), body_before, now))


def _nobody(_announcement: Announcement) -> None:
    """Before the courier listens."""
