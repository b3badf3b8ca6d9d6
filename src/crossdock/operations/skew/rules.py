"""Which times of a document cannot be true yet. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from crossdock.canonical.base import Document
from crossdock.canonical.orders import OrderChanged, OrderPlaced
from crossdock.canonical.receipts import SaleRecorded
from crossdock.canonical.stock import (
    DocumentSeen,
    MovementRecorded,
    ReceiptExpected,
    ShipmentReported,
    StockCounted,
)

AHEAD_MAX: Final = timedelta(hours=24)
"""A time without its zone, or a clock a few hours off, is everyday life; more than a day is a clock that is wrong."""
PAST: Final[Mapping[type[Document], Sequence[str]]] = {
    OrderPlaced: ("placed_at", "updated_at", "cancelled_at"),
    OrderChanged: ("updated_at", "cancelled_at"),
    SaleRecorded: ("ended_at", "business_day"),
    MovementRecorded: ("happened_at",),
    StockCounted: ("as_of",),
    ReceiptExpected: ("revised_at",),
    ShipmentReported: ("shipped_at",),
    DocumentSeen: ("changed_at",),
}
"""The fields that say when something was: due dates and deadlines may lie ahead."""


class Ahead(NamedTuple):
    """A time that lies ahead, and where it stands."""

    field: str
    said: date


def times_of(document: Document) -> Mapping[str, date | None]:
    """When a document says that things happened."""
    return {field: getattr(document, field) for field in PAST.get(type(document), ())}


def ahead(times: Mapping[str, date | None], now: datetime) -> Ahead | None:
    """The first of them that lies further ahead than clocks may differ."""
    latest = now + AHEAD_MAX
    for field, said in times.items():
        if said is not None and said > (latest if isinstance(said, datetime) else latest.date()):
            return Ahead(field, said)
    return None
