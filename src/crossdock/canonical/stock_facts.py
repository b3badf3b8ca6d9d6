"""Facts about goods: what is short, differs, moved or was counted, and the items themselves."""

from datetime import date
from decimal import Decimal
from typing import Final

from crossdock.canonical.base import Code, Document, LocationCode, Moment, Text, check_finite, check_moment
from crossdock.canonical.intents import GoodsLine


class ClaimUnits(Document, frozen=True):
    """Units of one reservation."""

    reservation: Text
    quantity: Decimal

    def __post_init__(self) -> None:
        check_finite(self.quantity, "quantity")


class StockShort(Document, frozen=True, tag="stock.short", tag_field="fact"):
    """Units are promised that are not there: work to re-promise."""

    sku: Code
    location: LocationCode
    short: Decimal
    cause: Text
    losing: tuple[ClaimUnits, ...] = ()
    """Whose units are not there, as promises rank at that moment: who loses first comes first."""

    def __post_init__(self) -> None:
        check_finite(self.short, "short")


class StockCovered(Document, frozen=True, tag="stock.covered", tag_field="fact"):
    """Everything that is promised at a place that was short is there again."""

    sku: Code
    location: LocationCode


class StockLanded(Document, frozen=True, tag="stock.landed", tag_field="fact"):
    """Units became available where somebody waited for them: these claims stand on goods now."""

    sku: Code
    location: LocationCode
    served: tuple[ClaimUnits, ...]


class StockLate(Document, frozen=True, tag="stock.late", tag_field="fact"):
    """What is under way does not bring in time what was promised for a day: these claims wait without one now."""

    sku: Code
    location: LocationCode
    losing: tuple[ClaimUnits, ...]


NOT_BOOKED: Final = ", not booked"
"""Ends the cause of a discrepancy with a count that a person must look at first: `count SYSTEM/DOCUMENT, not booked`."""


class StockDiscrepancy(Document, frozen=True, tag="stock.discrepancy", tag_field="fact"):
    """On-hand and the floor disagree: negative on-hand, or a system of record that says otherwise."""

    sku: Code
    location: LocationCode
    ours: Decimal
    theirs: Decimal
    cause: Text

    def __post_init__(self) -> None:
        check_finite(self.ours, "ours")
        check_finite(self.theirs, "theirs")


class TransferRecorded(Document, frozen=True, tag="stock.transferred", tag_field="fact"):
    """Goods arrived from another own location: one document per arrival, with what arrived."""

    transfer_id: Code
    from_location: LocationCode
    to_location: LocationCode
    transferred_on: date
    lines: tuple[GoodsLine, ...]


class TransferShipped(Document, frozen=True, tag="transfer.shipped", tag_field="fact"):
    """Goods left an own location for another one."""

    transfer_id: Code
    from_location: LocationCode
    to_location: LocationCode
    lines: tuple[GoodsLine, ...]
    due_at: Moment | None = None

    def __post_init__(self) -> None:
        check_moment(self.due_at, "due_at")


class DifferingLine(Document, frozen=True):
    """An item of which something else arrived than left."""

    sku: Code
    shipped: Decimal
    received: Decimal

    def __post_init__(self) -> None:
        check_finite(self.shipped, "shipped")
        check_finite(self.received, "received")


class TransferDiscrepancy(Document, frozen=True, tag="transfer.discrepancy", tag_field="fact"):
    """What arrived of a transfer is not what left, and nothing more is waited for."""

    transfer_id: Code
    from_location: LocationCode
    to_location: LocationCode
    lines: tuple[DifferingLine, ...]


class TransferSettled(Document, frozen=True, tag="transfer.settled", tag_field="fact"):
    """A transfer's difference is explained, or gone."""

    transfer_id: Code
    reason: Text


class CountRecorded(Document, frozen=True, tag="stock.counted", tag_field="fact"):
    """People counted a location; on-hand was set."""

    count_id: Code
    location: LocationCode
    counted_on: date
    lines: tuple[GoodsLine, ...]


class SellingStopped(Document, frozen=True, tag="selling.stopped", tag_field="fact"):
    """Somebody stopped the sale of something: an item, a category, on a channel, from a location. Empty: of all."""

    switch_id: Code
    owner: Text
    reason: Text
    sku: Text = ""
    category: Text = ""
    channel: Text = ""
    location: Text = ""
    until: Moment | None = None

    def __post_init__(self) -> None:
        check_moment(self.until, "until")


class SellingResumed(Document, frozen=True, tag="selling.resumed", tag_field="fact"):
    """Somebody ended a stop."""

    switch_id: Code
    by: Text


class ItemUnknown(Document, frozen=True, tag="item.unknown", tag_field="fact"):
    """Goods moved that no catalogue knows: recorded all the same."""

    sku: Code
    location: LocationCode
    subject: Text


class ItemChanged(Document, frozen=True, tag="item.described", tag_field="fact"):
    """Master data of an item is known or has changed."""

    sku: Code
    name: Text
    active: bool
